"""Pictures as the bytes of an image file."""

import numpy as np

from keras_saliency.opencv import cv2
from keras_saliency.rendering.checks import check_picture


def encode_png(picture: np.ndarray) -> bytes:
    """Returns a picture as the bytes of a PNG file, without loss.

    Args:
        picture: uint8 RGB array (H, W, 3).

    Raises:
        ValueError: `picture` is not uint8 (H, W, 3).
        RuntimeError: OpenCV cannot encode it.
    """
    return _encode(picture, ".png", [])


def encode_jpeg(picture: np.ndarray, quality: int = 90) -> bytes:
    """Returns a picture as the bytes of a JPEG file.

    About a fifth of the PNG's size and time, at the price of faint ringing
    around the lettering.

    Args:
        picture: uint8 RGB array (H, W, 3), at most 65,535 pixels a side.
        quality: 1 (smallest) to 100 (best).

    Raises:
        ValueError: `picture` is not uint8 (H, W, 3), or `quality` is outside
            1 ... 100.
        RuntimeError: OpenCV cannot encode it.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must lie in 1 ... 100. Received: {quality}. 90 suits photos.")
    return _encode(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(quality)])


def _encode(picture: np.ndarray, extension: str, options: list[int]) -> bytes:
    picture = check_picture("picture", picture, "It comes from draw_grid or Filmstrip.")
    # OpenCV stores B, G, R.
    bgr = np.ascontiguousarray(picture[..., ::-1])
    try:
        done, data = cv2.imencode(extension, bgr, options)
    except cv2.error as error:
        raise RuntimeError(_failure(picture, extension, str(error))) from error
    if not done:
        raise RuntimeError(_failure(picture, extension, "no reason given"))
    return data.tobytes()


def _failure(picture: np.ndarray, extension: str, reason: str) -> str:
    height, width = picture.shape[:2]
    return (
        f"OpenCV could not encode a picture of {height}x{width} pixels as {extension} "
        f"({reason.strip()}). JPEG ends at 65,535 pixels a side: draw fewer probes."
    )
