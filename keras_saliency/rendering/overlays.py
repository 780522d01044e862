"""Heatmaps drawn on their probes."""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.pictures import check_picture
from keras_saliency.rendering.checks import check_numbers
from keras_saliency.rendering.colormaps import COLORMAPS, DEFAULT_COLORMAP, colorize
from keras_saliency.rendering.lettering import Ink, draw_line, text_width, trim

SCALES = ("mean", "map")
# 8 times uniform attention is where the default scale ends.
FULL_SCALE = 8
# From a quarter of the scale (twice uniform attention) on, the colours have
# their full opacity. Below, the probe shines through.
_OPAQUE_FROM = 0.25
_REASONS = ("not finite", "all-zero map")
_SMALLEST_STAMP = 0.3  # font scale; smaller text cannot be read


def defect(heatmap: np.ndarray, empty: bool = False) -> str:
    """Says why a heatmap must not be drawn as one.

    Args:
        heatmap: float array (h, w).
        empty: the verdict of `Heatmaps.empty`, which compares with the other
            maps and so also finds rounding dust.

    Returns:
        "not finite", "all-zero map", or "" for a map that can be drawn.
    """
    if not np.isfinite(heatmap).all():
        return _REASONS[0]
    return _REASONS[1] if empty or not np.any(np.asarray(heatmap) > 0) else ""


def display_values(heatmap: np.ndarray, scale: str = "mean") -> np.ndarray | None:
    """Returns a heatmap as values between 0 and 1, ready for a colour map.

    The default scale is the same for all probes and epochs, so that pictures
    compare by eye: uniform attention is 1/8 everywhere, and 1 means eight
    times as much or more.

    Args:
        heatmap: float array (h, w), non-negative, any magnitude.
        scale: "mean" divides by the map's own mean, clips to 0 ... 8 and
            divides by 8; "map" divides by the map's own maximum.

    Returns:
        float32 array (h, w), in [0, 1]; zeros for an all-zero map; None for a
        map that holds NaN or infinity.

    Raises:
        ValueError: no such scale.
    """
    if scale not in SCALES:
        raise ValueError(
            f"scale must be one of {', '.join(map(repr, SCALES))}. Received: {scale!r}."
        )
    values = np.maximum(np.asarray(heatmap, np.float64), 0)
    if not np.isfinite(heatmap).all():
        return None
    largest = values.max(initial=0.0)
    if largest == 0:
        return np.zeros(values.shape, np.float32)
    # Dividing by the maximum first keeps tiny and huge maps within the numbers.
    unit = values / largest
    if scale == "mean":
        unit = np.minimum(unit / unit.mean() / FULL_SCALE, 1)
    return unit.astype(np.float32)


