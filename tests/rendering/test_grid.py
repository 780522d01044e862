"""Grids of tiles with captions."""

import numpy as np
import pytest
from helpers.pictures import HOSTILE_NAMES, photos, places

from keras_saliency.rendering import (
    Caption,
    Heading,
    colorize,
    draw_grid,
)
from keras_saliency.rendering.lettering import line_height
from keras_saliency.rendering.sheet import MARGIN, TEXT, TITLE, fit_tile


def captions(n, **options):
    return [Caption(name=f"probe {i}", **options) for i in range(n)]


def test_small_tiles_are_enlarged_by_a_whole_factor_and_large_ones_shrunk(rng):
    small = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    large = fit_tile(small, 160, 320)
    assert large.shape == (160, 120, 3)
    np.testing.assert_array_equal(large[::20, ::20], small)
    np.testing.assert_array_equal(large[19::20, 19::20], small)
    assert fit_tile(np.zeros((28, 28, 3), np.uint8), 160, 320).shape == (168, 168, 3)
    assert fit_tile(np.zeros((224, 200, 3), np.uint8), 160, 320).shape == (224, 200, 3)
    assert fit_tile(np.zeros((1024, 512, 3), np.uint8), 160, 320).shape == (320, 160, 3)
    assert fit_tile(np.zeros((2, 5000, 3), np.uint8), 160, 320).shape == (1, 320, 3)


def test_every_tile_and_image_is_in_the_grid_unchanged(rng):
    tiles, images = photos(rng, 5, 170, 200), photos(rng, 5, 170, 200)
    picture = draw_grid(tiles, captions(5), images=images, title="grad_cam")
    for piece in (*tiles, *images):
        assert len(places(picture, piece)) == 1


def test_the_image_stands_at_the_left_of_its_tile():
    tile, image = np.full((160, 160, 3), 200, np.uint8), np.full((160, 160, 3), 90, np.uint8)
    row = draw_grid([tile], captions(1), images=[image])[100, :, 0]
    assert np.flatnonzero(row == 90).max() < np.flatnonzero(row == 200).min()


def test_a_wrong_prediction_has_another_sign_and_not_only_another_colour():
    tile = np.zeros((160, 160, 3), np.uint8)

    def shape_of(correct):
        caption = Caption("a", "cat", "cat", 0.9, correct)
        grey = draw_grid([tile], [caption], colormap=None).max(axis=2)
        return grey > 90

    assert (shape_of(True) != shape_of(False)).sum() > 10
    assert (shape_of(None) != shape_of(False)).any()


def test_lines_that_no_caption_has_take_no_room():
    tile = np.zeros((160, 160, 3), np.uint8)
    heights = [
        len(draw_grid([tile], [caption]))
        for caption in (Caption("a"), Caption("a", "b"), Caption("a", "b", "c", 0.5, True, "d"))
    ]
    assert heights[1] - heights[0] == (heights[2] - heights[1]) / 2 > 0


@pytest.mark.parametrize("confidence, drawn", [(0.934, "cat 93%"), (None, "cat"), (np.nan, "cat")])
def test_the_prediction_is_drawn_with_its_confidence_where_known(confidence, drawn):
    assert Caption("a", prediction="cat", confidence=confidence).predicted() == drawn


def test_columns_are_as_asked_and_never_more_than_tiles():
    tiles = [np.zeros((160, 160, 3), np.uint8)] * 4
    one = draw_grid(tiles, captions(4), columns=1)
    many = draw_grid(tiles, captions(4), columns=9)
    np.testing.assert_array_equal(many, draw_grid(tiles, captions(4), columns=4))
    assert one.shape[0] > one.shape[1] and many.shape[1] > many.shape[0]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_neither_fail_nor_widen_the_grid(name):
    tile = np.zeros((28, 28, 3), np.uint8)
    usual = draw_grid([tile], [Caption("a", "b", "c", 0.5, True, "d")], title="e")
    hostile = draw_grid([tile], [Caption(name, f"b{name}", name, 0.5, True, f"d{name}")], title="e")
    assert hostile.shape == usual.shape


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (8, 8), (60, 100), (40, 5000)])
def test_grids_of_any_tile_size_are_legible_in_size(size):
    tiles = [np.full((*size, 3), 200, np.uint8)] * 3
    picture = draw_grid(tiles, captions(3), images=tiles)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    assert min(picture.shape[:2]) >= 160 and max(picture.shape[:2]) < 3000
    assert (picture == 200).any()


def test_tiles_of_different_sizes_share_a_grid(rng):
    tiles = [photos(rng, 1, *size)[0] for size in ((28, 28), (60, 100), (500, 300))]
    assert draw_grid(tiles, captions(3)).dtype == np.uint8


def test_the_legend_names_its_scale_and_can_be_left_out():
    tile = [np.zeros((160, 160, 3), np.uint8)]
    mean, own = (draw_grid(tile, captions(1), scale=scale) for scale in ("mean", "map"))
    without = draw_grid(tile, captions(1), colormap=None)
    assert mean.shape == own.shape and (mean != own).any()
    assert len(without) < len(mean)
    assert places(mean, colorize(np.ones((1, 1)))) and not places(
        without, colorize(np.ones((1, 1)))
    )


def test_small_print_follows_the_title():
    tile = [np.zeros((160, 160, 3), np.uint8)]
    alone = draw_grid(tile, captions(1), title="grad_cam")
    both = draw_grid(tile, captions(1), title=Heading("grad_cam", "Left: a probe."))
    np.testing.assert_array_equal(draw_grid(tile, captions(1), title=Heading("grad_cam")), alone)
    num_more = len(both) - len(alone)
    assert num_more == line_height(TEXT)
    shift = MARGIN + line_height(TITLE)
    np.testing.assert_array_equal(both[shift + num_more :], alone[shift:])


def test_grids_that_do_not_fit_together_are_errors():
    tiles = [np.zeros((8, 8, 3), np.uint8)] * 2
    with pytest.raises(ValueError, match="tiles is empty"):
        draw_grid([], [])
    with pytest.raises(ValueError, match="captions has 1 entries but tiles has 2"):
        draw_grid(tiles, captions(1))
    with pytest.raises(ValueError, match="images has 1 entries but tiles has 2"):
        draw_grid(tiles, captions(2), images=tiles[:1])
    with pytest.raises(ValueError, match="columns must be at least 1. Received: 0"):
        draw_grid(tiles, captions(2), columns=0)
