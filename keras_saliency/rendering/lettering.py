"""Text on pictures: cleaned, cut to a width, and drawn so that nothing runs over."""

import math
import unicodedata
from functools import lru_cache

import numpy as np

from keras_saliency._utils.opencv import cv2

Ink = tuple[int, int, int]  # (R, G, B)

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_ELLIPSIS = "..."
RIGHT = (120, 190, 140)
WRONG = (255, 110, 90)
# No line of a picture holds more; a longer text is cut before it is measured.
_MAX_CHARACTERS = 400
_MAX_LINES = 8  # of a wrapped text; the last takes what is left, and is cut when it is drawn
# Letters that NFKD leaves whole, and signs that have a plain twin.
_TWINS = str.maketrans(
    {"÷": "/", "×": "x", "−": "-", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"'}
    | {
        "→": "->",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "ı": "i",
    }
)


def plain(text: object) -> str:
    """Returns a text in the characters that OpenCV's fonts can draw.

    Accents are taken off, control characters removed, white space becomes one
    space, and what has no ASCII form becomes "?". A text of more than 400
    characters loses its middle first.

    Args:
        text: anything; `str` is taken of it.
    """
    whole = _cut(str(text))
    letters = []
    # A letter may be decomposed into eighteen, hence the second cut.
    for letter in _cut(unicodedata.normalize("NFKD", whole.translate(_TWINS))):
        category = unicodedata.category(letter)
        if letter.isspace():
            letters.append(" ")
        elif " " < letter <= "~":
            letters.append(letter)
        elif category[0] != "M" and category not in ("Cc", "Cf"):
            letters.append("?")
    return " ".join("".join(letters).split())


def _cut(text: str) -> str:
    half = _MAX_CHARACTERS // 2
    return text if len(text) <= _MAX_CHARACTERS else text[:half] + _ELLIPSIS + text[-half:]


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> int:
    """Returns the width of a plain text in pixels, its last stroke included."""
    if not text:
        return 0
    return _bearing(size) + cv2.getTextSize(text, _FONT, size, _stroke(size))[0][0] + 1


def shorten(text: object, width: int, size: float) -> str:
    """Returns a text, cut in the middle where it is wider than `width` pixels.

    The middle goes because names of files differ at their end, and a
    prediction ends with its confidence.

    Args:
        text: anything; cleaned by `plain`.
        width: pixels.
        size: OpenCV's font scale.

    Returns:
        The text, or its ends around "...", or "" where not even one letter fits.
    """
    whole = plain(text)
    if text_width(whole, size) <= width:
        return whole

    def cut(kept: int) -> str:
        tail = kept // 2
        return whole[: kept - tail] + _ELLIPSIS + (whole[-tail:] if tail else "")

    fewest, most = 0, len(whole)
    while most - fewest > 1:
        middle = (fewest + most) // 2
        if text_width(cut(middle), size) <= width:
            fewest = middle
        else:
            most = middle
    return cut(fewest) if fewest else ""


def wrap(text: object, width: int, size: float) -> list[str]:
    """Returns a text in at most 8 lines of whole words.

    A word that is wider than `width` has a line, and the eighth line all that is left.
    """
    lines: list[str] = []
    for word in plain(text).split():
        is_last = len(lines) == _MAX_LINES
        if lines and (is_last or text_width(f"{lines[-1]} {word}", size) <= width):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _stroke(size: float) -> int:
    return max(1, round(1.5 * size))


def _bearing(size: float) -> int:
    # A "j" reaches to the left of where it starts.
    return max(1, round(2 * size))


def _baseline(size: float) -> int:
    # Brackets, the tallest letters, rise by 27 times the font scale and sink by 10,
    # measured with OpenCV 4.10 (Hershey) and 5.0 (Rubik).
    return math.ceil(27 * size) + 1


def line_height(size: float) -> int:
    """Returns the height of one line in pixels, descenders and leading included."""
    return _baseline(size) + math.ceil(10 * size) + 1


def draw_line(text: object, width: int, size: float, ink: Ink, paper: Ink) -> np.ndarray:
    """Draws one line of text on a strip of its own.

    A strip, and not the picture, because then no letter can run over its
    neighbour, whatever OpenCV measured.

    Args:
        text: anything; cut to `width`.
        width: pixels of the strip.
        size: OpenCV's font scale.
        ink: colour (R, G, B) of the letters.
        paper: colour (R, G, B) around them.

    Returns:
        uint8 RGB array (`line_height(size)`, `width`, 3).
    """
    strip = np.full((line_height(size), width, 3), paper, np.uint8)
    shown, start = shorten(text, width, size), (_bearing(size), _baseline(size))
    cv2.putText(strip, shown, start, _FONT, size, ink, _stroke(size), cv2.LINE_AA)
    return strip


def trim(strip: np.ndarray, paper: Ink) -> np.ndarray:
    """Returns a strip without the empty columns at its sides; an empty strip as it is."""
    inked = np.flatnonzero((strip != np.array(paper, np.uint8)).any(axis=(0, 2)))
    return strip[:, inked[0] : inked[-1] + 1] if len(inked) else strip


def draw_mark(correct: bool, height: int, paper: Ink) -> np.ndarray:
    """Draws a tick or a cross, so that wrong is not shown by colour alone.

    Args:
        correct: a tick if true, else a cross.
        height: pixels, of a line.
        paper: colour (R, G, B).

    Returns:
        uint8 RGB array (height, height, 3).
    """
    scale = 8
    large = np.full((height * scale, height * scale, 3), paper, np.uint8)
    if correct:
        strokes = [((0.12, 0.48), (0.34, 0.70)), ((0.34, 0.70), (0.72, 0.24))]
    else:
        strokes = [((0.14, 0.22), (0.64, 0.72)), ((0.64, 0.22), (0.14, 0.72))]
    for start, end in strokes:
        first, last = (tuple(round(p * height * scale) for p in point) for point in (start, end))
        cv2.line(
            large,
            first,
            last,
            RIGHT if correct else WRONG,
            round(0.11 * height * scale),
            cv2.LINE_AA,
        )
    return cv2.resize(large, (height, height), interpolation=cv2.INTER_AREA)
