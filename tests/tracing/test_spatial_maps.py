"""What is a map, and what only looks like one."""

import keras
import pytest
from keras import layers

from keras_saliency.attribution.model_graph import ModelGraph

SHAPE = (18, 14, 3)


def flattened(*parts):
    """The last convolution, then layers on (n, h*w, c)."""
    return [layers.Conv2D(8, 3, activation="relu", name="conv"), layers.Reshape((-1, 8)), *parts]


class Attention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4)

    def call(self, x):
        return x + self.attention(x, x)


BEHIND_THE_MAPS = {
    "attention": flattened(Attention, layers.GlobalAveragePooling1D),
    "conv1d": flattened(lambda: layers.Conv1D(8, 3), layers.GlobalAveragePooling1D),
}
MAPS = {
    "group_normalization": lambda: layers.GroupNormalization(4, name="last"),
    "dense_on_positions": lambda: layers.Dense(5, name="last"),
    "upsampling": lambda: layers.UpSampling2D(2, name="last"),
    "dilation": lambda: layers.DepthwiseConv2D(3, dilation_rate=2, name="last"),
    "tokens_and_back": lambda: keras.Sequential(
        [layers.Reshape((-1, 8)), layers.Dense(8), layers.Reshape((16, 12, 8), name="last")]
    ),
}


@pytest.mark.parametrize("behind", BEHIND_THE_MAPS)
def test_rank_4_inside_attention_or_conv1d_is_no_map(behind):
    parts = [
        p() if callable(p) and not isinstance(p, layers.Layer) else p
        for p in BEHIND_THE_MAPS[behind]
    ]
    model = keras.Sequential([layers.Input(SHAPE), *parts, layers.Dense(3)])
    assert ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]["layer"] == "conv"


@pytest.mark.parametrize("last", MAPS)
def test_maps_are_followed_through_what_rearranges_them(last):
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
    model = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(8, 3), MAPS[last](), *head])
    assert ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]["layer"] == "last"
