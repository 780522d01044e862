"""Boxes: where a map is hottest, and which part of an accused area does the work."""

import numpy as np


def window_sums(maps, height: int, width: int) -> np.ndarray:
    """Returns the sum of each map (…, H, W) over each window, (…, H - height + 1, …)."""
    sums = np.zeros((*maps.shape[:-2], maps.shape[-2] + 1, maps.shape[-1] + 1))
    sums[..., 1:, 1:] = np.cumsum(np.cumsum(maps, axis=-2, dtype=np.float64), axis=-1)
    return (
        sums[..., height:, width:]
        - sums[..., :-height, width:]
        - sums[..., height:, :-width]
        + sums[..., :-height, :-width]
    )


def hottest_boxes(maps, height: int, width: int) -> np.ndarray:
    """Returns the window of each map (m, H, W) with the largest sum, int (m, 4); the first if even.

    A NaN counts as 0.
    """
    sums = window_sums(np.nan_to_num(maps), height, width)
    best = sums.reshape(len(sums), -1).argmax(axis=1)
    top, left = np.unravel_index(best, sums.shape[1:])
    return np.stack([top, left, top + height, left + width], axis=1)
