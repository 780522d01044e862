"""Pictures as PNG and JPEG."""

import cv2
import numpy as np
import pytest
from helpers.pictures import photos

from keras_saliency.rendering import (
    encode_jpeg,
    encode_png,
)


def test_a_png_keeps_every_pixel_in_rgb(rng):
    picture = photos(rng)[0]
    data = encode_png(picture)
    assert data.startswith(b"\x89PNG")
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(back[..., ::-1], picture)


def test_a_jpeg_keeps_red_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    back = cv2.imdecode(np.frombuffer(encode_jpeg(red), np.uint8), cv2.IMREAD_COLOR)
    assert back[..., 2].min() > 240 and back[..., 0].max() < 15


def test_a_picture_that_opencv_cannot_encode_is_told_in_words():
    with pytest.raises(RuntimeError, match=r"could not encode a picture of 1x70000 pixels as .jpg"):
        encode_jpeg(np.zeros((1, 70_000, 3), np.uint8))


def test_what_is_no_picture_is_an_error():
    for wrong in (np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="picture must be a uint8 RGB array"):
            encode_png(wrong)
    with pytest.raises(ValueError, match="quality must lie in"):
        encode_jpeg(np.zeros((4, 4, 3), np.uint8), quality=0)
