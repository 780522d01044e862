"""Volumes drawn as slices and as a projection, with attention on them."""

from collections.abc import Iterable, Sequence

import numpy as np

from keras_saliency._utils.resize import resize
from keras_saliency.rendering.lettering import Ink, draw_line
from keras_saliency.rendering.overlays import blend, display_values, outline
from keras_saliency.rendering.sheet import FAINT_INK, PAPER, fit_tile

NUM_SLICES = 3
_TILE, _TEXT = 96, 0.36  # pixels of a slice's longer side at least; font scale of its name


def strongest_slices(heatmap: np.ndarray, depth: int) -> list[int]:
    """Returns the slices with most attention, ascending; of equal ones the first.

    Args:
        heatmap: float array (d, h, w), non-negative.
        depth: D, the number of slices of the volume.
    """
    mass = _at_size(heatmap, (depth, *heatmap.shape[1:])).sum(axis=(1, 2), dtype=np.float64)
    return sorted(np.argsort(-mass, kind="stable")[:NUM_SLICES].tolist())


def middle_slices(depth: int) -> list[int]:
    """Returns slices at a quarter, a half and three quarters of a volume."""
    return sorted({min(depth - 1, round(depth * (i + 1) / (NUM_SLICES + 1))) for i in range(3)})


def draw_slices(
    volume: np.ndarray,
    slices: Sequence[int],
    heatmap: np.ndarray | None = None,
    marks: Iterable[tuple[Sequence[int], Ink]] = (),
) -> np.ndarray:
    """Draws some slices and the maximum-intensity projection along the depth, side by side.

    Args:
        volume: uint8 RGB array (D, H, W, 3).
        slices: numbers of slices.
        heatmap: float array (d, h, w), non-negative; resized to the volume, and projected by
            its maximum as well. Defaults to None, the volume alone.
        marks: (box (z0, y0, x0, z1, y1, x1), ink), outlined in a colour (R, G, B), in the
            slices that it touches and in the projection.

    Returns:
        uint8 RGB array (height, width, 3).
    """
    pictures = [volume[i] for i in slices] + [volume.max(axis=0)]
    if heatmap is not None:
        values = np.asarray(display_values(_at_size(heatmap, volume.shape[:3])))
        of_each = [values[i] for i in slices] + [values.max(axis=0)]
        pictures = [blend(p, v) for p, v in zip(pictures, of_each, strict=True)]
    pictures = [fit_tile(p, _TILE, 2 * _TILE) for p in pictures]
    scale = len(pictures[0]) / volume.shape[1]
    for (z0, *above, z1, bottom, right), ink in marks:
        flat = [round(side * scale) for side in (*above, bottom, right)]
        touched = [z0 <= i < z1 for i in slices] + [True]
        pictures = [
            outline(p, flat, ink) if t else p for p, t in zip(pictures, touched, strict=True)
        ]
    width = pictures[0].shape[1]
    names = [f"slice {i}" for i in slices] + ["maximum"]
    lines = [draw_line(name, width, _TEXT, FAINT_INK, PAPER) for name in names]
    cells = [np.vstack(pair) for pair in zip(pictures, lines, strict=True)]
    gap = np.full((len(cells[0]), 3, 3), PAPER, np.uint8)
    return np.hstack([part for cell in cells for part in (cell, gap)][:-1])


def _at_size(heatmap: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    return resize(np.asarray(heatmap, np.float32)[None], size)[0]
