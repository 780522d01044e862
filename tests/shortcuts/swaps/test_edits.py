"""Edits, ranges, tasks, pairs and bounds against slow twins; trials are in `test_trials`."""

import itertools
import math

import numpy as np
import pytest

from keras_saliency import ProbeSet
from keras_saliency._utils.boxes import box_masks, hottest_boxes, window_sums
from keras_saliency.shortcuts.swaps import (
    ClassLabels,
    Pairs,
    ValueRange,
    draw_controls,
    draw_pairs,
    edits,
    middle_mask,
    wilson_bounds,
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


def test_box_masks_hold_the_half_open_box_without_the_holes(rng):
    boxes = np.array([[0, 0, 2, 3], [4, 5, 9, 6], [3, 3, 3, 9]])
    holes = rng.random((3, 9, 14)) < 0.5
    masks, pierced = box_masks(boxes, (9, 14)), box_masks(boxes, (9, 14), holes)
    for i, y, x in np.ndindex(masks.shape):
        y0, x0, y1, x1 = boxes[i]
        assert masks[i, y, x] == (y0 <= y < y1 and x0 <= x < x1)
        assert pierced[i, y, x] == (masks[i, y, x] and not holes[i, y, x])


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
    found = ValueRange.of(images.reshape(2, 1, 1, 1).repeat(3, axis=3), given)
    np.testing.assert_array_equal(found.low, [low] * 3)
    np.testing.assert_array_equal(found.high, [high] * 3)


def test_an_unknown_range_is_that_of_each_channel(rng):
    images = (rng.normal(size=(5, 6, 7, 3)) * [1, 10, 100]).astype(np.float32)
    found = ValueRange.of(images)
    for c in range(3):
        assert found.low[c] == images[..., c].min() and found.high[c] == images[..., c].max()
    clipped = found.clip(images * 3)
    np.testing.assert_array_equal(clipped.max(axis=(0, 1, 2)), images.max(axis=(0, 1, 2)))
    assert clipped.dtype == np.float32


def test_clipped_bytes_are_rounded_and_floats_are_not():
    edited = np.float32([-7, 0.4, 0.6, 254.6, 300]).reshape(1, 5, 1, 1)
    clipped = ValueRange.of(np.zeros((1, 5, 1, 1), np.uint8)).clip(edited)
    assert clipped.dtype == np.uint8 and clipped.ravel().tolist() == [0, 0, 1, 255, 255]
    clipped = ValueRange.of(np.zeros((1, 5, 1, 1), np.float32)).clip(edited)
    np.testing.assert_array_equal(clipped.ravel(), np.float32([0, 0.4, 0.6, 1, 1]))


IMAGES = np.zeros((4, 2, 2, 1), np.float32)


def test_softmax_says_the_largest_and_the_margin_is_its_lead(rng):
    task = ClassLabels.of(ProbeSet(IMAGES, [0, 1, 2, 2]), 3)
    logits = rng.normal(size=(4, 3))
    for row, said, margins in zip(logits, task.says(logits), task.margins(logits), strict=True):
        for c in range(3):
            best_other = max(row[j] for j in range(3) if j != c)
            assert margins[c] == pytest.approx(row[c] - best_other)
            assert said[c] == (row[c] > best_other)
    assert task.margins(np.array([[1.0, 1.0, 0.0]])).tolist() == [[0, 0, -1]]
    np.testing.assert_array_equal(task.has_class, np.eye(3, dtype=bool)[[0, 1, 2, 2]])


def test_one_unit_is_two_classes(rng):
    task = ClassLabels.of(ProbeSet(IMAGES, [0, 1, 1, 0]), 1)
    logits = np.array([[-2.0], [3.0], [-1.0], [0.5]])
    assert task.num_classes == 2 and not task.is_multi_label
    assert task.says(logits)[:, 1].tolist() == [False, True, False, True]
    assert task.says(logits)[:, 0].tolist() == [True, False, True, False]
    np.testing.assert_array_equal(task.margins(logits), [[2, -2], [-3, 3], [1, -1], [-0.5, 0.5]])
    assert task.accuracy(task.says(logits)) == 0.5


def test_each_label_of_a_multi_label_head_is_said_by_itself():
    labels = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1], [1, 0, 0]])
    task = ClassLabels.of(ProbeSet(IMAGES, labels), 3)
    logits = np.where(labels, 2.0, -3.0)
    logits[0, 0] = -0.1
    assert task.is_multi_label
    np.testing.assert_array_equal(task.says(logits), logits > 0)
    np.testing.assert_array_equal(task.margins(logits), logits)
    assert task.accuracy(task.says(logits)) == pytest.approx(11 / 12)
    assert task.frequent_classes(limit=2) == [0, 1]


