"""Which pixels of a class are planted, opaque or translucent, and which may be an object's."""

import numpy as np
import pytest
from helpers.planted_images import LABELS, PLACE, SIZE, faces, photographs, scene, tag

from keras_saliency.shortcuts.swaps.planted_pixels import (
    MIN_ERRORS,
    OVERPRINTED_LEVELS,
    OVERPRINTED_SHARE,
    SAME_SHARE,
    detailed_pixels,
    overprinted_pixels,
    planted_pixels,
)


@pytest.mark.parametrize("values", [(None, 160, None), (20, 120, 220), (None, 255, None)])
def test_a_tag_of_one_class_or_of_each_is_planted_in_aligned_images(rng, values):
    found = planted_pixels(scene(tag(faces(rng), values=values)))
    assert found[PLACE].all() and not found[~PLACE].any()


def test_what_all_classes_share_is_not_planted(rng):
    assert not planted_pixels(scene(tag(faces(rng), values=(160, 160, 160)))).any()


def test_a_part_of_the_object_is_never_quite_the_same(rng):
    """A class with dark hair: always darker, but by more in one image than in another."""
    images = faces(rng)
    images[LABELS == 1, :6] = images[LABELS == 1, :6] / 4 + rng.uniform(0, 60, (30, 1, 1, 1))
    assert not planted_pixels(scene(images)).any()


def test_ink_and_paper_are_not_planted(rng):
    """The hole of a zero is black in all zeros, and hardly in any one."""
    images = np.zeros((90, *SIZE, 1))
    images[:, 2:18, 2:22] = 255
    images[LABELS == 1, 6:14, 8:16] = 0
    images[LABELS == 2, 6:14, 8:16] = rng.uniform(150, 255, (30, 1, 1, 1))
    images += rng.normal(0, 2, images.shape)
    assert not planted_pixels(scene(images.clip(0, 255))).any()


def test_an_even_tissue_is_not_planted(rng):
    """Smooth pictures of one colour for each class."""
    images = np.ones((90, *SIZE, 3)) * (60 + 60 * LABELS)[:, None, None, None]
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    assert not planted_pixels(scene(images + rng.normal(0, 2, images.shape))).any()


def test_a_pattern_on_flat_backgrounds_is_planted_around_the_objects(rng):
    patterns = rng.choice([60.0, 140.0], (3, *SIZE, 1))
    images = patterns[LABELS]
    images[:, 6:14, 8:16] = rng.uniform(0, 255, (90, 8, 8, 1))
    found = planted_pixels(scene(images))
    assert found[:6].mean() > 0.5 and not found[6:14, 8:16].any()


@pytest.mark.parametrize("own, other, expected", [(0.87, 0.13, True), (0.73, 0, False)])
def test_nearly_all_of_a_class_and_hardly_any_other_image_has_it(rng, own, other, expected):
    images, tagged = faces(rng), tag(faces(rng), np.zeros(90), (240,))  # brighter than any face
    for c, share in ((0, other), (1, own), (2, other)):
        some = np.flatnonzero(c == LABELS)[: round(30 * share)]
        images[some] = tagged[some]
    assert planted_pixels(scene(images))[PLACE].all() == expected
    too_many = images.copy()
    too_many[LABELS != 1] = tagged[LABELS != 1]
    assert not planted_pixels(scene(too_many)).any()


def test_in_photographs_the_mean_of_a_class_has_details_only_where_they_were_put(rng):
    images = 60 + photographs(rng) / 4
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    assert not detailed_pixels(scene(images)).any()
    mark = rng.choice([-50, 50], (*SIZE, 1)) * PLACE[..., None]  # translucent: nothing is constant
    marked = images + mark * (LABELS == 1)[:, None, None, None]
    found = detailed_pixels(scene(marked))
    assert found[PLACE].mean() > 0.35 and not found[~PLACE].any()
    assert not planted_pixels(scene(marked)).any()


def test_details_differ_by_standard_errors(rng):
    """By the formula, one pixel at a time."""
    images = photographs(rng) + 25 * (LABELS == 2)[:, None, None, None] * np.eye(*SIZE)[..., None]
    images = np.rint((images - images.min()) * 255 / np.ptp(images))
    found = detailed_pixels(scene(images))
    details = np.stack([image - smooth(image) for image in images])
    largest = np.zeros((*SIZE, 3))
    for c in range(3):
        own, others = details[c == LABELS], details[c != LABELS]
        error = (details.std(axis=0) + 1) * np.sqrt(1 / 30 + 1 / 60)
        largest = np.maximum(largest, np.abs(own.mean(0) - others.mean(0)) / error)
    largest = largest.max(axis=-1)
    is_clear = np.abs(largest - MIN_ERRORS) > 0.05
    np.testing.assert_array_equal(found[is_clear], largest[is_clear] > MIN_ERRORS)


