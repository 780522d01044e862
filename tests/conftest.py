import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import pytest

SHAPE = (18, 14, 3)
ALL_METHODS = ["grad_cam", "vanilla_gradients", "deconvnet"]


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


def small_cnn(input_shape=SHAPE, num_classes=4, activation="softmax"):
    """The network of `slow_twins.Twin`, with random biases so that no ReLU hides."""
    model = keras.Sequential(
        [
            keras.layers.Input(input_shape),
            keras.layers.Conv2D(5, 3, activation="relu", name="conv_1"),
            keras.layers.MaxPooling2D(name="pool_1"),
            keras.layers.Conv2D(6, 3, activation="relu", name="conv_2"),
            keras.layers.MaxPooling2D(name="pool_2"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(8, activation="relu", name="dense_1"),
            keras.layers.Dense(num_classes, activation=activation, name="dense_2"),
        ]
    )
    randomize(model)
    return model


def randomize(model, seed=3):
    """Gives every weight a random value of a size that keeps signals alive."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if not str(weight.dtype).startswith("float"):
            continue
        value = np.array(weight)
        if value.ndim > 1:
            fan_in = np.prod(value.shape[:-1])
            weight.assign(rng.normal(scale=np.sqrt(2 / fan_in), size=value.shape))
        elif "variance" in weight.path or "gamma" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, size=value.shape))
        else:
            weight.assign(rng.normal(scale=0.1, size=value.shape))
    return model


def relative_error(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape and np.abs(b).max() > 0
    return np.abs(a - b).max() / np.abs(b).max()
