"""A small network whose ReLUs all matter, and weights that keep signals alive."""

import keras
import numpy as np
from keras import layers

SHAPE = (18, 14, 3)
ALL_METHODS = ["grad_cam", "vanilla_gradients", "deconvnet"]


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


def draw_data(rng):
    """Images and labels that fit `small_cnn`."""
    return rng.uniform(size=(40, *SHAPE)).astype(np.float32), rng.integers(0, 4, 40)


def stack(relu=lambda: layers.ReLU(), convolution=lambda n: layers.Conv2D(n, 3)):
    return [
        convolution(5),
        relu(),
        layers.MaxPooling2D(),
        convolution(6),
        relu(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(8),
        relu(),
        layers.Dense(4, activation="softmax"),
    ]


def chain(x, parts):
    for part in parts:
        x = part(x)
    return x


def functional(relu=lambda: layers.ReLU()):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, chain(inputs, stack(relu)))
