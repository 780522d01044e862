"""Vision Transformers: tokens folded back into the image's grid, the class token left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback, explain
from keras_saliency.methods import DeconvNet, GradCAM

layers = keras.layers
SHAPE, PATCH, SIZE, GRID = (24, 16, 3), 8, 12, (3, 2)


class ClassToken(layers.Layer):
    """Joins a learned token to the patches, before or after them."""

    def __init__(self, is_last=False, **kwargs):
        super().__init__(**kwargs)
        self.is_last = is_last

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), initializer="random_normal")

    def call(self, patches):
        token = tf.repeat(self.token, tf.shape(patches)[0], axis=0)
        return tf.concat([patches, token] if self.is_last else [token, patches], axis=1)


class FusedAttention(layers.Layer):
    """Two heads, with queries, keys and values out of one dense layer."""

    def build(self, shape):
        self.project = layers.Dense(3 * shape[-1])
        self.project.build(shape)

    def call(self, x):
        num_tokens = x.shape[1]
        parts = tf.reshape(self.project(x), (-1, num_tokens, 3, 2, SIZE // 2))
        q, k, v = tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4)))
        gathered = tf.nn.softmax(q @ tf.transpose(k, (0, 1, 3, 2))) @ v
        return tf.reshape(tf.transpose(gathered, (0, 2, 1, 3)), (-1, num_tokens, SIZE))


def transformer(pooling="token", activation="gelu", is_fused=False, is_last=False):
    images = keras.Input(SHAPE)
    x = layers.Conv2D(SIZE, PATCH, strides=PATCH, name="patches")(images)
    x = layers.Reshape((-1, SIZE))(x)
    if pooling != "mean":
        x = ClassToken(is_last, name="joined")(x)
    for i in range(2):
        attend = FusedAttention() if is_fused else layers.MultiHeadAttention(2, SIZE // 2)
        y = layers.LayerNormalization(name=f"before_attention_{i}")(x)
        x = layers.Add(name=f"attended_{i}")([x, attend(y) if is_fused else attend(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(SIZE, activation=activation, name=f"hidden_{i}")(y)
        x = layers.Add(name=f"block_{i}")([x, layers.Dense(SIZE)(y)])
    x = layers.LayerNormalization(name="last")(x)
    if pooling == "token":
        x = x[:, -1] if is_last else x[:, 0]
    elif pooling == "patches":
        x = layers.GlobalAveragePooling1D()(x[:, 1:])
    else:
        x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(images, layers.Dense(4)(x))


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, *SHAPE)).astype(np.float32)


def grad_cam_of(model, images, layer, first):
    """The formula, patch by patch; `first` is the number of the first of them."""
    inner = keras.Model(model.input, [model.get_layer(layer).output, model.output])
    with tf.GradientTape() as tape:
        tokens, logits = inner(images)
        score = tf.reduce_sum(logits[:, 2])
    gradients, tokens = tape.gradient(score, tokens).numpy(), tokens.numpy()
    found = np.zeros((len(images), *GRID))
    num_patches = GRID[0] * GRID[1]
    for n in range(len(images)):
        alpha = [
            sum(gradients[n, first + p, c] for p in range(num_patches)) / num_patches
            for c in range(SIZE)
        ]
        for p in range(num_patches):
            value = sum(alpha[c] * tokens[n, first + p, c] for c in range(SIZE))
            found[n, p // GRID[1], p % GRID[1]] = max(0, value)
    return found


@pytest.mark.parametrize(
    "settings, layer, first",
    [
        ({}, "before_attention_1", 1),
        ({"is_fused": True}, "before_attention_1", 1),
        ({"is_last": True}, "before_attention_1", 0),
        ({"pooling": "patches"}, "last", 1),
        ({"pooling": "tokens"}, "last", 1),
        ({"pooling": "mean"}, "last", 0),
    ],
    ids=str,
)
def test_the_map_is_that_of_the_formula_on_the_patches(images, settings, layer, first):
    model = transformer(**settings)
    graph = ModelGraph(model, "grad_cam", image_shape=SHAPE)
    _, heatmaps = graph.attribute(images, 2)
    assert graph.resolved["grad_cam"]["layer"] == layer
    native = heatmaps["grad_cam"].native
    expected = grad_cam_of(model, images, layer, first)
    assert expected.max() > 0
    np.testing.assert_allclose(native, expected, rtol=1e-3, atol=1e-6)


def test_the_settings_say_what_became_of_the_tokens():
    note = ModelGraph(transformer(), "grad_cam", image_shape=SHAPE).resolved["grad_cam"]["note"]
    assert note == "tokens folded into 3x2, 1 without a place left out"
    graph = ModelGraph(transformer("mean"), "grad_cam", image_shape=SHAPE)
    assert graph.resolved["grad_cam"]["note"] == "tokens folded into 3x2"


@pytest.mark.parametrize("layer", ["joined", "before_attention_0", "hidden_0", "block_0"])
def test_a_layer_with_tokens_can_be_named(images, layer):
    model = transformer()
    graph = ModelGraph(model, GradCAM(layer=layer), image_shape=SHAPE)
    native = graph.attribute(images, 2)[1]["grad_cam"].native
    np.testing.assert_allclose(native, grad_cam_of(model, images, layer, 1), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("layer", ["attended_1", "hidden_1", "block_1", "last"])
def test_a_layer_of_which_the_class_token_alone_is_read_is_refused(layer):
    with pytest.raises(ValueError, match='reads the class token only.*"before_attention_1"'):
        ModelGraph(transformer(), GradCAM(layer=layer), image_shape=SHAPE)
    ModelGraph(transformer("tokens"), GradCAM(layer=layer), image_shape=SHAPE)


@pytest.mark.parametrize("layer", [None, "block_1", "hidden_0"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_deconvnet_is_refused(activation, layer):
    method = DeconvNet() if layer is None else DeconvNet(layer=layer)
    with pytest.raises(ValueError, match="DeconvNet.*(attention|tokens of a transformer)"):
        ModelGraph(transformer("mean", activation), method, image_shape=SHAPE)


def test_a_class_token_that_nothing_is_gathered_into_has_no_map():
    images = keras.Input(SHAPE)
    x = layers.Reshape((-1, SIZE))(layers.Conv2D(SIZE, PATCH, strides=PATCH)(images))
    outputs = layers.Dense(4)(ClassToken()(x)[:, 0])
    with pytest.raises(ValueError, match=r"^GradCAM\(\)"):
        ModelGraph(keras.Model(images, outputs), "grad_cam", image_shape=SHAPE)


def test_maps_that_are_only_reshaped_before_pooling_stay_maps(images):
    inputs = keras.Input(SHAPE)
    maps = layers.Conv2D(SIZE, 3, activation="relu", name="maps")(inputs)
    pooled = layers.GlobalAveragePooling1D()(layers.Reshape((-1, SIZE))(maps))
    graph = ModelGraph(keras.Model(inputs, layers.Dense(4)(pooled)), "grad_cam", image_shape=SHAPE)
    assert graph.resolved["grad_cam"]["layer"] == "maps"


def test_explain_and_the_callback_take_a_transformer(images, tmp_path):
    model = transformer()
    maps = explain(model, images, 1)
    assert maps.shape == (3, *SHAPE[:2]) and np.isfinite(maps).all()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    labels = np.arange(3)
    callback = SaliencyCallback(ProbeSet(images, labels), tmp_path, on_error="raise")
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[callback])
    assert callback.history.heatmaps("grad_cam", 0).shape == (3, *GRID)
