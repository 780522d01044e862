"""Colour maps and signed signals."""

import numpy as np
import pytest

from keras_saliency.rendering import (
    COLORMAPS,
    colorize,
    colorize_signed,
    overlay,
)


def test_viridis_ends_in_yellow_and_starts_in_dark_violet_so_channels_are_rgb():
    low, high = colorize(np.array([[0.0, 1.0]]))[0].astype(int)
    assert high[0] > 220 and high[1] > 220 and high[2] < 80  # yellow
    assert low[2] > low[0] > low[1] and low.max() < 100  # violet


def test_jet_ends_in_red():
    low, high = colorize(np.array([[0.0, 1.0]]), "jet")[0].astype(int)
    assert high[0] > 100 and high[1] == high[2] == 0
    assert low[2] > 100 and low[0] == low[1] == 0


@pytest.mark.parametrize("name", COLORMAPS)
def test_every_colormap_gives_rgb_of_the_same_size(name):
    picture = colorize(np.linspace(0, 1, 15, dtype=np.float32).reshape(3, 5), name)
    assert picture.shape == (3, 5, 3) and picture.dtype == np.uint8


def test_gray_is_the_value_itself():
    np.testing.assert_array_equal(
        colorize(np.array([[0, 0.2, 1, 7, np.nan]]), "gray")[0, :, 1], [0, 51, 255, 255, 0]
    )


def test_an_unknown_colormap_is_an_error_that_lists_the_names():
    with pytest.raises(ValueError, match=r"'viridis', 'jet'.*Received: 'rainbow'"):
        colorize(np.zeros((2, 2)), "rainbow")
    with pytest.raises(ValueError, match="Received: 'rainbow'"):
        overlay(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), colormap="rainbow")


def test_zero_of_a_signed_signal_is_middle_grey_and_the_extremes_are_symmetric():
    picture = colorize_signed(np.array([[[0.0], [2.0], [-2.0], [1.0]]]))
    np.testing.assert_array_equal(picture[0, :, 0], [128, 255, 1, 192])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])


def test_a_signed_signal_of_three_channels_keeps_their_order():
    np.testing.assert_array_equal(
        colorize_signed(np.array([[[1.0, 0.0, -1.0]]])), [[[255, 128, 1]]]
    )


def test_a_signed_signal_of_other_channels_is_their_mean():
    np.testing.assert_array_equal(
        colorize_signed(np.array([[[3.0, 1.0], [-1.0, 0.0]]]))[0, :, 0], [255, 96]
    )


def test_a_signed_signal_does_not_change_with_its_scale(rng):
    signal = rng.normal(size=(5, 4, 3))
    np.testing.assert_array_equal(colorize_signed(signal), colorize_signed(signal * 1e-30))


def test_an_all_zero_signal_is_grey_and_a_non_finite_one_black():
    assert (colorize_signed(np.zeros((3, 2, 3))) == 128).all()
    assert (colorize_signed(np.full((3, 2, 1), np.nan)) == 0).all()
