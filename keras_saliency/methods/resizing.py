"""Resizing inside the graph."""

import numpy as np
import tensorflow as tf


def resize_maps(maps, size) -> tf.Tensor:
    """Resizes maps linearly along each axis, as `Heatmaps.at_image_size` does.

    Args:
        maps: float tensor (n, h, w); (n, l) of signals, (n, d, h, w) of volumes.
        size: (H, W), static.

    Returns:
        Float tensor (n, H, W).
    """
    for axis, length in enumerate(size, 1):
        matrix = tf.constant(_matrix(maps.shape[axis], length), maps.dtype)
        maps = tf.tensordot(maps, matrix, [[axis], [1]])  # the new axis comes last
        order = [*range(axis), maps.shape.rank - 1, *range(axis, maps.shape.rank - 1)]
        maps = tf.transpose(maps, order)
    return maps


def _matrix(old, new):
    """Pixels' centres at halves, edges repeated; float32 (new, old)."""
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    low = np.floor(place).astype(int)
    high, share = np.minimum(low + 1, old - 1), place - low
    matrix = np.zeros((new, old), np.float32)
    rows = np.arange(new)
    np.add.at(matrix, (rows, low), 1 - share)
    np.add.at(matrix, (rows, high), share)
    return matrix
