"""The range that edited pixels keep."""

import numpy as np
import pytest

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import ValueRange


@pytest.mark.parametrize(
    "images, given, low, high",
    [
        (np.array([3, 9], np.uint8), None, 0, 255),
        (np.array([0.2, 0.9], np.float32), None, 0, 1),
        (np.array([-0.4, 0.5], np.float32), None, -0.5, 0.5),
        (np.array([-0.4, 0.6], np.float32), None, -1, 1),
        (np.array([0, 200], np.float32), None, 0, 255),
        (np.array([0, 200], np.int32), None, 0, 255),
        (np.array([0.2, 0.9], np.float32), (-2, 3), -2, 3),
        (np.array([7, 9], np.uint8), (5, 10), 5, 10),
    ],
)
def test_pixel_range_is_the_narrowest_known_one_that_holds_all(images, given, low, high):
    found = ValueRange.of(ProbeSet(images.reshape(2, 1, 1, 1).repeat(3, axis=3)), given)
    np.testing.assert_array_equal(found.low, [low] * 3)
    np.testing.assert_array_equal(found.high, [high] * 3)


def test_an_unknown_range_is_that_of_each_channel(rng):
    images = (rng.normal(size=(5, 6, 7, 3)) * [1, 10, 100]).astype(np.float32)
    found = ValueRange.of(ProbeSet(images))
    for c in range(3):
        assert found.low[c] == images[..., c].min() and found.high[c] == images[..., c].max()
    clipped = found.clip(images * 3)
    np.testing.assert_array_equal(clipped.max(axis=(0, 1, 2)), images.max(axis=(0, 1, 2)))
    assert clipped.dtype == np.float32


def test_clipped_bytes_are_rounded_and_floats_are_not():
    edited = np.float32([-7, 0.4, 0.6, 254.6, 300]).reshape(1, 5, 1, 1)
    clipped = ValueRange.of(ProbeSet(np.zeros((1, 5, 1, 1), np.uint8))).clip(edited)
    assert clipped.dtype == np.uint8 and clipped.ravel().tolist() == [0, 0, 1, 255, 255]
    clipped = ValueRange.of(ProbeSet(np.zeros((1, 5, 1, 1), np.float32))).clip(edited)
    np.testing.assert_array_equal(clipped.ravel(), np.float32([0, 0.4, 0.6, 1, 1]))
