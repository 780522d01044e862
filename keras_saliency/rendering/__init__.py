"""Pictures: overlays, grids and filmstrips as uint8 RGB arrays.

The only room that normalises for display. It knows arrays and no model.
"""

# ruff: noqa: E402 -- OpenCV is tried first, so that its failure is told in words.


def _advice(error: ImportError) -> str:
    """Returns what to install, by what the failed import of OpenCV said."""
    said = str(error)
    if "No module named 'cv2'" in said:
        return f"OpenCV is not installed ({said}): pip install opencv-python"
    if "numpy" in said:
        return (
            f"OpenCV could not be loaded ({said}). It was built for another NumPy: OpenCV before "
            '4.10 needs NumPy 1. Install one that fits: pip install --upgrade "opencv-python>=4.10"'
        )
    return (
        f"OpenCV could not be loaded ({said}). On a server without libGL install "
        "opencv-python-headless: pip uninstall opencv-python && pip install opencv-python-headless."
    )


try:
    import cv2  # noqa: F401
except ImportError as error:
    raise ImportError(_advice(error)) from error

from keras_saliency.rendering.colormaps import COLORMAPS, colorize, colorize_signed
from keras_saliency.rendering.encode import encode_jpeg, encode_png
from keras_saliency.rendering.filmstrip import Filmstrip
from keras_saliency.rendering.grid import Caption, draw_grid
from keras_saliency.rendering.overlays import defect, display_values, overlay
from keras_saliency.rendering.pixel_ranges import describe_range, displayable, has_bgr_channels

__all__ = [
    "COLORMAPS",
    "Caption",
    "Filmstrip",
    "colorize",
    "colorize_signed",
    "defect",
    "describe_range",
    "display_values",
    "displayable",
    "draw_grid",
    "encode_jpeg",
    "encode_png",
    "has_bgr_channels",
    "overlay",
]
