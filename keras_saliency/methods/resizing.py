"""Resizing inside the graph."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_saliency._utils.resize import resize


def resize_maps(maps: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Resizes maps linearly along each axis, as `resize` does outside of it.

    Args:
        maps: float tensor (n, h, w); (n, l) for signals, (n, d, h, w) for volumes.
        size: (H, W), static.

    Returns:
        Float tensor (n, H, W).
    """
    for axis, length in enumerate(size, 1):
        identity = np.eye(maps.shape[axis], dtype=np.float32)
        matrix = tf.constant(resize(identity, (length,)).T, maps.dtype)
        maps = tf.tensordot(maps, matrix, [[axis], [1]])  # the new axis comes last
        order = [*range(axis), maps.shape.rank - 1, *range(axis, maps.shape.rank - 1)]
        maps = tf.transpose(maps, order)
    return maps
