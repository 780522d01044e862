"""What each kind of swap lends, and what it spares."""

import dataclasses
import itertools

import numpy as np
import pytest
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import SIZE, pairs_of, reads_tag, slow_grown, tagged

from keras_saliency import ProbeSet
from keras_saliency._utils.boxes import box_slices
from keras_saliency.shortcuts.swaps import (
    BoxSwap,
    GainSwap,
    LitBackgroundSwap,
    Objects,
    PatternSwap,
    RegionSwap,
    ShiftSwap,
    edits,
    gains_of_images,
)

PAIRS = pairs_of((1, 0), (2, 4), (7, 5), (29, 0))
BOX = (1, 3, 9, 20)


@pytest.fixture
def masked(rng):
    """A scene with objects, here and there."""
    masks = rng.random((30, *SIZE)) < 0.03
    return scene_of(tagged(rng, object_masks=masks), reads_tag)[0]


def slow_region(scene, pairs, is_inside, spares_objects):
    """The recipients, pixel by pixel."""
    edited = []
    for i, (donor, recipient) in enumerate(zip(pairs.donors, pairs.recipients, strict=True)):
        image = scene.probes.images[recipient].copy()
        for place in np.ndindex(*scene.size):
            ends = donor, recipient, *(() if pairs.partners is None else pairs.partners[i : i + 1])
            is_object = spares_objects and any(scene.objects.masks[end][place] for end in ends)
            if is_inside(i, place) and not is_object:
                image[place] = scene.probes.images[donor][place]
        edited.append(image)
    return np.stack(edited)


@pytest.mark.parametrize("spares_objects", [False, True])
def test_a_region_is_the_donors_but_for_both_objects(masked, rng, spares_objects):
    region = rng.random(SIZE) < 0.5
    swap = RegionSwap(masked, region, spares_objects)
    edited = swap.edit(PAIRS)
    expected = slow_region(masked, PAIRS, lambda _, place: region[place], spares_objects)
    np.testing.assert_array_equal(edited, expected)
    assert edited.dtype == np.float32 and swap.boxes(PAIRS) is None


def test_both_donors_of_a_recipient_leave_the_same_hole(masked, rng):
    """Else the shape of a hole, that of a class's objects, would tell the class."""
    pairs = dataclasses.replace(PAIRS, partners=np.array([3, 9, 12, 20]))
    region = rng.random(SIZE) < 0.5
    edited = RegionSwap(masked, region, True).edit(pairs)
    expected = slow_region(masked, pairs, lambda _, place: region[place], True)
    np.testing.assert_array_equal(edited, expected)
    images, masks = masked.probes.images[PAIRS.recipients], masked.objects.masks
    hole = np.any(
        [masks[rows] for rows in (PAIRS.recipients, PAIRS.donors, pairs.partners)], axis=0
    )
    lit = LitBackgroundSwap(masked)
    for donors, partners in ((PAIRS.donors, pairs.partners), (pairs.partners, PAIRS.donors)):
        edited = lit.edit(dataclasses.replace(PAIRS, donors=donors, partners=partners))
        np.testing.assert_array_equal(edited[hole], images[hole])
        assert (edited[~hole] != images[~hole]).mean() > 0.5


@pytest.mark.parametrize("spares_objects", [False, True])
@pytest.mark.parametrize("is_one", [False, True])
def test_a_box_is_the_donors_at_its_own_place_but_for_both_objects(masked, is_one, spares_objects):
    boxes = np.array([BOX] * 4 if is_one else [BOX, (0, 0, 4, 4), (8, 10, 16, 24), (5, 5, 6, 6)])
    swap = BoxSwap(masked, BOX if is_one else lambda pairs: boxes[: len(pairs)], spares_objects)
    np.testing.assert_array_equal(swap.boxes(PAIRS), boxes)

    def is_inside(i, place):
        top, left, bottom, right = boxes[i]
        return top <= place[0] < bottom and left <= place[1] < right

    expected = slow_region(masked, PAIRS, is_inside, spares_objects)
    np.testing.assert_array_equal(swap.edit(PAIRS), expected)


