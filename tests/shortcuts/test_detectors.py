"""What each detector proposes, and that each names its own cue."""

import dataclasses

import numpy as np
import pytest
from helpers.checked_models import SIZE, Checks, draw, reads_object
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import pairs_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.swaps import (
    GainSwap,
    LadderSwap,
    LevelledBackgroundSwap,
    LitBackgroundSwap,
    LitBoxSwap,
    PatternSwap,
    RegionSwap,
    ShiftSwap,
    TintSwap,
    edits,
)
from keras_saliency.shortcuts.swaps.compression import recompress

LABELS = np.arange(60) % 3
MASKS = np.zeros((60, *SIZE), bool)
MASKS[:, 4:12, 4:12] = True


def scene_with(images, masks=None):
    return scene_of(ProbeSet(images, LABELS, object_masks=masks), lambda x: np.zeros((len(x), 3)))[
        0
    ]


def propose(name, scene):
    return SWAP_DETECTORS[name].propose(scene, np.random.default_rng(0))


def changed_by(swap, scene):
    """Which pixels it changes in any of some pairs."""
    pairs = pairs_of((1, 0), (2, 4), (7, 5))
    before = scene.probes.images[pairs.recipients]
    return (swap.edit(pairs) != before).any(axis=(0, -1))


def test_the_border_is_tried_off_objects_or_less_the_next_ring():
    ring, inner = edits.ring_mask(*SIZE), edits.next_ring_mask(*SIZE)
    masks = MASKS.copy()
    masks[:, :8, 4:12] = True  # reaches the border
    scene = scene_with(draw(LABELS), masks)
    (proposal,) = propose("border", scene)
    np.testing.assert_array_equal(changed_by(proposal.swap, scene), ring & ~scene.objects.masks[0])
    assert proposal.less is None and not proposal.may_be_object
    scene = scene_with(draw(LABELS))
    (proposal,) = propose("border", scene)
    np.testing.assert_array_equal(changed_by(proposal.swap, scene), ring)
    np.testing.assert_array_equal(changed_by(proposal.less, scene), inner)
    assert not proposal.may_be_object


@pytest.mark.parametrize("is_aligned", [False, True])
def test_of_a_printed_frame_nothing_is_subtracted(is_aligned):
    """What photographs show inside of it tells the class, too, and may cost more than the frame."""
    ring = edits.ring_mask(*SIZE)
    rng = np.random.default_rng(6)
    images = rng.uniform(0, 1, (1 if is_aligned else len(LABELS), *SIZE, 3))
    images = np.broadcast_to(images, (len(LABELS), *SIZE, 3)).copy()
    images += rng.normal(0, 0.1, images.shape)
    images[:, ring] = 0.2 + 0.2 * LABELS[:, None, None]
    scene = scene_with(images.astype(np.float32))
    (proposal,) = propose("border", scene)
    assert proposal.less is None and not proposal.may_be_object
    np.testing.assert_array_equal(changed_by(proposal.swap, scene), ring)


def test_a_pattern_that_is_printed_on_flat_backgrounds_is_no_border():
    """It goes on inside; and whether the objects were found whole does not matter."""
    rng = np.random.default_rng(4)
    images = rng.choice([0.2, 0.8], (3, *SIZE, 1)).astype(np.float32)[LABELS]
    images[:, 5:11, 5:11] = rng.uniform(0, 1, (60, 6, 6, 1))
    masks = np.zeros((60, *SIZE), bool)
    masks[:, 5:11, 5:11] = True
    scene = scene_with(images, masks)
    assert propose("border", scene) == []
    (proposal,) = propose("pattern", scene)
    assert not proposal.may_be_object
    edited = proposal.swap.edit(pairs_of((1, 0))) != scene.probes.images[[0]]
    assert edited[0, 6:10, 6:10].all(), "on the objects, too"


def test_objects_that_fill_the_images_are_not_spared():
    """Of a border of one pixel nothing can be told: what holds without masks holds here."""
    masks = np.ones((60, *SIZE), bool)
    masks[:, 0] = False
    scene, free = scene_with(draw(LABELS), masks), scene_with(draw(LABELS))
    assert scene.objects is not None and scene.spared_objects is None
    assert propose("background", scene) == []
    (proposal,), (without,) = (propose("border", of) for of in (scene, free))
    pairs = pairs_of((1, 0), (2, 4))
    np.testing.assert_array_equal(proposal.swap.edit(pairs), without.swap.edit(pairs))
    assert proposal.less is not None


