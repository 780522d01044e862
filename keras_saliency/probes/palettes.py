"""Images with a palette: which pixels have its first colour, whatever colour that is."""

import struct
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"


def with_black_first(content: bytes) -> bytes | None:
    """Returns an image whose palette is replaced: its first colour is black, all others white.

    A decoder gives colours and not their numbers. Decoded, this image gives away which pixels
    have number 0.

    Args:
        content: an image file whose header was read.

    Returns:
        The changed file; None for an image without a palette, and for a broken one. A BMP is none:
        TensorFlow decodes the numbers themselves.
    """
    try:
        if content[:8] == _PNG:
            return _changed_png(content)
        return _changed_gif(content) if content[:4] == b"GIF8" else None
    except (struct.error, IndexError):
        return None


def _changed_png(content: bytes) -> bytes | None:
    if content[25] != 3:  # the colour type
        return None
    place = len(_PNG)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        start, end = place + 4, place + 8 + length
        if end + 4 > len(content):
            return None
        if content[start : start + 4] == b"PLTE":
            part = b"PLTE" + _black_and_white(length)
            return content[:start] + part + struct.pack(">I", zlib.crc32(part)) + content[end + 4 :]
        place = end + 4
    return None


def _changed_gif(content: bytes) -> bytes | None:
    """Changes the palette of all frames, and that of the first frame where it has one."""
    changed = bytearray(content)
    place = 13 + _change_table(changed, 13, content[10])
    while content[place] == 0x21:  # an extension: a label, and blocks that say their length first
        place += 2
        while content[place]:
            place += 1 + content[place]
        place += 1
    if content[place] == 0x2C:
        _change_table(changed, place + 10, content[place + 9])
    return bytes(changed)


def _change_table(changed: bytearray, start: int, flags: int) -> int:
    """Changes a palette in its place if the flags say that there is one; returns its length."""
    length = 3 << (flags % 8 + 1) if flags >= 0x80 else 0
    if len(changed) < start + length:
        raise IndexError("the palette is cut")
    changed[start : start + length] = _black_and_white(length)
    return length


def _black_and_white(length: int) -> bytes:
    return bytes(min(3, length)) + b"\xff" * max(0, length - 3)
