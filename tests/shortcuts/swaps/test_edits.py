"""What each edit does to pixels, against slow twins."""

import itertools
import math

import numpy as np
import pytest

from keras_saliency.shortcuts.swaps import (
    edits,
    middle_mask,
)

SIZES = [(16, 16), (11, 18), (40, 23), (5, 4)]


def drawn_by(is_inside, height, width):
    return np.array([[bool(is_inside(y, x)) for x in range(width)] for y in range(height)])


@pytest.fixture
def two(rng):
    """Recipients and donors of different brightness, neither square."""
    shape = (3, 9, 14, 3)
    return rng.uniform(size=shape), 2 + 3 * rng.normal(size=shape)


@pytest.mark.parametrize("h, w", SIZES)
def test_ring_is_a_tenth_of_the_shorter_side(h, w):
    ring = max(1, round(min(h, w) / 10))
    expected = drawn_by(lambda y, x: min(y, x, h - 1 - y, w - 1 - x) < ring, h, w)
    np.testing.assert_array_equal(edits.ring_mask(h, w), expected)


@pytest.mark.parametrize("h, w", SIZES)
def test_middle_is_three_fifths_of_each_side_and_surroundings_spare_half_of_it(h, w):
    def lies_within(y, x, part):
        top, left = round(h / part), round(w / part)
        return top <= y < h - top and left <= x < w - left

    middle = drawn_by(lambda y, x: lies_within(y, x, 5), h, w)
    np.testing.assert_array_equal(middle_mask(h, w), middle)
    around = drawn_by(lambda y, x: not lies_within(y, x, 4), h, w)
    np.testing.assert_array_equal(edits.surroundings_mask(h, w), around)


@pytest.mark.parametrize("h, w", [(64, 64), (40, 90)])
def test_centre_is_as_large_as_the_ring_and_lies_in_the_middle(h, w):
    centre = edits.centre_mask(h, w)
    assert centre.mean() == pytest.approx(edits.ring_mask(h, w).mean(), rel=0.05)
    rows, columns = (np.flatnonzero(centre.any(axis=a)) for a in (1, 0))
    assert centre[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert abs(rows[0] - (h - 1 - rows[-1])) <= 1 and abs(columns[0] - (w - 1 - columns[-1])) <= 1


def test_pixels_are_the_donors_inside_of_a_mask_and_the_recipients_outside(two, rng):
    recipients, donors = two
    masks = rng.random((3, 9, 14)) < 0.4
    edited = edits.swap_pixels(recipients, donors, masks)
    assert edited.dtype == np.float32
    for i, y, x in np.ndindex(masks.shape):
        expected = (donors if masks[i, y, x] else recipients)[i, y, x].astype(np.float32)
        np.testing.assert_array_equal(edited[i, y, x], expected)
    ring = edits.swap_ring(recipients, donors)
    np.testing.assert_array_equal(ring[:, 1:-1, 1:-1], recipients[:, 1:-1, 1:-1].astype("f4"))
    np.testing.assert_array_equal(ring[:, 0], donors[:, 0].astype("f4"))


def test_statistics_are_the_donors_channel_by_channel(two):
    recipients, donors = two
    edited = edits.swap_statistics(recipients, donors)
    for i in range(3):
        for c in range(3):
            mine, theirs = recipients[i, :, :, c], donors[i, :, :, c]
            expected = (mine - mine.mean()) / mine.std() * theirs.std() + theirs.mean()
            np.testing.assert_allclose(edited[i, :, :, c], expected, rtol=1e-5, atol=1e-5)


def test_a_constant_channel_takes_the_mean_only(two):
    recipients, donors = two
    recipients[0, :, :, 1] = 0.1  # flat, though its computed deviation may not be 0 exactly
    recipients[1] = 0
    donors[2, :, :, 0] = 7
    edited = edits.swap_statistics(recipients, donors)
    np.testing.assert_allclose(edited[0, :, :, 1], donors[0, :, :, 1].mean(), rtol=1e-5)
    for c in range(3):
        np.testing.assert_allclose(edited[1, :, :, c], donors[1, :, :, c].mean(), rtol=1e-5)
    np.testing.assert_allclose(edited[2, :, :, 0], 7, rtol=1e-6)


@pytest.mark.parametrize("h, w", [(8, 8), (9, 14), (7, 5)])
def test_amplitudes_are_the_donors_and_phases_the_recipients(rng, h, w):
    recipients, donors = rng.normal(size=(2, 2, h, w, 3))
    edited = edits.swap_amplitude(recipients, donors)
    assert edited.shape == (2, h, w, 3) and edited.dtype == np.float32
    for i in range(2):
        for c in range(3):
            phases = np.angle(np.fft.fft2(recipients[i, :, :, c]))
            amplitudes = np.abs(np.fft.fft2(donors[i, :, :, c]))
            expected = amplitudes * np.exp(1j * phases)
            np.testing.assert_allclose(np.fft.fft2(edited[i, :, :, c]), expected, atol=1e-4)


def test_a_black_recipient_has_no_phase_to_keep_and_stays_black(two):
    np.testing.assert_array_equal(edits.swap_amplitude(np.zeros_like(two[0]), two[1]), 0)


def test_background_is_all_off_the_object_and_holes_are_filled(two, rng):
    recipients, donors = two
    mine, holes = rng.random((2, 3, 9, 14)) < 0.4
    fill = rng.normal(size=recipients.shape)
    for given in (None, fill):
        edited = edits.swap_background(recipients, donors, mine, holes, given)
        for i, y, x in np.ndindex(mine.shape):
            source = recipients if given is None else fill
            source = recipients if mine[i, y, x] else source if holes[i, y, x] else donors
            np.testing.assert_array_equal(edited[i, y, x], source[i, y, x].astype(np.float32))


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


def test_common_share_is_twice_the_covariance_of_two_pictures_over_the_variance_of_their_mean(rng):
    first, second = rng.normal(size=(2, 9, 8, 3)).astype(np.float32)
    second += 0.7 * first
    found = edits.common_share(first, second)
    assert found.shape == (9, 8, 1)
    for y, x in itertools.product(range(1, 8), range(1, 7)):  # a window of 3 pixels, off the edge
        around = np.s_[y - 1 : y + 2, x - 1 : x + 2]
        both = (first[around] * second[around]).sum()
        expected = 2 * both / (((first + second)[around] / 2) ** 2).sum()
        assert found[y, x, 0] == pytest.approx(np.clip(expected, 0, 1), abs=1e-5)
    np.testing.assert_allclose(edits.common_share(first, first), 1)
    np.testing.assert_allclose(edits.common_share(first, -first), 0)
