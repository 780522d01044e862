"""A training whose log is read, and a browser for each file that looks at the tab."""

import keras
import numpy as np
import pytest
from helpers.browser import chromium
from helpers.networks import SHAPE, small_cnn

from keras_saliency import ProbeSet, SaliencyCallback


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    with chromium(tmp_path_factory.mktemp("profile"), downloads=downloads) as driver:
        yield driver


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A real training: its log directory and its history."""
    log_dir = tmp_path_factory.mktemp("logs")
    rng = np.random.default_rng(3)
    images = rng.uniform(size=(24, *SHAPE)).astype(np.float32)
    labels = rng.integers(0, 4, 24)
    probes = ProbeSet(images[:6], labels[:6], groups=list("ababab"), class_names=list("wxyz"))
    model = small_cnn()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = SaliencyCallback(probes, log_dir, methods=["vanilla_gradients", "grad_cam"])
    board = keras.callbacks.TensorBoard(log_dir)
    model.fit(images, labels, epochs=3, verbose=0, callbacks=[callback, board])
    callback.close()
    return log_dir, callback.history, probes