def test_the_background_is_all_that_is_off_the_objects():
    scene = scene_with(draw(LABELS), MASKS)
    (proposal,) = propose("background", scene)
    assert isinstance(proposal.swap, RegionSwap)
    np.testing.assert_array_equal(changed_by(proposal.swap, scene), ~scene.objects.masks[0])


def dimmed(labels, share):
    images = draw(labels)
    return images * np.where(labels == 1, share, 1)[:, None, None, None].astype(np.float32)


def test_brightness_is_tried_where_it_differs_between_the_classes():
    rng = np.random.default_rng(0)
    alike = rng.uniform(0, 1, (60, *SIZE, 3)).astype(np.float32)
    assert propose("colour", scene_with(alike)) == []
    assert propose("colour", scene_with(alike, MASKS)) == []
    shifted, scaled = propose("colour", scene_with(dimmed(LABELS, 0.6)))
    assert isinstance(shifted.swap, ShiftSwap) and isinstance(scaled.swap, GainSwap)
    assert shifted.may_be_object and scaled.may_be_object
    whole, background = propose("colour", scene_with(dimmed(LABELS, 0.6), MASKS))
    assert isinstance(whole.swap, GainSwap) and isinstance(background.less, LitBackgroundSwap)
    assert not whole.may_be_object and not background.may_be_object
    of_objects = np.where(MASKS[..., None], alike, dimmed(LABELS, 0.6))
    assert len(propose("colour", scene_with(of_objects, MASKS))) == 1  # no light, a background
    one_channel = alike.copy()
    one_channel[LABELS == 2, ..., 1] *= 0.8
    assert len(propose("colour", scene_with(one_channel))) == 2
    dark = alike.copy()
    dark[LABELS == 2] = np.maximum(dark[LABELS == 2], 0.6)  # its bright pixels are as before
    assert [type(p.swap) for p in propose("colour", scene_with(dark))] == [ShiftSwap]


@pytest.mark.parametrize("kind", ["noise", "sharpness", "compression"])
def test_a_ladder_is_climbed_where_its_property_differs_between_the_classes(kind):
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.random((60, 4, 4, 1)), np.ones((1, 8, 8, 1)))
    images = np.rint(100 + 100 * np.roll(blocks, (3, 3), (1, 2))).astype(np.float32)
    assert propose(kind, scene_with(images)) == []
    cued = images.copy()
    for i in np.flatnonzero(LABELS == 1):
        if kind == "noise":
            cued[i] += rng.normal(0, 15, cued[i].shape)
        elif kind == "sharpness":
            cued[i] = np.mean([np.roll(cued[i], s, a) for s in (0, 1, 2) for a in (0, 1)], axis=0)
        else:
            cued[i] = recompress(cued[i], 15)
    cued = np.clip(np.rint(cued), 0, 255)
    (proposal,) = propose(kind, scene_with(cued))
    assert isinstance(proposal.swap, LadderSwap) and not proposal.may_be_object
    assert len(proposal.recipients) == len(proposal.donors) == 60
    size = cued.shape[1:3]
    masks = np.zeros((60, *size), bool)
    masks[:, 4:12, 4:12] = True
    _, background = propose(kind, scene_with(cued, masks))
    assert isinstance(background.swap, RegionSwap)
    assert isinstance(background.less, LevelledBackgroundSwap)
    tiny = scene_with(cued[:, :12, :12])
    assert propose(kind, tiny) == []


@pytest.mark.parametrize("is_aligned, masks", [(True, None), (True, MASKS), (False, None)])
def test_of_aligned_images_without_objects_one_class_may_just_have_more_detail(is_aligned, masks):
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.random((1 if is_aligned else 60, 8, 8, 1)), np.ones((1, 2, 2, 1)))
    images = np.broadcast_to(100 + 100 * blocks, (60, *SIZE, 1)) + rng.normal(0, 1, (60, *SIZE, 1))
    for i in np.flatnonzero(LABELS == 1):
        images[i] = np.mean([np.roll(images[i], s, a) for s in (0, 1) for a in (0, 1)], axis=0)
    proposal, *_ = propose("sharpness", scene_with(np.rint(images).clip(0, 255), masks))
    assert proposal.may_be_object == (is_aligned and masks is None)


