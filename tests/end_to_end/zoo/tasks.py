"""One small model for each kind of head, input and state that users bring."""

import keras
import numpy as np
import tensorflow as tf
from end_to_end.zoo.entry import NO_LOGITS, NO_POOLING, NO_RELU, UNREACHABLE, Entry

layers = keras.layers
SHAPE = (24, 20, 3)


def _features(x, activation="relu"):
    x = layers.Conv2D(6, 3, activation=activation, name="first")(x)
    return layers.Conv2D(8, 3, activation=activation, name="maps")(layers.MaxPooling2D()(x))


def _headed(*head, shape=SHAPE, before=(), activation="relu", **given):
    """A convolutional network with this head, and these layers before it."""

    def make():
        x = images = keras.Input(shape, **given)
        for make_layer in before:
            x = make_layer()(x)
        x = layers.GlobalAveragePooling2D()(_features(x, activation))
        for make_layer in head or (lambda: layers.Dense(4),):
            x = make_layer()(x)
        return keras.Model(images, x)

    return make


def _joined(join, make_head):
    """The same network with two such heads, joined."""

    def make():
        images = keras.Input(SHAPE)
        pooled = layers.GlobalAveragePooling2D()(_features(images))
        return keras.Model(images, join()([make_head()(pooled) for _ in range(2)]))

    return make


def _changed(change):
    def make():
        model = _headed()()
        change(model)
        return model

    return make


def _segmentation():
    images = keras.Input(SHAPE)
    maps = layers.Conv2D(6, 3, padding="same", activation="relu", name="maps")(images)
    return keras.Model(images, layers.Conv2D(2, 1, activation="softmax")(maps))


def _two_outputs():
    images = keras.Input(SHAPE)
    pooled = layers.GlobalAveragePooling2D()(_features(images))
    heads = {"kind": layers.Dense(4, name="kind")(pooled), "age": layers.Dense(1)(pooled)}
    return keras.Model(images, heads)


def _with_numbers(kind):
    def make():
        images, numbers = keras.Input(SHAPE, name="image"), keras.Input((2,), name="numbers")
        pooled = layers.GlobalAveragePooling2D()(_features(images))
        logits = layers.Dense(4)(layers.Concatenate()([pooled, numbers]))
        given = {"image": images, "numbers": numbers} if kind is dict else [images, numbers]
        return keras.Model(given, logits)

    return make


def _images_and_numbers(kind):
    def draw(shape):
        arrays = {
            "image": np.random.default_rng(0).uniform(0, 1, shape),
            "numbers": np.ones((1, 2)),
        }
        arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        return arrays if kind is dict else list(arrays.values())

    return draw


def _nested():
    inner = keras.Model(images := keras.Input(SHAPE), _features(images))
    outer = keras.Input(SHAPE)
    return keras.Model(outer, layers.Dense(4)(layers.GlobalAveragePooling2D()(inner(outer))))


class _Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Conv2D(6, 3, activation="relu")
        self.pool, self.maps = layers.MaxPooling2D(), layers.Conv2D(8, 3, name="maps")
        self.head = layers.Dense(4)

    def call(self, x):
        x = tf.nn.relu(self.maps(self.pool(self.first(x))))
        return self.head(tf.reduce_mean(x, axis=(1, 2)))


