"""`spread_evenly`: some of many."""

import numpy as np
import pytest

from keras_saliency._utils.spread import spread_evenly


@pytest.mark.parametrize(
    ("length", "most", "expected"),
    [
        (9, 3, [0, 4, 8]),
        (10, 4, [0, 3, 6, 9]),
        (5, 1, [0]),
        (1, 8, [0]),
        (3, 8, [0, 1, 2]),
        (200, 2, [0, 199]),
    ],
)
def test_the_first_and_the_last_are_among_them(length, most, expected):
    np.testing.assert_array_equal(spread_evenly(length, most), expected)


def test_as_many_are_chosen_as_are_wanted():
    for most in range(2, 40):
        chosen = spread_evenly(40, most)
        assert len(chosen) == most
        assert np.diff(chosen).max() - np.diff(chosen).min() <= 1
