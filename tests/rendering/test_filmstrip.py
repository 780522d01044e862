"""Filmstrips: a row for each probe, a column for each epoch."""

import numpy as np
import pytest
from helpers.pictures import HOSTILE_NAMES, photos, places

from keras_saliency.rendering import (
    Caption,
    Filmstrip,
)


def strip_of(epochs, **options):
    film = Filmstrip([np.zeros((4, 4, 3), np.uint8)], ["a"], min_tile=4, **options)
    for epoch in epochs:
        film.add("", epoch, [np.full((4, 4, 3), 60 + epoch % 190, np.uint8)])
    return film


def test_up_to_twelve_epochs_are_all_kept():
    assert strip_of(range(-1, 11)).epochs == list(range(-1, 11))


@pytest.mark.parametrize("num_epochs", [13, 30, 100, 500])
@pytest.mark.parametrize("step", [1, 10])
def test_of_more_epochs_the_start_the_last_and_a_thinning_choice_are_kept(num_epochs, step):
    asked = list(range(-1, num_epochs * step, step))
    kept = strip_of(asked).epochs
    assert len(kept) == 12 and kept[0] == asked[0] and kept[-1] == asked[-1]
    assert kept == sorted(set(kept)) and set(kept) <= set(asked)
    # No hole wider than the unavoidable first step, or a fifth of the scale.
    roots = np.sqrt(np.array(kept) + 1)
    assert np.diff(roots).max() <= max(step**0.5 + 1e-9, roots[-1] / 5)
    assert strip_of(asked).epochs == kept


def test_the_filmstrip_stops_growing_when_it_is_full():
    shapes = [strip_of(range(-1, n)).picture().shape for n in (11, 12, 60)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_two_columns_are_start_and_last():
    assert strip_of(range(-1, 40), max_columns=2).epochs == [-1, 39]


def test_columns_stand_in_the_order_of_epochs_behind_the_probe(rng):
    image, *tiles = photos(rng, 4, 120, 120)
    film = Filmstrip([image], ["a"])
    for epoch, tile in enumerate(tiles):
        film.add(f"epoch {epoch + 1}", epoch, [tile])
    picture = film.picture()
    lefts = []
    for piece in (image, *tiles):
        ((_, left),) = places(picture, piece)
        lefts.append(left)
    assert lefts == sorted(set(lefts))


def test_a_column_is_drawn_when_added_and_never_again():
    film, tile = strip_of([-1]), np.full((4, 4, 3), 99, np.uint8)
    film.add("epoch 1", 0, [tile])
    before = film.picture()
    tile[...] = 0
    np.testing.assert_array_equal(film.picture(), before)


def test_a_filmstrip_without_columns_shows_the_probes(rng):
    images = photos(rng, 2, 120, 130)
    picture = Filmstrip(images, ["a", "b"]).picture()
    assert places(picture, images[0]) and places(picture, images[1])


def test_words_and_notes_take_the_same_room_as_none():
    tile = np.zeros((120, 120, 3), np.uint8)
    shapes, pictures = set(), []
    for given in (None, [Caption("a", "b", "c", 0.5, False)], [Caption("a", note="all-zero map")]):
        film = Filmstrip([tile], ["a"])
        film.add("start", -1, [tile], captions=given)
        pictures.append(film.picture())
        shapes.add(pictures[-1].shape)
    assert len(shapes) == 1
    assert (pictures[0] != pictures[1]).any() and (pictures[1] != pictures[2]).any()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (60, 100), (1024, 700), (40, 5000), (5000, 3)])
def test_filmstrips_of_any_size_hold_tiles_of_any_size(size):
    film = Filmstrip([np.full((*size, 3), 200, np.uint8)] * 2, HOSTILE_NAMES[-2:])
    film.add(
        HOSTILE_NAMES[3], 0, [np.full((*size, 3), 90, np.uint8), np.zeros((9, 50, 3), np.uint8)]
    )
    picture = film.picture()
    assert picture.dtype == np.uint8 and max(picture.shape) < 1500
    assert (picture == 200).any() and (picture == 90).any()


def test_filmstrips_that_do_not_fit_together_are_errors():
    tile = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="Received: 1 images, 2 names"):
        Filmstrip([tile], ["a", "b"])
    with pytest.raises(ValueError, match="Received: 0 images"):
        Filmstrip([], [])
    with pytest.raises(ValueError, match="max_columns must be at least 2. Received: 1"):
        Filmstrip([tile], ["a"], max_columns=1)
    film = Filmstrip([tile], ["a"])
    with pytest.raises(ValueError, match="tiles has 2 entries but the filmstrip has 1 rows"):
        film.add("start", -1, [tile, tile])
    with pytest.raises(ValueError, match="captions has 0 entries"):
        film.add("start", -1, [tile], captions=[])
    film.add("epoch 4", 3, [tile])
    with pytest.raises(ValueError, match="epoch must not go back. Received: 2 after 3"):
        film.add("epoch 3", 2, [tile])
    assert film.epochs == [3]
