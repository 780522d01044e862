"""`resize`: maps at another size."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.slow_twins import bilinear_resize

from keras_saliency._utils.resize import average_by_area, resize, resize_axis_by_axis
from keras_saliency.records import Heatmaps

SIZES = [(11, 9), (3, 20), (4, 3), (2, 2)]


@pytest.fixture
def maps(rng):
    return rng.random((3, 4, 7)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_maps_of_images_equal_a_slow_twin_and_tensorflow(maps, size):
    resized = resize(maps, size)
    assert resized.shape == (3, *size) and resized.dtype == np.float32
    slow = np.stack([bilinear_resize(m, size) for m in maps])
    np.testing.assert_allclose(resized, slow, atol=1e-6)
    tensor = tf.image.resize(maps[..., None], size)[..., 0]
    np.testing.assert_allclose(resized, tensor, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_axis_by_axis_is_the_same_for_two_axes(maps, size):
    np.testing.assert_allclose(resize_axis_by_axis(maps, size), resize(maps, size), atol=1e-6)


def test_signals_and_volumes_are_resized_along_each_axis(rng):
    signals = rng.random((2, 5)).astype(np.float32)
    volumes = rng.random((2, 3, 4, 7)).astype(np.float32)
    as_rows = resize(signals[:, None], (1, 12))[:, 0]
    np.testing.assert_allclose(resize(signals, (12,)), as_rows, atol=1e-6)
    flat = resize(volumes[0], (11, 9))
    np.testing.assert_allclose(resize(volumes, (3, 11, 9))[0], flat, atol=1e-6)


def test_maps_of_that_size_are_returned_as_they_are(maps):
    assert resize(maps, (4, 7)) is maps
    assert Heatmaps("m", maps, (4, 7)).at_image_size() is maps


def test_one_map_none_and_maps_of_zeros(maps):
    assert not resize(np.zeros((1, 4, 7), np.float32), (8, 8)).any()
    assert resize(maps[:0], (8, 8)).shape == (0, 8, 8)


def test_doubles_become_float32(maps):
    resized = resize(maps.astype(np.float64), (8, 8))
    np.testing.assert_array_equal(resized, resize(maps, (8, 8)))
    assert resized.dtype == np.float32


def averaged_by_hand(maps, size):
    """Each pixel repeated until the areas are whole, and their means."""
    for axis, new in enumerate(size, 1):
        old = maps.shape[axis]
        fine = np.repeat(maps.astype(np.float64), new, axis)
        shape = (*maps.shape[:axis], new, old, *maps.shape[axis + 1 :])
        maps = fine.reshape(shape).mean(axis + 1)
    return maps


@pytest.mark.parametrize(
    ("old", "new"),
    [((8, 6), (4, 3)), ((7, 12), (2, 5)), ((5, 1), (3, 1)), ((9,), (4,)), ((4, 9, 6), (2, 5, 6))],
)
def test_averages_by_area_equal_a_slow_twin_and_keep_the_mean(rng, old, new):
    maps = rng.random((3, *old)).astype(np.float32)
    averaged = average_by_area(maps, new)
    assert averaged.shape == (3, *new) and averaged.dtype == np.float32
    np.testing.assert_allclose(averaged, averaged_by_hand(maps, new), rtol=1e-5)
    inside = tuple(range(1, maps.ndim))
    np.testing.assert_allclose(averaged.mean(inside), maps.mean(inside), rtol=1e-5)


def test_maps_of_that_size_are_not_averaged(maps):
    assert average_by_area(maps, (4, 7)) is maps