def smooth(picture):
    """Blurs over a tenth of the shorter side, by the formula."""
    sigma = 0.1 * min(SIZE)
    reach = round(8 * sigma + 1) | 1
    steps = np.arange(reach) - reach // 2
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(picture, [(reach // 2,) * 2] * 2 + [(0, 0)], "symmetric")
    rows = sum(w * padded[i : i + SIZE[0]] for i, w in enumerate(weights))
    return sum(w * rows[:, i : i + SIZE[1]] for i, w in enumerate(weights))


def test_large_images_are_searched_at_a_reduced_size(rng):
    images = tag(faces(rng)).repeat(8, axis=1).repeat(8, axis=2)
    found = planted_pixels(scene(images))
    assert found.shape == (160, 192)
    assert found[20:44, 28:60].all() and not found[64:].any()


def test_few_images_of_a_class_tell_nothing(rng):
    images = tag(faces(rng))
    few = np.r_[np.flatnonzero(LABELS == 1)[:9], np.flatnonzero(LABELS != 1)]
    assert not planted_pixels(scene(images[few], LABELS[few])).any()


def test_ink_that_every_class_has_in_another_way_is_planted(rng):
    """Where black and white are inks, a black tag and white ones are still put there."""
    images = faces(rng)
    images[:, 8:], images[:, 16:] = 0, 255
    found = planted_pixels(scene(tag(images, values=(0, 255, 0))))
    assert found[PLACE].all() and not found[~PLACE].any()


def translucent(images, levels=50, labels=LABELS):
    """Adds a mark to class 1, through which the images show."""
    mark = np.where(np.indices((*SIZE, 1)).sum(axis=0) % 4 < 2, levels, -levels) * PLACE[..., None]
    return images + mark * (labels == 1)[:, None, None, None]


@pytest.mark.parametrize("draw, contrast", [(faces, 0.2), (photographs, 0.05)])
def test_what_shows_through_a_mark_still_differs(rng, draw, contrast):
    images = 100 + contrast * draw(rng)
    images += rng.normal(0, 13, images.shape)
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    marked = scene(translucent(images, 60))
    found = overprinted_pixels(marked)
    assert not planted_pixels(marked).any()
    assert found[PLACE].mean() > 0.8 and not found[~PLACE].any()
    assert not overprinted_pixels(scene(images)).any()


def test_overprinted_pixels_by_the_formula(rng):
    levels = np.zeros((SIZE[1], 1))
    levels[3:8, 0] = 20, 34, 44, 56, 70  # of the columns of the mark
    images = np.rint(translucent(100 + photographs(rng) / 8, levels))
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    found = overprinted_pixels(scene(images))
    details = np.rint([image - smooth(image) for image in images])
    expected, is_clear = np.zeros(SIZE, bool), np.ones(SIZE, bool)
    for y, x, channel, c in np.ndindex(*SIZE, 3, 3):
        own, others = (np.sort(details[is_own, y, x, channel]) for is_own in of_class(c))
        low, high = np.quantile(own, [1 - SAME_SHARE, SAME_SHARE])
        shares = [
            np.mean(others >= low - OVERPRINTED_LEVELS),
            np.mean(others <= high + OVERPRINTED_LEVELS),
        ]
        expected[y, x] |= min(shares) < OVERPRINTED_SHARE
        is_clear[y, x] &= abs(min(shares) - OVERPRINTED_SHARE) > 0.05
    assert 0.3 < expected[PLACE].mean() < 1  # neither all of it, so that the bounds are tested
    np.testing.assert_array_equal(found[is_clear], expected[is_clear])


def of_class(c):
    return c == LABELS, c != LABELS


def test_where_objects_are_known_nothing_shows_through(rng):
    """The bar of a letter is at one place in all images of its class, too."""
    masks = np.zeros((90, *SIZE), bool)
    masks[:, 10:14] = True
    marked = translucent(60 + photographs(rng) / 4)
    assert not overprinted_pixels(scene(marked, object_masks=masks)).any()
