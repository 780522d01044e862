"""Resizing maps inside the graph, and laying them over the image."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_saliency._utils.resize import resize
from keras_saliency.tracing.geometry.placement import Placement, is_mirrored


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
        maps = _along_axis(maps, axis, resize(identity, (length,)).T)
    return maps


def place_maps(maps: tf.Tensor, placement: Placement | None, size: Sequence[int]) -> tf.Tensor:
    """Lays maps over the image.

    Args:
        maps: float tensor (n, h, w), as a layer holds them.
        placement: where they belong; None where they cover the image from end to end.
        size: (H, W) of the image, static.

    Returns:
        Float tensor (n, h, w) or (n, w, h) where the image is only mirrored or transposed,
        otherwise (n, H, W).
    """
    if placement is None:
        return maps
    order = [0, *(1 + i for parts in placement.order for i in parts)]
    maps = tf.transpose(tf.reshape(maps, (-1, *placement.parts)), order)
    maps = tf.reshape(maps, (-1, *placement.sizes))
    if placement.is_turned_only:
        mirrored = [axis for axis, along in enumerate(placement.axes, 1) if is_mirrored(along)]
        return tf.reverse(maps, mirrored)
    for axis, length in enumerate(size):
        maps = _along_axis(maps, axis + 1, placement.matrix(axis, length))
    return maps


def _along_axis(maps: tf.Tensor, axis: int, matrix: np.ndarray) -> tf.Tensor:
    """Multiplies maps along an axis by a matrix (new, old)."""
    maps = tf.tensordot(maps, tf.constant(matrix, maps.dtype), [[axis], [1]])  # it comes last
    order = [*range(axis), maps.shape.rank - 1, *range(axis, maps.shape.rank - 1)]
    return tf.transpose(maps, order)
