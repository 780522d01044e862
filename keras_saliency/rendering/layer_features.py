"""Draws what a layer has learnt: probes that excite its channels, beside their projections."""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.rendering.colormaps import colorize_signed
from keras_saliency.rendering.grid import Caption, draw_grid
from keras_saliency.rendering.sheet import Heading

Box = tuple[int, int, int, int]  # (y0, x0, y1, x1) in pixels, half-open

_SILENT = 1e-3  # of a projection's largest value: below, it does not count
_SMALLEST, _WHOLE = 1 / 8, 0.8  # of the image's side: a cut is no smaller; beyond, nothing is cut
_TILE = 96  # pixels
_CHANNELS_BELOW = 4  # each other; with more, two are side by side


def draw_features(
    channels: np.ndarray,
    maxima: np.ndarray,
    signals: np.ndarray,
    images: np.ndarray,
    names: Sequence[Sequence[str]],
    title: str,
) -> np.ndarray | None:
    """Draws a row for each channel: the probes that excite it, each beside its projection.

    All are cut to squares of one size around the pixels that the projection comes from, so
    that what early layers see is large enough to look at.

    Args:
        channels: int array (k,).
        maxima: float array (k, t), the activations.
        signals: float array (k, t, H, W, C), the projections.
        images: uint8 RGB array (k, t, H', W', 3), the probes.
        names: k lists of t names of probes.
        title: drawn at the top.

    Returns:
        uint8 RGB array (height, width, 3); None where no channel is excited.
    """
    if not len(channels):
        return None
    size = signals.shape[2], signals.shape[3]
    boxes = [[_box(signal) for signal in row] for row in signals]
    side = max(max(box[2] - box[0], box[3] - box[1]) for row in boxes for box in row)
    side = max(side, round(_SMALLEST * min(size)), 1)
    if side > _WHOLE * min(size):
        side = 0
    tiles, pictures, captions = [], [], []
    for k, channel in enumerate(channels):
        for t, box in enumerate(boxes[k]):
            image = images[k, t]
            if image.shape[:2] != size:
                image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
            inside = _cut(box, side, size)
            tiles.append(colorize_signed(signals[k, t][inside]))
            pictures.append(image[inside])
            name = f"channel {channel}: {names[k][t]}"
            captions.append(Caption(name, prediction=f"activation {maxima[k, t]:.3g}"))
    note = "Left: a probe. Right: what of it excites the channel, by DeconvNet"
    note += f"; {side}×{side} pixels around it." if side else "."
    return draw_grid(
        tiles,
        captions,
        images=pictures,
        title=Heading(title, note),
        columns=signals.shape[1] * (1 if len(channels) <= _CHANNELS_BELOW else 2),
        min_tile=_TILE,
        colormap=None,
    )


def _box(signal: np.ndarray) -> Box:
    """Returns the box of the pixels that count; the whole image for a signal of zeros or NaN."""
    strength = np.abs(signal).max(axis=-1)
    rows, columns = np.nonzero(strength > _SILENT * strength.max())
    if not len(rows):
        return 0, 0, *strength.shape
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def _cut(box: Box, side: int, size: tuple[int, int]) -> tuple[slice, slice]:
    """Returns the square with that side around a box, moved into the image; all for side 0."""
    if not side:
        return slice(None), slice(None)
    starts = [
        min(max(0, (box[axis] + box[axis + 2] - side) // 2), size[axis] - side) for axis in (0, 1)
    ]
    rows, columns = (slice(start, start + side) for start in starts)
    return rows, columns
