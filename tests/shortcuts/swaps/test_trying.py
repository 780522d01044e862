"""Trials of swaps, their controls, and the search for the region, with models of known pixels."""

import numpy as np
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import CODES, TAG, patch, reads_tag, stubborn, tagged

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    AmplitudeSwap,
    ClassLabels,
    Outcome,
    Pairs,
    RingSwap,
    StatisticsSwap,
    add_controls,
    run_trial,
    wilson_bounds,
)
from keras_saliency.shortcuts.swaps import trying as trial


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
