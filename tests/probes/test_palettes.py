"""Masks with a palette: the background must be black, since colours decide what is marked."""

import struct
import zlib

import numpy as np
import pytest

from keras_saliency.probes.image_files import MaskFolder
from keras_saliency.probes.palettes import with_black_first

BLACK, WHITE, RED, DARK = (0, 0, 0), (255, 255, 255), (200, 0, 0), (3, 0, 0)
OBJECT = np.zeros((20, 24), np.uint8)
OBJECT[5:11, 6:12] = 1  # 36 of 480 pixels
LARGE = np.ones((20, 24), np.uint8)
LARGE[:2] = 0
FRAMED = np.where(np.pad(np.zeros((18, 22)), 1, constant_values=1) > 0, 2, OBJECT)


def chunk(kind, body):
    part = kind + body
    return struct.pack(">I", len(body)) + part + struct.pack(">I", zlib.crc32(part))


def palette_png(numbers, colours, bits=8):
    height, width = numbers.shape
    head = struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0)
    samples = np.unpackbits(numbers.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :]
    rows = np.packbits(samples.reshape(height, -1), axis=1)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    palette = b"".join(bytes(colour) for colour in colours)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", b"Title\0mask")
        + chunk(b"PLTE", palette)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


# 5 x 6 pixels, number 1 at [1:3, 2:4]: the first colour is white, or black.
GIF = "47494638376106000500810000{}0000002c000000000600050000080f0001081c283040008206092a541810003b"


def load(tmp_path, content, size):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.png").write_bytes(content)
    return MaskFolder(str(tmp_path)).load("a/0.jpg", size)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize(
    ("numbers", "colours", "num_marked"),
    [
        (OBJECT, (WHITE, BLACK), 444),
        (OBJECT, (WHITE, RED), 480),
        (OBJECT, (DARK, WHITE), 480),
        (FRAMED, (WHITE, RED, DARK), 480),  # the border has a number of its own
        (1 - LARGE, (WHITE, BLACK), 432),
    ],
)
def test_a_palette_whose_first_colour_is_the_background_and_not_black_is_refused(
    tmp_path, numbers, colours, num_marked, bits
):
    bits = max(bits, len(colours) - 1)
    with pytest.raises(ValueError) as caught:
        load(tmp_path, palette_png(numbers, colours, bits), (20, 24))
    assert f"whose first colour is {colours[0]}. That is usually the background" in str(
        caught.value
    )
    assert f"{num_marked} of 480 pixels would count as object" in str(caught.value)
    assert "Image.fromarray(np.array(Image.open(path))).save(path)" in str(caught.value)


@pytest.mark.parametrize(
    ("numbers", "colours", "marked"),
    [
        (OBJECT, (BLACK, RED), OBJECT),
        (LARGE, (BLACK, WHITE), LARGE),
        (FRAMED, (BLACK, RED, DARK), FRAMED > 0),
        (OBJECT * 2, (BLACK, BLACK, WHITE), OBJECT),
        (1 - OBJECT, (WHITE, BLACK), OBJECT),  # black is number 1, and lies along the border
        (OBJECT + 1, (WHITE, BLACK, RED), OBJECT),  # no pixel has number 0
    ],
)
def test_a_palette_with_a_black_background_marks_what_its_colours_mark(
    tmp_path, numbers, colours, marked
):
    found = load(tmp_path, palette_png(numbers, colours), (20, 24))
    np.testing.assert_array_equal(found, marked > 0)


def test_a_gif_has_a_palette_too(tmp_path):
    with pytest.raises(ValueError, match=r"first colour is \(25[45], 25[45].*26 of 30 pixels"):
        load(tmp_path, bytes.fromhex(GIF.format("ffffff000000000000")), (5, 6))
    (tmp_path / "other").mkdir()
    found = load(tmp_path / "other", bytes.fromhex(GIF.format("000000ffffff000000")), (5, 6))
    expected = np.zeros((5, 6), bool)
    expected[1:3, 2:4] = True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "content", [palette_png(OBJECT, (WHITE, BLACK)), bytes.fromhex(GIF.format("ffffff" * 3))]
)
def test_a_file_cut_anywhere_is_no_error_of_another_kind(content):
    for length in range(26, len(content)):
        changed = with_black_first(content[:length])
        assert changed is None or len(changed) == length