@pytest.mark.parametrize("size", [(40,), (7, 12, 10)], ids=["signal", "volume"])
def test_boxes_of_signals_and_volumes_are_lent_alike(size, rng):
    masks = rng.random((12, *size)) < 0.05
    masks[(slice(None), *(2 for _ in size))] = True
    images = rng.random((12, *size, 2)).astype(np.float32)
    scene, _ = scene_of(
        ProbeSet(images, np.arange(12) % 2, object_masks=masks), lambda x: np.zeros((len(x), 2))
    )
    box = (*(1 for _ in size), *(length - 2 for length in size))
    lent = np.zeros(size, bool)
    lent[box_slices(box)] = True
    expected = slow_region(scene, PAIRS.take(slice(2)), lambda _, place: lent[place], True)
    edited = BoxSwap(scene, box, True).edit(PAIRS.take(slice(2)))
    np.testing.assert_array_equal(edited, expected)


def test_objects_that_were_found_are_spared_too():
    """On a flat background, where nobody has said where the objects are."""
    rng = np.random.default_rng(3)
    images = np.full((30, 20, 20, 1), 0.1, np.float32)
    for image in images:
        y, x = rng.integers(4, 8, 2)
        image[y : y + 8, x : x + 8] = rng.uniform(0.5, 1, (8, 8, 1))
    scene, _ = scene_of(ProbeSet(images, np.arange(30) % 3), lambda x: np.zeros((len(x), 3)))
    assert scene.objects is not None and scene.objects.is_known.all()
    assert scene.objects.masks[(images > 0.4)[..., 0]].all()
    edited = RegionSwap(scene, np.ones((20, 20), bool), True).edit(PAIRS)
    for image, donor, recipient in zip(edited, PAIRS.donors, PAIRS.recipients, strict=True):
        for index in (donor, recipient):
            mask = scene.objects.masks[index]
            np.testing.assert_array_equal(image[mask], images[recipient][mask])


def test_objects_have_a_rim_of_a_thirty_second_of_the_side_and_at_least_a_pixel(rng):
    for size, side in (((16, 24), 1), ((47, 60), 1), ((48, 70), 2), ((224, 100), 3)):
        masks = rng.random((3, *size)) < 0.01
        probes = ProbeSet(rng.random((3, *size, 1)), [0, 1, 2], object_masks=masks)
        objects = Objects.of(probes)
        assert objects.is_known.all()
        for grown, mask in zip(objects.masks, probes.object_masks, strict=True):
            np.testing.assert_array_equal(grown, slow_grown(mask, side))


def test_objects_are_unknown_where_none_are_given_and_none_found(rng):
    assert Objects.of(tagged(rng)) is None
    flat = np.zeros((6, 20, 20, 1), np.float32)
    flat[:, 6:14, 6:14] = 1
    assert Objects.of(ProbeSet(flat, [0, 1] * 3)).is_known.all()
    assert Objects.of(ProbeSet(flat, [0, 1] * 3, object_masks=None)) is None, "finding is off"


def test_a_gain_is_the_donors_channel_by_channel(rng):
    probes = tagged(rng)
    images = probes.images * rng.uniform(0.3, 1, (30, 1, 1, 3)).astype(np.float32)
    scene, _ = scene_of(ProbeSet(images, probes.labels), reads_tag)
    edited = GainSwap(scene).edit(PAIRS)
    gains = gains_of_images(scene)
    for image, donor, recipient in zip(edited, PAIRS.donors, PAIRS.recipients, strict=True):
        for c in range(3):
            own, lent = (np.quantile(images[i, ..., c], 0.95) for i in (recipient, donor))
            np.testing.assert_allclose(image[..., c], images[recipient, ..., c] * lent / own, 1e-5)
            assert gains[donor, c] == pytest.approx(lent, rel=1e-5)
    with_own = GainSwap(scene).edit(pairs_of((4, 4)))
    np.testing.assert_allclose(with_own[0], images[4], rtol=1e-6)


@pytest.mark.parametrize("background", [0.0, 0.5], ids=["dark", "lit"])
def test_with_objects_a_gain_is_of_what_lies_off_them_or_of_them_where_that_is_dark(
    rng, background
):
    """So that it depends neither on how large the object is nor on a tag."""
    masks = np.zeros((30, *SIZE), bool)
    for i, mask in enumerate(masks):
        mask[4 : 6 + i % 6, 6:12] = True
    images = background * rng.uniform(0.5, 1, (30, *SIZE, 1)).astype(np.float32)
    images[masks] = rng.uniform(0.6, 0.9, (masks.sum(), 1))
    images[:10, :2] = 1  # a tag of some images
    probes = ProbeSet(images, np.arange(30) % 3, object_masks=masks)
    scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
    gains = gains_of_images(scene)
    for image, mask, gain in zip(images, scene.objects.masks, gains, strict=True):
        expected = np.median(image[~mask]) if background else np.quantile(image[mask], 0.95)
        assert gain[0] == pytest.approx(expected, rel=1e-5)
    (edited,) = GainSwap(scene).edit(pairs_of((1, 3)))
    np.testing.assert_allclose(edited, images[3] * gains[1] / gains[3], rtol=1e-5)


