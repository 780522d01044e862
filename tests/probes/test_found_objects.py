"""What stands out from a flat background is the object; elsewhere, nothing is claimed."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_saliency.probes.found_objects import FoundObjects, find_objects


def on_flat_ground(*boxes, size=(20, 24), ground=30, value=200, channels=3):
    """One image (1, H, W, C), uint8, with filled boxes (y0, x0, y1, x1), and its mask (H, W)."""
    mask = np.zeros(size, bool)
    for y0, x0, y1, x1 in boxes:
        mask[y0:y1, x0:x1] = True
    image = np.where(mask, value, ground).astype(np.uint8)
    return np.repeat(image[None, ..., None], channels, axis=-1), mask


def grown(mask):
    """Slow twin: a pixel is in if any of its eight neighbours or itself is."""
    rows, columns = np.nonzero(mask)
    wide = np.zeros(np.add(mask.shape, 2), bool)
    for dy in range(3):
        for dx in range(3):
            wide[rows + dy, columns + dx] = True
    return wide[1:-1, 1:-1]


@pytest.mark.parametrize("boxes", [[(6, 7, 13, 15)], [(5, 5, 15, 9), (12, 9, 15, 18)]])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_object_is_what_differs_from_the_ground_and_a_pixel_around(boxes, channels):
    image, mask = on_flat_ground(*boxes, channels=channels)
    found = find_objects(image, [0])
    assert found.masks.dtype == bool and found.masks.shape == (1, 20, 24)
    np.testing.assert_array_equal(found.masks[0], grown(mask))
    assert found.is_sure.tolist() == [True] and found.confidence.tolist() == [1]
    assert found.is_usable([0]) and found.is_usable()


@pytest.mark.parametrize("scale, shift", [(1 / 255, 0), (2 / 255, -1), (257.0, 0), (1e-3, 5)])
def test_the_range_of_the_images_does_not_matter(scale, shift):
    image, mask = on_flat_ground((6, 7, 13, 15))
    found = find_objects(image * scale + shift, None)
    np.testing.assert_array_equal(found.masks[0], grown(mask))


def test_an_object_may_differ_in_a_single_channel():
    image, mask = on_flat_ground((6, 7, 13, 15))
    image[..., [0, 2]] = 99
    image[0, 0, 0] = 0, 0, 255
    np.testing.assert_array_equal(find_objects(image).masks[0], grown(mask))


def test_where_there_is_no_flat_ground_or_no_object_nothing_is_sure():
    noise = np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), np.uint8)
    noise[1] = 7
    noise[2] = 7
    noise[2, 10, 10] = 200
    found = find_objects(noise, [0, 1, 1])
    assert not found.is_sure.any() and not found.confidence.any()
    assert not found.masks[:2].any()
    assert not find_objects(np.zeros((1, 5, 4, 1))).masks.any()


def test_objects_are_usable_when_most_images_and_some_of_each_class_are_sure():
    def usable(*sure, labels):
        sure = np.array(sure, bool)
        return FoundObjects(np.ones((len(sure), 2, 2), bool), sure * 1.0, sure).is_usable(labels)

    assert usable(1, 1, 1, 0, 0, labels=[5, 5, 5, 5, 5])
    assert not usable(1, 1, 0, 0, labels=[0, 0, 0, 0])
    assert usable(1, 1, 1, 1, 0, 0, labels=[0, 0, 0, 1, 1, 1])
    assert not usable(1, 1, 1, 1, 1, 0, labels=[0, 0, 0, 0, 0, 1])
    assert not usable(1, 1, 1, 0, labels=[[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]])


def test_digits_are_found():
    images, labels = load_digits(return_X_y=True)
    images = np.pad(images.reshape(-1, 8, 8, 1)[:300], ((0, 0), (2, 2), (2, 2), (0, 0)))
    found = find_objects(images, labels[:300])
    assert found.is_sure.mean() > 0.95 and found.is_usable(labels[:300])
    ink = images[..., 0] > 4
    assert (found.masks & ink).sum() > 0.97 * ink.sum()
