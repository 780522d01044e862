"""Welch's t of each class against all others, from sums: images need not be in memory at once."""

from collections.abc import Iterator

import numpy as np


def against_others(
    counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, floor: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields how far each class's mean is from that of all others, and Welch's t of that.

    Args:
        counts: (k, ...), how many values each class has; broadcasts to the shape of `sums`.
        sums: (k, ...), of the values.
        squares: (k, ...), of their squares.
        floor: added to the standard error, since constant values differ by nothing.

    Yields:
        For each class difference and t, two arrays (...); 0.0 where the class or the others have
        fewer than two values.
    """
    everything = [part.sum(axis=0) for part in (counts, sums, squares)]
    for own in zip(counts, sums, squares, strict=True):
        others = [whole - part for whole, part in zip(everything, own, strict=True)]
        means, variances = [], []
        for number, total, square in (own, others):
            at_least_one = np.maximum(number, 1)
            mean = total / at_least_one
            means.append(mean)
            variances.append(np.maximum(square / at_least_one - mean**2, 0) / at_least_one)
        is_seen = (own[0] > 1) & (others[0] > 1)
        difference = np.where(is_seen, means[0] - means[1], 0.0)
        yield difference, difference / (np.sqrt(sum(variances)) + floor)
