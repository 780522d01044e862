"""Whether a patch recurs in the images of a class, wherever it lies."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.recurring import recurring_boxes

SIZE, NUM = (32, 40), 60
LABELS = np.arange(NUM) % 2
ROWS = np.arange(NUM)
SIDE = 10  # of the boxes


def scene(images, labels=LABELS):
    probes = ProbeSet(images.astype(np.uint8), labels, object_masks=None)
    return scene_of(probes, lambda x: np.zeros((len(x), 2)))[0]


def photographs(rng):
    return rng.uniform(0, 255, (NUM, *SIZE, 3))


def stick(images, rng, labels, sticker, times=1.0):
    """Puts a sticker into images of class 1; returns the boxes in whose middle it lies."""
    boxes = np.tile([0, 0, SIDE, SIDE], (NUM, 1))
    for row in np.flatnonzero(labels == 1):
        y, x = rng.integers(2, (SIZE[0] - 8, SIZE[1] - 8))
        if rng.random() < times:
            images[row, y : y + 6, x : x + 6] = sticker + rng.normal(0, 2, sticker.shape)
        boxes[row] = y - 2, x - 2, y - 2 + SIDE, x - 2 + SIDE
    return boxes


def sticker_of(rng):
    return rng.choice([40.0, 200.0], (6, 6, 3))


@pytest.mark.parametrize("enlarged", [1, 4])
def test_a_sticker_of_a_class_recurs_and_boxes_move_onto_it(rng, enlarged):
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, sticker_of(rng))
    images, boxes = images.repeat(enlarged, 1).repeat(enlarged, 2), enlarged * boxes
    off = boxes.copy()
    off[9:] = 0, 0, SIDE * enlarged, SIDE * enlarged  # the maps of the first images only show it
    moved = recurring_boxes(scene(images.clip(0, 255)), off, ROWS)
    own = LABELS == 1
    assert np.abs(moved[own] - boxes[own]).max() <= 2 * enlarged
    assert not moved[~own].any()  # which may show their object, lend nothing


@pytest.mark.parametrize("is_aligned", [False, True])
def test_a_sticker_of_half_the_patch_is_found_where_images_are_not_aligned(rng, is_aligned):
    """Icons have such small parts in common by themselves."""
    images = 80 + 0.2 * photographs(rng)
    if is_aligned:
        images = 0.5 * images + 0.5 * np.kron(images[:1, ::4, ::4], np.ones((1, 4, 4, 1)))
    boxes = stick(images, rng, LABELS, np.pad(sticker_of(rng)[:5, :5], ((0, 1), (0, 1), (0, 0))))
    for row in np.flatnonzero(LABELS == 1):  # around it lies something else each time
        y, x = boxes[row, :2] + 2
        images[row, y + 5, x : x + 6] = rng.uniform(80, 130, (6, 3))
        images[row, y : y + 6, x + 5] = rng.uniform(80, 130, (6, 3))
    moved = recurring_boxes(scene(images.clip(0, 255)), boxes, ROWS)
    assert (moved is None) == is_aligned
    assert is_aligned or np.abs(moved - boxes)[LABELS == 1].max() <= 1


@pytest.mark.parametrize("channels", [2, 5])
def test_a_sticker_is_found_in_any_number_of_channels(rng, channels):
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, sticker_of(rng))
    images = np.resize(images.transpose(3, 0, 1, 2), (channels, NUM, *SIZE)).transpose(1, 2, 3, 0)
    moved = recurring_boxes(scene(images.clip(0, 255)), boxes, ROWS)
    assert np.abs(moved - boxes)[LABELS == 1].max() <= 2


def test_a_sticker_is_found_in_long_images(rng):
    """Which are searched at a reduced size, whose sides are rounded."""
    size, sides = (64, 500), (16, 124)
    images = rng.uniform(0, 255, (NUM, *size, 1))
    boxes = np.tile([0, 0, *sides], (NUM, 1))
    for row in np.flatnonzero(LABELS == 1):
        y, x = rng.integers(np.subtract(size, sides))
        sticker = np.kron([[40, 200, 200, 40], [200, 200, 40, 40]], np.ones((8, 31)))
        images[row, y : y + sides[0], x : x + sides[1], 0] = sticker
        boxes[row] = y, x, y + sides[0], x + sides[1]
    off = boxes.copy()
    off[9:] = 0, 0, *sides  # the maps of the first images only show it
    moved = recurring_boxes(scene(images), off, ROWS)
    assert np.abs(moved - boxes)[LABELS == 1].max() <= 2


@pytest.mark.parametrize("size", [(19, 500), (20, 1500), (1500, 20), (1, 60), (8, 8)])
def test_narrow_images_are_searched(rng, size):
    images = rng.uniform(0, 255, (NUM, *size, 1))
    sides = np.maximum(1, np.array(size) // 4)
    boxes = np.tile([*np.subtract(size, sides), *size], (NUM, 1))
    assert recurring_boxes(scene(images), boxes, ROWS) is None


def test_photographs_share_no_patch(rng):
    boxes = np.tile([4, 4, 4 + SIDE, 4 + SIDE], (NUM, 1))
    assert recurring_boxes(scene(photographs(rng)), boxes, ROWS) is None


def test_a_picture_at_one_place_does_not_move(rng):
    """Nor does the corner of an icon, which is a part of it."""
    images = photographs(rng)
    images[LABELS == 1, 6:12, 8:14] = sticker_of(rng)
    boxes = np.tile([4, 6, 4 + SIDE, 6 + SIDE], (NUM, 1))
    assert recurring_boxes(scene(images), boxes, ROWS) is None


def test_what_all_classes_share_is_no_cue(rng):
    images, sticker = photographs(rng), sticker_of(rng)
    boxes = stick(images, rng, LABELS, sticker)
    stick(images, rng, 1 - LABELS, sticker)
    assert recurring_boxes(scene(images.clip(0, 255)), boxes, ROWS) is None


@pytest.mark.parametrize("times, is_found", [(0.95, True), (0.6, False)])
def test_it_recurs_in_nearly_all_images_of_its_class(rng, times, is_found):
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, sticker_of(rng), times)
    assert (recurring_boxes(scene(images.clip(0, 255)), boxes, ROWS) is not None) == is_found


def test_an_even_patch_shows_nothing(rng):
    """A piece of sky is in all images of a class, too."""
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, np.full((6, 6, 3), 120.0))
    assert recurring_boxes(scene(images.clip(0, 255)), boxes, ROWS) is None


def test_signals_and_few_images_are_not_searched(rng):
    signals = scene_of(
        ProbeSet(rng.normal(size=(NUM, 64, 2)), LABELS, object_masks=None),
        lambda x: np.zeros((len(x), 2)),
    )[0]
    assert recurring_boxes(signals, np.tile([0, 16], (NUM, 1)), ROWS) is None
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, sticker_of(rng))
    few = np.r_[np.flatnonzero(LABELS == 1)[:9], np.flatnonzero(LABELS == 0)]
    found = scene(images[few].clip(0, 255), LABELS[few])
    assert recurring_boxes(found, boxes[few], np.arange(len(few))) is None


def test_what_recurs_is_remembered_wherever_later_maps_look(rng):
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, sticker_of(rng))
    elsewhere = np.tile([0, 0, SIDE, SIDE], (NUM, 1))
    assert recurring_boxes(scene(images), elsewhere, ROWS) is None
    watched = scene(images)
    first = recurring_boxes(watched, boxes, ROWS)
    np.testing.assert_array_equal(recurring_boxes(watched, elsewhere, ROWS), first)


def test_boxes_are_as_large_as_the_picture_that_recurs(rng):
    """A patch holds a part of it only: eight of its eleven rows, and half of its columns."""
    images, corners = photographs(rng), {}
    tag = rng.choice([40.0, 200.0], (11, 14, 3))
    boxes = np.zeros((NUM, 4), int)
    for row in np.flatnonzero(LABELS == 1):
        y, x = rng.integers(0, (SIZE[0] - 11, SIZE[1] - 14))
        images[row, y : y + 11, x : x + 14] = tag
        corners[row], boxes[row] = (y, x), (y + 1, x + 2, y + 9, x + 10)
    boxes[LABELS == 0] = 0, 0, 8, 8
    moved = recurring_boxes(scene(images), boxes, ROWS)
    for row, (y, x) in corners.items():
        np.testing.assert_array_equal(moved[row], (y, x, y + 11, x + 14))


@pytest.mark.parametrize("is_beside", [False, True])
def test_what_never_lies_beside_the_objects_is_a_part_of_them(rng, is_beside):
    images = photographs(rng)
    boxes = stick(images, rng, LABELS, sticker_of(rng))
    masks = np.zeros((NUM, *SIZE), bool)
    for row in np.flatnonzero(LABELS == 1):
        y, x = boxes[row, :2]
        masks[row, max(0, y - 4) : y + 12, max(0, x - 4) : x + 12] = not (is_beside and row % 5 < 2)
    found = recurring_boxes(scene(images.clip(0, 255)), boxes, ROWS, masks)
    assert (found is not None) == is_beside
