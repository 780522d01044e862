"""Where one class carries what others do not."""

import numpy as np
import pytest

from keras_saliency.probes import ProbeSet
from keras_saliency.probes.cue_map import blurred, explained_variance


def make_images(num=6, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


def test_explained_variance_by_hand():
    # One pixel: class means 1 and 5 around 3, deviations -2 -2 2 2 -> 16 of 16 + 4 * 1.
    maps = [np.array([[v, 7.0, c, 0.1]]) for v, c in ((0, 1), (2, 1), (4, 9), (6, 9))]
    eta = explained_variance(maps, [0, 0, 1, 1])
    assert eta.dtype == np.float32
    np.testing.assert_allclose(eta, [[16 / 20, 0, 1, 0]], rtol=1e-6)
    assert not explained_variance([np.ones((2, 2))] * 4, [0, 0, 1, 1]).any()


def test_a_pixel_that_does_not_vary_explains_nothing_despite_rounding():
    assert (0.1 + 0.1 + 0.1) / 3 != 0.1
    maps = [np.array([[v, 0.1]]) for v in (0.0, 1.0, 1.0)]
    np.testing.assert_allclose(explained_variance(maps, [0, 1, 1]), [[1, 0]])


def test_blur_equals_opencv():
    try:
        import cv2
    except ImportError:
        pytest.skip("OpenCV cannot be imported here")
    for shape in ((5, 7), (1, 4), (2, 1), (1, 1)):
        gray = np.random.default_rng(0).random(shape, np.float32)
        np.testing.assert_allclose(blurred(gray[..., None]), cv2.blur(gray, (3, 3)), atol=1e-6)


def test_cue_map_is_high_where_one_class_carries_a_tag():
    images, labels = make_images(300, 12, 10), np.arange(300) % 3
    plain = ProbeSet.from_dataset((images, labels)).cue_map
    images[labels == 1, 2:5, 6:9] = 1
    tagged = ProbeSet.from_dataset((images, labels), per_class=2).cue_map
    assert tagged.shape == (12, 10) and tagged.dtype == np.float32
    assert tagged[3, 7] > 0.9
    assert plain.max() < 0.1 and tagged[8:, :4].max() < 0.1
    assert np.unravel_index(tagged.argmax(), tagged.shape) == (3, 7)


def test_cue_map_needs_20_labelled_images_of_2_classes():
    images = make_images(20)
    assert ProbeSet.from_dataset((images, [0, 1] * 10)).cue_map is not None
    assert ProbeSet.from_dataset((images[:19], ([0, 1] * 10)[:19])).cue_map is None
    assert ProbeSet.from_dataset((images, [0] * 20)).cue_map is None
    assert ProbeSet(images, [0, 1] * 10).cue_map is None