def overlay(
    display_image: np.ndarray,
    heatmap: np.ndarray,
    *,
    opacity: float = 0.6,
    colormap: str = DEFAULT_COLORMAP,
    scale: str = "mean",
    empty: bool = False,
) -> np.ndarray:
    """Draws a heatmap on its probe.

    Colours mean attention only: the probe under them is turned to grey and
    dimmed a little, and the colours' opacity grows with attention, so that
    where the model does not look the probe stays as it is. (Tried on photos
    against a constant opacity, which veils the whole probe in the colour
    map's lowest colour, and against a probe that keeps its colours, where
    orange cloth and attention look alike.) An unusable map is never drawn:
    the probe is greyed, struck through and stamped with the reason.

    Args:
        display_image: uint8 RGB array (H, W, 3).
        heatmap: float array (h, w), non-negative, any size; resized to the
            image bilinearly (by area where it shrinks).
        opacity: of the colours where attention is at least twice the map's
            mean (with scale "map": a quarter of its maximum), in [0, 1]. 0
            returns the image as it is. The probe's own colours fade out
            between 0 and 0.5.
        colormap: one of `COLORMAPS`.
        scale: as in `display_values`.
        empty: the verdict of `Heatmaps.empty`.

    Returns:
        uint8 RGB array (H, W, 3). On images too small for text an unusable
        map is struck through only; put `defect` into the caption.

    Raises:
        ValueError: an opacity outside [0, 1], no such colour map or scale, or or an argument
            that is no image or no heatmap.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in [0, 1]. Received: {opacity}.")
    if colormap not in COLORMAPS:
        colorize(np.zeros((1, 1)), colormap)  # raises the sentence that lists the names
    image = check_picture("display_image", display_image)
    heatmap = check_numbers("heatmap", heatmap, "(h, w)")
    reason = defect(heatmap, empty)
    if reason:
        return _stamp(image, reason)
    height, width = image.shape[:2]
    values = display_values(_at_size(heatmap, height, width), scale)
    if values is None:  # cannot be: `defect` has looked
        return _stamp(image, _REASONS[0])
    return blend(image, values, opacity, colormap)


def opacity_of(values: np.ndarray) -> np.ndarray:
    """Returns how much of the full opacity colours have: less where there is little attention.

    Args:
        values: array of any shape, as `display_values` returns it.
    """
    return np.minimum(values / _OPAQUE_FROM, 1)


def blend(
    image: np.ndarray, values: np.ndarray, opacity: float = 0.6, colormap: str = DEFAULT_COLORMAP
) -> np.ndarray:
    """Lays the colours of `values`, as of `display_values`, (H, W), on an image (H, W, 3)."""
    weight = opacity * opacity_of(values)[..., None]
    ground = _greyed(image, min(1.0, 2 * opacity), 1 - 0.4 * opacity)
    return np.rint((1 - weight) * ground + weight * colorize(values, colormap)).astype(np.uint8)


def _at_size(heatmap: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns a heatmap over its maximum, resized linearly or, where it shrinks, by area."""
    # In float32 relative to the maximum: OpenCV resizes no float16, and sums must not overflow.
    heatmap = np.maximum(heatmap.astype(np.float64), 0)
    if heatmap.max() < np.finfo(np.float64).tiny:
        heatmap = heatmap * 2.0**100  # NumPy 1 multiplies by the reciprocal, which would overflow
    unit = (heatmap / heatmap.max()).astype(np.float32)
    shrinks = height < unit.shape[0] or width < unit.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(unit, (width, height), interpolation=how)


def _greyed(image: np.ndarray, share: float, brightness: float) -> np.ndarray:
    """Mixes an image with its luminance and dims it; float32 (H, W, 3)."""
    pixels = image.astype(np.float32)
    luminance = (pixels @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return brightness * ((1 - share) * pixels + share * luminance)


def _stamp(image: np.ndarray, reason: str) -> np.ndarray:
    height, width = image.shape[:2]
    stamped = np.rint(_greyed(image, 1.0, 0.35)).astype(np.uint8)
    ink, paper = (255, 190, 90), (24, 24, 28)
    thickness = max(1, min(height, width) // 80)
    cv2.line(stamped, (0, height - 1), (width - 1, 0), ink, thickness, cv2.LINE_AA)
    stamped[-1, 0] = stamped[0, -1] = ink  # the line's ends fade, and are all of a tiny image
    # The text grows with the image, because grids shrink large ones; all reasons have one size.
    longest = max(text_width(text, 1.0) for text in _REASONS)
    size = min(0.8 * width / longest, height / 80)
    if size < _SMALLEST_STAMP:
        return stamped
    text = trim(draw_line(reason, width, size, ink, paper), paper)
    pad = round(10 * size)
    strip = np.full((text.shape[0], text.shape[1] + 2 * pad, 3), paper, np.uint8)
    strip[:, pad:-pad] = text
    strip = strip[:height, :width]
    top, left = (height - strip.shape[0]) // 2, (width - strip.shape[1]) // 2
    stamped[top : top + strip.shape[0], left : left + strip.shape[1]] = strip
    return stamped


def outline(
    picture: np.ndarray, box: Sequence[int], ink: Ink = (255, 255, 255), width: int = 1
) -> np.ndarray:
    """Returns a picture with a frame around a place, within black; at its edges, along them.

    Args:
        picture: uint8 RGB array (H, W, 3).
        box: (y0, x0, y1, x1) in pixels, half-open.
        ink: colour (R, G, B) of the frame.
        width: pixels of its lines.
    """
    drawn = picture.copy()
    y0, x0, y1, x1 = (int(side) for side in box)
    for reach, colour in ((2 * width, (0, 0, 0)), (width, ink)):
        place = drawn[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach]
        inside = place[width:-width, width:-width].copy()
        place[...] = colour
        place[width:-width, width:-width] = inside
    return drawn
