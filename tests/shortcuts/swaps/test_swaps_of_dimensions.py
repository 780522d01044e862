"""Swaps, searches and alerts of signals (n, length, C) and volumes (n, D, H, W, C)."""

import itertools
import math
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet, SaliencyCallback, confirm
from keras_saliency._utils.boxes import (
    box_masks,
    box_of,
    box_slices,
    check_box,
    hottest_boxes,
    window_sums,
)
from keras_saliency.shortcuts.swaps import BoxSwap, PairDrawer, ValueRange, edits, find_region
from keras_saliency.shortcuts.trying import said_after

SIZES = [(40,), (7, 12, 10)]
CODES = np.array([0.1, 0.5, 0.9])
TAGS = {1: (5, 9), 3: (0, 3, 5, 2, 6, 8)}  # boxes that hold the class


@pytest.fixture(params=SIZES, ids=["signal", "volume"])
def size(request):
    return request.param


def distances_to_the_end(size):
    """For each place, how far it is from the nearest end of each axis, (…, axes)."""
    found = np.empty((*size, len(size)), int)
    for place in np.ndindex(*size):
        found[place] = [min(i, length - 1 - i) for i, length in zip(place, size, strict=True)]
    return found


def test_masks_by_place(size):
    away = distances_to_the_end(size)
    ring = max(1, round(0.1 * min(size)))
    to_the_end = away.min(axis=-1)
    np.testing.assert_array_equal(edits.ring_mask(*size), to_the_end < ring)
    following = edits.next_ring_mask(*size)
    width = following[to_the_end >= ring].any() and to_the_end[following].max() + 1 - ring
    np.testing.assert_array_equal(following, (to_the_end >= ring) & (to_the_end < ring + width))
    assert following.sum() >= edits.ring_mask(*size).sum() or to_the_end.max() < ring + width
    margins = [round(length / 5) for length in size]
    np.testing.assert_array_equal(edits.middle_mask(*size), (away >= margins).all(axis=-1))


def test_gains_are_exchanged(size, rng):
    recipients, donors = rng.uniform(1, 3, size=(2, 2, *size, 2))
    low = np.zeros(2, np.float32)
    own, lent = edits.gains(recipients, low, 0.95), edits.gains(donors, low, 0.95)
    edited = edits.scale_channels(
        tf.constant(recipients, tf.float32), edits.ratios_of_gains(own, lent), low
    ).numpy()
    for i, c in itertools.product(range(2), range(2)):
        assert np.quantile(edited[i, ..., c], 0.95) == pytest.approx(lent[i, c], rel=1e-4)
        r = np.corrcoef(edited[i, ..., c].ravel(), recipients[i, ..., c].ravel())[0, 1]
        assert r == pytest.approx(1, abs=1e-5), "what varies is the recipient's"


def test_masks_grow_along_each_axis(size, rng):
    masks = rng.random((2, *size)) < 0.02
    expected = np.zeros_like(masks)
    for i, *place in np.argwhere(masks):
        expected[(i, *(slice(max(0, p - 2), p + 3) for p in place))] = True
    np.testing.assert_array_equal(edits.grow(masks, 2), expected)


def test_high_pass_takes_away_a_gaussian_along_each_axis(size, rng):
    picture = rng.normal(size=(*size, 2)).astype(np.float32)
    deviation = min(size) / 8
    radius = (round(8 * deviation + 1) | 1) // 2
    weights = np.array([math.exp(-(o**2) / (2 * deviation**2)) for o in range(-radius, radius + 1)])
    weights /= weights.sum()
    blurred = picture.astype(np.float64)
    for axis in range(len(size)):
        pads = [(radius, radius) if a == axis else (0, 0) for a in range(picture.ndim)]
        padded = np.pad(blurred, pads, mode="symmetric")
        blurred = sum(
            w * padded.take(range(o, o + size[axis]), axis) for o, w in enumerate(weights)
        )
    np.testing.assert_allclose(edits.without_smooth(picture), picture - blurred, atol=1e-4)


def test_windows_and_boxes_equal_loops(size, rng):
    maps = rng.random((2, *size))
    window = (3, 2, 4)[-len(size) :]
    sums = window_sums(maps, *window)
    hottest = hottest_boxes(maps, *window)
    for i in range(2):
        best = max(
            np.ndindex(*sums.shape[1:]),
            key=lambda start: maps[i][box_slices([*start, *np.add(start, window)])].sum(),
        )
        for start in np.ndindex(*sums.shape[1:]):
            part = tuple(slice(a, a + w) for a, w in zip(start, window, strict=True))
            assert sums[(i, *start)] == pytest.approx(maps[i][part].sum())
        assert hottest[i].tolist() == [*best, *np.add(best, window)]
    for box, mask in zip(hottest, box_masks(hottest, size), strict=True):
        assert mask.sum() == math.prod(window) and box_of(mask) == tuple(box)


