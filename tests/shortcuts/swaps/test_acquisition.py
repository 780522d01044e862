"""Levels of noise, sharpness and gain, and whether a level separates classes."""

import cv2
import numpy as np
import pytest
from helpers.crops import crops, object_on_black
from helpers.slow_twins import slow_noise_deviation, slow_share_between, slow_sharpness_level

from keras_saliency.shortcuts.swaps.acquisition import (
    class_share,
    corners,
    edge_strips,
    middle,
    noise_deviation,
    noise_level,
    separates,
    sharpness_level,
)


def order(levels):
    """Spearman's correlation of levels with 0, 1, 2, …, where none are equal."""
    return np.corrcoef(np.argsort(np.argsort(levels)), np.arange(len(levels)))[0, 1]


@pytest.mark.parametrize("shape", [(8, 8, 1), (23, 31, 3), (40, 28, 2), (80, 72, 1)])
def test_levels_are_those_of_the_slow_twins(rng, shape):
    image = np.rint(cv2.GaussianBlur(rng.uniform(0, 255, shape), (0, 0), 0.8)).reshape(shape)
    images = np.stack([image, 255 - 0.5 * image[::-1]]).astype(np.float32)
    expected = [slow_noise_deviation(image) for image in images]
    np.testing.assert_allclose(noise_deviation(images), expected, rtol=1e-4)
    expected = [slow_sharpness_level(image) for image in images]
    np.testing.assert_allclose(sharpness_level(images), expected, rtol=1e-3)


@pytest.mark.parametrize("deviation", [3, 10, 25])
def test_noise_on_a_slope_has_the_deviation_that_was_added(rng, deviation):
    slope = np.linspace(90, 160, 64)[:, None, None] + np.zeros((64, 48, 3))
    image = (slope + rng.normal(0, deviation, slope.shape)).astype(np.float32)
    assert noise_deviation(image[None])[0] == pytest.approx(deviation, rel=0.1)
    assert noise_level(image[None])[0] == pytest.approx(np.log2(1 + deviation), abs=0.2)


@pytest.mark.parametrize("images", [crops(), crops(colour=True), object_on_black()])
def test_levels_order_degradations(rng, images):
    added, blurs = (0, 4, 8, 14, 22, 32), (0.01, 0.5, 0.7, 1, 1.4, 2)
    for image in images:
        noise = rng.normal(size=image.shape)
        noisy = [np.clip(image + s * noise, 0, 255).astype(np.float32) for s in added]
        assert order(noise_level(np.stack(noisy))) > 0.95
        blurred = [cv2.GaussianBlur(image, (0, 0), s).reshape(image.shape) for s in blurs]
        assert order(-sharpness_level(np.stack(blurred))) > 0.95


def test_sharpness_hardly_depends_on_contrast_and_noise(rng):
    images = crops(64)
    levels = sharpness_level(images)
    np.testing.assert_allclose(sharpness_level(128 + 0.5 * (images - 128)), levels, atol=0.05)
    noisy = (images + rng.normal(0, 8, images.shape)).astype(np.float32)
    np.testing.assert_allclose(sharpness_level(noisy), levels, atol=0.2)


def one_hot(labels):
    return np.eye(max(labels) + 1, dtype=bool)[labels]


def test_what_separates_is_above_the_floor_and_above_chance(rng):
    for strength in (0, 0.2, 1, 1.5):
        labels = rng.integers(0, 4, 240)
        levels = np.round(rng.normal(size=240) + strength * (labels == 2), 1)
        share = slow_share_between(levels, labels)
        expected = share > max(0.05, 11.34 / 239)  # chi-squared with 3 degrees, 1 %
        assert separates(levels, one_hot(labels)) == expected
        assert expected == (strength > 0.5)


def test_chance_seldom_separates_few_images():
    rng, found = np.random.default_rng(1), 0
    for _ in range(300):
        labels = np.arange(40) % 4
        found += separates(rng.normal(size=40), one_hot(labels))
    assert found <= 9


def test_a_property_of_one_class_of_ten_separates(rng):
    labels = np.arange(200) % 10
    levels = rng.normal(size=200) + 3 * (labels == 7)
    assert separates(levels, one_hot(labels))


def test_equal_levels_or_one_class_separate_nothing(rng):
    labels = np.arange(30) % 3
    assert not separates(np.zeros(30), one_hot(labels))
    assert not separates(rng.normal(size=30), np.ones((30, 1), bool))


def test_any_channel_and_any_label_may_separate(rng):
    has_class = rng.random((200, 3)) < 0.4
    levels = rng.normal(size=(200, 3))
    assert not separates(levels, has_class)
    levels[:, 1] += 2 * has_class[:, 2]
    assert separates(levels, has_class) and separates(levels[:, 1], has_class)
    assert not separates(levels[:, 0], has_class)


def test_levels_of_large_images_are_measured_in_the_middle_where_a_block_begins(rng):
    image = rng.random((300, 131, 1))  # 102 and 17 pixels before the middle 96
    part = middle(image)
    assert part.shape == (96, 96, 1)
    np.testing.assert_array_equal(part, image[96:192, 16:112])
    assert middle(image[:40, :50]).shape == (40, 50, 1)


def test_a_small_difference_between_many_images_separates_nothing():
    """However sure it is: no shortcut hides in 2 % of the variance."""
    rng, labels = np.random.default_rng(0), np.arange(4000) % 2
    levels = rng.normal(size=4000) + 0.3 * labels
    assert 0.01 < np.corrcoef(levels, labels)[0, 1] ** 2 < 0.04
    assert not separates(levels, one_hot(labels))


def test_edge_strips_are_quarters_of_small_images_and_24_pixels_of_large_ones():
    image = np.arange(40 * 60).reshape(40, 60, 1)
    top, bottom, left, right = edge_strips(image)
    np.testing.assert_array_equal(top, image[:10])
    np.testing.assert_array_equal(bottom, image[30:])
    np.testing.assert_array_equal(left, image[:, :15])
    np.testing.assert_array_equal(right, image[:, 45:])
    assert [s.shape[:2] for s in edge_strips(np.zeros((300, 20, 3)))] == [
        *((24, 20), (24, 20)),
        *((300, 8), (300, 8)),
    ]


def test_corners_are_thirds_of_small_images_and_32_pixels_of_large_ones():
    image = np.arange(39 * 60).reshape(39, 60, 1)
    pieces = image[:13, :20], image[:13, 40:], image[26:, :20], image[26:, 40:]
    for corner, piece in zip(corners(image), pieces, strict=True):
        np.testing.assert_array_equal(corner, piece)
    assert [c.shape[:2] for c in corners(np.zeros((300, 20, 3)))] == [(32, 12)] * 4


def test_the_share_between_classes_is_that_of_the_slow_twin(rng):
    levels, labels = rng.permutation(60).astype(float), np.arange(60) % 3
    levels[labels == 1] += 30
    has_class = np.eye(3)[labels] > 0
    assert class_share(levels, has_class) == pytest.approx(slow_share_between(levels, labels))
    multi_hot = np.stack([labels == 1, np.ones(60, bool)], axis=1)
    expected = slow_share_between(levels, (labels == 1).astype(int))
    assert class_share(levels, multi_hot) == pytest.approx(expected)
