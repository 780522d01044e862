"""Texts in pictures."""

import cv2
import numpy as np
import pytest
from helpers.pictures import HOSTILE_NAMES

from keras_saliency.rendering.lettering import draw_line, plain, shorten, text_width


@pytest.mark.parametrize(
    "text, drawn",
    [
        ("Ångström café", "Angstrom cafe"),
        ("Straße Ærø", "Strasse AEro"),
        ("猫 cat", "? cat"),
        ("a\0\x1bb\n\tc", "ab c"),
        ("÷ × − …", "/ x - ..."),
        ("", ""),
        (17, "17"),
    ],
)
def test_texts_become_what_the_fonts_can_draw(text, drawn):
    assert plain(text) == drawn


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("width", [1, 30, 160, 500])
def test_no_text_is_wider_than_its_room(name, width):
    assert text_width(shorten(name, width, 0.42), 0.42) <= width
    assert all(" " <= letter <= "~" for letter in shorten(name, width, 0.42))
    strip = draw_line(name, width, 0.42, (255, 255, 255), (0, 0, 0))
    assert strip.shape[1] == width


@pytest.mark.parametrize("size", [0.3, 0.42, 0.48, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("text", ["Wgjpqy|_()[]{}@W", "jj", "fff", "person 93%"])
def test_no_letter_is_cut_at_the_edge_of_its_strip(text, size):
    white, black = (255, 255, 255), (0, 0, 0)
    strip = draw_line(text, text_width(text, size), size, white, black)
    # The same letters, with all the room in the world.
    room = np.zeros((200, 2000, 3), np.uint8)
    stroke = max(1, round(1.5 * size))
    cv2.putText(room, text, (99, 99), cv2.FONT_HERSHEY_SIMPLEX, size, white, stroke, cv2.LINE_AA)
    assert strip.sum() == room.sum() > 0


def test_a_long_text_keeps_both_ends_and_a_short_one_all():
    cut = shorten("directory/with/a/long/name/photo_000123.png", 160, 0.42)
    assert cut.startswith("dir") and "..." in cut and cut.endswith("png")
    assert shorten("photo.png", 160, 0.42) == "photo.png"
