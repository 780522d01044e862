"""Reads the headers of image files, before anything is decoded."""

import struct
from typing import NamedTuple

MAX_MEGAPIXELS = 100


class Announced(NamedTuple):
    """The size of an image, according to its header.

    Attributes:
        width, height: pixels of the picture, the largest frame for a GIF.
        frame_pixels: pixels of all frames together.
    """

    width: int
    height: int
    frame_pixels: int

    @property
    def is_too_large(self) -> bool:
        """Whether the file is to be refused."""
        # A frame is held at one byte for each pixel, a picture at up to eight.
        return max(self.width * self.height, self.frame_pixels / 8) > MAX_MEGAPIXELS * 1_000_000


def read_header(content: bytes) -> Announced | None:
    """Returns what an image file announces, or None for no BMP, GIF, JPEG, PNG or WebP."""
    import tensorflow as tf

    try:
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack(">II", content[16:24])
        elif content[:4] == b"GIF8":
            return _read_gif(content)
        elif content[:2] == b"BM":
            width, height = map(abs, struct.unpack("<ii", content[18:26]))
        elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _read_webp(content)
        elif content[:3] == b"\xff\xd8\xff":
            height, width, _ = tf.io.extract_jpeg_shape(content).numpy().tolist()
        else:
            return None
    except (struct.error, tf.errors.OpError):
        return None
    return Announced(width, height, 0)


def _read_webp(content: bytes) -> Announced | None:
    """Reads the first part of a WebP: its canvas, or the only picture, lossy or lossless."""
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack("<I", content[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", content[26:30]))
    else:
        return None
    return Announced(width, height, 0)


def _read_gif(content: bytes) -> Announced:
    """Looks at every frame: the decoder believes these, and not the size at the file's start."""
    width, height = struct.unpack("<HH", content[6:10])
    frame_pixels, place = 0, 13 + _color_table(content[10] if len(content) > 10 else 0)
    while place < len(content):
        kind = content[place]
        if kind == 0x21:  # an extension and its label
            place = _after_blocks(content, place + 2)
        elif kind == 0x2C and place + 10 <= len(content):
            frame_width, frame_height, flags = struct.unpack_from("<HHB", content, place + 5)
            width, height = max(width, frame_width), max(height, frame_height)
            frame_pixels += frame_width * frame_height
            # The byte after the colours is the code size.
            place = _after_blocks(content, place + 10 + _color_table(flags) + 1)
        else:  # the end, or nothing that the decoder would go past
            break
    return Announced(width, height, frame_pixels)


def _color_table(flags: int) -> int:
    return 3 << (flags % 8 + 1) if flags >= 0x80 else 0


def _after_blocks(content: bytes, place: int) -> int:
    """Returns where the blocks end that begin here: each says its length first, the last one 0."""
    while place < len(content) and content[place]:
        place += 1 + content[place]
    return place + 1
