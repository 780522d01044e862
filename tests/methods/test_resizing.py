"""Maps are resized in the graph as outside."""

import numpy as np
import tensorflow as tf

from keras_saliency._utils.resize import resize
from keras_saliency.methods.resizing import resize_maps


def test_maps_are_resized_in_the_graph_as_outside(rng):
    for shape, size in (((2, 4, 5), (11, 9)), ((2, 7), (30,)), ((2, 3, 4, 5), (6, 8, 5))):
        maps = rng.normal(size=shape).astype(np.float32)
        expected = resize(maps, size)
        np.testing.assert_allclose(resize_maps(tf.constant(maps), size), expected, atol=1e-5)
