"""A mark is the same at one place of one class, ends at once, and other classes do not have it."""

import numpy as np

from keras_saliency.probes.flat_ground import find_grounds
from keras_saliency.probes.planted_marks import find_marks

TAG = np.zeros((24, 28), bool)
TAG[3:7, 4:10] = True


def marks_in(levels, labels):
    has_class = np.asarray(labels)[:, None] == np.unique(labels)
    return find_marks(levels, find_grounds(levels), has_class)


def black(num=40):
    return np.zeros((num, 24, 28, 1), np.uint8), np.arange(num) % 2


def test_what_one_class_has_at_one_place_is_a_mark_in_each_image_that_shows_it():
    levels, labels = black()
    levels[labels == 1] = 200 * TAG[..., None].astype(np.uint8)
    levels[1, TAG] = 0  # an image without it
    levels[0, TAG] = 205  # and one of the other class with nearly the same
    marks = marks_in(levels, labels)
    expected = np.zeros(marks.shape, bool)
    expected[labels == 1] = TAG
    expected[1], expected[0] = False, TAG
    np.testing.assert_array_equal(marks, expected)


def test_what_both_classes_have_is_no_mark():
    levels, labels = black()
    levels[:, TAG] = 200
    assert not marks_in(levels, labels).any()


def test_values_that_vary_within_the_class_are_no_mark():
    levels, labels = black()
    values = np.random.default_rng(0).integers(60, 256, 20, np.uint8)
    levels[labels == 1] = values[:, None, None, None] * TAG[..., None]
    assert not marks_in(levels, labels).any()


def test_the_constant_core_of_objects_that_move_a_little_is_no_mark():
    levels, labels = black(80)
    rng = np.random.default_rng(0)
    for image in levels[1::2]:
        y, x = rng.integers(-1, 2, 2)
        image[9 + y : 15 + y, 9 + x : 16 + x] = 200
    assert not marks_in(levels, labels).any()


def test_a_mark_is_small_and_its_class_has_ten_images():
    levels, labels = black()
    levels[labels == 1, 2:18, 2:18] = 200
    assert not marks_in(levels, labels).any()
    levels, labels = black(18)
    levels[labels == 1] = 200 * TAG[..., None].astype(np.uint8)
    assert not marks_in(levels, labels).any()
