"""Trained networks that ship inside packages, and where those lie."""

import importlib.util
from pathlib import Path

import keras
import pytest

layers = keras.layers

CATS = range(281, 286)  # of ImageNet: tabby, tiger cat, Persian, Siamese, Egyptian
ESPRESSO = 967
BLOCKS = (  # of EfficientNet-Lite0: kernel, step, expansion, repeats
    *((3, 1, 1, 1), (3, 2, 6, 2), (5, 2, 6, 2), (3, 2, 6, 3)),
    *((5, 1, 6, 3), (5, 2, 6, 4), (3, 1, 6, 1)),
)


def folder_of(package):
    spec = importlib.util.find_spec(package)
    if spec is None:
        pytest.skip(f"needs the package {package}")
    return Path(spec.submodule_search_locations[0])


def lite0(weights):
    """EfficientNet-Lite0 in Keras, with the weights of torch's state, by its names."""

    def array(name):
        return weights[name].numpy()

    def normalized(x, name, is_active=True):
        layer = layers.BatchNormalization(epsilon=1e-3)
        x = layer(x)
        parts = ("weight", "bias", "running_mean", "running_var")
        layer.set_weights([array(f"{name}.{part}") for part in parts])
        return layers.ReLU(6)(x) if is_active else x

    def convolved(x, name, **given):
        kernel = array(f"{name}.weight").transpose(2, 3, 1, 0)
        layer = layers.Conv2D(
            kernel.shape[-1], kernel.shape[0], padding="same", use_bias=False, **given
        )
        x = layer(x)
        layer.set_weights([kernel])
        return x

    x = images = keras.Input((224, 224, 3))
    x = normalized(convolved(x, "_conv_stem", strides=2), "_bn0")
    number = 0
    for size, step, expansion, repeats in BLOCKS:
        for repeat in range(repeats):
            before, block = x, f"_blocks.{number}."
            if expansion > 1:
                x = normalized(convolved(x, f"{block}_expand_conv"), f"{block}_bn0")
            layer = layers.DepthwiseConv2D(
                size, strides=1 if repeat else step, padding="same", use_bias=False
            )
            x = layer(x)
            layer.set_weights([array(f"{block}_depthwise_conv.weight").transpose(2, 3, 0, 1)])
            x = normalized(x, f"{block}_bn1")
            x = normalized(convolved(x, f"{block}_project_conv"), f"{block}_bn2", is_active=False)
            x = layers.Add()([x, before]) if repeat else x
            number += 1
    x = layers.Activation("linear", name="top")(normalized(convolved(x, "_conv_head"), "_bn1"))
    dense = layers.Dense(1000)
    model = keras.Model(images, dense(layers.GlobalAveragePooling2D()(x)))
    dense.set_weights([array("_fc.weight").T, array("_fc.bias")])
    return model
