"""JPEG: the quality found, and what compressing and undoing it leave."""

import cv2
import numpy as np
import pytest
from helpers.slow_twins import slow_dct, slow_jpeg_steps
from skimage import data

from keras_saliency.shortcuts.swaps.compression import (
    compression_level,
    jpeg_quality,
    level_of_quality,
    recompress,
    uncompress,
)


def encoded(image, quality):
    """Compressed as by a user's program: Pillow."""
    import io

    from PIL import Image

    picture = Image.fromarray(image.squeeze().astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.float32).reshape(image.shape)


def crops(size=(32, 40), num=12, colour=False):
    """Pieces of photographs that were not compressed, float32 (num, H, W, C)."""
    whole = data.immunohistochemistry() if colour else data.brick()[..., None]
    starts = np.random.default_rng(3).integers(0, 400, (num, 2))
    return np.stack([whole[y : y + size[0], x : x + size[1]] for y, x in starts]).astype("f4")


def far(image):
    """The same, half of it black and a white corner, as where a background is cut out."""
    image = 1.6 * image - 60
    image[: len(image) // 3], image[-5:, -6:] = 0, 255
    return np.clip(np.rint(image), 0, 255)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("quality", [7, 20, 40, 65, 85])
def test_the_quality_of_a_compressed_image_is_found(quality, colour):
    found = [jpeg_quality(encoded(image, quality)) for image in crops(colour=colour)]
    assert np.median(found) == pytest.approx(quality, rel=0.1, abs=1)
    assert np.mean(np.array(found) == 100) <= 0.25


def test_of_what_is_compressed_strongly_the_means_of_blocks_tell_the_quality(rng):
    """Of smooth pictures with little contrast, hardly any other coefficient is left."""
    clouds = [cv2.GaussianBlur(rng.normal(size=(64, 64)), (0, 0), 6) for _ in range(12)]
    images = [np.rint(100 + 50 * (c - c.min()) / np.ptp(c))[..., None] for c in clouds]
    assert [jpeg_quality(encoded(image, 5)) for image in images] == [5] * 12
    assert [jpeg_quality(image) for image in images] == [100] * 12


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("quality", [1, 2])
def test_the_strongest_compression_is_found_though_it_leaves_hardly_a_coefficient(quality, colour):
    images = crops(num=40, colour=colour)
    found = [jpeg_quality(encoded(image, quality)) for image in images]
    assert np.mean(np.array(found) == 1) >= 0.9
    assert np.mean([jpeg_quality(encoded(far(image), quality)) == 1 for image in images]) >= 0.75
    assert compression_level(encoded(images[0], 1)) == 8  # log2(1 + 255), the largest step


@pytest.mark.parametrize("quality", [1, 7, 20, 40])
def test_the_quality_is_found_whichever_order_colours_have(quality):
    """OpenCV reads BGR, and takes what it writes for BGR."""
    for image in crops(colour=True):
        of_rgb, of_bgr = (jpeg_quality(encoded(image, quality)[..., ::s]) for s in (1, -1))
        assert of_rgb == pytest.approx(of_bgr, abs=1) == pytest.approx(quality, rel=0.1, abs=1)


@pytest.mark.parametrize("quality", [7, 20, 40])
def test_the_quality_is_found_where_pixels_are_black_or_white(quality):
    found = [jpeg_quality(encoded(far(image), quality)) for image in crops()]
    assert np.median(found) == pytest.approx(quality, rel=0.1, abs=1)


@pytest.mark.parametrize("change", [lambda a: a, far, lambda a: cv2.GaussianBlur(a, (0, 0), 1.2)])
@pytest.mark.parametrize("colour", [False, True])
def test_no_compression_is_found_in_what_was_not_compressed(change, colour):
    images = crops(num=40, colour=colour)
    found = [jpeg_quality(np.rint(change(image)).reshape(image.shape)) for image in images]
    assert np.mean(np.array(found) < 100) <= 0.05


def test_level_is_log2_of_the_first_step_of_the_luminance_table():
    for quality in (5, 12, 25, 50, 75, 90):
        expected = np.log2(1 + slow_jpeg_steps(quality)[0, 0])
        assert level_of_quality(quality) == pytest.approx(expected, abs=0.1)
    image = encoded(crops()[0], 20)
    assert compression_level(image) == level_of_quality(jpeg_quality(image)) > 4
    assert level_of_quality(100) == 0 == compression_level(crops()[0])


def test_recompressed_coefficients_are_multiples_of_the_steps():
    """By the double sum of the DCT and libjpeg's table, away from black and white."""
    image = 128 + (crops((16, 24))[0] - 128) * 0.5
    again = recompress(np.rint(image), 30)
    steps = slow_jpeg_steps(30)
    for top in (0, 8):
        for left in (0, 8, 16):
            block = again[top : top + 8, left : left + 8, 0] - 128
            multiples = slow_dct(block) / steps
            assert np.abs(multiples - np.rint(multiples)).max() < 0.2
    assert np.abs(slow_dct(image[:8, :8, 0] - 128) / steps % 1 - 0.5).min() < 0.2


def test_colours_keep_their_order():
    image = np.zeros((16, 16, 3), np.float32)
    image[..., 0], image[..., 2] = 200, 30
    np.testing.assert_allclose(recompress(image, 90).mean(axis=(0, 1)), [200, 0, 30], atol=4)


@pytest.mark.parametrize("colour", [False, True])
def test_uncompressing_removes_the_grid_and_stays_close(colour):
    for image in crops(colour=colour):
        compressed = encoded(image, 15)
        undone = uncompress(compressed)
        assert undone.shape == image.shape and undone.dtype == np.float32
        assert jpeg_quality(undone) == 100
        assert np.abs(undone - compressed).mean() < np.abs(image - compressed).mean()
    np.testing.assert_array_equal(uncompress(crops()[0]), crops()[0])


def test_recompressing_finer_than_before_removes_the_coarse_grid_first():
    image = encoded(crops()[0], 10)
    assert jpeg_quality(recompress(image, 60)) == pytest.approx(60, abs=6)
    assert jpeg_quality(recompress(image, 5)) == pytest.approx(5, abs=1)


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 3), (13, 9, 1), (40, 17, 3)])
@pytest.mark.parametrize("value", [0, 77, 255])
def test_constant_and_tiny_images_have_no_trace_and_stay_as_they_are(shape, value):
    image = np.full(shape, value, np.float32)
    assert jpeg_quality(image) == 100
    np.testing.assert_allclose(recompress(image, 20), image, atol=9)
    np.testing.assert_array_equal(uncompress(image), image)
