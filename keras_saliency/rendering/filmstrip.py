"""Filmstrips: how attention on a few probes changed, one column per epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.rendering.colormaps import DEFAULT_COLORMAP
from keras_saliency.rendering.grid import Caption, draw_prediction
from keras_saliency.rendering.lettering import draw_line, line_height
from keras_saliency.rendering.sheet import (
    FAINT_INK,
    HEADING,
    INK,
    NOTE_INK,
    PAPER,
    TEXT,
    center,
    fit_tile,
    frame,
    sheet,
)

_COLUMN_GAP, _ROW_GAP = 6, 8


@short_repr
@dataclass(frozen=True)
class _Column:
    epoch: float
    picture: np.ndarray


class Filmstrip:
    """Rows are probes, columns are epochs; at most 12 columns are kept.

    Each column is drawn once, when it is added, and never again. When one too
    many has been added, one is dropped for good: never the first or the last,
    but the one whose neighbours lie closest together on a scale of the square
    root of the epoch, the earlier of two equals. So early epochs, where
    attention forms, stay dense, later ones thin out, and the same epochs
    always leave the same columns.

    Args:
        display_images: uint8 RGB arrays (H, W, 3), one per row.
        names: of the probes.
        max_columns: columns kept beside the probes themselves, at least 2.
        title: drawn at the top.
        min_tile: a tile whose longer side has fewer pixels is enlarged by a
            whole factor; one with 5/3 times as many is shrunk to that.
        colormap: of the legend; None for no legend.
        scale: "mean" or "map", the legend's unit, as in `display_values`.

    Raises:
        ValueError: no images, another number of names, or fewer than two columns.
    """

    def __init__(
        self,
        display_images: Sequence[np.ndarray],
        names: Sequence[str],
        *,
        max_columns: int = 12,
        title: str | None = None,
        min_tile: int = 112,
        colormap: str | None = DEFAULT_COLORMAP,
        scale: str = "mean",
    ):
        if not len(display_images) or len(names) != len(display_images):
            raise ValueError(
                "display_images and names must be as many, and not none. "
                f"Received: {len(display_images)} images, {len(names)} names."
            )
        if max_columns < 2:
            raise ValueError(f"max_columns must be at least 2. Received: {max_columns}.")
        self._num_rows = len(display_images)
        self._max_columns = max_columns
        self._title = title
        self._colormap = colormap
        self._scale = scale
        self._sizes = (min_tile, min_tile * 5 // 3)
        tiles = [fit_tile(image, *self._sizes) for image in display_images]
        self._tile_height = max(tile.shape[0] for tile in tiles)
        # Narrow probes still need space for a word.
        self._width = max(min_tile, *(tile.shape[1] for tile in tiles))
        lines = [draw_line(name, self._width, TEXT, FAINT_INK, PAPER) for name in names]
        self._probes = self._draw("probe", tiles, lines)
        self._columns: list[_Column] = []

    @property
    def epochs(self) -> list[float]:
        """Epochs of the columns that are kept, in order."""
        return [column.epoch for column in self._columns]

    def add(
        self,
        column_label: str,
        epoch: float,
        tiles: Sequence[np.ndarray],
        captions: Sequence[Caption] | None = None,
    ) -> None:
        """Draws one more column.

        Args:
            column_label: its heading, such as "start" or "epoch 1".
            epoch: its position in time; not before the last added.
            tiles: uint8 RGB arrays (H, W, 3), the overlays of this epoch, one
                per row.
            captions: one `Caption` per row; its prediction, confidence and
                mark (or else its note) are drawn under the tile.

        Raises:
            ValueError: another number of tiles or captions than rows, or an
                epoch before the last.
        """
        for what, given in (("tiles", tiles), ("captions", captions)):
            if given is not None and len(given) != self._num_rows:
                raise ValueError(
                    f"{what} has {len(given)} entries but the filmstrip has {self._num_rows} rows. "
                    "Pass one for each probe."
                )
        if not math.isfinite(epoch):
            raise ValueError(f"epoch must be finite. Received: {epoch}. Pass the epoch's number.")
        if self._columns and epoch < self._columns[-1].epoch:
            raise ValueError(
                f"epoch must not go back. Received: {epoch} after {self._columns[-1].epoch}. "
                "Start a new Filmstrip for a new run."
            )
        lines = [sheet(line_height(TEXT), self._width)] * self._num_rows
        if captions is not None:
            lines = [self._line_below(caption) for caption in captions]
        fitted = [fit_tile(tile, *self._sizes) for tile in tiles]
        self._append(epoch, self._draw(column_label, fitted, lines))

    def _append(self, epoch: float, picture: np.ndarray) -> None:
        self._columns.append(_Column(epoch, picture))
        if len(self._columns) > self._max_columns:
            del self._columns[self._least_missed()]

    def last_column(self) -> np.ndarray:
        """Returns the picture of the column that was added last, uint8 RGB."""
        return self._columns[-1].picture

    @property
    def column_size(self) -> tuple[int, int]:
        """(height, width) of a column's picture in pixels."""
        return self._probes.shape[0], self._probes.shape[1]

    def restore(self, epoch: float, picture: np.ndarray) -> None:
        """Adds a column that was drawn earlier, as `last_column` returned it.

        Raises:
            ValueError: a picture of another size than `column_size`.
        """
        if picture.shape != self._probes.shape:
            raise ValueError(
                f"picture must be {self._probes.shape}. Received: {picture.shape}. "
                "Pass a column of a filmstrip of as many probes."
            )
        self._append(epoch, picture)

    def cut(self, epoch: float) -> None:
        """Drops the columns of an epoch, of its batches, and of all later ones."""
        self._columns = [column for column in self._columns if column.epoch <= epoch - 1]

    def picture(self) -> np.ndarray:
        """Returns the filmstrip, uint8 RGB (height, width, 3)."""
        gap = sheet(len(self._probes), _COLUMN_GAP)
        parts = [self._probes, gap]
        for column in self._columns:
            parts += [gap, column.picture]
        return frame(np.hstack(parts), self._title, self._colormap, self._scale)

    def _line_below(self, caption: Caption) -> np.ndarray:
        if caption.note:
            return draw_line(caption.note, self._width, TEXT, NOTE_INK, PAPER)
        return draw_prediction(caption, self._width)

    def _draw(
        self, heading: str, tiles: Sequence[np.ndarray], lines: Sequence[np.ndarray]
    ) -> np.ndarray:
        parts = [draw_line(heading, self._width, HEADING, INK, PAPER)]
        for tile, line in zip(tiles, lines, strict=True):
            parts += [center(tile, self._tile_height, self._width), line]
            parts.append(sheet(_ROW_GAP, self._width))
        return np.vstack(parts)

    def _least_missed(self) -> int:
        start = self._columns[0].epoch
        times = [math.sqrt(column.epoch - start) for column in self._columns]
        spans = [times[i + 1] - times[i - 1] for i in range(1, len(times) - 1)]
        # Rounded, so that equal spans tie on every machine.
        return 1 + min(range(len(spans)), key=lambda i: round(spans[i], 9))
