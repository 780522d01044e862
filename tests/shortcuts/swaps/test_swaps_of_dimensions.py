"""Swaps, searches and alerts of signals (n, length, C) and volumes (n, D, H, W, C)."""

import itertools
import math
import warnings

import keras
import numpy as np
import pytest
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
from keras_saliency.shortcuts.swaps import (
    BackgroundSwap,
    Outcome,
    Pairs,
    PatchSwap,
    ValueRange,
    edits,
    find_region,
    middle_mask,
    run_trial,
)

SIZES = [(40,), (7, 12, 10)]
SIZES_AND_IMAGES = [*SIZES, (16, 11), (5, 4)]
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
    np.testing.assert_array_equal(edits.ring_mask(*size), (away < ring).any(axis=-1))
    for mask, share in ((middle_mask(*size), 5), (~edits.surroundings_mask(*size), 4)):
        margins = [round(length / share) for length in size]
        np.testing.assert_array_equal(mask, (away >= margins).all(axis=-1))
    centre, ring = edits.centre_mask(*size), edits.ring_mask(*size)
    assert centre[tuple(length // 2 for length in size)]
    assert centre.mean() == pytest.approx(ring.mean(), rel=0.25), "nearly the ring's area"


def test_statistics_are_the_donors(size, rng):
    recipients, donors = rng.normal(size=(2, 2, *size, 2)) * 3 + 1
    edited = edits.swap_statistics(recipients, donors)
    for i, c in itertools.product(range(2), range(2)):
        assert edited[i, ..., c].mean() == pytest.approx(donors[i, ..., c].mean(), abs=1e-4)
        assert edited[i, ..., c].std() == pytest.approx(donors[i, ..., c].std(), rel=1e-4)
        r = np.corrcoef(edited[i, ..., c].ravel(), recipients[i, ..., c].ravel())[0, 1]
        assert r == pytest.approx(1, abs=1e-5), "what varies is the recipient's"


def test_amplitudes_are_the_donors_and_phases_the_recipients(size, rng):
    recipients, donors = rng.normal(size=(2, 2, *size, 2))
    edited = edits.swap_amplitude(recipients, donors)
    for i, c in itertools.product(range(2), range(2)):
        phases = np.angle(np.fft.fftn(recipients[i, ..., c]))
        expected = np.abs(np.fft.fftn(donors[i, ..., c])) * np.exp(1j * phases)
        np.testing.assert_allclose(np.fft.fftn(edited[i, ..., c]), expected, atol=1e-3)


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


def slow_around(image, mask, place, window):
    """Each channel's mean over a window, as far as it is in the mask, and that share of it."""
    rows = [
        [abs(j) if abs(j) < n else 2 * (n - 1) - j for j in range(p - window // 2, p + window)]
        for p, n in zip(place, mask.shape, strict=True)
    ]
    places = list(itertools.product(*(row[:window] for row in rows)))
    known = [image[p] for p in places if mask[p]]
    mean = np.mean(known, axis=0) if known else np.zeros(image.shape[-1])
    return mean, len(known) / len(places)


@pytest.mark.parametrize("size", SIZES_AND_IMAGES)
def test_holes_are_completed_with_what_surrounds_them(size, rng):
    images = rng.normal(size=(4, *size, 2)).astype(np.float32)
    holes = rng.random((4, *size)) < 0.3
    holes[1] = True
    holes[1][(0,) * len(size)] = False  # one place is known
    holes[2], holes[3] = True, False
    completed = edits.complete(images, holes)
    assert completed.dtype == np.float32
    np.testing.assert_array_equal(completed[2:], images[2:])
    for i in (0, 1):
        for place in np.ndindex(*size):
            expected = images[i][place]
            if holes[i][place]:
                expected = images[i][~holes[i]].mean(axis=0)
                for part in (2, 4, 8, 16):
                    window = max(3, min(size) // part)
                    mean, known = slow_around(images[i], ~holes[i], place, window)
                    expected = known * mean + (1 - known) * expected
            np.testing.assert_allclose(completed[i][place], expected, atol=1e-4)


@pytest.mark.parametrize("size", SIZES_AND_IMAGES)
def test_fineness_is_the_share_of_what_differs_from_its_surroundings(size, rng):
    images = rng.normal(size=(4, *size, 2)).astype(np.float32)
    masks = rng.random((4, *size)) < 0.6
    masks[1], images[2], masks[3] = False, 7, True
    found = edits.fineness(images, masks)
    assert found[1] == np.inf, "of nothing"
    assert found[2] < 1e-6, "nothing varies"
    window = max(3, round(min(size) / 16))
    for i in (0, 3):
        fine = whole = 0
        mean = images[i][masks[i]].mean(axis=0)
        for place in map(tuple, np.argwhere(masks[i])):
            around, _ = slow_around(images[i], masks[i], place, window)
            fine += ((images[i][place] - around) ** 2).sum()
            whole += ((images[i][place] - mean) ** 2).sum()
        assert found[i] == pytest.approx(fine / whole, rel=1e-4)
    louder = edits.fineness(images[:1] * 3 + 500, masks[:1])
    np.testing.assert_allclose(louder, found[:1], rtol=1e-3)


def test_a_mean_of_many_pixels_is_exact(rng):
    image = (240 + 0.3 * rng.normal(size=(1, 512, 512, 3))).astype(np.float32)
    mean = edits.mean_inside(image, np.ones(image.shape[:-1], bool))
    np.testing.assert_allclose(mean[0, 0, 0], image[0].astype(float).mean(axis=(0, 1)), atol=1e-4)


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
    found = ValueRange.of(images)
    np.testing.assert_allclose(found.low, images.reshape(-1, 2).min(axis=0))
    np.testing.assert_allclose(found.high, images.reshape(-1, 2).max(axis=0))


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
    swap = PatchSwap(scene, lambda donors, _: np.tile(half, (len(donors), 1)))
    outcome = run_trial(scene, swap, [0, 1, 2], 60, rng)[2]
    assert outcome.adoption == 1
    found = find_region(scene, swap, outcome)
    tag, named = (box_masks([box], size)[0] for box in (TAGS[len(size)], found))
    assert (tag & named).sum() >= 0.5 * tag.sum() and named.sum() <= 4 * tag.sum()


def test_a_box_is_swapped_and_elsewhere_another(size, rng):
    scene, _ = scene_of(tagged(size, rng), reads_tag)
    tag = TAGS[len(size)]
    swap = PatchSwap(scene, lambda donors, _: np.tile(tag, (len(donors), 1)))
    pairs = Pairs(np.array([1]), np.array([0]), np.array([1]))
    mask = box_masks([tag], size)[0]
    donor, recipient = scene.pixels[1], scene.pixels[0]
    np.testing.assert_array_equal(swap.edit(pairs)[0], np.where(mask[..., None], donor, recipient))
    moved = (swap.control("elsewhere").edit(pairs, rng)[0] != recipient).any(axis=-1)
    assert box_masks([box_of(moved)], size).sum() <= mask.sum()


def test_background_keeps_both_objects(size, rng):
    masks = np.zeros((30, *size), bool)
    for i, mask in enumerate(masks):
        mask[tuple(slice(i % 3 + 1, i % 3 + 4) for _ in size)] = True
    scene, _ = scene_of(tagged(size, rng, object_masks=masks), reads_tag)
    edited = BackgroundSwap(scene).edit(Pairs(np.array([1]), np.array([3]), np.array([1])))[0]
    kept = scene.objects[1] | scene.objects[3]
    expected = np.where(kept[..., None], scene.pixels[3], scene.pixels[1])
    completed = edits.complete(scene.pixels[:2], scene.objects[:2])[1]
    of_recipient, of_donor = edits.fineness(scene.pixels, ~scene.objects)[[3, 1]]
    if of_recipient > of_donor:
        hole = scene.objects[1] & ~scene.objects[3]
        expected[hole] = completed[hole]
    np.testing.assert_array_equal(edited, expected)
    assert isinstance(run_trial(scene, BackgroundSwap(scene), [1], 20, rng)[0], Outcome)


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
        assert callback.alerts == [] and found.severity == "hint"
        return
    assert {alert.class_index for alert in callback.alerts} == {1}
    tag = box_masks([region], size)[0]
    named = [box_masks([a.region], size)[0] for a in callback.alerts if a.region is not None]
    assert any((n & tag).sum() >= 0.5 * tag.sum() and n.sum() <= 4 * tag.sum() for n in named)
    assert all(a.evidence.ndim == 3 and a.evidence.dtype == np.uint8 for a in callback.alerts)
    assert found.severity == "alert" and found.region == region
    unit = "samples 1 to 3" if len(size) == 1 else "slices 1 to 3, rows 1 to 3, columns 1 to 3"
    assert found.message.lower().startswith(unit)
    without = SaliencyCallback(ProbeSet(probes.images, probes.labels), tmp_path, sinks=[])
    with pytest.warns(UserWarning, match="not tested for shortcuts: signals and volumes without"):
        model.fit(images[:32], labels[:32], verbose=0, callbacks=[without])
    assert without.alerts == []
    legitimate = SaliencyCallback(probes, tmp_path, sinks=[], legitimate=[region, "border"])
    assert legitimate.legitimate.mask(size).sum() == tag.sum()