def sharper_where(place, paper=None, masks=None):
    """Photographs, of which one class is sharper at some places; paper lies off a cross, if any."""
    rng = np.random.default_rng(0)
    images = np.kron(rng.uniform(0, 255, (60, 20, 20, 1)), np.ones((1, 2, 2, 1)))
    smooth = np.mean(
        [np.roll(images, (y, x), (1, 2)) for y in range(-2, 3) for x in range(-2, 3)], axis=0
    )
    images = np.where((LABELS == 1)[:, None, None, None] & place[..., None], images, smooth)
    if paper is not None:
        images = np.where(CROSS[..., None], images, paper)
    probes = ProbeSet(np.rint(images).astype(np.float32), LABELS, object_masks=masks)
    return scene_of(probes, lambda x: np.zeros((len(x), 3)))[0]


ROWS, COLUMNS = np.mgrid[-19.5:20, -19.5:20]
CROSS = np.minimum(abs(ROWS), abs(COLUMNS)) < 6  # to the sides, but not to the corners
CORNER = (ROWS > 0) & (COLUMNS > 0)


@pytest.mark.parametrize(
    ("place", "is_of_whole_images"),
    [
        (np.ones((40, 40), bool), True),
        (~CORNER, True),  # one corner may show nothing, such as the sun
        (~CORNER & ~CORNER[::-1], False),
        (np.hypot(ROWS, COLUMNS) < 8, False),
        (CROSS, False),
    ],
)
def test_where_classes_are_sharper_in_the_middle_only_it_may_be_the_object(
    place, is_of_whole_images
):
    """Also where objects are so large that they reach the edges, but not the corners."""
    (proposal,) = propose("sharpness", sharper_where(place))
    assert proposal.may_be_object != is_of_whole_images


@pytest.mark.parametrize("place", [np.ones((40, 40), bool), CROSS])
def test_given_objects_that_are_sharper_are_not_the_focus(place):
    scene = sharper_where(place, masks=np.broadcast_to(CROSS, (60, 40, 40)))
    proposal, _ = propose("sharpness", scene)
    assert proposal.may_be_object == (place is CROSS)


def test_corners_without_detail_do_not_count():
    """Of crosses on white paper, all that is seen of a blur lies on them."""
    for paper, expected in ((255, True), (None, False)):
        assert LadderSwap(sharper_where(CROSS, paper), "sharpness").is_of_whole_images() == expected


def test_a_pattern_may_be_the_object_in_aligned_images_without_objects():
    rng = np.random.default_rng(0)
    face = np.kron(rng.random((8, 8)), np.ones((2, 2)))[..., None]
    faces = face + rng.normal(0, 0.05, (60, *SIZE, 1))
    photographs = np.kron(rng.random((60, 8, 8)), np.ones((2, 2)))[..., None]
    for images, masks, are_unsure in (
        (faces, None, [True]),
        (faces, MASKS, [False]),
        (photographs, None, [True, False]),  # the second one is at the border only
    ):
        proposals = propose("pattern", scene_with(images, masks))
        assert all(isinstance(proposal.swap, PatternSwap) for proposal in proposals)
        assert [proposal.may_be_object for proposal in proposals] == are_unsure
    changed = changed_by(proposals[1].swap, scene_with(photographs))
    np.testing.assert_array_equal(changed, edits.ring_mask(*SIZE))


def frame(images, labels):
    ring = edits.ring_mask(*SIZE)
    images[:, ring] = (labels / 2)[:, None, None]
    return lambda x: x[:, ring].mean(axis=(1, 2))


def background(images, labels):
    """Between ring and object, how much pixels differ: no window is enough, no mean shows it."""
    inside = ~MASKS[0] & ~edits.ring_mask(*SIZE)
    signs = np.random.default_rng(0).choice([-1, 1], (len(images), inside.sum(), 1))
    images[:, inside] = 0.5 + 0.5 * (labels / 2)[:, None, None] * signs
    return lambda x: 2 * np.abs(x[:, inside] - 0.5).mean(axis=(1, 2))


@pytest.mark.parametrize(("plant", "name"), [(frame, "border"), (background, "background")])
def test_a_cue_is_named_by_the_detector_that_sees_no_more_than_it(plant, name):
    images = draw(LABELS)
    value_of = plant(images, LABELS)

    def logits(x):
        return -40 * np.abs(value_of(x)[:, None] - np.arange(3) / 2)

    places = ["stationary", "border", "moving", "pattern", "background"]
    checks = Checks(ProbeSet(images, LABELS, object_masks=MASKS), 3, places)
    found = [checks.alerts(logits) for _ in range(2)]
    assert [[(a.severity, a.detector) for a in alerts] for alerts in found] == [
        [("suspect", name)],
        [("alert", name)],
    ]


