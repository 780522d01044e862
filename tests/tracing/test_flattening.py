"""Models that weigh each position of their maps on its own: Grad-CAM says so, HiResCAM is exact."""

import warnings

import keras
import numpy as np
import pytest
from helpers.events import events_of
from helpers.networks import chain
from keras import layers

from keras_saliency import SaliencyCallback, explain
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import METHODS, GradCAM

SHAPE = (12, 10, 3)


def conv(**options):
    return layers.Conv2D(4, 3, activation="relu", name="conv", **options)


FLATTENED = {
    "Flatten": lambda: [conv(), layers.MaxPooling2D(), layers.Flatten()],
    "Flatten, hidden layer": lambda: [conv(), layers.Flatten(), layers.Dense(5), layers.ReLU()],
    "Reshape": lambda: [conv(), layers.Reshape((10 * 8 * 4,))],
    "Flatten behind BatchNorm and Dropout": lambda: [
        conv(),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Flatten(),
    ],
    "a kernel as large as the maps": lambda: [conv(), layers.Conv2D(5, (10, 8)), layers.Flatten()],
    "nested": lambda: [keras.Sequential([conv(), layers.Flatten()]), layers.Dense(5)],
}
POOLED = {
    "GlobalAveragePooling2D": lambda: [conv(), layers.GlobalAveragePooling2D()],
    "GlobalMaxPooling2D": lambda: [conv(), layers.GlobalMaxPooling2D(), layers.Dense(5)],
    "pooled, then Flatten": lambda: [
        conv(),
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Flatten(),
    ],
    "pooled by AveragePooling2D": lambda: [
        conv(),
        layers.AveragePooling2D((10, 8)),
        layers.Flatten(),
    ],
    "positions in a row": lambda: [conv(), layers.Reshape((80, 4)), layers.GlobalMaxPooling1D()],
}


def graph_of(parts, methods="grad_cam"):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, chain(inputs, [*parts, layers.Dense(3, activation="softmax")]))
    return ModelGraph(model, methods, image_shape=SHAPE)


@pytest.mark.parametrize("name", FLATTENED)
def test_grad_cam_advises_hires_cam_behind_a_vector_of_all_positions(name):
    for method in ("grad_cam", GradCAM(layer="conv")):
        graph = graph_of(FLATTENED[name](), method)
        assert 'methods="hires_cam"' in graph.advice["grad_cam"]
        assert graph.resolved["grad_cam"]["advice"] == graph.advice["grad_cam"]


@pytest.mark.parametrize("name", POOLED)
def test_grad_cam_is_exact_behind_global_pooling(name):
    assert graph_of(POOLED[name]()).advice == {}


def test_methods_that_average_no_gradients_are_not_advised():
    assert set(graph_of(FLATTENED["Flatten"](), list(METHODS)).advice) == {
        "grad_cam",
        "guided_grad_cam",
    }


def test_signals_and_volumes_are_advised_too():
    for convolution, shape in ((layers.Conv1D, (20, 2)), (layers.Conv3D, (6, 6, 6, 1))):
        inputs = keras.Input(shape)
        for last, is_advised in ((layers.Flatten(), True), (None, False)):
            pooling = {2: layers.GlobalAveragePooling1D, 4: layers.GlobalAveragePooling3D}
            parts = [convolution(4, 3), last or pooling[len(shape)](), layers.Dense(3)]
            model = keras.Model(inputs, chain(inputs, parts))
            assert bool(ModelGraph(model, image_shape=shape).advice) is is_advised


@pytest.fixture
def dots():
    """A bright pixel: in the corner for class 0, elsewhere for class 1."""
    images = np.zeros((16, 4, 4, 1), np.float32)
    images[:8, 0, 0] = np.linspace(0.5, 1, 8)[:, None]
    images[range(8, 16), [1, 2, 3, 1, 2, 3, 1, 2], [0, 1, 2, 3, 0, 1, 2, 3]] = 1
    return images, np.arange(16) // 8


@pytest.fixture
def by_position():
    """Right about all `dots`; the weights of class 0 are 1 in the corner and -1 elsewhere."""
    parts = [
        layers.Input((4, 4, 1)),
        layers.Conv2D(1, 1, kernel_initializer="ones", use_bias=False, activation="relu"),
        layers.Flatten(),
        layers.Dense(2, use_bias=False, activation="softmax"),
    ]
    model = keras.Sequential(parts)
    weights = np.where(np.arange(16) == 0, 1.0, -1.0)
    model.layers[-1].kernel.assign(np.stack([weights, -weights], axis=1))
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_empty_maps_of_an_accurate_model_are_explained(dots, by_position):
    images, labels = dots
    assert by_position.evaluate(images, labels, verbose=0)[1] == 1
    with pytest.warns(UserWarning, match='8 of 16 heatmaps are all zero.*methods="hires_cam"'):
        maps = explain(by_position, images, labels)
    # By hand: the mean of the weights of class 0 is -14/16, that of class 1 is 14/16.
    np.testing.assert_allclose(maps[:8], 0)
    np.testing.assert_allclose(maps[8:], 14 / 16 * images[8:, ..., 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exact = explain(by_position, images, labels, "hires_cam")
    np.testing.assert_allclose(exact, images[..., 0])


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam"])
def test_a_fit_is_told_once(dots, by_position, tmp_path, method):
    images, labels = dots
    callback = SaliencyCallback(dots, tmp_path, method, detectors=None, on_error="raise")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        by_position.fit(images, labels, epochs=3, verbose=0, callbacks=[callback])
    told = [str(w.message) for w in caught if "keras.src" not in w.filename]
    is_advised = method == "grad_cam"
    assert sum("hires_cam" in text for text in told) == is_advised
    assert not any("all zero" in text or "dead" in text for text in told)
    is_empty = callback.history.heatmaps(method, 0).max(axis=(1, 2)) == 0
    assert is_empty.mean() == (0.5 if is_advised else 0)
    [(_, _, settings)] = events_of(tmp_path / "saliency")["saliency/settings"]
    assert ("HiResCAM does not average" in str(settings)) is is_advised
