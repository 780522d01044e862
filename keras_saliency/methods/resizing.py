"""Resizing inside the graph."""

import numpy as np
import tensorflow as tf

from keras_saliency.records import Heatmaps


def resize_maps(maps, size) -> tf.Tensor:
    """Resizes maps linearly along each axis, as `Heatmaps.at_image_size` does.

    Args:
        maps: float tensor (n, h, w); (n, l) of signals, (n, d, h, w) of volumes.
        size: (H, W), static.

    Returns:
        Float tensor (n, H, W).
    """
    for axis, length in enumerate(size, 1):
        identity = np.eye(maps.shape[axis], dtype=np.float32)
        matrix = tf.constant(Heatmaps("", identity, (length,)).at_image_size().T, maps.dtype)
        maps = tf.tensordot(maps, matrix, [[axis], [1]])  # the new axis comes last
        order = [*range(axis), maps.shape.rank - 1, *range(axis, maps.shape.rank - 1)]
        maps = tf.transpose(maps, order)
    return maps
