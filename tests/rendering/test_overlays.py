"""Heatmaps drawn on their probes."""

import numpy as np
import pytest
from helpers.pictures import photos

from keras_saliency.rendering import (
    colorize,
    defect,
    display_values,
    overlay,
)


def test_uniform_attention_is_an_eighth_at_any_magnitude():
    for magnitude in (1e-30, 1, 1e30):
        np.testing.assert_allclose(display_values(np.full((3, 4), magnitude)), 1 / 8)


def test_display_values_by_hand():
    heatmap = np.array([[0, 1], [2, 5]], np.float32)  # its mean is 2
    np.testing.assert_allclose(display_values(heatmap), [[0, 1 / 16], [1 / 8, 2.5 / 8]])
    np.testing.assert_allclose(display_values(heatmap, "map"), [[0, 0.2], [0.4, 1]])
    peak = np.zeros((10, 10))
    peak[3, 3] = 1  # 100 times its mean
    assert display_values(peak)[3, 3] == 1 and display_values(peak).sum() == 1


@pytest.mark.parametrize("scale", ["mean", "map"])
def test_an_all_zero_map_has_zero_values_and_a_non_finite_one_none(scale):
    assert not display_values(np.zeros((2, 3)), scale).any()
    assert display_values(np.array([[1, np.inf]]), scale) is None
    assert display_values(np.array([[1, np.nan]]), scale) is None


def test_an_unknown_scale_is_an_error():
    with pytest.raises(ValueError, match="'mean', 'map'. Received: 'log'"):
        display_values(np.ones((2, 2)), "log")


def test_opacity_zero_returns_the_image(rng):
    image = photos(rng)[0]
    np.testing.assert_array_equal(overlay(image, rng.random((7, 7)), opacity=0), image)


def test_opacity_one_shows_the_colours_alone_where_attention_is_high():
    heatmap = np.zeros((10, 10))
    heatmap[:, 0] = 1  # ten times its mean
    picture = overlay(np.full((10, 10, 3), 77, np.uint8), heatmap, opacity=1)
    np.testing.assert_array_equal(picture[:, 0], colorize(np.ones((10, 1)))[:, 0])


def test_without_attention_the_probe_is_seen_dimmed_and_grey_only():
    heatmap = np.zeros((10, 10))
    heatmap[0, 0] = 1
    picture = overlay(np.full((10, 10, 3), 100, np.uint8), heatmap, opacity=0.5)
    assert (picture[5:, 5:] == 80).all()  # 100 x (1 - 0.4 x 0.5)


@pytest.mark.parametrize("opacity", [-0.1, 1.1, np.nan])
def test_an_opacity_outside_its_range_is_an_error(opacity):
    with pytest.raises(ValueError, match=r"opacity must lie in \[0, 1\]"):
        overlay(np.zeros((2, 2, 3), np.uint8), np.ones((2, 2)), opacity=opacity)


def test_the_overlay_does_not_change_with_the_magnitude_of_the_map(rng):
    image, heatmap = photos(rng)[0], rng.random((5, 6)).astype(np.float32)
    for factor in (1e-35, 1e35):
        np.testing.assert_allclose(
            overlay(image, heatmap * np.float32(factor)).astype(int),
            overlay(image, heatmap).astype(int),
            atol=1,
        )


def test_a_half_precision_map_can_be_drawn(rng):
    image, heatmap = photos(rng)[0], rng.random((5, 6)).astype(np.float16)
    np.testing.assert_array_equal(
        overlay(image, heatmap), overlay(image, heatmap.astype(np.float64))
    )


def test_the_overlay_is_bright_where_the_map_is_high():
    heatmap = np.zeros((4, 8))
    heatmap[0, 7] = 1
    picture = overlay(np.zeros((40, 80, 3), np.uint8), heatmap).astype(int)
    assert picture[:10, 70:].mean() > 50 and picture[20:, :40].max() == 0


BAD_MAPS = {
    "all-zero map": np.zeros((7, 7), np.float32),
    "not finite": np.array([[0, np.nan], [1, 2]], np.float32),
}


@pytest.mark.parametrize("reason", BAD_MAPS)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (28, 28), (60, 100), (224, 224), (3, 5000)])
def test_a_map_that_is_none_is_stamped_and_never_drawn(reason, size):
    image = np.full((*size, 3), 100, np.uint8)
    picture = overlay(image, BAD_MAPS[reason])
    assert picture.shape == image.shape and picture.dtype == np.uint8
    assert defect(BAD_MAPS[reason]) == reason
    # Dimmed grey, and the ink and the paper of the stamp: no colour of a colour map.
    red, green, blue = picture.reshape(-1, 3).astype(int).T
    warm_or_grey = (red >= green - 1) & ((green >= blue - 1) | (red < 40))
    assert warm_or_grey.all()
    assert (picture.max(axis=2) >= 200).any()  # something is stamped


def test_the_stamps_of_both_reasons_differ_where_words_fit():
    image = np.full((224, 224, 3), 100, np.uint8)
    first, second = (overlay(image, heatmap) for heatmap in BAD_MAPS.values())
    assert (first != second).any()


def test_rounding_dust_is_not_drawn_when_the_caller_says_that_it_is_empty(rng):
    image, dust = photos(rng)[0], rng.random((7, 7)) * 1e-20
    np.testing.assert_array_equal(
        overlay(image, dust, empty=True), overlay(image, np.zeros((7, 7)))
    )
    assert defect(dust) == "" and defect(dust, empty=True) == "all-zero map"


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (60, 100), (40, 5000)])
@pytest.mark.parametrize("native", [(1, 1), (7, 5), (70, 50)])
def test_overlays_have_the_size_of_the_image(size, native):
    picture = overlay(np.zeros((*size, 3), np.uint8), np.ones(native))
    assert picture.shape == (*size, 3)
    # Uniform attention is the same everywhere, but for rounding.
    assert np.ptp(picture.reshape(-1, 3).astype(int), axis=0).max() <= 1
