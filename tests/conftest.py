import os
import subprocess
import sys
from pathlib import Path

from helpers.networks import SHAPE

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(7)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True, scope="module")
def cleared_session():
    keras.backend.clear_session()  # takes a fifth of a second, so not for every test


def run_example(name, log_dir, *arguments):
    """Writes the log of an example."""
    example = Path(__file__).resolve().parents[1] / "examples" / name
    subprocess.run(
        [sys.executable, example, "--log-dir", log_dir, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return log_dir


@pytest.fixture(scope="session")
def quickstart_log(tmp_path_factory):
    """What `examples/quickstart.py` writes: three methods, no alert."""
    pytest.importorskip("skimage")
    return run_example("quickstart.py", tmp_path_factory.mktemp("logs"), "--epochs", "3")


@pytest.fixture(scope="session")
def shortcut_log(tmp_path_factory):
    """What `examples/catch_a_shortcut.py` writes: a run with an alert, and its twin without."""
    pytest.importorskip("skimage")
    return run_example("catch_a_shortcut.py", tmp_path_factory.mktemp("logs"))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def data(rng):
    """Images and labels that fit `small_cnn`."""
    return rng.uniform(size=(40, *SHAPE)).astype(np.float32), rng.integers(0, 4, 40)


@pytest.fixture
def probes(data):
    from keras_saliency import ProbeSet

    return ProbeSet(data[0][:6], data[1][:6])
