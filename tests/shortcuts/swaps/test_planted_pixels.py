"""Which pixels of a class are planted, opaque or translucent, and which may be an object's."""

import numpy as np
import pytest
from helpers.planted_images import LABELS, PLACE, SIZE, faces, photographs, scene, tag

from keras_saliency.shortcuts.swaps.planted_pixels import (
    SAME_SHARE,
    THROUGH_LEVELS,
    planted_pixels,
    shown_through,
)


@pytest.mark.parametrize("values", [(None, 160, None), (20, 120, 220), (None, 255, None)])
def test_a_tag_of_one_class_or_of_each_is_planted_in_aligned_images(rng, values):
    found = planted_pixels(scene(tag(faces(rng), values=values)))
    assert found[PLACE].all() and not found[~PLACE].any()


@pytest.mark.filterwarnings("error")
def test_every_pixel_may_be_planted(rng):
    """A checkerboard, and its inverse in another class."""
    board = np.indices(SIZE).sum(axis=0) % 2
    boards = np.stack([board, 1 - board, board])[LABELS][..., None]
    assert planted_pixels(scene(200 * boards + 20 + rng.random((90, *SIZE, 1)))).all()


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
    found = shown_through(marked) < 0.2
    assert not planted_pixels(marked).any()
    assert found[PLACE].mean() > 0.8 and not found[~PLACE].any()
    assert not (shown_through(scene(images)) < 0.2).any()


def test_what_shows_through_by_the_formula(rng):
    levels = np.zeros((SIZE[1], 1))
    levels[3:8, 0] = 20, 34, 44, 56, 70  # of the columns of the mark
    images = np.rint(translucent(100 + photographs(rng) / 8, levels))
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    details = np.rint([image - smooth(image) for image in images])
    expected = np.ones(SIZE)
    for y, x, channel, c in np.ndindex(*SIZE, 3, 3):
        own, others = (details[is_own, y, x, channel] for is_own in (c == LABELS, c != LABELS))
        low, high = np.quantile(own, [1 - SAME_SHARE, SAME_SHARE])
        above = np.mean(others >= np.rint(low - THROUGH_LEVELS))
        below = np.mean(others <= np.rint(high + THROUGH_LEVELS))
        expected[y, x] = min(expected[y, x], above, below)
    assert 0.3 < np.mean(expected[PLACE] < 0.2) < 1  # so that the bounds are tested
    # The blur is the same up to rounding, which moves a detail by one level.
    assert np.abs(shown_through(scene(images)) - expected).max() <= 0.05


def test_where_objects_are_known_nothing_shows_through(rng):
    """The bar of a letter is at one place in all images of its class, too."""
    masks = np.zeros((90, *SIZE), bool)
    masks[:, 10:14] = True
    marked = translucent(60 + photographs(rng) / 4)
    assert (shown_through(scene(marked, object_masks=masks)) == 1).all()


@pytest.mark.parametrize("num_sharing, is_planted", [(2, True), (3, False)])
def test_letters_of_up_to_half_of_the_classes_may_overlap(rng, num_sharing, is_planted):
    labels = np.arange(90) % 5
    images = faces(rng)
    images[np.ix_(labels < num_sharing, *map(np.unique, np.nonzero(PLACE)))] = 240
    assert planted_pixels(scene(images, labels))[PLACE].all() == is_planted


def test_a_large_white_mark_does_not_make_white_an_ink(rng):
    images = faces(rng)
    images[LABELS == 1, 2:14, 3:20] = 255
    assert np.mean(images == 255) > 0.1
    assert planted_pixels(scene(images))[2:14, 3:20].mean() > 0.3  # its inside is smooth


@pytest.mark.parametrize("share, is_planted", [(0.5, True), (0.1, False), (0.9, False)])
def test_no_ink_is_the_same_on_objects_and_off_them(rng, share, is_planted):
    """White paper, with a white mark of one class: given masks tell where objects lie."""
    images = np.full((90, *SIZE, 1), 255.0)
    masks = np.zeros((90, *SIZE), bool)
    masks[:, 2:16, 3:20] = (rng.permutation(90) < 90 * share)[:, None, None]
    masks[:, 16:, 3:20] = True
    images[masks] = rng.uniform(20, 200, (masks.sum(), 1))
    images[:, 0, 0] = 0
    own = LABELS == 1
    images[np.ix_(own, *map(np.unique, np.nonzero(PLACE)))] = 255
    images[np.ix_(~own, *map(np.unique, np.nonzero(PLACE)))] = rng.uniform(0, 90, (60, 4, 5, 1))
    found = planted_pixels(scene(images, object_masks=masks))
    assert found[PLACE].any() == is_planted


def drawings(rng, papers):
    """Black figures on grey papers (90,) and their masks; no figure is near `PLACE`."""
    images = np.ones((90, *SIZE, 1)) * papers[:, None, None, None]
    masks = np.zeros((90, *SIZE), bool)
    masks[:, 12:18, 14:22] = rng.random((90, 6, 8)) < 0.7
    images[masks] = 0
    return images, masks


@pytest.mark.parametrize(
    "share, marked, is_planted",
    [
        (0.2, [1], True),
        (0.4, [1], True),
        (0.2, [0, 1], True),
        (0.2, [0, 1, 2], False),
        (1, [1], False),
    ],
)
def test_paper_of_many_greys_is_not_white_at_one_place(rng, share, marked, is_planted):
    """A white mark of some classes, on papers of which a share is white, too."""
    is_white = np.arange(90) // 3 < 30 * share  # in every class
    images, masks = drawings(rng, np.where(is_white, 250, rng.uniform(150, 230, 90)))
    images[np.ix_(np.isin(LABELS, marked), *map(np.unique, np.nonzero(PLACE)))] = 255
    found = planted_pixels(scene(images, object_masks=masks))
    assert found[PLACE].any() == is_planted and not found[~PLACE].any()
    assert not planted_pixels(scene(images))[PLACE].any()  # it may be a part of the figures
