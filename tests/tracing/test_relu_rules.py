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


CAPPED = {
    "ReLU(5.9)": (5.9, lambda x: layers.ReLU(5.9)(x)),
    "ReLU(6)": (6.0, lambda x: layers.ReLU(6)(x)),
    "ReLU(6.1)": (6.1, lambda x: layers.ReLU(6.1)(x)),
    "relu(max_value=6)": (6.0, lambda x: keras.activations.relu(x, max_value=6)),
    "activations.relu6": (6.0, keras.activations.relu6),
    "tf.nn.relu6": (6.0, tf.nn.relu6),
    "ops.relu6": (6.0, keras.ops.relu6),
    "ops.clip": (6.0, lambda x: keras.ops.clip(keras.ops.relu(x), 0, 6)),
    "tf.minimum": (6.0, lambda x: tf.minimum(6.0, tf.nn.relu(x))),
    "ReLU(1)": (1.0, lambda x: layers.ReLU(1)(x)),
}


def capped_net(activation):
    relu = layers.Lambda(activation, output_shape=lambda shape: shape)
    keras.utils.set_random_seed(1)
    kernel = keras.initializers.RandomNormal(stddev=1.0, seed=3)
    parts = [
        layers.Input(SHAPE),
        layers.Conv2D(6, 3, kernel_initializer=kernel),
        relu,
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(3),
    ]
    return keras.Sequential(parts)


@pytest.mark.versions
@pytest.mark.parametrize("name", CAPPED)
def test_a_cap_is_part_of_its_relu(images, name):
    cap, activation = CAPPED[name]

    def gradients(rule):
        @tf.custom_gradient
        def ruled(x):
            return tf.clip_by_value(x, 0, cap), lambda signal: rule(x, tf.nn.relu(signal))

        inputs = tf.constant(3 * images)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            score = tf.reduce_sum(capped_net(ruled)(inputs)[:, 1])
        return tf.reduce_max(tf.abs(tape.gradient(score, inputs)), -1)

    def where_it_is_not_flat(x, signal):
        return tf.where((x > 0) & (x < cap), signal, 0)

    found = explain(capped_net(activation), 3 * images, 1, ["deconvnet", "guided_backprop"])
    expected = gradients(lambda x, signal: signal)
    np.testing.assert_allclose(found["deconvnet"], expected, atol=1e-5 * np.max(expected))
    expected = gradients(where_it_is_not_flat)
    np.testing.assert_allclose(found["guided_backprop"], expected, atol=1e-5 * np.max(expected))


@pytest.mark.parametrize("cap", [5.9, 6, 6.1])
def test_no_cap_makes_deconvnet_depend_on_the_image(cap):
    model = model_of(layers.Conv2D(4, 3), layers.ReLU(cap), layers.AveragePooling2D(2))
    refuses("deconvnet", model, "same map for every image")


def test_a_minimum_that_caps_no_relu_keeps_its_derivative(images):
    def model(cap):
        parts = [
            layers.Conv2D(4, 3),
            layers.ReLU(),
            layers.MaxPooling2D(),
            cap,
            layers.Conv2D(4, 3, activation="relu"),
        ]
        return model_of(*parts)

    keras.utils.set_random_seed(1)
    by_minimum = model(layers.Lambda(lambda x: keras.ops.minimum(x, keras.ops.flip(x, axis=1))))
    by_where = model(
        layers.Lambda(lambda x: keras.ops.where(x <= x[:, ::-1], x, keras.ops.flip(x, axis=1)))
    )
    by_where.set_weights(by_minimum.get_weights())
    methods = ["vanilla_gradients", "deconvnet", "guided_backprop"]
    found, expected = (explain(m, images, 1, methods) for m in (by_minimum, by_where))
    for name in methods:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-7)


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
