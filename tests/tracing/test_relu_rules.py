"""Which ReLUs are rectified, and which are refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import functional
from helpers.refusals import model_of, refuses
from keras import layers

from keras_saliency import explain
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import DeconvNet

SHAPE = (18, 14, 3)


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, *SHAPE)).astype(np.float32)


def test_relu6_and_leaky_relu_are_rectified(rng):
    images = rng.normal(size=(3, *SHAPE)).astype(np.float32)
    for relu in (
        lambda: layers.ReLU(6.0),
        lambda: layers.LeakyReLU(0.1),
        lambda: layers.ReLU(negative_slope=0.1),
    ):
        model = functional(relu)
        graph = ModelGraph(model, ["deconvnet"], image_shape=SHAPE)
        assert "3 ReLU nodes" in graph.resolved["deconvnet"]["rule"]
        signal = graph.attribute(images, 1, signals_of=range(3))[1]["deconvnet"].signal
        assert np.allclose(
            signal, deconvnet_by_tape(model, relu, images), atol=1e-5 * abs(signal).max()
        )


def deconvnet_by_tape(model, relu, images):
    """The same weights with each activation replaced by one whose gradient is ReLU(signal)."""
    activation = relu()

    @tf.custom_gradient
    def rectified(x):
        return activation(x), tf.nn.relu

    kept = [layer for layer in model.layers if type(layer).__name__ not in ("InputLayer", "Dense")]
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        x = images
        for layer in kept:
            if type(layer).__name__ == "Flatten":
                x = rectified(tf.matmul(layer(x), dense[0].kernel) + dense[0].bias)
                break
            x = (
                rectified(x)
                if "ReLU" in type(layer).__name__ or "re_lu" in layer.name
                else layer(x)
            )
        score = (tf.matmul(x, dense[1].kernel) + dense[1].bias)[:, 1]
    return tape.gradient(score, images)


@pytest.mark.slow
@pytest.mark.versions
def test_gates_of_mobilenet_v3_are_not_rectified(rng):
    keras.backend.clear_session()  # the names of its layers are counted
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(64, 64, 3), classes=3)
    graph = ModelGraph(model, DeconvNet(layer="activation_3"), image_shape=(64, 64, 3))
    assert "gates relu6(x + 3) left as they are" in graph.resolved["deconvnet"]["note"]
    whole = ModelGraph(model, "deconvnet", image_shape=(64, 64, 3))
    assert whole.resolved["deconvnet"]["note"].startswith("28 gates")


def test_deconvnet_without_relu():
    model = model_of(layers.Conv2D(4, 3, activation="gelu"), layers.MaxPooling2D())
    refuses("deconvnet", model, "needs a ReLU to rectify", "none between the image and logits")


class MaximumWithZero(layers.Layer):
    def call(self, x):
        return tf.maximum(x, 0.0)


class HiddenInFunction(layers.Layer):
    @tf.function
    def call(self, x):
        return tf.nn.relu(x)


class HiddenInGradient(layers.Layer):
    def call(self, x):
        @tf.custom_gradient
        def relu(x):
            return tf.nn.relu(x), lambda signal: signal

        return relu(x)


def hand_written(formula):
    def make(name):
        return layers.Lambda(formula, name=name)

    return make


UNREACHABLE = [
    hand_written(lambda x: keras.ops.maximum(x, keras.ops.zeros_like(x))),
    hand_written(lambda x: keras.ops.where(x > 0, x, 0.0)),
    hand_written(lambda x: x * keras.ops.cast(x > 0, "float32")),
    hand_written(lambda x: (x + keras.ops.abs(x)) / 2),
    hand_written(lambda x: -keras.ops.minimum(-x, 0.0)),
    layers.PReLU,
    lambda name: layers.ReLU(threshold=0.5, name=name),
    lambda name: layers.ReLU(max_value=1.0, negative_slope=0.1, name=name),
    MaximumWithZero,
    HiddenInFunction,
    HiddenInGradient,
]


@pytest.mark.parametrize("make", UNREACHABLE)
def test_deconvnet_names_a_relu_that_it_cannot_rectify(make):
    model = model_of(
        layers.Conv2D(4, 3, activation="relu", name="sound"),
        layers.Conv2D(4, 3),
        make(name="odd_one"),
        layers.MaxPooling2D(),
    )
    refuses("deconvnet", model, "cannot reach: odd_one", "PReLU")


def test_relus_behind_the_projected_layer_do_not_matter(rng):
    model = model_of(
        layers.Conv2D(4, 3, activation="relu", name="conv"), layers.PReLU(), layers.MaxPooling2D()
    )
    assert explain(model, rng.normal(size=(2, *SHAPE)), method=DeconvNet(layer="conv")).max() > 0


def test_a_clipped_relu_layer_is_rectified():
    model = model_of(layers.Conv2D(4, 3), layers.ReLU(max_value=1.0), layers.MaxPooling2D())
    resolved = ModelGraph(model, "deconvnet", image_shape=SHAPE).resolved
    assert "1 ReLU nodes" in resolved["deconvnet"]["rule"]
