"""Pictures: uint8 RGB arrays, and the bytes of image files."""

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency._utils.opencv import cv2

JPEG_SIDE = 65_535  # pixels


def check_picture(
    argument: str, picture: ArrayLike, origin: str = "displayable makes such."
) -> np.ndarray:
    """Returns a picture as an array; refuses all but uint8 RGB (H, W, 3) of at least one pixel.

    Raises:
        ValueError: if `picture` is anything else.
    """
    array = np.asarray(picture)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ValueError(
            f"{argument} must be a uint8 RGB array (H, W, 3). "
            f"Received: {array.dtype} of shape {array.shape}. {origin}"
        )
    return array


def encode_png(picture: np.ndarray) -> bytes:
    """Returns a picture as the bytes of a PNG file, without loss.

    Args:
        picture: uint8 RGB array (H, W, 3).

    Raises:
        ValueError: `picture` is not uint8 (H, W, 3).
        RuntimeError: OpenCV cannot encode it.
    """
    return _encode(picture, ".png", [])


def encode_picture(picture: np.ndarray) -> bytes:
    """Returns a picture as JPEG bytes, or as PNG where it is too large for JPEG.

    Measured on grids and filmstrips of photographs: a fifth of the PNG's size, a tenth of
    its time.

    Args:
        picture: uint8 RGB array (H, W, 3).

    Raises:
        ValueError: `picture` is not uint8 (H, W, 3).
        RuntimeError: OpenCV cannot encode it.
    """
    return encode_jpeg(picture) if max(picture.shape[:2]) <= JPEG_SIDE else encode_png(picture)


def encode_jpeg(picture: np.ndarray, quality: int = 90) -> bytes:
    """Returns a picture as the bytes of a JPEG file.

    Colours are kept at full resolution (4:4:4), so that lettering stays sharp.

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
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encode(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(quality), *sampling])


def decode_picture(content: bytes) -> np.ndarray:
    """Returns the picture of bytes that were encoded here, uint8 RGB (H, W, 3).

    Raises:
        ValueError: these are no image's bytes.
    """
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("content is no image. Pass what encode_picture returned.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _encode(picture: np.ndarray, extension: str, options: list[int]) -> bytes:
    picture = check_picture("picture", picture, "It comes from draw_grid or Filmstrip.")
    # OpenCV stores B, G, R.
    bgr = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
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
