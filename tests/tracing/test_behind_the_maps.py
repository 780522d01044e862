"""What may lie between the last maps and the score: loops, Fourier transforms, functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import chain
from helpers.refusals import refuses
from helpers.slow_twins import relative_error
from keras import layers

from keras_saliency import explain
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import GradCAM

SHAPE = (16, 16, 3)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, *SHAPE)).astype(np.float32)


class Own(layers.Layer):
    """A layer of a function, which returns (n, k) unless `shape` says otherwise."""

    def __init__(self, function, shape=(4,), **options):
        super().__init__(**options)
        self.function, self.shape = function, shape

    def call(self, x):
        return self.function(x)

    def compute_output_shape(self, _):
        return (None, *self.shape)


def conv(name="conv", **options):
    return layers.Conv2D(
        4, 3, padding="same", activation="relu", bias_initializer="ones", name=name, **options
    )


def dense():
    return layers.Dense(3, kernel_initializer=keras.initializers.RandomUniform(0, 1, seed=1))


def recurrent(*parts):
    return [layers.Permute((2, 1, 3)), layers.Reshape((16, 64)), *parts, dense()]


def weights():
    return {"kernel_initializer": keras.initializers.RandomUniform(-0.5, 0.5, seed=4)}


def means(maps):
    return tf.reduce_mean(maps, (1, 2))


def spectrum(maps):
    return tf.abs(tf.signal.fft2d(tf.cast(tf.transpose(maps, (0, 3, 1, 2)), tf.complex64)))


def low_pass(maps):
    frequencies = tf.signal.fft2d(tf.cast(tf.transpose(maps, (0, 3, 1, 2)), tf.complex64))
    kept = frequencies * tf.cast(tf.exp(-tf.range(16.0) / 8), tf.complex64)
    return tf.math.abs(tf.signal.ifft2d(kept))


def running_mean(maps):
    start = tf.zeros((tf.shape(maps)[0], 4))
    rows = tf.reduce_mean(tf.transpose(maps, (1, 0, 2, 3)), 2)
    return tf.scan(lambda last, row: last / 2 + row, rows, start)[-1]


def collected(maps):
    rows = tf.TensorArray(tf.float32, 16).unstack(tf.transpose(maps, (1, 0, 2, 3)))
    return tf.reduce_mean(rows.stack(), (0, 2))


@tf.custom_gradient
def with_its_own_gradient(maps):
    return means(maps), lambda signal: tf.broadcast_to(signal[:, None, None], tf.shape(maps))


RESTS = {
    "LSTM": lambda: recurrent(layers.LSTM(5, **weights())),
    "GRU": lambda: recurrent(layers.GRU(5, **weights())),
    "SimpleRNN, sequences": lambda: recurrent(
        layers.SimpleRNN(5, return_sequences=True, **weights()), layers.GlobalMaxPooling1D()
    ),
    "unrolled": lambda: recurrent(layers.LSTM(5, unroll=True, **weights())),
    "bidirectional": lambda: recurrent(layers.Bidirectional(layers.GRU(3, **weights()))),
    "map_fn": lambda: [
        Own(lambda maps: tf.map_fn(lambda m: tf.reduce_mean(m, (0, 1)), maps)),
        dense(),
    ],
    "scan": lambda: [Own(running_mean), dense()],
    "TensorArray": lambda: [Own(collected), dense()],
    "branch": lambda: [
        Own(
            lambda maps: tf.cond(tf.reduce_sum(maps) > 0, lambda: means(maps), lambda: -means(maps))
        ),
        dense(),
    ],
    "tf.function": lambda: [Own(tf.function(means)), dense()],
    "Fourier": lambda: [Own(spectrum, (4, 16, 16)), layers.Flatten(), dense()],
    "Fourier and back": lambda: [Own(low_pass, (4, 16, 16)), layers.Flatten(), dense()],
    "custom gradient": lambda: [Own(with_its_own_gradient), dense()],
    "remat": lambda: [Own(lambda maps: tf.recompute_grad(lambda m: means(m**2))(maps)), dense()],
}


def tape_cam(first, rest, images, target):
    """Grad-CAM from `first`: images to maps, and `rest`: maps to logits."""
    maps = tf.convert_to_tensor(first(images))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        score = tf.reduce_sum(rest(maps)[:, target])
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
    sums = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[..., None]
    return tf.image.resize(sums, images.shape[1:3]).numpy()[..., 0]


SLOW = {"LSTM", "SimpleRNN, sequences", "unrolled", "bidirectional"}


@pytest.mark.versions
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in RESTS]
)
def test_the_maps_before_it_are_found(images, name):
    keras.utils.set_random_seed(2)
    first, rest = conv(), RESTS[name]()
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, chain(first(inputs), rest))
    expected = tape_cam(first, lambda maps: chain(maps, rest), images, 1)
    assert expected.max() > 0
    assert relative_error(explain(model, images, 1), expected) < 1e-4


def saved(model, folder):
    model.export(str(folder), verbose=False)
    return layers.TFSMLayer(str(folder), call_endpoint="serve", name="saved")


def test_maps_that_a_saved_model_returns(images, tmp_path):
    body = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, activation="relu")])
    inputs, rest = keras.Input(SHAPE), [layers.GlobalAveragePooling2D(), dense()]
    model = keras.Model(inputs, chain(saved(body, tmp_path)(inputs), rest))
    expected = tape_cam(body, lambda maps: chain(maps, rest), images, 1)
    assert relative_error(explain(model, images, 1), expected) < 1e-4
    assert ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]["layer"] == "saved"


def test_a_saved_model_that_keeps_its_maps_to_itself(tmp_path):
    parts = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    body = keras.Sequential([keras.Input(SHAPE), *parts])
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, dense()(saved(body, tmp_path)(inputs)))
    refuses("grad_cam", model, '"saved" cannot be reached', "SavedModel", "occlusion", shape=SHAPE)


@pytest.mark.parametrize("mode", ["full", "activations"])
def test_layers_of_a_remat_scope_are_explained_as_without_it(images, mode):
    if not hasattr(keras, "RematScope"):
        pytest.skip("this Keras has no RematScope")

    def make():
        inputs = keras.Input(SHAPE)
        parts = [conv(), layers.MaxPooling2D(), conv("last"), layers.Flatten(), dense()]
        return keras.Model(inputs, chain(inputs, parts))

    plain = make()
    with keras.RematScope(mode=mode):
        model = make()
    modes = [layer._remat_mode for layer in model.layers]
    assert modes[1] is not None
    model.set_weights(plain.get_weights())
    methods = ["guided_grad_cam", "deconvnet", "score_cam"]
    found, expected = (explain(m, images, 1, methods) for m in (model, plain))
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])
    assert [layer._remat_mode for layer in model.layers] == modes


class Inside(layers.Layer):
    """A convolution and its pooling, called by `caller`."""

    def __init__(self, caller):
        super().__init__(name="around")
        self.caller = caller
        self.parts = [conv("inner"), layers.GlobalAveragePooling2D()]

    def build(self, shape):
        self.parts[0].build(shape)

    def call(self, x):
        return self.caller(lambda y: chain(y, self.parts), x)

    def compute_output_shape(self, shape):
        return (shape[0], 4)


CALLERS = {
    "tf.function": lambda function, x: tf.function(function)(x),
    "map_fn": lambda function, x: tf.map_fn(lambda one: function(one[None])[0], x),
    "branch": lambda function, x: tf.cond(
        tf.size(x) > 0, lambda: function(x), lambda: -function(x)
    ),
    "remat": lambda function, x: tf.recompute_grad(function)(x),
}


@pytest.mark.parametrize("name", CALLERS)
def test_layers_inside_of_functions(name):
    def model(*before):
        inputs = keras.Input(SHAPE)
        return keras.Model(inputs, chain(inputs, [*before, Inside(CALLERS[name]), dense()]))

    refuses("grad_cam", model(), 'inside "around" cannot be reached', "outside", shape=SHAPE)
    resolved = ModelGraph(model(conv()), image_shape=SHAPE).resolved["grad_cam"]
    assert resolved["layer"] == "conv"
    assert resolved["note"] == 'later convolutions inside "around" are hidden'
    said = "keras.RematScope" if name == "remat" else "inside a tf.function, a loop or a branch"
    refuses(GradCAM(layer="inner"), model(), said, shape=SHAPE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Activation("linear", name="same"),
        lambda: layers.Dropout(0.5, name="same"),
        lambda: layers.GaussianNoise(0.1, name="same"),
        lambda: layers.Identity(name="same"),
        lambda: layers.Rescaling(1.0, name="same"),
    ],
)
def test_a_layer_at_the_input_that_changes_nothing(images, make):
    keras.utils.set_random_seed(2)
    first, rest = conv(), [layers.Flatten(), dense()]
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, chain(make()(inputs), [first, *rest]))
    expected = tape_cam(first, lambda maps: chain(maps, rest), images, 1)
    assert relative_error(explain(model, images, 1), expected) < 1e-4
    at_input = tape_cam(lambda x: x, lambda x: chain(x, [first, *rest]), images, 1)
    assert at_input.max() > 0
    assert relative_error(explain(model, images, 1, GradCAM(layer="same")), at_input) < 1e-4


class Tiles(keras.Model):
    """Four tiles of each image go through the convolution as four images."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.head = conv(), layers.GlobalAveragePooling2D(), dense()

    def call(self, x):
        tiles = keras.ops.transpose(keras.ops.reshape(x, (-1, 2, 8, 2, 8, 3)), (0, 1, 3, 2, 4, 5))
        pooled = self.pool(self.conv(keras.ops.reshape(tiles, (-1, 8, 8, 3))))
        return self.head(keras.ops.mean(keras.ops.reshape(pooled, (-1, 4, 4)), axis=1))


def test_maps_of_tiles_have_no_place_in_the_image(images):
    model = Tiles()
    model(images)
    for method in ("grad_cam", GradCAM(layer="conv")):
        refuses(method, model, "tiles or frames", "into the batch axis", shape=SHAPE)
    assert explain(model, images, 1, "vanilla_gradients").max() > 0