def test_a_shift_brings_each_channels_median_to_the_donors(rng):
    images = tagged(rng).images + rng.uniform(0, 0.3, (30, 1, 1, 3)).astype(np.float32)
    scene, _ = scene_of(ProbeSet(images, np.arange(30) % 3, object_masks=None), reads_tag)
    edited = ShiftSwap(scene).edit(PAIRS)
    medians = np.median(images, axis=(1, 2))
    for image, donor, recipient in zip(edited, PAIRS.donors, PAIRS.recipients, strict=True):
        expected = images[recipient] + medians[donor] - medians[recipient]
        np.testing.assert_allclose(image, expected, rtol=1e-5)


def test_a_lit_background_is_the_donors_as_bright_as_the_recipients(rng):
    images = rng.uniform(0.2, 0.4, (30, *SIZE, 3)).astype(np.float32)
    images *= rng.uniform(0.5, 1, (30, 1, 1, 3)).astype(np.float32)
    masks = np.zeros((30, *SIZE), bool)
    masks[:, 4:9, 4:9] = True
    probes = ProbeSet(images, np.arange(30) % 3, object_masks=masks)
    scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
    is_off = ~scene.objects.masks
    edited = LitBackgroundSwap(scene).edit(PAIRS)
    for image, donor, recipient in zip(edited, PAIRS.donors, PAIRS.recipients, strict=True):
        off = is_off[donor] & is_off[recipient]
        medians = [np.median(images[i][is_off[i]], axis=0) for i in (donor, recipient)]
        expected = images[recipient].copy()
        expected[off] = images[donor][off] * medians[1] / medians[0]
        np.testing.assert_allclose(image, expected, rtol=1e-5)


def test_a_printed_frame_says_nothing_of_the_light(rng):
    labels = np.arange(60) % 3
    images = rng.uniform(0, 100, (60, *SIZE, 1)).astype(np.float32)
    frame = np.ones(SIZE, bool)
    frame[2:-2, 2:-2] = False
    images[:, frame] = (40 + 80 * labels)[:, None, None]
    scene, _ = scene_of(
        ProbeSet(images, labels, object_masks=None), lambda x: np.zeros((len(x), 3))
    )
    expected = np.quantile(images[:, ~frame, 0], 0.95, axis=1)
    np.testing.assert_allclose(gains_of_images(scene)[:, 0], expected, rtol=1e-5)


def test_a_frame_around_objects_says_nothing_of_the_light_either(rng):
    """Off objects that nearly fill the images there is little else."""
    labels = np.arange(60) % 3
    images = rng.uniform(0, 255, (60, *SIZE, 1)).astype(np.float32)
    masks = np.zeros((60, *SIZE), bool)
    masks[:, 4:-4, 4:-4] = True
    light = rng.uniform(90, 110, 60).astype(np.float32)
    images[~masks] = np.repeat(light, np.count_nonzero(~masks[0]))[:, None]
    frame = edits.ring_mask(*SIZE)
    images[:, frame] = (40 + 80 * labels)[:, None, None]
    probes = ProbeSet(images, labels, object_masks=masks)
    scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
    np.testing.assert_allclose(gains_of_images(scene)[:, 0], light, rtol=1e-5)


def everything(scene):
    return RegionSwap(scene, np.ones(SIZE, bool), True)


def box(scene):
    return BoxSwap(scene, BOX, True)


@pytest.mark.parametrize("make", [everything, box, GainSwap, PatternSwap])
def test_what_is_legitimate_is_never_lent(rng, make):
    spared = np.zeros(SIZE, bool)
    spared[1:6, 2:20] = True
    masks = np.zeros((30, *SIZE), bool)
    masks[:, 7:9, 9:14] = True
    probes = tagged(rng, object_masks=masks)
    scene, _ = scene_of(probes, reads_tag, spared=spared)
    pairs = pairs_of(*itertools.product(range(6), range(6, 12)))
    edited = make(scene).edited(pairs)
    before = probes.images[pairs.recipients]
    np.testing.assert_array_equal(edited[:, spared], before[:, spared])
    assert (edited[:, ~spared] != before[:, ~spared]).any()