def test_unlabelled_probes_have_no_task_and_empty_classes_are_not_frequent():
    assert ClassLabels.of(ProbeSet(IMAGES), 3) is None
    task = ClassLabels.of(ProbeSet(IMAGES, [0, 4, 4, 2]), 5)
    assert task.frequent_classes(20) == [0, 2, 4] and task.frequent_classes(1) == [4]


def test_donors_have_the_class_and_recipients_neither_have_it_nor_are_said_to(rng):
    has, said = rng.random((2, 60, 3)) < 0.4
    pairs = draw_pairs(has, said, [0, 2], 90, rng)
    assert np.unique(pairs.classes, return_counts=True)[1].tolist() == [45, 45]
    for d, r, c in zip(pairs.donors, pairs.recipients, pairs.classes, strict=True):
        assert has[d, c] and said[d, c]
        assert not has[r, c] and not said[r, c]
    for c in (0, 2):
        of_class = pairs.take(pairs.classes == c)
        lenders = np.flatnonzero(has[:, c] & said[:, c])
        takers = np.flatnonzero(~has[:, c] & ~said[:, c])
        for members, drawn in ((lenders, of_class.donors), (takers, of_class.recipients)):
            counts = [(drawn == member).sum() for member in members]
            assert sum(counts) == 45 and max(counts) - min(counts) <= 1


def test_a_class_without_donor_or_recipient_has_no_pairs(rng):
    has = np.eye(3, dtype=bool)[[0, 0, 1, 1, 2]]
    said = np.eye(3, dtype=bool)[[0, 0, 0, 0, 2]]
    assert set(draw_pairs(has, said, [0, 1, 2], 30, rng).classes.tolist()) == {0, 2}
    everyone = np.ones((4, 1), bool)
    nobody = draw_pairs(everyone, everyone, [0], 30, rng)
    assert len(nobody) == 0 and nobody.take(nobody.classes == 0).donors.dtype.kind == "i"


def test_a_control_has_the_recipients_labels_but_is_another_probe(rng):
    has = np.eye(4, dtype=bool)[[0] * 8 + [1] * 8 + [2]]
    pairs = Pairs(np.zeros(30, int), rng.integers(8, 17, 30), np.zeros(30, int))
    controls = draw_controls(pairs, has, rng)
    np.testing.assert_array_equal(controls.recipients, pairs.recipients)
    np.testing.assert_array_equal(controls.classes, pairs.classes)
    for donor, recipient in zip(controls.donors, pairs.recipients, strict=True):
        assert donor != recipient and not has[donor, 0]
        assert recipient == 16 or 8 <= donor < 16  # nobody else is like probe 16
    alone = draw_controls(Pairs(*np.array([[0], [8], [0]])), has[:9], rng)
    assert alone.donors.tolist() == [8]


def test_wilson_bounds_are_where_the_score_test_just_rejects():
    assert wilson_bounds(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_bounds(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson_bounds(1, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert wilson_bounds(0.5, 0) == (0, 1)
    for share, count in ((0.3, 7), (0.62, 400)):
        for bound in wilson_bounds(share, count):
            z = abs(share - bound) / math.sqrt(bound * (1 - bound) / count)
            assert z == pytest.approx(1.96)


def test_window_sums_and_hottest_boxes_equal_loops(rng):
    maps = rng.normal(size=(3, 7, 9))
    maps[2, 0, 0] = np.nan
    filled = np.where(np.isnan(maps), 0, maps)
    sums = window_sums(filled, 2, 4)
    assert sums.shape == (3, 6, 6)
    for i in range(3):
        best = (-np.inf, None)
        for y in range(6):
            for x in range(6):
                total = filled[i, y : y + 2, x : x + 4].sum()
                assert sums[i, y, x] == pytest.approx(total)
                best = max(best, (total, (y, x, y + 2, x + 4)), key=lambda found: found[0])
        assert tuple(hottest_boxes(maps, 2, 4)[i]) == best[1]
    assert hottest_boxes(np.zeros((1, 7, 9)), 2, 4).tolist() == [[0, 0, 2, 4]]
    assert window_sums(filled, 7, 9)[1, 0, 0] == pytest.approx(filled[1].sum())
