"""Grids: many probes in one picture, each over its caption."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_saliency.rendering.colormaps import DEFAULT_COLORMAP
from keras_saliency.rendering.lettering import WRONG, Ink, draw_line, draw_mark, line_height
from keras_saliency.rendering.sheet import (
    FAINT_INK,
    INK,
    NOTE_INK,
    PAPER,
    TEXT,
    Heading,
    center,
    fit_tile,
    frame,
    paste,
    sheet,
)

_GAP, _PAIR_GAP = 20, 4
_ASPECT = 1.6  # width : height of a picture that suits a screen


@dataclass(frozen=True)
class Caption:
    """The text under one probe.

    Attributes:
        name: of the probe.
        label: the name of its true class; "" where unknown.
        prediction: the name of the class that the model predicts; "" for none.
        confidence: probability of the prediction, in [0, 1], or None.
        correct: whether prediction and label agree, drawn as a tick or a
            cross; None where unknown, drawn as neither.
        note: a warning, such as "all-zero map".
    """

    name: str
    label: str = ""
    prediction: str = ""
    confidence: float | None = None
    correct: bool | None = None
    note: str = ""

    def predicted(self) -> str:
        """The prediction with its confidence, such as "cat 93%"."""
        if self.confidence is None or not np.isfinite(self.confidence):
            return self.prediction
        return f"{self.prediction} {self.confidence:.0%}".strip()


def draw_prediction(caption: Caption, width: int, paper: Ink = PAPER) -> np.ndarray:
    """Draws one line: tick or cross, prediction, confidence.

    Args:
        caption: `Caption`.
        width: pixels.
        paper: colour (R, G, B) behind the text.

    Returns:
        uint8 RGB array (one line, `width`, 3).
    """
    line = line_height(TEXT)
    if caption.correct is None or width < 2 * line:
        return draw_line(caption.predicted(), width, TEXT, INK, paper)
    ink = INK if caption.correct else WRONG
    text = draw_line(caption.predicted(), width - line, TEXT, ink, paper)
    return np.hstack([draw_mark(caption.correct, line, paper), text])


def draw_grid(
    tiles: Sequence[np.ndarray],
    captions: Sequence[Caption],
    *,
    images: Sequence[np.ndarray] | np.ndarray | None = None,
    title: str | Heading | None = None,
    columns: int | None = None,
    min_tile: int = 160,
    colormap: str | None = DEFAULT_COLORMAP,
    scale: str = "mean",
) -> np.ndarray:
    """Draws probes side by side, each over its caption.

    Args:
        tiles: uint8 RGB arrays (H, W, 3), usually overlays; sizes may differ.
        captions: one `Caption` for each tile.
        images: the plain probes; each is drawn at the left of its tile, so
            that one sees what lies under the colours. None: tiles alone.
        title: drawn at the top; a `Heading` where small print follows it.
        columns: how many probes are in a row; None chooses what comes
            nearest to a screen's shape.
        min_tile: a tile whose longer side has fewer pixels is enlarged by a
            whole factor; one with more than twice as many is shrunk to that.
        colormap: of the legend at the bottom; None for no legend.
        scale: "mean" or "map", the legend's unit, as in `display_values`.

    Returns:
        uint8 RGB array (height, width, 3).

    Raises:
        ValueError: no tiles, or numbers of tiles, captions and images that
            differ, or fewer than one column.
    """
    if not len(tiles):
        raise ValueError("tiles is empty. Pass one picture for each probe.")
    for name, others in (("captions", captions), ("images", images)):
        if others is not None and len(others) != len(tiles):
            raise ValueError(
                f"{name} has {len(others)} entries but tiles has {len(tiles)}. "
                "Pass one for each tile."
            )
    if columns is not None and columns < 1:
        raise ValueError(f"columns must be at least 1. Received: {columns}.")
    pictures = [[tile] for tile in tiles]
    if images is not None:
        pictures = [[image, tile] for image, tile in zip(images, tiles, strict=True)]
    cells = _draw_cells(
        [[fit_tile(p, min_tile, 2 * min_tile) for p in row] for row in pictures],
        captions,
        min_tile,
    )
    height, width = cells[0].shape[:2]
    across = min(columns or _choose_columns(len(cells), height, width), len(cells))
    down = math.ceil(len(cells) / across)
    body = sheet(down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP)
    for i, cell in enumerate(cells):
        row, column = divmod(i, across)
        paste(body, cell, row * (height + _GAP), column * (width + _GAP))
    return frame(body, title, colormap, scale)


def _draw_cells(
    pictures: list[list[np.ndarray]], captions: Sequence[Caption], min_width: int
) -> list[np.ndarray]:
    """Draws all cells at one size: pictures side by side, the caption below."""
    tile_height = max(p.shape[0] for row in pictures for p in row)
    tile_width = max(p.shape[1] for row in pictures for p in row)
    in_row = len(pictures[0])
    width = max(min_width, in_row * (tile_width + _PAIR_GAP) - _PAIR_GAP)
    has_label = any(caption.label for caption in captions)
    has_prediction = any(caption.predicted() for caption in captions)
    has_note = any(caption.note for caption in captions)
    cells = []
    for row, caption in zip(pictures, captions, strict=True):
        row_paper = sheet(tile_height, in_row * (tile_width + _PAIR_GAP) - _PAIR_GAP)
        for i, picture in enumerate(row):
            paste(
                row_paper,
                center(picture, tile_height, tile_width),
                0,
                i * (tile_width + _PAIR_GAP),
            )
        lines = [center(row_paper, tile_height, width), sheet(4, width)]
        lines.append(draw_line(caption.name, width, TEXT, FAINT_INK, PAPER))
        if has_label:
            text = f"label: {caption.label}" if caption.label else ""
            lines.append(draw_line(text, width, TEXT, INK, PAPER))
        if has_prediction:
            lines.append(draw_prediction(caption, width))
        if has_note:
            lines.append(draw_line(caption.note, width, TEXT, NOTE_INK, PAPER))
        cells.append(np.vstack(lines))
    return cells


def _choose_columns(num_cells: int, height: int, width: int) -> int:
    def cost(across: int) -> float:
        down = math.ceil(num_cells / across)
        empty_share = 1 - num_cells / (across * down)
        return abs(math.log(across * width / (down * height) / _ASPECT)) + empty_share

    return min(range(1, num_cells + 1), key=cost)
