"""Edits of pixels, each written again slowly."""

import math

import numpy as np
import pytest
import tensorflow as tf
from helpers.tagged_scenes import slow_grown

from keras_saliency.shortcuts.swaps import edits

SIZES = [(16, 16), (11, 18), (40, 23), (5, 4)]


def drawn_by(is_inside, height, width):
    return np.array([[bool(is_inside(y, x)) for x in range(width)] for y in range(height)])


@pytest.fixture
def two(rng):
    """Recipients and donors of different brightness, neither square."""
    shape = (3, 9, 14, 3)
    return rng.uniform(size=shape), 2 + 3 * rng.normal(size=shape)


@pytest.mark.parametrize("h, w", SIZES)
def test_a_ring_is_a_tenth_of_the_shorter_side(h, w):
    ring = max(1, round(min(h, w) / 10))
    expected = drawn_by(lambda y, x: min(y, x, h - 1 - y, w - 1 - x) < ring, h, w)
    np.testing.assert_array_equal(edits.ring_mask(h, w), expected)


@pytest.mark.parametrize("h, w", SIZES)
def test_the_next_ring_is_no_wider_than_it_takes_to_have_the_area_of_the_outer_one(h, w):
    ring, following = edits.ring_mask(h, w), edits.next_ring_mask(h, w)
    assert not (ring & following).any()
    width = max(1, round(min(h, w) / 10))

    def is_in(y, x, end):
        return width <= min(y, x, h - 1 - y, w - 1 - x) < end

    ends = range(width + 1, min(h, w) // 2 + 1)
    large = [
        e for e in ends if drawn_by(lambda y, x, e=e: is_in(y, x, e), h, w).sum() >= ring.sum()
    ]
    end = max(2 * width, large[0]) if large else max(h, w)
    np.testing.assert_array_equal(following, drawn_by(lambda y, x: is_in(y, x, end), h, w))


@pytest.mark.parametrize("h, w", SIZES)
def test_the_middle_is_three_fifths_of_each_side(h, w):
    top, left = round(h / 5), round(w / 5)
    expected = drawn_by(lambda y, x: top <= y < h - top and left <= x < w - left, h, w)
    np.testing.assert_array_equal(edits.middle_mask(h, w), expected)


def test_pixels_are_the_donors_inside_of_a_mask_and_the_recipients_outside(two, rng):
    recipients, donors = two
    for masks in (rng.random((3, 9, 14)) < 0.4, rng.random((9, 14)) < 0.4):
        ends = (tf.constant(end, tf.float32) for end in (recipients, donors))
        edited = edits.swap_pixels(*ends, tf.constant(masks)).numpy()
        assert edited.dtype == np.float32
        for i, y, x in np.ndindex(3, 9, 14):
            is_lent = np.broadcast_to(masks, (3, 9, 14))[i, y, x]
            expected = (donors if is_lent else recipients)[i, y, x].astype(np.float32)
            np.testing.assert_array_equal(edited[i, y, x], expected)


def slow_percentile(values, share):
    """Of sorted values, with the two nearest weighed."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def test_gains_are_the_95th_percentiles_above_the_least_value(two):
    images, low = two[1], np.array([-9.0, -8.0, -10.0])
    found = edits.gains(images, low, 0.95)
    assert found.dtype == np.float32
    for i, c in np.ndindex(3, 3):
        expected = slow_percentile(images[i, :, :, c].ravel().tolist(), 0.95) - low[c]
        assert found[i, c] == pytest.approx(expected, rel=1e-5)


def exchanged(images, own, lent, low):
    ratios = edits.ratios_of_gains(own, lent)
    return edits.scale_channels(tf.constant(images, tf.float32), ratios, low).numpy()


def test_an_exchanged_gain_is_the_donors_and_what_is_dark_stays_dark(two):
    recipients, donors = two
    recipients[1, :, :, 2] = 0  # a channel that is off
    low = np.zeros(3, np.float32)
    donors = np.abs(donors)
    own, lent = (edits.gains(images, low, 0.95) for images in (recipients, donors))
    edited = exchanged(recipients, own, lent, low)
    assert edited.dtype == np.float32 and np.isfinite(edited).all()
    for i, c in np.ndindex(3, 3):
        ratio = 1 if (i, c) == (1, 2) else lent[i, c] / own[i, c]
        np.testing.assert_allclose(edited[i, ..., c], recipients[i, ..., c] * ratio, rtol=1e-5)
    is_lit = own > 0
    np.testing.assert_allclose(edits.gains(edited, low, 0.95)[is_lit], lent[is_lit], rtol=1e-4)


@pytest.mark.parametrize("size", [(11,), (7, 9), (4, 6, 5)])
def test_boxes_are_half_open_along_each_axis(size, rng):
    starts = rng.integers(0, 3, (5, len(size)))
    boxes = np.hstack([starts, starts + rng.integers(0, 4, starts.shape)]).astype(np.int32)
    for box, inside in zip(boxes, edits.inside_boxes(boxes, size).numpy(), strict=True):
        for place in np.ndindex(*size):
            ends = zip(box[: len(size)], place, box[len(size) :], strict=True)
            assert inside[place] == all(start <= at < end for start, at, end in ends)
    recipients, donors = rng.normal(size=(2, 5, *size, 3)).astype(np.float32)
    expected = edits.swap_pixels(recipients, donors, edits.inside_boxes(boxes, size))
    np.testing.assert_array_equal(edits.swap_boxes(recipients, donors, boxes), expected)


def test_gains_are_exchanged_about_the_least_value(two):
    recipients = two[0].astype(np.float32)
    low = np.float32([-1, -1, -1])
    own = edits.gains(recipients, low, 0.95)
    edited = exchanged(recipients, own, 2 * own, low)
    np.testing.assert_allclose(edited + 1, 2 * (recipients + 1), rtol=1e-5)


def test_masks_grow_to_each_side(rng):
    masks = rng.random((3, 16, 24)) < 0.02
    for mask, grown in zip(masks, edits.grow(masks, 2), strict=True):
        np.testing.assert_array_equal(grown, slow_grown(mask, 2))


def test_a_mean_is_over_the_images_whose_mask_is_true(rng):
    images = rng.normal(size=(4, 5, 6, 2)).astype(np.float32)
    masks = rng.random((4, 5, 6)) < 0.4
    masks[:, 0, 0], masks[:, 0, 1] = False, np.arange(4) == 2
    overall = images[masks].mean(axis=0)
    found = edits.mean_where(images, masks)
    for y, x in np.ndindex(5, 6):
        has = masks[:, y, x]
        expected = images[has, y, x].mean(axis=0) if has.sum() > 1 else overall
        np.testing.assert_allclose(found[y, x], expected, atol=1e-5)
    assert np.isfinite(edits.mean_where(images, np.zeros_like(masks))).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_high_pass_takes_away_a_gaussian_of_an_eighth_of_the_side(rng, channels):
    picture = rng.normal(size=(10, 12, channels)).astype(np.float32)
    deviation, radius = 10 / 8, 5
    offsets = range(-radius, radius + 1)
    kernel = [math.exp(-(o**2) / (2 * deviation**2)) for o in offsets]
    kernel = np.array(kernel) / sum(kernel)
    padded = np.pad(picture, [(radius, radius)] * 2 + [(0, 0)], mode="symmetric")
    blurred = np.zeros_like(picture)
    for y, x in np.ndindex(10, 12):
        for i in range(2 * radius + 1):
            for j in range(2 * radius + 1):
                blurred[y, x] += kernel[i] * kernel[j] * padded[y + i, x + j]
    edited = edits.without_smooth(picture)
    assert edited.shape == picture.shape
    np.testing.assert_allclose(edited, picture - blurred, atol=1e-4)
