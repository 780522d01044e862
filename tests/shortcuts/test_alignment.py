"""Whether the same thing is at the same place in all images."""

import numpy as np
import pytest

from keras_saliency.shortcuts.alignment import MAX_ALIGNMENT, alignments

SIZE, NOTHING = (24, 32), np.zeros((24, 32), bool)


def alignment(images, without):
    [found] = alignments(images, [without])
    return found


@pytest.fixture
def picture(rng):
    """Blocks of four pixels: neither as fine as noise nor as coarse as a blob."""
    return np.kron(rng.random((6, 8)), np.ones((4, 4)))[..., None].repeat(3, axis=2)


@pytest.mark.parametrize("num", [1, 4, 50])
def test_of_n_identical_images_it_is_one_less_one_nth(picture, num):
    assert alignment([picture] * num, NOTHING) == pytest.approx(1 - 1 / num, abs=1e-6)


def test_an_image_and_its_negative_cancel(picture):
    assert alignment([picture, -picture], NOTHING) == pytest.approx(-1 / 2, abs=1e-6)


def test_a_part_that_all_images_have_counts_by_its_variance(picture, rng):
    """Half of the variance is common, and half is each image's own."""
    others = [np.kron(rng.random((6, 8)), np.ones((4, 4)))[..., None] for _ in range(200)]
    assert alignment([picture + other for other in others], NOTHING) == pytest.approx(0.5, abs=0.07)


def test_of_images_that_have_nothing_in_common_it_is_nothing(rng):
    found = [
        alignment(
            [np.kron(rng.random((6, 8)), np.ones((4, 4)))[..., None] for _ in range(20)], NOTHING
        )
        for _ in range(20)
    ]
    assert abs(np.mean(found)) < 0.01, "what chance comes to is subtracted"


def test_neither_brightness_nor_tint_nor_contrast_of_the_set_counts(picture, rng):
    images = [np.kron(rng.random((6, 8)), np.ones((4, 4)))[..., None] + picture for _ in range(20)]
    plain = alignment(images, NOTHING)
    tinted = [image * 9 + rng.normal(size=3) * 500 for image in images]
    assert alignment(tinted, NOTHING) == pytest.approx(plain, rel=1e-3)


def test_what_is_left_out_does_not_count(rng):
    images = [np.kron(rng.random((6, 8)), np.ones((4, 4)))[..., None] for _ in range(30)]
    for image in images:
        image[:4, :4] = 50 * np.kron([[0, 1], [1, 0]], np.ones((2, 2)))[..., None]
    # The tag's own details reach a little beyond it.
    without = np.zeros(SIZE, bool)
    assert alignment(images, without) > 0.5
    without[:12, :12] = True
    assert alignment(images, without) < MAX_ALIGNMENT


def test_a_blob_near_the_middle_is_no_alignment(rng):
    """As of photographs of things that somebody has centred, roughly."""
    rows, columns = np.mgrid[:64, :64]
    images, blobs = [], []
    for _ in range(60):
        y, x = rng.integers(24, 40, 2)
        blobs.append(np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 2 / 12**2))
        images.append((blobs[-1] + np.kron(rng.random((8, 8)), np.full((8, 8), 2)))[..., None])
    variance = np.mean([image.var() for image in images])
    assert np.mean(images, axis=0).var() > 2 * MAX_ALIGNMENT * variance, "it would be, if coarse"
    assert alignment(images, np.zeros((64, 64), bool)) < MAX_ALIGNMENT


@pytest.mark.parametrize("shape", [(40, 2), (8, 10, 12, 1)], ids=["signal", "volume"])
def test_signals_and_volumes_are_aligned_alike(shape, rng):
    same = rng.normal(size=shape)
    without = np.zeros(shape[:-1], bool)
    assert alignment([same] * 4, without) == pytest.approx(0.75, abs=1e-5)


def test_flat_images_and_none_are_not_aligned():
    assert alignment([np.full((*SIZE, 1), 7.0)] * 3, NOTHING) == 0
    assert alignment([], NOTHING) == 0


def test_several_areas_at_once_are_each_as_alone(picture, rng):
    images = [np.kron(rng.random((6, 8)), np.ones((4, 4)))[..., None] + picture for _ in range(9)]
    left = np.arange(SIZE[1]) < 12
    withouts = [NOTHING, np.broadcast_to(left, SIZE), np.broadcast_to(~left, SIZE)]
    alone = [alignment(images, without) for without in withouts]
    assert alignments(images, withouts) == alone and len(set(alone)) == 3
