"""Trials of swaps, their controls, and the search for the region, with models of known pixels."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    AmplitudeSwap,
    BackgroundSwap,
    ClassLabels,
    Outcome,
    Pairs,
    PatchSwap,
    PatternSwap,
    RingSwap,
    StatisticsSwap,
    SurroundingsSwap,
    add_controls,
    draw_controls,
    edits,
    find_region,
    run_trial,
    wilson_bounds,
)
from keras_saliency.shortcuts.swaps import trying as trial

SIZE = (16, 24)
CODES = np.array([0.1, 0.5, 0.9])
TAG = (slice(2, 5), slice(3, 7))  # rows 2 to 4, columns 3 to 6
SWAPS = [RingSwap, SurroundingsSwap, StatisticsSwap, AmplitudeSwap, BackgroundSwap, PatternSwap]


def reads(values):
    """Logits that say the class whose code is nearest to each value."""
    return -10 * np.abs(np.asarray(values)[:, None] - CODES)


def reads_tag(images):
    return reads(images[:, TAG[0], TAG[1]].mean(axis=(1, 2, 3)))


def tagged(rng, num=30, **more):
    """Noise with a tag that holds the class; one probe in three has a mark in the corner."""
    images = rng.uniform(0.3, 0.7, size=(num, *SIZE, 3)).astype(np.float32)
    labels = np.arange(num) % 3
    images[:, TAG[0], TAG[1]] = CODES[labels][:, None, None, None]
    images[:, -1, -1] = (np.arange(num) // 3 % 3 == 0)[:, None]
    return ProbeSet(images, labels, **more)


def stubborn(images):
    """Reads the tag, but says class 0 wherever the corner has a mark."""
    logits = reads_tag(images)
    logits[images[:, -1, -1, 0] > 0.5] = [5, 0, 0]
    return logits


def patch(scene, box):
    return PatchSwap(scene, lambda donors, _: np.tile(box, (len(donors), 1)))


def test_adoption_is_the_share_of_recipients_that_can_be_moved(rng):
    probes = tagged(rng)
    scene, _ = scene_of(probes, stubborn)
    outcomes = run_trial(scene, patch(scene, (2, 3, 5, 7)), [1, 2], 80, rng)
    assert [o.class_index for o in outcomes] == [1, 2]
    has_mark = probes.images[:, -1, -1, 0] > 0.5
    for outcome in outcomes:
        expected = ~has_mark[outcome.pairs.recipients]
        np.testing.assert_array_equal(outcome.is_adopted, expected)
        assert outcome.adoption == expected.mean() and 0.3 < outcome.adoption < 0.9
        assert set(probes.labels[outcome.pairs.donors]) == {outcome.class_index}
        assert not has_mark[outcome.pairs.donors].any(), "a donor is predicted as its class"
        assert outcome.num_donors == len(set(outcome.pairs.donors.tolist())) == 6
        assert outcome.lower_bound == wilson_bounds(expected.mean(), 6)[0]
        assert outcome.control is None and outcome.excess == outcome.adoption


def test_who_was_right_and_is_right_no_more_has_lost_its_class(rng):
    """A cue of two classes takes their own class from all, and brings half of them no other."""

    def shared(images):
        """The tag tells class 0 from the others; these are told by a pixel that stays."""
        is_zero = images[:, TAG[0], TAG[1]].mean(axis=(1, 2, 3)) < 0.3
        is_two = images[:, 8, 8, 0] > 0.5
        return np.stack([is_zero, ~is_zero & ~is_two, ~is_zero & is_two], axis=1).astype(float)

    probes = tagged(rng, 90)
    images = probes.images.copy()
    images[:, 8, 8] = rng.permutation(np.arange(90) % 2)[:, None]
    scene, _ = scene_of(ProbeSet(images, probes.labels), shared)
    swap = patch(scene, (2, 3, 5, 7))
    outcomes = run_trial(scene, swap, [0, 1, 2], 300, rng)
    assert all(set(o.lost_in_controls) == set() for o in outcomes)
    outcomes = add_controls(scene, swap, outcomes, rng)
    for outcome in outcomes:
        after = shared(swap.edit(outcome.pairs)).argmax(axis=1)
        for recipient, said, lost in zip(
            outcome.pairs.recipients, after, outcome.lost, strict=True
        ):
            before = shared(images[recipient : recipient + 1]).argmax()
            if before != probes.labels[recipient]:
                assert np.isnan(lost)
            else:
                assert lost == (said != probes.labels[recipient])
        own = outcome.lost_in_controls["donors of the recipient's own class"]
        np.testing.assert_array_equal(np.isnan(own), np.isnan(outcome.lost))
        assert np.nansum(own) == 0, "the own class's tag takes nothing"
    assert np.isnan(outcomes[0].lost).any(), "some were wrong before"
    assert np.nanmean(outcomes[0].lost) == 1 and outcomes[0].adoption == 1
    to_two = outcomes[2]
    of_zero = probes.labels[to_two.pairs.recipients] == 0
    assert np.all(to_two.lost[of_zero] == 1) and 0 < to_two.is_adopted[of_zero].mean() < 1


def test_spectra_are_the_same_whether_kept_or_not(rng, monkeypatch):
    scene, _ = scene_of(tagged(rng), reads_tag)
    pairs = Pairs(np.array([0, 3, 4]), np.array([7, 8, 7]), np.zeros(3, int))
    kept = AmplitudeSwap(scene).edit(pairs)
    monkeypatch.setattr("keras_saliency.shortcuts.swaps.kinds.MAX_KEPT", 0)
    scene.kept.clear()
    np.testing.assert_array_equal(AmplitudeSwap(scene).edit(pairs), kept)
    assert not scene.kept, "of many or large probes nothing is held"


def test_what_a_swap_does_is_shown_by_who_adopts_else_by_who_loses():
    pairs = Pairs(np.arange(4), np.arange(4) + 9, np.zeros(4, int))
    lost = np.array([0, 1, np.nan, 1])
    some, none = np.array([True, False, False, False]), np.zeros(4, bool)
    assert Outcome(0, pairs, some, {}, lost).is_moved.tolist() == some.tolist()
    assert Outcome(0, pairs, none, {}, lost).is_moved.tolist() == [False, True, False, True]
    assert not Outcome(0, pairs, none, {}).is_moved.any()


def test_what_the_model_does_not_read_is_adopted_by_nobody(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    for swap in (patch(scene, (6, 8, 12, 20)), RingSwap(scene)):
        outcomes = run_trial(scene, swap, [0, 1, 2], 90, rng)
        assert [o.adoption for o in outcomes] == [0, 0, 0]


def test_controls_are_of_the_recipients_class_and_at_random_places(rng):
    probes = tagged(rng)
    scene, _ = scene_of(probes, reads_tag)
    swap = patch(scene, (2, 3, 5, 7))
    outcomes = add_controls(scene, swap, run_trial(scene, swap, [1], 300, rng), rng)
    outcome = outcomes[0]
    own, elsewhere = outcome.controls.values()
    assert next(iter(outcome.controls)) == "donors of the recipient's own class"
    assert outcome.adoption == 1 and not own.any() and len(own) == len(outcome.pairs)
    # Two thirds of the tag must be hit: by few of the 14 × 21 places.
    assert elsewhere.mean() < 0.1
    assert outcome.control == elsewhere.mean() and outcome.excess == 1 - elsewhere.mean()


def test_a_control_of_the_edit_as_such_finds_a_model_that_any_edit_moves(rng):
    def restless(images):
        logits = reads_tag(images)
        logits[images[:, 8, 8, 0] < 0] = [0, 9, 0]
        return logits

    probes = tagged(rng)
    scene, _ = scene_of(probes, restless)
    swap = patch(scene, (8, 8, 9, 9))
    breaks = lambda pairs: scene.pixels[pairs.recipients] - 9  # noqa: E731
    swap.edit = breaks
    scene.value_range.low[:] = -9
    outcome = add_controls(scene, swap, run_trial(scene, swap, [1], 60, rng), rng)[0]
    assert outcome.adoption == 1 and outcome.control == 1 and outcome.excess == 0


def test_a_class_with_too_few_donors_or_pairs_has_no_outcome(rng):
    images = tagged(rng).images
    labels = np.where(np.arange(30) < 9, np.arange(30) % 3, np.arange(30) % 2)  # three of class 2
    images = images.copy()
    images[:, TAG[0], TAG[1]] = CODES[labels][:, None, None, None]
    scene, _ = scene_of(ProbeSet(images, labels), reads_tag)
    swap = patch(scene, (2, 3, 5, 7))
    assert [o.class_index for o in run_trial(scene, swap, [0, 1, 2], 90, rng)] == [0, 1]
    assert run_trial(scene, swap, [0, 1], 19, rng) == []
    assert run_trial(scene, swap, [], 9, rng) == []
    assert len(run_trial(scene, swap, [0, 1], 20, rng)) == 2


def test_a_class_with_three_recipients_has_no_outcome(rng):
    probes = tagged(rng, num=12)
    for num_others, expected in ((3, []), (4, [0])):
        chosen = np.concatenate([np.flatnonzero(probes.labels == 0), np.arange(num_others) * 3 + 1])
        scene, _ = scene_of(ProbeSet(probes.images[chosen], chosen % 3), reads_tag)
        outcomes = run_trial(scene, patch(scene, (2, 3, 5, 7)), [0], 40, rng)
        assert [o.class_index for o in outcomes] == expected


def test_large_images_go_through_a_few_at_a_time_with_the_same_outcome(rng, monkeypatch):
    scene, graph = scene_of(tagged(rng), stubborn)
    swap = patch(scene, (2, 3, 5, 7))
    graph.seen.clear()
    whole = run_trial(scene, swap, [1, 2], 60, np.random.default_rng(3))
    assert [len(s) for s in graph.seen] == [60]
    monkeypatch.setattr(trial, "MAX_VALUES", 11 * scene.pixels[0].size)
    graph.seen.clear()
    parts = run_trial(scene, swap, [1, 2], 60, np.random.default_rng(3))
    assert [len(s) for s in graph.seen] == [11] * 5 + [5]
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a.is_adopted, b.is_adopted)


def test_edited_probes_are_images_in_the_range_and_the_dtype_of_the_probes(rng):
    images = (tagged(rng).images * 255).astype(np.uint8)
    scene, graph = scene_of(ProbeSet(images, np.arange(30) % 3), lambda x: reads_tag(x / 255.0))
    run_trial(scene, StatisticsSwap(scene), [0, 1, 2], 90, rng)
    assert graph.seen[-1].dtype == np.uint8
    floats = tagged(rng)
    scene, graph = scene_of(floats, reads_tag)
    run_trial(scene, StatisticsSwap(scene), [0, 1, 2], 90, rng)
    assert graph.seen[-1].min() >= 0 and graph.seen[-1].max() <= 1


def test_swaps_are_of_raw_pixels_and_the_model_gets_them_prepared(rng):
    probes = tagged(rng, preprocess=lambda images: images * 2 - 1)
    scene, graph = scene_of(probes, lambda x: reads_tag((x + 1) / 2))
    pairs = Pairs(np.array([1]), np.array([0]), np.array([1]))
    graph.seen.clear()
    scene.predict(patch(scene, (2, 3, 5, 7)).edit(pairs), pairs.recipients)
    expected = probes.images[:1].copy()
    expected[:, TAG[0], TAG[1]] = probes.images[1, TAG[0], TAG[1]]
    np.testing.assert_allclose(graph.seen[0], expected * 2 - 1, atol=1e-6)


def test_pattern_adds_the_classs_mean_less_that_of_the_recipients_class(rng):
    probes = tagged(rng)
    scene, _ = scene_of(probes, reads_tag)
    pairs = Pairs(np.array([1, 2, 2]), np.array([0, 4, 3]), np.array([1, 2, 2]))
    swap = PatternSwap(scene)
    for recipient, c, edited in zip(pairs.recipients, pairs.classes, swap.edit(pairs), strict=True):
        of_class, of_own = (
            edits.without_smooth(
                np.mean([probes.images[i] for i in range(30) if i % 3 == k], axis=0)
            )
            for k in (c, recipient % 3)
        )
        most = 0.5 * np.mean([i[..., c].std() for i in probes.images for c in range(3)])
        added = np.clip(of_class - of_own, -most, most)
        assert (added[TAG] != (of_class - of_own)[TAG]).any(), "the tag is more than faint"
        np.testing.assert_allclose(edited, probes.images[recipient] + added, atol=1e-5)


def test_shapes_at_one_place_are_no_pattern(rng):
    """As digits are: the mean of a class is its object, which makes any recipient one of it."""
    shapes = rng.random((3, *SIZE)) < 0.3
    labels = np.arange(30) % 3
    images = 0.2 + 0.6 * shapes[labels][..., None] + rng.normal(0, 0.05, (30, *SIZE, 3))
    images = images.astype(np.float32)

    def reads_shape(x):
        return x.mean(axis=-1).reshape(len(x), -1) @ (2.0 * shapes - 1).reshape(3, -1).T

    scene, _ = scene_of(ProbeSet(images, labels), reads_shape)
    assert (scene.is_said.argmax(axis=1) == labels).all()
    outcomes = run_trial(scene, PatternSwap(scene), [0, 1, 2], 60, rng)
    assert len(outcomes) == 3
    assert max(outcome.adoption for outcome in outcomes) == 0


def slow_grown(mask, side):
    """A pixel is true where any pixel at most `side` away, in rows and in columns, is."""
    found = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        found[max(0, y - side) : y + side + 1, max(0, x - side) : x + side + 1] = True
    return found


def test_objects_have_a_rim_of_a_thirty_second_of_the_side_and_at_least_a_pixel(rng):
    for size, side in (((16, 24), 1), ((47, 60), 1), ((48, 70), 2), ((224, 100), 3)):
        masks = rng.random((3, *size)) < 0.01
        probes = ProbeSet(rng.random((3, *size, 1)), [0, 1, 2], object_masks=masks)
        scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
        for grown, mask in zip(scene.objects, probes.object_masks, strict=True):
            np.testing.assert_array_equal(grown, slow_grown(mask, side))


def test_pattern_with_masks_shifts_object_and_background_apart_and_leaves_the_rim(rng):
    masks = np.zeros((30, *SIZE), bool)
    for i, mask in enumerate(masks):
        mask[4 + i % 4 : 10, 6:12] = True
    probes = tagged(rng, object_masks=masks)
    scene, _ = scene_of(probes, reads_tag)
    rims = np.stack([slow_grown(mask, 1) for mask in masks]) & ~masks

    def mean(label, sides):
        members = np.flatnonzero(probes.labels == label)
        pixels = probes.images[members].astype(np.float64)
        found = np.empty((*SIZE, 3))
        everywhere = pixels[sides[members]].mean(axis=0)
        for y, x in np.ndindex(*SIZE):
            has = sides[members][:, y, x]
            found[y, x] = pixels[has, y, x].mean(axis=0) if has.sum() > 1 else everywhere
        return edits.without_smooth(found)

    edited = PatternSwap(scene).edit(Pairs(np.array([1]), np.array([3]), np.array([1])))[0]
    shifts = [mean(1, sides) - mean(0, sides) for sides in (masks, ~masks & ~rims)]
    expected = np.where(masks[3][..., None], *shifts) * ~rims[3][..., None]
    np.testing.assert_allclose(edited - probes.images[3], expected, atol=1e-5)


def test_pattern_with_masks_keeps_what_both_halves_of_many_images_have(rng):
    images = rng.normal(0.5, 0.2, (40, *SIZE, 3)).astype(np.float32)
    checks = 0.3 * (-1.0) ** np.add.outer(range(SIZE[0]), range(SIZE[1]))[..., None]
    right = np.arange(SIZE[1]) >= SIZE[1] // 2
    images[1::2, :, right] += checks[:, right]
    masks = np.zeros((40, *SIZE), bool)
    masks[:, 0, 0] = True
    scene, _ = scene_of(ProbeSet(images, np.arange(40) % 2, object_masks=masks), reads_tag)
    pairs = Pairs(np.array([1]), np.array([0]), np.array([1]))
    shift = PatternSwap(scene).edit(pairs)[0] - images[0]
    by_chance, by_class = np.abs(shift[3:, :5]).mean(), (shift * checks)[3:, -5:].mean() / 0.09
    assert by_class > 0.9
    few = ProbeSet(images[:30], np.arange(30) % 2, object_masks=masks[:30])  # 15 of a class
    scene, _ = scene_of(few, reads_tag)
    assert by_chance < 0.6 * np.abs(PatternSwap(scene).edit(pairs)[0] - images[0])[3:, :5].mean()


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


def adopted_by_all(scene, rng, swap, c=2):
    outcome = run_trial(scene, swap, [c], 60, rng)[0]
    assert outcome.adoption > 0.9
    return outcome


def test_region_covers_what_is_read_and_little_more(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    swap = patch(scene, (0, 0, *SIZE))
    y0, x0, y1, x1 = find_region(scene, swap, adopted_by_all(scene, rng, swap))
    assert y0 <= 2 and x0 <= 3 and y1 >= 5 and x1 >= 7
    assert (y1 - y0) * (x1 - x0) <= 2 * 12


def test_no_region_reaches_beyond_what_was_swapped(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    swap = patch(scene, (2, 3, 5, 7))  # within cells of 2 x 3 pixels
    region = find_region(scene, swap, adopted_by_all(scene, rng, swap))
    assert region == (2, 3, 5, 7)


def test_a_cue_that_is_everywhere_has_no_region(rng):
    labels = np.arange(30) % 3
    noise = rng.normal(scale=0.1, size=(30, *SIZE, 3))
    probes = ProbeSet(CODES[labels][:, None, None, None] + noise, labels)
    scene, _ = scene_of(probes, lambda x: reads(x.mean(axis=(1, 2, 3))))
    swap = patch(scene, (0, 0, *SIZE))
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap)) is None


def test_a_cue_of_a_quarter_of_the_image_is_at_no_one_place(rng):
    labels = np.arange(30) % 3
    images = rng.uniform(0.4, 0.6, size=(30, *SIZE, 3))
    images[:, :8, :12] = CODES[labels][:, None, None, None]  # four cells of eight, each way
    scene, _ = scene_of(ProbeSet(images, labels), lambda x: reads(x[:, :8, :12].mean((1, 2, 3))))
    swap = patch(scene, (0, 0, *SIZE))
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap)) is None


def test_a_cue_that_moves_has_no_region(rng):
    images = rng.uniform(0, 0.2, size=(60, *SIZE, 3)).astype(np.float32)
    labels = np.arange(60) % 2
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, 13), rng.integers(0, 21)
        images[i, y : y + 3, x : x + 3] = 1
    bright = lambda x: 10 * (x.max(axis=(1, 2, 3)) > 0.9)[:, None] - 5.0  # noqa: E731
    scene, _ = scene_of(ProbeSet(images, labels), bright)
    swap = patch(scene, (0, 0, *SIZE))
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap, 1)) is None


def test_no_region_of_what_is_no_place_or_was_not_adopted(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    swap = patch(scene, (2, 3, 5, 7))
    outcome = adopted_by_all(scene, rng, swap)
    assert find_region(scene, StatisticsSwap(scene), outcome) is None
    nothing = Outcome(2, outcome.pairs, np.zeros(len(outcome.pairs), bool), {})
    assert find_region(scene, swap, nothing) is None


def test_region_is_not_in_what_is_legitimate(rng):
    """Two tags say the same; where one is legitimate, the other one is accused."""
    probes = tagged(rng)
    images = probes.images.copy()
    images[:, 11:14, 16:20] = images[:, TAG[0], TAG[1]]

    def reads_both(x):  # the brighter one, so that each of them alone brings class 2
        left, right = (p.mean(axis=(1, 2, 3)) for p in (x[:, TAG[0], TAG[1]], x[:, 11:14, 16:20]))
        return reads(np.maximum(left, right))

    spared = np.zeros(SIZE, bool)
    spared[:8, :12] = True
    scene, graph = scene_of(ProbeSet(images, probes.labels), reads_both, spared=spared)
    swap = patch(scene, (0, 0, *SIZE))
    outcome = adopted_by_all(scene, rng, swap)
    graph.seen.clear()
    y0, x0, y1, x1 = find_region(scene, swap, outcome)
    assert y0 <= 11 and x0 <= 16 and y1 >= 14 and x1 >= 20
    known = probes.images[:, spared]
    for shown in np.concatenate(graph.seen)[:, spared]:
        assert (shown == known).all(axis=(1, 2)).any(), "the search has lent a legitimate pixel"


def robbed(classes_of_recipients, is_adopted, num_classes=4):
    labels = np.array([0, *classes_of_recipients])
    probes = ProbeSet(np.zeros((len(labels), 8, 8, 3), np.float32), labels)
    recipients = np.arange(1, len(labels))
    pairs = Pairs(np.zeros(len(recipients), int), recipients, np.zeros(len(recipients), int))
    outcome = Outcome(0, pairs, np.array(is_adopted), {})
    return outcome.robbed_class(ClassLabels.of(probes, num_classes))


def test_a_cue_that_is_taken_away_is_of_the_class_that_changes():
    classes = np.repeat([1, 2, 3], 10)
    assert robbed(classes, classes == 2) == 2
    assert robbed(classes, classes >= 2) is None, "two classes change: the donors' cue"
    assert robbed(classes, (classes == 2) & (np.arange(30) % 2 == 0)) is None, "half of them only"
    assert robbed(classes, np.zeros(30, bool)) is None
    assert robbed(np.ones(10, int), np.ones(10, bool)) is None, "nobody else was tried"
    assert robbed(np.ones(10, int), np.ones(10, bool), num_classes=2) is None
