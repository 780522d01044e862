"""What each kind of swap lends, and its controls."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import SIZE, patch, reads_tag, slow_grown, stubborn, tagged

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    AmplitudeSwap,
    BackgroundSwap,
    Pairs,
    PatchSwap,
    PatternSwap,
    RingSwap,
    StatisticsSwap,
    SurroundingsSwap,
    add_controls,
    draw_controls,
    edits,
    run_trial,
)

SWAPS = [RingSwap, SurroundingsSwap, StatisticsSwap, AmplitudeSwap, BackgroundSwap, PatternSwap]


def test_controls_of_all_classes_come_from_one_pass(rng):
    scene, graph = scene_of(tagged(rng), stubborn)
    swap = RingSwap(scene)
    outcomes = run_trial(scene, swap, [0, 1, 2], 90, rng)
    graph.seen.clear()
    found = add_controls(scene, swap, outcomes, np.random.default_rng(1))
    assert [len(seen) for seen in graph.seen] == [90]
    pairs = Pairs.join([o.pairs for o in outcomes])
    edited = swap.control("own class").edit(pairs, np.random.default_rng(1))
    is_said = stubborn(edited).argmax(axis=1) == pairs.classes
    for outcome, before in zip(found, outcomes, strict=True):
        ((_, control),) = outcome.controls.items()
        np.testing.assert_array_equal(control, is_said[pairs.classes == outcome.class_index])
        assert outcome.pairs is before.pairs and outcome.is_adopted is before.is_adopted
    assert add_controls(scene, swap, [], rng) == []


@pytest.fixture
def blurred(rng):
    """A scene of noise with objects, in which backgrounds of odd probes are nearly flat."""
    masks = rng.random((30, *SIZE)) < 0.02
    images = tagged(rng).images.copy()
    smooth = np.linspace(0, 1, SIZE[0])[:, None, None] + 1e-3 * images[1::2]
    images[1::2] = np.where(masks[1::2][..., None], images[1::2], smooth)
    probes = ProbeSet(images, np.arange(30) % 3, object_masks=masks)
    return scene_of(probes, reads_tag)[0], masks


def test_a_background_is_not_mended_with_what_is_sharper(blurred, monkeypatch):
    scene, masks = blurred
    swap = BackgroundSwap(scene)
    objects = np.stack([slow_grown(mask, 1) for mask in masks])
    pairs = Pairs(np.array([1, 0]), np.array([0, 3]), np.array([1, 0]))
    edited = swap.edit(pairs)
    completed = edits.complete(scene.pixels, objects)
    for image, donor, recipient in zip(edited, pairs.donors, pairs.recipients, strict=True):
        expected = np.where(objects[donor][..., None], scene.pixels[recipient], scene.pixels[donor])
        if recipient == 0:  # sharp, the donor is smooth
            expected = completed[donor]
        mine = objects[recipient][..., None]
        np.testing.assert_array_equal(image, np.where(mine, scene.pixels[recipient], expected))
    monkeypatch.setattr("keras_saliency.shortcuts.swaps.kinds.MAX_KEPT", 0)
    np.testing.assert_allclose(swap.edit(pairs), edited, atol=1e-6)


def test_background_control_leaves_both_donors_objects_out(blurred, rng):
    scene, masks = blurred
    swap = BackgroundSwap(scene)
    pairs = Pairs(np.array([2]), np.array([4]), np.array([1]))
    own = draw_controls(pairs, scene.class_labels.has_class, np.random.default_rng(3)).donors[0]
    control = swap.control("own class").edit
    edited = control(pairs, np.random.default_rng(3))[0]
    mine, theirs, owns = (slow_grown(masks[i], 1) for i in (4, 2, own))
    expected = scene.pixels[[own]]
    left_out = (theirs | owns)[None]
    if own % 2:
        expected = edits.complete(expected, left_out)
    else:
        expected = np.where(left_out[..., None], scene.pixels[4], expected)
    expected[0, mine] = scene.pixels[4][mine]
    np.testing.assert_allclose(edited, expected[0], atol=1e-6)


@pytest.mark.parametrize("kept", [0, 2**24])
@pytest.mark.parametrize("contrast", [0, 1])
def test_where_two_donors_objects_leave_no_background_nothing_of_them_is_lent(
    rng, monkeypatch, kept, contrast
):
    """Nor is anything wrong where no background is sharper than another, as with flat ones."""
    monkeypatch.setattr("keras_saliency.shortcuts.swaps.kinds.MAX_KEPT", kept)
    masks = np.zeros((30, *SIZE), bool)
    masks[0::2, :, :14], masks[1::2, :, 8:] = True, True
    images = 0.5 + contrast * (tagged(rng).images - 0.5)
    probes = ProbeSet(images, np.arange(30) % 3, object_masks=masks)
    scene, _ = scene_of(probes, reads_tag)
    pairs = Pairs(np.arange(30), (np.arange(30) + 2) % 30, np.arange(30) % 3)
    owns = draw_controls(pairs, scene.class_labels.has_class, np.random.default_rng(3)).donors
    swap = BackgroundSwap(scene)
    control = swap.control("own class").edit
    controls = control(pairs, np.random.default_rng(3))
    assert len(swap.edit(pairs.take(slice(0)))) == 0
    for edited, donors in ((swap.edit(pairs), pairs.donors), (controls, owns)):
        changed = (edited != scene.pixels[pairs.recipients]).any(axis=-1)
        is_the_donors = (edited == scene.pixels[donors]).all(axis=-1)
        assert not (changed & is_the_donors & scene.objects[donors]).any()
        assert changed.any() == bool(contrast)


def test_ring_has_the_middle_as_a_control_only_where_things_fill_the_frame(rng):
    for fills in (False, True):
        scene, _ = scene_of(tagged(rng), reads_tag, fills_frame=fills)
        swap = RingSwap(scene)
        assert ("middle" in [control.key for control in swap.controls()]) == fills
    pairs = Pairs(np.array([1]), np.array([0]), np.array([1]))
    changed = (swap.control("middle").edit(pairs, rng) != scene.pixels[:1]).any(axis=-1)
    assert not changed[0][edits.ring_mask(*SIZE)].any() and changed.any()


@pytest.mark.parametrize("make", [*SWAPS, PatchSwap], ids=lambda make: make.__name__)
def test_legitimate_regions_are_never_lent(rng, make):
    spared = np.zeros(SIZE, bool)
    spared[1:6, 2:20] = True
    masks = np.zeros((30, *SIZE), bool)
    masks[:, 7:9, 9:14] = True
    probes = tagged(rng, object_masks=masks)
    scene, graph = scene_of(probes, reads_tag, spared=spared)
    swap = patch(scene, (2, 3, 5, 24)) if make is PatchSwap else make(scene)
    graph.seen.clear()
    outcomes = run_trial(scene, swap, [0, 1, 2], 90, rng)
    recipients = np.concatenate([o.pairs.recipients for o in outcomes])
    np.testing.assert_array_equal(graph.seen[0][:, spared], probes.images[recipients][:, spared])
    assert (graph.seen[0][:, ~spared] != probes.images[recipients][:, ~spared]).any()
    for outcome in outcomes:
        graph.seen.clear()
        add_controls(scene, swap, [outcome], rng)
        mine = probes.images[outcome.pairs.recipients][:, spared]
        assert graph.seen
        for images in graph.seen:
            np.testing.assert_array_equal(images[:, spared], mine)
