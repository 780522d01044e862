"""The paper of grids and filmstrips: colours, margins, tiles of one size, heading and legend."""

import math
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.pictures import check_picture
from keras_saliency.rendering.colormaps import colorize
from keras_saliency.rendering.lettering import draw_line, line_height, trim, wrap
from keras_saliency.rendering.overlays import FULL_SCALE

PAPER = (24, 24, 28)
INK = (232, 232, 236)
FAINT_INK = (150, 150, 160)
NOTE_INK = (255, 190, 90)
TEXT, HEADING, TITLE = 0.42, 0.48, 0.6  # font scales
MARGIN, GAP = 16, 12


class Heading(NamedTuple):
    """What is drawn at the top of a picture.

    Attributes:
        title: drawn in as many lines as it takes.
        note: small print under the title; "" for none.
    """

    title: str
    note: str = ""


def fit_tile(tile: np.ndarray, smallest: int, largest: int) -> np.ndarray:
    """Returns a picture at a size at which it can be looked at.

    A small one is enlarged by a whole factor without smoothing, so that its
    pixels stay pixels; a large one is shrunk by area.

    Args:
        tile: uint8 RGB array (H, W, 3).
        smallest: pixels that the longer side must have at least.
        largest: pixels that the longer side may have at most, unless a whole
            factor leads beyond.

    Returns:
        uint8 RGB array (H', W', 3), the aspect kept to the pixel.

    Raises:
        ValueError: `tile` is not uint8 (H, W, 3).
    """
    tile = check_picture("tile", tile)
    height, width = tile.shape[:2]
    longer = max(height, width)
    if longer < smallest:
        factor = math.ceil(smallest / longer)
        return np.repeat(np.repeat(tile, factor, axis=0), factor, axis=1)
    if longer > largest:
        size = [max(1, round(side * largest / longer)) for side in (width, height)]
        return cv2.resize(np.ascontiguousarray(tile), size, interpolation=cv2.INTER_AREA)
    return tile


def sheet(height: int, width: int) -> np.ndarray:
    """Returns empty paper, uint8 RGB (height, width, 3)."""
    rows = np.empty((height, 3 * width), np.uint8)
    rows[...] = np.tile(np.array(PAPER, np.uint8), width)  # 20 times as fast as np.full
    return rows.reshape(height, width, 3)


def paste(paper: np.ndarray, piece: np.ndarray, top: int, left: int) -> None:
    """Lays a piece on the paper in place; what would stick out is cut off."""
    target = paper[top : top + piece.shape[0], left : left + piece.shape[1]]
    target[...] = piece[: target.shape[0], : target.shape[1]]


def center(piece: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns a piece in the middle of empty paper, shrunk where it is too large."""
    if piece.shape[0] > height or piece.shape[1] > width:
        share = min(height / piece.shape[0], width / piece.shape[1])
        size = [max(1, int(side * share)) for side in (piece.shape[1], piece.shape[0])]
        piece = cv2.resize(np.ascontiguousarray(piece), size, interpolation=cv2.INTER_AREA)
    paper = sheet(height, width)
    paste(paper, piece, (height - piece.shape[0]) // 2, (width - piece.shape[1]) // 2)
    return paper


def frame(
    body: np.ndarray,
    title: str | Heading | None,
    colormap: str | None,
    scale: str,
) -> np.ndarray:
    """Puts margins, a title and the legend of the colours around a picture.

    Args:
        body: uint8 RGB array (height, width, 3).
        title: drawn at the top, in as many lines as it takes; a `Heading` where small print
            follows it; or None.
        colormap: of the legend, or None for no legend.
        scale: "mean" or "map", the legend's unit.

    Returns:
        uint8 RGB array, larger than `body`.
    """
    width = body.shape[1]
    heading = title if isinstance(title, Heading) else Heading(title or "")
    head = [(line, TITLE, INK) for line in wrap(heading.title, width, TITLE)]
    head += [(line, TEXT, FAINT_INK) for line in wrap(heading.note, width, TEXT)]
    parts = [body]
    if head:
        lines = [draw_line(line, width, size, ink, PAPER) for line, size, ink in head]
        parts.insert(0, np.vstack(lines))
    if colormap is not None:
        parts.append(_legend(width, colormap, scale))
    height = sum(len(part) for part in parts) + GAP * (len(parts) - 1) + 2 * MARGIN
    paper = sheet(height, width + 2 * MARGIN)
    top = MARGIN
    for part in parts:
        paste(paper, part, top, MARGIN)
        top += len(part) + GAP
    return paper


def _legend(width: int, colormap: str, scale: str) -> np.ndarray:
    """Draws the scale's bar with its ends, and where uniform attention lies."""
    line = line_height(TEXT)
    bar_width, bar_height = min(width, 240), 8
    paper = sheet(bar_height + 4 + 2 * line, width)
    paste(paper, draw_line(_UNITS[scale], width, TEXT, FAINT_INK, PAPER), 0, 0)
    ramp = np.repeat(np.linspace(0, 1, bar_width)[None], bar_height, axis=0)
    paste(paper, colorize(ramp, colormap), line, 0)
    for position, tick in _TICKS[scale]:
        strip = trim(draw_line(tick, max(1, bar_width // 3), TEXT, FAINT_INK, PAPER), PAPER)
        x = round(position * (bar_width - 1))
        left = min(max(0, x - strip.shape[1] // 2), bar_width - strip.shape[1])
        paper[line + bar_height : line + bar_height + 3, x] = FAINT_INK
        paste(paper, strip, line + bar_height + 4, left)
    return paper


_UNITS = {"mean": "attention / mean of its map", "map": "attention / maximum of its map"}
_TICKS: dict[str, tuple[tuple[float, str], ...]] = {
    "mean": ((0, "0"), (1 / FULL_SCALE, "1"), (0.5, f"{FULL_SCALE // 2}"), (1, f"{FULL_SCALE}x")),
    "map": ((0, "0"), (0.5, "0.5"), (1, "1")),
}
