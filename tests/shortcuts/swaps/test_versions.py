"""Ladders: the versions of an image, and their levels."""

import cv2
import numpy as np
import pytest
from helpers.crops import crops, object_on_black

from keras_saliency.shortcuts.swaps.acquisition import sharpness_level
from keras_saliency.shortcuts.swaps.versions import LADDERS


@pytest.mark.parametrize("kind", LADDERS)
@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 16, 3), (33, 20, 1), (20, 41, 3)])
@pytest.mark.parametrize("fill", ["constant", "random"])
def test_versions_are_whole_grey_levels_and_their_levels_are_numbers(rng, kind, shape, fill):
    image = rng.integers(0, 256, shape) if fill == "random" else np.full(shape, 255)
    image = image.astype(np.float32)
    ladder = LADDERS[kind]
    levels = ladder.levels(image)
    assert len(levels) == len(ladder.versions) and np.isfinite(levels).all()
    np.testing.assert_allclose(levels[0], ladder.level(image[None])[0], rtol=1e-5)
    for version in ladder.versions:
        made = version(image)
        assert made.shape == shape and made.dtype == np.float32
        assert made.min() >= 0 and made.max() <= 255
        np.testing.assert_array_equal(made, np.rint(made))
        np.testing.assert_array_equal(made, version(image.copy()))  # the same at every check
    np.testing.assert_array_equal(ladder.versions[0](image), image)


def test_known_levels_are_those_measured():
    ladder = LADDERS["compression"]
    measured = np.array([ladder.level([v(image) for v in ladder.versions]) for image in crops()])
    known = np.array([ladder.levels(image) for image in crops()])
    assert np.median(np.abs(measured - known)) < 0.1


def test_noise_can_be_removed_and_edges_stay(rng):
    """Closer to what the image was, in noise, and no less sharp."""
    for image in object_on_black():
        noisy = np.clip(np.rint(image + rng.normal(0, 15, image.shape)), 0, 255).astype(np.float32)
        levels = LADDERS["noise"].levels(noisy)
        removed = LADDERS["noise"].versions[int(levels.argmin())](noisy)
        assert levels.min() < levels[0] - 1
        assert np.abs(removed - image).mean() < np.abs(noisy - image).mean()
        after, before = sharpness_level(np.stack([removed, image]))
        assert after > before - 0.4


def test_a_ladder_of_an_image_with_four_channels_is_that_of_each(rng):
    image = rng.integers(0, 256, (24, 24, 4)).astype(np.float32)
    image = np.rint(cv2.GaussianBlur(image, (0, 0), 1))
    for kind in ("noise", "sharpness"):
        for version in LADDERS[kind].versions:
            assert version(image).shape == image.shape


def test_a_blur_can_be_undone_in_part():
    """Closer to what the image was, and sharper, step by step."""
    for image in crops(colour=True):
        versions = LADDERS["sharpness"].versions
        blurred = np.rint(cv2.GaussianBlur(image, (0, 0), 1))
        sharpened = [version(blurred) for version in versions[-3:]]
        errors = [np.abs(a - image).mean() for a in (blurred, *sharpened)]
        assert errors == sorted(errors, reverse=True) and errors[-1] < 0.8 * errors[0]
        levels = sharpness_level(np.stack([blurred, *sharpened]))
        assert (np.diff(levels) > 0).all()
