"""Welch's t from sums."""

import numpy as np
import pytest

from keras_saliency._utils.welch import against_others


def test_each_class_against_all_others(rng):
    values, classes = rng.normal(size=(40, 3)), np.arange(40) % 4
    values[classes == 2] += 1
    of_class = [values[classes == c] for c in range(4)]
    counts = np.full((4, 1), 10)
    sums, squares = (np.stack([(own**p).sum(axis=0) for own in of_class]) for p in (1, 2))
    found = list(against_others(counts, sums, squares, floor=0.01))
    assert len(found) == 4
    for c, (difference, t) in enumerate(found):
        own, others = of_class[c], values[classes != c]
        gap = own.mean(axis=0) - others.mean(axis=0)
        error = np.sqrt(own.var(axis=0) / len(own) + others.var(axis=0) / len(others))
        assert difference == pytest.approx(gap)
        assert t == pytest.approx(gap / (error + 0.01))


def test_one_value_says_nothing():
    counts, sums = np.array([[1], [5]]), np.array([[9.0], [0.0]])
    for difference, t in against_others(counts, sums, sums**2, floor=0.01):
        assert difference == t == 0
