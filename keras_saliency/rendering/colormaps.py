"""From numbers to colours: heatmaps by a colour map, signed signals around grey."""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.rendering.checks import check_numbers

_OPENCV_CODES = {
    "viridis": cv2.COLORMAP_VIRIDIS,
    "jet": cv2.COLORMAP_JET,
    "inferno": cv2.COLORMAP_INFERNO,
    "turbo": cv2.COLORMAP_TURBO,
    "gray": None,
}

COLORMAPS = tuple(_OPENCV_CODES)
"""Names of the colour maps; the first is the default."""


DEFAULT_COLORMAP = "viridis"  # of overlays, grids and filmstrips; the tab has its own


def colorize(unit: np.ndarray, name: str = DEFAULT_COLORMAP) -> np.ndarray:
    """Draws values between 0 and 1 in colours.

    Viridis is the default: its lightness grows with the value, so that it
    also reads in grey and for colour-blind eyes. Jet's does not.

    Args:
        unit: float array (h, w), in [0, 1]; values outside are clipped, NaN
            counts as 0.
        name: one of `COLORMAPS`.

    Returns:
        uint8 RGB array (h, w, 3).

    Raises:
        ValueError: there is no colour map of this name.
    """
    if name not in _OPENCV_CODES:
        raise ValueError(
            f"colormap must be one of {', '.join(map(repr, COLORMAPS))}. Received: {name!r}."
        )
    levels = np.rint(np.clip(np.nan_to_num(unit), 0, 1) * 255).astype(np.uint8)
    code = _OPENCV_CODES[name]
    if code is None:
        return np.repeat(levels[..., None], 3, axis=2)
    # applyColorMap answers in B, G, R.
    return np.ascontiguousarray(cv2.applyColorMap(levels, code)[..., ::-1])


def colorize_signed(signal: np.ndarray) -> np.ndarray:
    """Draws a signed signal around middle grey, as Zeiler & Fergus do.

    Grey (128) means no influence, brighter and darker mean influence of
    either sign. Each probe is divided by its own largest magnitude: the
    picture shows the shape of the signal, never its strength.

    Args:
        signal: float array (H, W, C). One channel is drawn in grey, three in
            colour in the order of the model's input (for a model fed with
            B, G, R pass `signal[..., ::-1]`, see `has_bgr_channels`), any
            other number as the mean over channels, in grey.

    Returns:
        uint8 RGB array (H, W, 3). An all-zero signal is plain grey. A signal
        that holds NaN or infinity is black, which no finite signal can be.

    References:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks,
        2014, https://arxiv.org/abs/1311.2901, figure 2. They stretch each
        picture minimum to maximum; here zero stays at 128, so that grey
        means the same in all pictures.
    """
    values = check_numbers("signal", signal, "(H, W, C)").astype(np.float64)
    if not np.isfinite(values).all():
        return np.zeros((*values.shape[:2], 3), np.uint8)
    values = _by_largest(values)  # first, since the sum of channels must not overflow
    if values.shape[2] != 3:
        values = _by_largest(values.mean(axis=2, keepdims=True))
    levels = np.rint(128 + 127 * values).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))


def _by_largest(values: np.ndarray) -> np.ndarray:
    largest = np.abs(values).max()
    return values / largest if largest > 0 else values
