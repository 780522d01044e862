"""Quantized models: the maps are those of the gradients that Keras itself has for them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import chain
from helpers.slow_twins import relative_error
from keras import layers

from keras_saliency import explain
from keras_saliency.attribution.model_graph import ModelGraph

SHAPE = (12, 12, 3)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, *SHAPE)).astype(np.float32)


class FakeQuantized(layers.Layer):
    """As quantization-aware training puts it behind layers: 8 bits, straight-through gradient."""

    def call(self, x):
        return tf.quantization.fake_quant_with_min_max_args(x, -2, 2)


def network(*more):
    keras.utils.set_random_seed(1)
    spread = keras.initializers.RandomUniform(-0.3, 0.5, seed=1)
    parts = [
        *more,
        layers.Conv2D(6, 3, activation="relu", name="conv"),
        *more,
        layers.MaxPooling2D(),
        layers.Dense(6, activation="relu", name="on_maps"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, kernel_initializer=spread),
    ]
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, chain(inputs, parts))


def quantized(mode):
    model = network()
    try:
        model.quantize(mode)
    except (ValueError, NotImplementedError):
        pytest.skip(f"this Keras has no {mode}")
    return model


MODELS = {
    "int8": lambda: quantized("int8"),
    "int4": lambda: quantized("int4"),
    "quantization-aware": lambda: network(FakeQuantized()),
}


@pytest.mark.versions
@pytest.mark.parametrize("name", MODELS)
def test_maps_are_those_of_the_models_own_gradients(images, name):
    model = MODELS[name]()
    graph = ModelGraph(model, ["grad_cam", "vanilla_gradients", "deconvnet"], image_shape=SHAPE)
    assert graph.resolved["grad_cam"]["layer"] == "on_maps"
    predictions, heatmaps = graph.attribute(images, 1)
    logits = model.predict(images, verbose=0)
    np.testing.assert_allclose(predictions.logits, logits, rtol=1e-4, atol=1e-5)

    inner = keras.Model(model.inputs, [model.get_layer("on_maps").output, model.output])
    inputs = tf.constant(images)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        maps, scores = inner(inputs, training=False)
        score = tf.reduce_sum(scores[:, 1])
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
    expected = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))
    assert relative_error(heatmaps["grad_cam"].native, expected.numpy()) < 1e-4
    expected = tf.reduce_max(tf.abs(tape.gradient(score, inputs)), axis=-1)
    assert relative_error(heatmaps["vanilla_gradients"].native, expected.numpy()) < 1e-4
    assert heatmaps["deconvnet"].native.max() > 0


@pytest.mark.versions
def test_float8_is_explained_in_float32_as_half_precision_is(images):
    """Keras rounds the gradients of float8 layers to two bits, and small ones to 0."""
    model, methods = quantized("float8"), ["grad_cam", "vanilla_gradients", "deconvnet"]
    found, expected = (explain(m, images, 1, methods) for m in (model, network()))
    for name in methods:
        np.testing.assert_array_equal(found[name], expected[name])
    assert "float8" in model.get_layer("on_maps").dtype_policy.name
    assert "quantized_call" not in vars(model.get_layer("on_maps"))


def test_int8_of_a_half_precision_model_stays_int8(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = quantized("int8")
    finally:
        keras.config.set_dtype_policy("float32")
    assert "bfloat16" in model.get_layer("on_maps").dtype_policy.name
    found, expected = (explain(m, images, 1, "grad_cam") for m in (model, quantized("int8")))
    assert relative_error(found, expected) < 1e-2


def test_deconvnet_of_int8_is_nearly_that_of_the_same_weights(images):
    found, expected = (explain(m, images, 1, "deconvnet") for m in (quantized("int8"), network()))
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