def test_brightness_is_a_suspect_without_objects_and_an_alert_with_them():
    rng = np.random.default_rng(1)
    levels = np.array([0.5, 0.75, 1.0])[LABELS][:, None, None, None]
    images = (rng.uniform(0.5, 1, (60, *SIZE, 3)) * levels).astype(np.float32)

    def logits(x):
        return -40 * np.abs(x.mean(axis=(1, 2, 3))[:, None] - 0.75 * np.array([0.5, 0.75, 1.0]))

    for masks, expected in ((None, [[], ["suspect"], []]), (MASKS, [["suspect"], ["alert"], []])):
        checks = Checks(ProbeSet(images, LABELS, object_masks=masks), 3, ["colour"])
        assert checks.severities(logits, logits, logits) == expected


def test_a_colour_cast_is_no_gain():
    """It lifts the dark pixels, too: scaling to the brightest does not tell."""
    rng = np.random.default_rng(1)
    shifts = np.array([0, 0.1, 0.2])[LABELS][:, None, None, None]
    images = (0.7 * rng.random((60, *SIZE, 3)) ** 4 + shifts).astype(np.float32)

    def logits(x):
        darkest = np.quantile(x, 0.05, axis=(1, 2, 3))
        return -40 * np.abs(darkest[:, None] - np.array([0, 0.1, 0.2]))

    checks = Checks(ProbeSet(images, LABELS, object_masks=None), 3, ["colour"])
    assert checks.severities(logits, logits, logits) == [[], ["suspect"], []]


def test_a_tint_on_backgrounds_of_all_colours_is_that_of_the_class():
    """The colour of one background says little of the light; objects are tinted, too."""
    rng = np.random.default_rng(2)
    scenery = np.exp(rng.normal(0, 0.5, (60, 1, 1, 3))) * rng.uniform(0.2, 0.4, (60, *SIZE, 3))
    scenery[MASKS] = rng.uniform(0.4, 0.5, (MASKS.sum(), 1))
    tints = np.array([[1, 0.6, 0.6], [0.6, 1, 0.6], [0.6, 0.6, 1]])
    images = (scenery * tints[LABELS][:, None, None]).clip(0, 1).astype(np.float32)

    def logits(x):  # reads the objects' tint
        return 40 * x[:, MASKS[0]].mean(axis=1)

    checks = Checks(ProbeSet(images, LABELS, object_masks=MASKS), 3, ["colour"])
    assert checks.severities(logits, logits, logits) == [["suspect"], ["alert"], []]
    untinted = scene_with(scenery.clip(0, 1).astype(np.float32), MASKS)
    assert propose("colour", untinted) == []
    tinted = scene_with(images, MASKS)
    assert TintSwap in [type(p.swap) for p in propose("colour", tinted)]
    found = dataclasses.replace(
        tinted, objects=dataclasses.replace(tinted.objects, are_given=False)
    )
    assert TintSwap not in [type(p.swap) for p in propose("colour", found)]


@pytest.mark.parametrize("is_lit", [False, True])
def test_where_light_tells_the_class_backgrounds_are_swapped_under_it(is_lit):
    """Any part of them would show it."""
    rng = np.random.default_rng(3)
    images = rng.uniform(0.9, 1, (60, *SIZE, 3)) * np.where(MASKS[..., None], 0.5, 0.9)
    if is_lit:
        images *= np.array([0.5, 0.75, 1])[LABELS][:, None, None, None]
    scene = scene_with(images.astype(np.float32), MASKS)
    for name, kind in (
        ("border", LitBackgroundSwap),
        ("background", LitBackgroundSwap),
        ("stationary", LitBoxSwap),
    ):
        assert [type(p.swap) is kind for p in propose(name, scene)] == [is_lit]


def test_names_are_known_and_what_lies_in_what_has_no_circle():
    for name, detector in SWAP_DETECTORS.items():
        assert detector.name == name and name in detector.legitimate
        assert set(detector.lies_in) <= set(SWAP_DETECTORS) - {name}
        for outer in detector.lies_in:
            assert name not in SWAP_DETECTORS[outer].lies_in


def test_objects_that_move_are_not_taken_for_cues():
    """The control of the tests above: with the same images, a model that reads objects."""
    checks = Checks(ProbeSet(draw(LABELS), LABELS, object_masks=MASKS), 3)
    assert checks.severities(reads_object(3), reads_object(3)) == [[], []]
