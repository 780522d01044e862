"""Signals drawn as curves, coloured by attention."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.rendering.colormaps import colorize
from keras_saliency.rendering.lettering import Ink
from keras_saliency.rendering.overlays import display_values, opacity_of
from keras_saliency.rendering.sheet import FAINT_INK, PAPER

_WIDTH, _HEIGHT = 320, 200  # pixels of a picture; it is higher where more leads need it
_LEAD, _MARGIN = 48, 6  # pixels of a lead at least, above and below a curve
_SHIFT = 4  # bits of a pixel's fraction


def draw_curve(
    signal: np.ndarray,
    heatmap: np.ndarray | None = None,
    *,
    span: np.ndarray | None = None,
    marks: Iterable[tuple[Sequence[int], Ink]] = (),
) -> np.ndarray:
    """Draws a signal's leads one below the other, each from its smallest to its largest value.

    Args:
        signal: float array (length, C).
        heatmap: float array (l,), non-negative, of any length; the curve takes the colour of
            attention as an overlay does, and is grey where there is none. Defaults to None.
        span: float (2, C), the values drawn at the bottom and at the top. Defaults to None,
            each lead's smallest and largest.
        marks: (box (start, end), ink), samples drawn in a colour (R, G, B).

    Returns:
        uint8 RGB array (height, 320, 3).
    """
    length, num_leads = signal.shape
    height = max(_HEIGHT, num_leads * _LEAD)
    picture = np.empty((height, _WIDTH, 3), np.uint8)
    picture[...] = PAPER
    places = _places(signal, min(length, _WIDTH))
    ink = np.full((length, 3), FAINT_INK, np.float64)
    if heatmap is not None:
        resized = np.interp(_centres(length), _centres(len(heatmap)), heatmap)
        values = np.asarray(display_values(resized))
        weight = opacity_of(values)[:, None]
        ink = (1 - weight) * ink + weight * colorize(values[None])[0]
    for (first, last), colour in marks:
        ink[first:last] = colour
    lows, highs = (signal.min(axis=0), signal.max(axis=0)) if span is None else span
    for lead in range(num_leads):
        top, bottom = (round(height * (lead + part) / num_leads) for part in (0, 1))
        at = places[lead]
        xs = _centres(length)[at] * _WIDTH
        low, high = lows[lead], highs[lead]
        unit = (signal[at, lead] - low) / (high - low) if high > low else np.full(len(at), 0.5)
        ys = bottom - _MARGIN - unit * (bottom - top - 2 * _MARGIN)
        points = np.rint(np.stack([xs, ys], axis=1) * 2**_SHIFT).astype(int).tolist()
        for start, end, colour in zip(points, points[1:], ink[at[1:]].tolist(), strict=False):
            cv2.line(picture, start, end, colour, 2, cv2.LINE_AA, _SHIFT)
    return picture


def _places(signal: np.ndarray, num_columns: int) -> list[np.ndarray]:
    """Returns which samples of each lead are drawn: the lowest and the highest of each column."""
    length = len(signal)
    edges = np.linspace(0, length, num_columns + 1).astype(int)
    columns = [np.arange(a, b) for a, b in itertools.pairwise(edges) if b > a]
    return [
        np.array(
            [
                at
                for column in columns
                for at in sorted({column[lead[column].argmin()], column[lead[column].argmax()]})
            ]
        )
        for lead in signal.T
    ]


def _centres(length: int) -> np.ndarray:
    return (np.arange(length) + 0.5) / length
