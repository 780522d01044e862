"""Filters that work axis by axis, so that they hold for signals, images and volumes alike."""

from collections.abc import Callable, Iterable

import numpy as np

from keras_saliency._utils.opencv import cv2


def gaussian(arrays: np.ndarray, axes: Iterable[int], deviation: float) -> np.ndarray:
    """Returns float arrays blurred along some axes, mirrored at the ends with the last sample."""
    size = 1, round(8 * deviation + 1) | 1  # four deviations to each side
    return _along(
        arrays,
        axes,
        lambda rows: cv2.GaussianBlur(
            rows, size, 1, sigmaY=deviation, borderType=cv2.BORDER_REFLECT
        ),
    )


def box_mean(arrays: np.ndarray, axes: Iterable[int], size: int) -> np.ndarray:
    """Returns float arrays averaged over `size` along some axes, mirrored without the last."""
    return _along(arrays, axes, lambda rows: cv2.blur(rows, (1, size)))


def box_any(masks: np.ndarray, axes: Iterable[int], num_more: int) -> np.ndarray:
    """Returns bool arrays grown by some samples to each side of some axes."""
    kernel = np.ones((2 * num_more + 1, 1), np.uint8)
    return _along(masks.astype(np.uint8), axes, lambda rows: cv2.dilate(rows, kernel)) > 0


def _along(
    arrays: np.ndarray, axes: Iterable[int], filter_rows: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Applies a filter of columns of (length, many) to each axis in turn."""
    if not arrays.size:  # which OpenCV refuses
        return arrays
    for axis in axes:
        first = np.moveaxis(arrays, axis, 0)
        rows = np.ascontiguousarray(first.reshape(len(first), -1))
        arrays = np.moveaxis(filter_rows(rows).reshape(first.shape), 0, axis)
    return arrays
