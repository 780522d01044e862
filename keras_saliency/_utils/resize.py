"""Maps at another size, and values laid alongside maps."""

import numpy as np


def alongside(values: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Returns one value for each map, (n,), in a shape that goes with the maps', (n, 1, ...)."""
    return values.reshape(-1, *[1] * (maps.ndim - 1))


def resize(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resizes maps linearly, with the centres of pixels at halves and the edges repeated.

    Equals `tf.image.resize` to 3e-8, without TensorFlow.

    Args:
        maps: float32 array (n, h, w); (n, l) for signals, (n, d, h, w) for volumes.
        size: (H, W); (L,) for signals, (D, H, W) for volumes.

    Returns:
        float32 array (n, H, W); `maps` itself if it has that size.
    """
    if maps.shape[1:] == tuple(size):
        return maps
    if len(size) != 2:
        return resize_axis_by_axis(maps, size)
    from keras_saliency._utils.opencv import cv2  # up to 30 times as fast, for images only

    height, width = size
    resized = np.empty((len(maps), height, width), np.float32)
    for one, place in zip(np.asarray(maps, np.float32), resized, strict=True):
        cv2.resize(one, (width, height), place, interpolation=cv2.INTER_LINEAR)
    return resized


def average_by_area(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns maps at a smaller size: each pixel is the mean of the area that it covers.

    So no pixel is skipped, and the mean of a map stays the same.

    Args:
        maps: float32 array (n, h, w); (n, l) for signals, (n, d, h, w) for volumes.
        size: (H, W), no side longer than that of `maps`; (L,) for signals, (D, H, W) for volumes.

    Returns:
        float32 array (n, H, W); `maps` itself if it has that size.
    """
    if maps.shape[1:] == tuple(size):
        return maps
    if len(size) != 2:
        for axis, length in enumerate(size, 1):
            shares = _area_shares(maps.shape[axis], length)
            maps = np.moveaxis(np.tensordot(maps, shares, axes=([axis], [1])), -1, axis)
        return np.asarray(maps, np.float32)
    from keras_saliency._utils.opencv import cv2

    height, width = size
    averaged = np.empty((len(maps), height, width), np.float32)
    for one, place in zip(np.asarray(maps, np.float32), averaged, strict=True):
        cv2.resize(one, (width, height), place, interpolation=cv2.INTER_AREA)
    return averaged


def _area_shares(old: int, new: int) -> np.ndarray:
    """Returns which share of each new pixel each old one covers, float32 (new, old)."""
    edges, low = np.arange(new + 1) * (old / new), np.arange(old)
    covered = np.minimum(edges[1:, None], low + 1) - np.maximum(edges[:-1, None], low)
    return (np.maximum(covered, 0) * (new / old)).astype(np.float32)


def resize_axis_by_axis(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Does the same as `resize` for any number of axes."""
    for axis, length in enumerate(size, 1):
        old = maps.shape[axis]
        place = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
        low = np.floor(place).astype(int)
        share = (place - low).astype(np.float32).reshape(-1, *[1] * (maps.ndim - axis - 1))
        high = np.minimum(low + 1, old - 1)
        maps = maps.take(low, axis) * (1 - share) + maps.take(high, axis) * share
    return maps