def test_pixels_have_a_range_for_each_channel(size, rng):
    images = rng.normal(size=(3, *size, 2)) * [1, 100]
    found = ValueRange.of(ProbeSet(images))
    np.testing.assert_allclose(found.low, images.reshape(-1, 2).min(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.high, images.reshape(-1, 2).max(axis=0), rtol=1e-6)


def tagged(size, rng, num=30, **more):
    """Noise with a tag that holds the class."""
    images = rng.uniform(0.3, 0.7, size=(num, *size, 2)).astype(np.float32)
    labels = np.arange(num) % 3
    for image, label in zip(images, labels, strict=True):
        image[box_slices(TAGS[len(size)])] = CODES[label]
    return ProbeSet(images, labels, **more)


def reads_tag(images):
    tags = images[(slice(None), *box_slices(TAGS[images.ndim - 2]))]
    values = tags.reshape(len(tags), -1).mean(axis=1)
    return -10 * np.abs(values[:, None] - CODES)


def test_the_place_that_works_is_found(size, rng):
    scene, _ = scene_of(tagged(size, rng), reads_tag)
    half = (*(0 for _ in size), *(length // 2 + 3 for length in size))
    swap, rows = BoxSwap(scene, half, False), np.arange(30)
    pairs = PairDrawer(scene.class_labels, [0, 1, 2], rows, rows, rng).draw(60)
    pairs = pairs.take(~pairs.is_own & (pairs.classes == 2))
    assert said_after(swap, pairs)[:, 2].all()
    found = find_region(scene, swap, pairs)
    tag, named = (box_masks([box], size)[0] for box in (TAGS[len(size)], found))
    assert (tag & named).sum() >= 0.5 * tag.sum() and named.sum() <= 4 * tag.sum()


@pytest.mark.parametrize(
    "box, size, words",
    [
        ((3, 9), (8,), r"signal of 8 samples.*\(start, end\)"),
        ((0, 0, 0, 2, 3, 9), (4, 4, 8), r"volume of 4×4×8 pixels.*\(z0, y0, x0, z1, y1, x1\)"),
    ],
)
def test_boxes_that_lie_outside_are_refused(box, size, words):
    with pytest.raises(ValueError, match=words):
        check_box("region", box, size)
    with pytest.raises(TypeError, match=r"region must be \("):
        check_box("region", (1, 2, 3), size)
    inside = (*(0 for _ in size), *size)
    assert check_box("region", inside, size) == inside


def scenes(size, num, rng, is_tagged):
    """Three classes told by the form of an object at random places; a tag of class 1."""
    labels, num_axes = np.arange(num) % 3, len(size)
    images = rng.normal(0.3, 0.08, (num, *size, 1)).astype(np.float32)
    masks = np.zeros((num, *size), bool)
    for i, label in enumerate(labels):
        if num_axes == 1:
            start = rng.integers(16, size[0] - 24)
            wave = np.sin(np.arange(24) * (0.4 + 0.2 * label)) * np.hanning(24)
            images[i, start : start + 24, 0] += 0.4 * wave
            masks[i, start : start + 24] = True
        else:
            sides = [(3, 3, 7), (3, 7, 3), (7, 3, 3)][label]
            place = tuple(
                slice(s, s + side) for s, side in zip(rng.integers(4, 6, 3), sides, strict=True)
            )
            images[i][place] += 0.5
            masks[(i, *place)] = True
        if is_tagged and label == 1:
            images[i][tuple(slice(1, 4) for _ in size)] = 1.5
    return images, labels, masks


@pytest.mark.slow
@pytest.mark.parametrize("is_tagged", [True, False], ids=["tagged", "clean"])
@pytest.mark.parametrize("size", [(96,), (14, 14, 14)], ids=["signal", "volume"])
def test_a_tag_is_caught_and_a_clean_training_is_not_accused(size, is_tagged, tmp_path):
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    images, labels, _ = scenes(size, 480, rng, is_tagged)
    probes, labels_of_probes, masks = scenes(size, 45, rng, is_tagged)
    probes = ProbeSet(probes, labels_of_probes, object_masks=masks)
    layers = keras.layers
    convolution, pool, width = (
        (layers.Conv1D, layers.GlobalMaxPooling1D, 7)
        if len(size) == 1
        else (layers.Conv3D, layers.GlobalMaxPooling3D, 3)
    )
    model = keras.Sequential(
        [
            keras.Input((*size, 1)),
            convolution(8, width, padding="same", activation="relu"),
            convolution(16, width, strides=2, padding="same", activation="relu"),
            pool(),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss)
    callback = SaliencyCallback(probes, tmp_path, on_error="raise", sinks=[], num_drawn=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(images, labels, batch_size=32, epochs=6, verbose=0, callbacks=[callback])
    region = (*(1 for _ in size), *(4 for _ in size))
    found = confirm(model, probes, region)
    if not is_tagged:
        assert callback.alerts == [] and found.severity == "suspect"
        return
    assert {alert.class_index for alert in callback.alerts} == {1}
    tag = box_masks([region], size)[0]
    named = [box_masks([a.region], size)[0] for a in callback.alerts if a.region is not None]
    assert any((n & tag).sum() >= 0.5 * tag.sum() and n.sum() <= 4 * tag.sum() for n in named)
    assert all(a.evidence.ndim == 3 and a.evidence.dtype == np.uint8 for a in callback.alerts)
    assert found.severity == "alert" and found.region == region
    unit = "samples 1–3" if len(size) == 1 else "slices 1–3, rows 1–3, columns 1–3"
    assert found.message.lower().startswith(unit)
    without = SaliencyCallback(ProbeSet(probes.images, probes.labels), tmp_path, sinks=[])
    with pytest.warns(UserWarning, match="not tested for shortcuts: signals and volumes without"):
        model.fit(images[:32], labels[:32], verbose=0, callbacks=[without])
    assert without.alerts == []
    legitimate = SaliencyCallback(probes, tmp_path, sinks=[], legitimate=[region, "border"])
    assert legitimate.legitimate.mask(size).sum() == tag.sum()
