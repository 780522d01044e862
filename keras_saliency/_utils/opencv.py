"""OpenCV, imported in one place, so that a failure says what to install."""

import numpy as np


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
        f"OpenCV could not be loaded ({said}). On a server without libGL lay its headless build "
        "over it: pip install --force-reinstall --no-deps opencv-python-headless"
    )


try:
    import cv2
except ImportError as error:
    raise ImportError(_advice(error)) from error

__all__ = ["cv2", "in_fours"]


def in_fours(image: np.ndarray) -> list[np.ndarray]:
    """Returns the channels of an image (H, W, C), at most four at once.

    More are refused by some functions of OpenCV, in some cases only, such as `resize` by area.
    """
    return np.split(image, range(4, image.shape[-1], 4), axis=-1)