def _signal():
    x = images = keras.Input((200, 3))
    x = layers.MaxPooling1D()(layers.Conv1D(6, 5, activation="relu")(x))
    x = layers.Conv1D(8, 5, activation="relu", name="maps")(x)
    return keras.Model(images, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def _volume():
    x = images = keras.Input((12, 16, 14, 1))
    x = layers.MaxPooling3D()(layers.Conv3D(4, 3, activation="relu")(x))
    x = layers.Conv3D(5, 3, activation="relu", name="maps")(x)
    return keras.Model(images, layers.Dense(4)(layers.GlobalAveragePooling3D()(x)))


def _tied():
    images, shared = keras.Input(SHAPE), layers.Conv2D(6, 3, activation="relu", name="shared")
    x = layers.Conv2D(6, 3, activation="relu")(images)
    x = shared(layers.MaxPooling2D()(shared(x)))
    return keras.Model(images, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def _fake_quantized(x):
    return tf.quantization.fake_quant_with_min_max_args(x, 0, 1)


def _rows_in_turn():
    """The rows of the maps, one after the other, through an LSTM."""
    images = keras.Input(SHAPE)
    maps = _features(images)
    rows = layers.Reshape((maps.shape[1], maps.shape[2] * maps.shape[3]))(maps)
    return keras.Model(images, layers.Dense(4)(layers.LSTM(6)(rows)))


def _frames():
    """Four frames side by side in the channels, each through the same convolutions, then a GRU."""
    images = keras.Input((*SHAPE[:2], 12))
    frames = layers.Permute((3, 1, 2, 4))(layers.Reshape((*SHAPE[:2], 4, 3))(images))
    inner = keras.Model(one := keras.Input(SHAPE), layers.GlobalAveragePooling2D()(_features(one)))
    return keras.Model(
        images, layers.Dense(4)(layers.GRU(8)(layers.TimeDistributed(inner)(frames)))
    )


@tf.custom_gradient
def _own_gradient(x):
    y = tf.nn.relu(x)
    return y, lambda upstream: upstream * tf.cast(x > 0, x.dtype)


@tf.function
def _hidden_relu(x):
    return tf.nn.relu(x)


@tf.function
def _hidden_softmax(x):
    return tf.nn.softmax(x)


def _first_output(outputs, probes):
    return outputs[:, 0]


def _over_mask(outputs, probes):
    return tf.reduce_sum(outputs[:, 4:12, 4:12, 1], axis=(1, 2))


def _similarity(outputs, probes):
    return tf.reduce_sum(tf.math.l2_normalize(outputs, axis=1) * tf.ones(4) / 2, axis=1)


def _freeze(model):
    model.trainable = False


def _half():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return _headed()()
    finally:
        keras.config.set_dtype_policy("float32")


def _dense_only():
    parts = [layers.Flatten(), layers.Dense(8, "relu"), layers.Dense(4)]
    return keras.Sequential([keras.Input(SHAPE), *parts])


def _softmax():
    return layers.Dense(4, "softmax")


def _sigmoid():
    return layers.Dense(1, "sigmoid")


def _task(name, make, layer="maps", deconvnet="", shape=SHAPE, images=None, **ask):
    return Entry(name, make, shape, layer, deconvnet, ask, images)


TASKS = [
    _task("softmax", _headed(_softmax)),
    _task("logits", _headed()),
    _task("one sigmoid unit", _headed(_sigmoid)),
    _task("hard sigmoid", _headed(lambda: layers.Dense(1, "hard_sigmoid"))),
    _task("1 - sigmoid", _headed(_sigmoid, lambda: layers.Rescaling(-1.0, 1.0))),
    _task("average of sigmoids", _joined(layers.Average, _sigmoid)),
    _task("average of softmaxes", _joined(layers.Average, _softmax)),
    _task("sigmoids side by side", _joined(layers.Concatenate, _sigmoid)),
    _task("multi-label", _headed(lambda: layers.Dense(5, "sigmoid"))),
    _task("contrast of two classes", _headed(), target="contrast"),
    _task("regression, ordinal scale", _headed(lambda: layers.Dense(1)), target=_first_output),
    _task("embedding", _headed(), target=_similarity),
    _task("segmentation", _segmentation, target=_over_mask),
    _task("several outputs", _two_outputs, output="kind"),
    _task("several inputs, a dict", _with_numbers(dict), images=_images_and_numbers(dict)),
    _task("several inputs, a list", _with_numbers(list), images=_images_and_numbers(list)),
    _task("grayscale", _headed(shape=(24, 20, 1)), shape=(24, 20, 1)),
    _task("7 channels", _headed(shape=(24, 20, 7)), shape=(24, 20, 7)),
    _task(
        "whole numbers, rescaled in the model",
        _headed(before=[lambda: layers.Rescaling(1 / 255)], dtype="uint8"),
    ),
    _task(
        "channels first, given channels last",
        _headed(before=[lambda: layers.Permute((2, 3, 1))], shape=(3, 24, 20)),
    ),
    _task("any size", _headed(shape=(None, None, 3))),
    _task("signals (length, C)", _signal, shape=(200, 3)),
    _task("volumes (D, H, W, C)", _volume, shape=(12, 16, 14, 1)),
    _task("augmentation inside", _headed(before=[layers.RandomFlip])),
    _task("nested", _nested),
    _task("subclassed", _Subclassed, layer=""),  # its last maps are those of an op
    _task("half precision", _half),
    _task("frozen", _changed(_freeze)),
    _task("LoRA", _changed(lambda model: model.get_layer("maps").enable_lora(2))),
    _task('`quantize("int8")`', _changed(lambda model: model.quantize("int8"))),
    _task('`quantize("float8")`', _changed(lambda model: model.quantize("float8"))),
    _task("quantization-aware", _headed(before=[lambda: layers.Lambda(_fake_quantized)])),
    _task("tied weights", _tied, "shared"),
    _task("an RNN over the maps", _rows_in_turn),
    _task("`TimeDistributed`, then an RNN", _frames, "", shape=(24, 20, 12)),
    _task("`jit_compile`", _changed(lambda model: model.compile(jit_compile=True))),
    _task("`run_eagerly`", _changed(lambda model: model.compile(run_eagerly=True))),
    _task("SiLU, GELU, ELU …", _headed(activation="silu"), deconvnet=NO_RELU),
    _task("PReLU", _headed(activation=None, before=[layers.PReLU]), deconvnet=UNREACHABLE),
    _task(
        "ReLU with a gradient of your own", _headed(activation=_own_gradient), deconvnet=UNREACHABLE
    ),
    _task("ReLU inside a `tf.function`", _headed(activation=_hidden_relu), deconvnet=UNREACHABLE),
    _task("softmax inside a `tf.function`", _headed(lambda: layers.Dense(4, _hidden_softmax))),
    _task(
        "sigmoid inside a loop",
        _headed(lambda: layers.Dense(1), lambda: layers.Lambda(lambda x: tf.map_fn(tf.sigmoid, x))),
        "",
        NO_LOGITS,
    ),
    _task("no convolution", _dense_only, "", NO_POOLING),
]
