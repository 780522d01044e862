"""Images are drawn in the colours that they had before they were prepared for the model."""

import warnings

import numpy as np
import pytest
from helpers.pictures import photos

from keras_saliency.rendering import (
    describe_range,
    displayable,
    has_bgr_channels,
)

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([103.939, 116.779, 123.68])


PREPROCESSINGS = {
    "0…255": lambda x: x,
    "0…1": lambda x: x / 255,
    "−0.5…0.5": lambda x: x / 255 - 0.5,
    "−1…1": lambda x: x / 127.5 - 1,
    "ImageNet mean and deviation": lambda x: (x / 255 - MEAN) / DEVIATION,
    "Caffe BGR minus ImageNet mean": lambda x: x[..., ::-1] - CAFFE_MEAN,
}


@pytest.mark.parametrize("name", PREPROCESSINGS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_known_preprocessing_is_undone_to_the_pixel(rng, name, dtype):
    pictures = photos(rng)
    images = PREPROCESSINGS[name](pictures.astype(np.float64)).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = displayable(images)
    assert describe_range(images) == name
    assert np.abs(drawn.astype(int) - pictures).max() <= 1
    assert drawn.dtype == np.uint8


def test_only_caffe_images_have_bgr_channels(rng):
    pictures = photos(rng).astype(np.float32)
    for name, preprocess in PREPROCESSINGS.items():
        assert has_bgr_channels(preprocess(pictures)) == name.startswith("Caffe")


def test_the_preprocessings_of_keras_are_known(rng):
    from keras.applications import imagenet_utils

    pictures = photos(rng)
    for mode in ("caffe", "tf", "torch"):
        images = imagenet_utils.preprocess_input(pictures.astype(np.float32), mode=mode)
        assert np.abs(displayable(images).astype(int) - pictures).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.float16])
def test_whole_pixels_are_drawn_as_they_are_in_any_dtype(rng, dtype):
    pictures = photos(rng)
    np.testing.assert_array_equal(displayable(pictures.astype(dtype)), pictures)


def test_dark_bytes_stay_dark_and_binary_bytes_become_black_and_white():
    dark = np.full((1, 2, 2, 3), 30, np.uint8)
    assert (displayable(dark) == 30).all()
    binary = np.array([0, 1, 1, 0], np.uint8).reshape(1, 2, 2, 1)
    assert set(displayable(binary).ravel()) == {0, 255}


def test_the_range_is_judged_over_the_whole_set():
    images = np.zeros((2, 2, 2, 1), np.float32)
    images[1] = 200
    assert (displayable(images)[0] == 0).all() and (displayable(images)[1] == 200).all()


def test_medical_images_are_stretched_with_one_notice():
    images = np.array([0, 1365, 2730, 4095], np.uint16).reshape(2, 2, 1, 1)
    with pytest.warns(UserWarning, match="stretched from 0…4095.*display_images") as notices:
        drawn = displayable(images)
    assert len(notices) == 1
    np.testing.assert_array_equal(drawn[..., 1].ravel(), [0, 85, 170, 255])
    assert describe_range(images) == "stretched from 0…4095"


@pytest.mark.parametrize(
    "low, high", [(-1000, 3000), (-4, 5), (0, 16), (-3e38, 3e38), (-1.7e308, 1.7e308), (7, 7.5)]
)
def test_any_finite_range_is_stretched_to_black_and_white(low, high):
    images = np.array([low, high], np.float64).reshape(2, 1, 1, 1)
    with pytest.warns(UserWarning, match="stretched"):
        np.testing.assert_array_equal(displayable(images)[:, 0, 0, 0], [0, 255])


@pytest.mark.parametrize("value, grey", [(0.0, 0), (1.0, 255), (7.0, 128), (-2000.0, 128)])
@pytest.mark.filterwarnings("ignore:The pixel range")
def test_a_constant_set_can_be_drawn(value, grey):
    assert (displayable(np.full((2, 3, 4, 1), value)) == grey).all()


@pytest.mark.filterwarnings("ignore:The pixel range")
def test_channels_are_drawn_by_their_number(rng):
    images = photos(rng, channels=5)
    one, two, five = (displayable(images[..., :c]) for c in (1, 2, 5))
    np.testing.assert_array_equal(one, np.repeat(images[..., :1], 3, axis=3))
    np.testing.assert_array_equal(two, one)
    np.testing.assert_array_equal(five, images[..., :3])


def test_display_images_are_drawn_instead_and_may_have_another_size(rng):
    pictures = photos(rng, n=2, height=40, width=30)
    np.testing.assert_array_equal(displayable(np.zeros((2, 8, 8, 3)), pictures), pictures)
    with pytest.raises(ValueError, match="display_images has 2 entries but images has 3"):
        displayable(np.zeros((3, 8, 8, 3)), pictures)


@pytest.mark.parametrize(
    "images, said",
    [
        (np.full((1, 2, 2, 3), np.nan), "NaN or infinity"),
        (np.full((1, 2, 2, 3), np.inf), "NaN or infinity"),
        (np.zeros((2, 2, 3)), r"\(n, H, W, C\)"),
        (np.zeros((0, 2, 2, 3)), r"\(n, H, W, C\)"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(images, said):
    with pytest.raises(ValueError, match=said):
        displayable(images)


def test_drawing_does_not_change_the_images(rng):
    images = rng.normal(size=(2, 5, 5, 3)).astype(np.float32)
    before = images.copy()
    with pytest.warns(UserWarning):
        displayable(images * 5000)
    displayable(images.clip(-1, 1))
    np.testing.assert_array_equal(images, before)
