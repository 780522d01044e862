"""What is refused, and what the error must say."""

import keras
import pytest
from helpers.networks import SHAPE
from keras import layers

from keras_saliency.attribution.model_graph import ModelGraph


def model_of(*parts, shape=SHAPE):
    return keras.Sequential(
        [layers.Input(shape), *parts, layers.Flatten(), layers.Dense(3, activation="softmax")]
    )


def refuses(methods, model, *telling_parts, shape=SHAPE):
    with pytest.raises(ValueError) as caught:
        ModelGraph(model, methods, image_shape=shape)
    for part in telling_parts:
        assert part in str(caught.value), str(caught.value)
