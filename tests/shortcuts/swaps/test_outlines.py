"""Whether outlines of objects are blurred in one class only."""

import cv2
import numpy as np
import pytest
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps.outlines import outlines_differ

NUM, SIDE = 60, 40
LABELS = np.arange(NUM) % 3


def discs(rng, detail=0.0):
    """Discs of random brightness on paper, with some detail inside in class 1; and their masks."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images, masks = np.full((NUM, SIDE, SIDE, 3), 230.0), np.zeros((NUM, SIDE, SIDE), bool)
    for row, (image, mask) in enumerate(zip(images, masks, strict=True)):
        y, x = rng.uniform(14, 26, 2)
        mask[:] = np.hypot(rows - y, columns - x) < 9
        image[mask] = rng.uniform(20, 120)
        if LABELS[row] == 1:
            image[mask] += rng.uniform(-detail, detail, (mask.sum(), 1))
    return images, masks


def blurred(images, deviation, labels=(1,)):
    images = images.copy()
    for row in np.flatnonzero(np.isin(LABELS, labels)):
        images[row] = cv2.GaussianBlur(images[row], (0, 0), deviation)
    return images


def scene(images, masks, labels=LABELS):
    probes = ProbeSet(images.clip(0, 255).astype(np.uint8), labels, object_masks=masks)
    return scene_of(probes, lambda x: np.zeros((len(x), 3)))[0]


@pytest.mark.parametrize("is_given", [False, True])
def test_one_blurred_class_has_other_outlines(rng, is_given):
    images, masks = discs(rng)
    masks = masks if is_given else "auto"
    assert outlines_differ(scene(blurred(images, 1.2), masks))
    assert not outlines_differ(scene(images, masks))
    assert not outlines_differ(scene(blurred(images, 1.2, labels=(0, 1, 2)), masks))
    assert not outlines_differ(scene(blurred(images, 0.3), masks)), "hardly blurred"
    assert not outlines_differ(scene(blurred(images, 1.2), None)), "objects are not known"


def test_finer_detail_inside_is_no_sharper_outline(rng):
    images, masks = discs(rng, detail=60)
    assert not outlines_differ(scene(images, masks))


def test_the_end_of_the_image_is_no_outline(rng):
    images, _ = discs(rng)
    assert not outlines_differ(scene(blurred(images, 1.2), np.ones((NUM, SIDE, SIDE), bool)))


def test_blur_of_few_images_says_nothing_of_a_class(rng):
    images, masks = discs(rng)
    labels = np.where((LABELS == 1) & (np.arange(NUM) > 12), 0, LABELS)  # four images of class 1
    images = blurred(images, 1.2)
    images[labels == 0] = discs(rng)[0][labels == 0]
    assert not outlines_differ(scene(images, masks, labels))
