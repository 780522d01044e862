"""Marks in corners: letters with thin strokes, whose ink varies."""

import numpy as np
import pytest
from helpers.planted_images import LABELS, scene

from keras_saliency._utils.opencv import cv2
from keras_saliency.shortcuts.swaps.corner_marks import corner_marks

SIDE = 40


def shapes(rng):
    """Grey discs about the middle of paper, 90 images."""
    images = np.full((90, SIDE, SIDE, 3), 200.0)
    for image in images:
        centre = tuple(int(end) for end in rng.integers(17, 24, 2))
        cv2.circle(image, centre, 8, (int(rng.integers(20, 150)),) * 3, -1)
    return images + rng.normal(0, 2, images.shape)


def lettered(images, rng, at=(2, 37), jitter=25):
    """Writes into images of class 1, in ink of varying brightness."""
    for row in np.flatnonzero(LABELS == 1):
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
    images[np.ix_(LABELS == 1, range(28, 38), [3])] = 20
    assert not corner_marks(scene(images)).any()


def test_light_on_a_corner_that_all_images_have_is_no_mark(rng):
    images = shapes(rng)
    images[:, 28:38, 2:12] = 20.0
    images *= np.array([0.5, 0.75, 1])[LABELS][:, None, None, None]
    assert not corner_marks(scene(images.clip(0, 255))).any()
