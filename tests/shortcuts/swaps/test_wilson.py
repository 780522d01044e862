"""Bounds of a share."""

import math

import pytest

from keras_saliency.shortcuts.swaps import (
    wilson_bounds,
)


def test_wilson_bounds_are_where_the_score_test_just_rejects():
    assert wilson_bounds(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_bounds(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson_bounds(1, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert wilson_bounds(0.5, 0) == (0, 1)
    for share, count in ((0.3, 7), (0.62, 400)):
        for bound in wilson_bounds(share, count):
            z = abs(share - bound) / math.sqrt(bound * (1 - bound) / count)
            assert z == pytest.approx(1.96)
