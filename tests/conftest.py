import collections
import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Tensors are small here: of several processes none gains from a second thread. 0 is TensorFlow's
# own choice.
NUM_THREADS = "1" if "PYTEST_XDIST_WORKER" in os.environ else "0"
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", NUM_THREADS)

MOST_PROCESSES = 4  # of about 2 GB each


def pytest_xdist_auto_num_workers(config):
    """Whole folders are spread over processes; files named one by one do not wait for any."""
    if all(".py" in argument for argument in config.args):
        return 0
    return min(os.cpu_count() or 1, MOST_PROCESSES)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that no process ends long after the others."""
    num_slow = collections.Counter(i.path for i in items if i.get_closest_marker("slow"))
    items.sort(key=lambda item: -num_slow[item.path])  # keeps the order within each file


@pytest.fixture(autouse=True)
def seeded():
    import keras

    keras.utils.set_random_seed(7)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True, scope="module")
def cleared_session():
    import keras

    keras.backend.clear_session()  # collects garbage, so not for every test
    # What is left is not looked at again: else each collection searches a million objects for a
    # second, a third of all the time that the tests take.
    gc.freeze()


def run_example(name, tmp_path_factory, *arguments):
    """Returns the log of an example, written by the first process of this session to ask for it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which all processes share
    log_dir, done = folder / f"log_of_{name}", folder / f"done_{name}"
    try:
        log_dir.mkdir()
    except FileExistsError:
        until = time.monotonic() + 300
        while not done.exists():
            assert time.monotonic() < until, f"{name} was not run by another process"
            time.sleep(0.2)
        return log_dir
    example = Path(__file__).resolve().parents[1] / "examples" / name
    command = [sys.executable, example, "--log-dir", log_dir, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    done.touch()
    return log_dir


@pytest.fixture(scope="session")
def quickstart_log(tmp_path_factory):
    """What `examples/quickstart.py` writes: three methods, no alert."""
    pytest.importorskip("skimage")
    return run_example("quickstart.py", tmp_path_factory, "--epochs", "3")


@pytest.fixture(scope="session")
def shortcut_log(tmp_path_factory):
    """What `examples/catch_a_shortcut.py` writes: a run with an alert, and its twin without."""
    pytest.importorskip("skimage")
    return run_example("catch_a_shortcut.py", tmp_path_factory)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def data(rng):
    from helpers.networks import draw_data

    return draw_data(rng)


@pytest.fixture
def probes(data):
    from keras_saliency import ProbeSet

    return ProbeSet(data[0][:6], data[1][:6], class_names=["ant", "bee", "cat", "dog"])
