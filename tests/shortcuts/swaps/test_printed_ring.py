"""What is printed on the outer ring of images: a frame, a pattern, or nothing."""

import numpy as np
import pytest
from helpers.planted_images import LABELS, SIZE, faces, photographs, scene

from keras_saliency.shortcuts.swaps.planted import is_planted
from keras_saliency.shortcuts.swaps.planted_pixels import follows_brightness, planted_pixels
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask, printed_ring


@pytest.mark.parametrize("is_tinted", [False, True])
def test_tinted_paper_is_as_dark_as_all_that_is_on_it_and_a_frame_is_not(rng, is_tinted):
    ring = np.ones(SIZE, bool)
    ring[2:-2, 2:-2] = False
    images = np.full((90, *SIZE, 3), 250.0)
    images[:, 2:18, 2:22] = rng.uniform(0, 250, (90, 16, 20, 3))
    tints = np.array([[1, 1, 1], [0.9, 0.7, 0.5], [0.5, 0.8, 0.9]])[LABELS][:, None, None]
    if is_tinted:
        images *= tints
    else:
        images[:, ring] = 250 * tints[:, 0]
    images[0, 7, 9] = 0, 0, 255
    assert is_planted(scene(images), ring)
    assert follows_brightness(scene(images), ring)[ring].all() == is_tinted
    assert printed_ring(scene(images)) == (None if is_tinted else "frame")
    expected = ring if not is_tinted else np.zeros(SIZE, bool)
    np.testing.assert_array_equal(frame_mask(scene(images)), expected)


def test_cards_with_a_margin_are_no_printed_ring(rng):
    """Icons of one kind have a card of one colour; paper goes on around it."""
    cards = np.array([[90, 90, 90], [40, 120, 200], [230, 200, 60]])
    images = np.full((90, *SIZE, 3), 250.0)
    images[:, 1:-1, 1:-1] = cards[LABELS][:, None, None]
    images[:, 4:16, 4:20] = rng.uniform(0, 255, (90, 12, 16, 3))
    assert planted_pixels(scene(images))[1, 4:20].all()
    assert printed_ring(scene(images)) is None


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_frame_is_as_many_lines_as_are_printed_and_its_inner_edge(rng, width):
    """The ring is five pixels wide here. Inside a thinner frame, it shows the image."""
    images = rng.uniform(0, 255, (90, 60, 50, 3))
    inside = images[:, width:-width, width:-width].copy()
    images[LABELS == 1] = 250, 60, 20
    images[:, width:-width, width:-width] = inside
    expected, end = np.ones((60, 50), bool), min(5, width + 1)
    expected[end:-end, end:-end] = False
    np.testing.assert_array_equal(frame_mask(scene(images)), expected)


def test_a_ring_of_several_colours_is_part_of_a_pattern(rng):
    images = rng.choice([60.0, 140.0], (3, *SIZE, 1))[LABELS]
    images[:, 6:14, 8:16] = rng.uniform(0, 255, (90, 8, 8, 1))
    assert printed_ring(scene(images)) == "pattern"
    assert not frame_mask(scene(images)).any()
    assert printed_ring(scene(faces(rng))) is None
    assert printed_ring(scene(rng.normal(size=(90, 64, 2)))) is None


@pytest.mark.parametrize("share, expected", [(0.5, "pattern"), (0.1, None)])
def test_a_ring_through_which_the_images_show_is_part_of_a_pattern(rng, share, expected):
    images = 100 + 0.1 * photographs(rng)
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    rows, columns = np.indices(SIZE)
    wave = np.where((rows + columns) % 4 < 2, 60, -60) * (abs(columns - 12) < share * SIZE[1])
    images[LABELS == 1] += wave[..., None]
    assert printed_ring(scene(images)) == expected
    assert not frame_mask(scene(images)).any()
