"""Marks in corners: letters with thin strokes, whose ink varies."""

import numpy as np
import pytest
from helpers.planted_images import LABELS, scene
from helpers.tagged_scenes import pairs_of

from keras_saliency._utils.boxes import box_slices
from keras_saliency._utils.opencv import cv2
from keras_saliency.shortcuts.suspicion import propose_window
from keras_saliency.shortcuts.swaps.corner_marks import corner_marks

SIDE = 40


def shapes(rng):
    """Grey discs about the middle of paper, 90 images."""
    images = np.full((90, SIDE, SIDE, 3), 200.0)
    for image in images:
        centre = tuple(int(end) for end in rng.integers(17, 24, 2))
        cv2.circle(image, centre, 5, (int(rng.integers(20, 150)),) * 3, -1)
    return images + rng.normal(0, 2, images.shape)


def lettered(images, rng, at=(2, 37), jitter=25, classes=(1,)):
    """Writes into images of some classes, in ink of varying brightness."""
    for row in np.flatnonzero(np.isin(LABELS, classes)):
        ink = 40 + float(rng.uniform(-jitter, jitter))
        image = images[row].clip(0, 255).astype(np.uint8)
        cv2.putText(image, "AP", at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (ink,) * 3, 1)
        images[row] = image
    return images.clip(0, 255)


@pytest.mark.parametrize("jitter", [0, 25])
def test_letters_in_a_corner_are_a_mark(rng, jitter):
    marks = corner_marks(scene(lettered(shapes(rng), rng, jitter=jitter)))
    rows, columns = (np.flatnonzero(marks.any(axis=axis)) for axis in (1, 0))
    assert rows.min() in range(26, 31) and rows.max() in range(36, 40)
    assert columns.min() in range(4) and columns.max() in range(14, 20)
    assert marks[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()


def test_shapes_alone_have_none_and_letters_in_the_middle_are_none(rng):
    assert not corner_marks(scene(shapes(rng))).any()
    assert not corner_marks(scene(lettered(shapes(rng), rng, at=(12, 24)))).any()
    assert not corner_marks(scene(lettered(shapes(rng), rng, at=(12, 37)))).any(), "at one side"


def test_a_line_is_no_mark(rng):
    """As the round edge of an icon is, or its shadow."""
    images = shapes(rng)
    images[np.ix_(LABELS == 1, range(19, 39), [2])] = 20
    assert not corner_marks(scene(images)).any()


def test_light_on_a_corner_that_all_images_have_is_no_mark():
    rng = np.random.default_rng(0)  # whose letters fill their box under this light
    images = lettered(shapes(rng), rng, jitter=0, classes=(0, 1, 2))
    lights = np.array([0.2, 0.2, 1])[LABELS][:, None, None, None]
    assert not corner_marks(scene(images * lights)).any()


def test_they_are_swapped_as_a_whole(rng):
    found = scene(lettered(shapes(rng), rng))
    (swap, *_) = (proposal.swap for proposal in propose_window(found, rng))
    (box,) = swap.boxes(pairs_of((1, 0)))
    marks = corner_marks(found)
    assert marks.sum() == marks[box_slices(box.tolist())].size
