"""The battery against models whose rule is known: alerts for a tag, silence for the object."""

import dataclasses
import re
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.checked_models import (
    LABELS,
    NAMES,
    OBJECTS,
    SIZE,
    TAG,
    Checks,
    alerts_of,
    draw,
    map_of,
    reads_object,
    reads_tag,
)

from keras_saliency import Battery, ProbeSet
from keras_saliency.methods import Method
from keras_saliency.shortcuts.detector import Bounds
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.swaps import Outcome, Pairs
from keras_saliency.shortcuts.trial import Trial


@pytest.fixture(scope="module")
def four():
    return ProbeSet(draw(LABELS), LABELS, class_names=NAMES)


def test_a_tag_is_suspected_at_once_and_alerted_once_per_streak(four):
    checks = Checks(four, 4)
    found = [checks.alerts(reads_tag(4), map_of(TAG, 40)) for _ in range(5)]
    assert [len(f) for f in found] == [4, 4, 0, 0, 0]
    for findings, severity in zip(found[:2], ("suspect", "alert"), strict=True):
        assert {f.severity for f in findings} == {severity}
        assert [f.class_index for f in findings] == [0, 1, 2, 3], "one for each class"
        assert {f.detector for f in findings} == {"stationary"}
    assert {f.region for f in found[0]} == {None}
    for alert in found[1]:
        y0, x0, y1, x1 = alert.region
        assert y0 == 0 and x0 == 0 and 3 <= y1 <= 4 and 3 <= x1 <= 4
        assert (alert.epoch, alert.since_epoch) == (1, 0)


class OwnMethod(Method):
    """A user's own method, whose map is where the test says."""

    def __init__(self, name, **facts):
        self.name = name
        vars(self).update(facts)


@pytest.mark.parametrize(
    ("facts_of_wrong", "facts_of_right", "is_found"),
    [
        ({"shows_weights": False}, {}, True),
        ({}, {"shows_weights": False}, False),
        ({}, {"suspects_first": 1}, True),
        ({"suspects_first": 2}, {"suspects_first": 1}, False),
        ({}, {}, False),  # the first of two that are equal
        ({"shows_weights": False, "suspects_first": 9}, {}, True),
    ],
)
def test_suspicions_are_of_the_method_that_says_so(four, facts_of_wrong, facts_of_right, is_found):
    """Two methods of the user's own: the map of one is off the tag, that of the other on it."""
    methods = [OwnMethod("wrong", **facts_of_wrong), OwnMethod("right", **facts_of_right)]
    maps = map_of((10, 10, 14, 14), 40, "wrong") | map_of(TAG, 40, "right")
    checks = Checks(four, 4, ["stationary"])
    found = checks.alerts(reads_tag(4), maps, methods)
    assert [a.class_index for a in found] == ([0, 1, 2, 3] if is_found else [])


def test_without_a_method_that_may_suspect_attention_is_even(four):
    """Then the difference between the classes decides alone, as without any map."""
    maps, found = map_of((10, 10, 14, 14), 40, "wrong"), []
    for methods in ([], [OwnMethod("wrong", shows_weights=False)], [OwnMethod("wrong")]):
        alerts = Checks(four, 4, ["stationary"]).alerts(reads_tag(4), maps, methods)
        found.append([alert.class_index for alert in alerts])
    assert found[0] == found[1] != [] == found[2]


def test_an_alert_says_what_proves_it(four):
    checks = Checks(four, 4)
    tag, marked = reads_tag(4), four.images[:, 8, 0, 0] > 0.59  # of the ring, but not in the tag

    def sometimes(images):
        logits = tag(images)
        logits[images[:, 8, 0, 0] > 0.59] = [9, 0, 0, 0]
        return logits

    checks.check(sometimes, map_of(TAG, 40))
    alert = next(f for f in checks.alerts(sometimes, map_of(TAG, 40)) if f.class_index == 2)
    assert alert.detector == "stationary" and 0.3 < alert.adoption < 1
    num_adopted = alert.adoption * alert.num_pairs
    assert num_adopted == pytest.approx(round(num_adopted))
    assert (
        f"{round(num_adopted)} of {alert.num_pairs} pairs with {alert.num_donors}" in alert.message
    )
    assert alert.num_donors == (~marked & (four.labels == 2)).sum()
    assert set(alert.probe_indices) <= set(np.flatnonzero(~marked & (four.labels == 2)).tolist())
    for part in (
        'class "cat"',
        "Epoch 2 (since epoch 1): ",
        "a patch at one place",
        "Look at probes",
    ):
        assert part in alert.message, part
    own, elsewhere = re.findall(r"instead: (\d+) of (\d+)", alert.message)
    assert own[1] == elsewhere[1] == str(alert.num_pairs) and own[0] == "0"
    assert alert.control == max(int(own[0]), int(elsewhere[0])) / alert.num_pairs
    assert "  " not in alert.message and "np." not in alert.message


def test_evidence_shows_recipients_before_and_after(four):
    checks = Checks(four, 4)
    checks.check(reads_tag(4), map_of(TAG, 40))
    finding = checks.check(reads_tag(4), map_of(TAG, 40)).findings[3]
    alert, evidence = finding.alert, finding.evidence
    assert len(set(evidence.pairs.recipients.tolist())) == len(evidence.pairs) == 4
    for i, (donor, recipient) in enumerate(
        zip(evidence.pairs.donors, evidence.pairs.recipients, strict=True)
    ):
        assert evidence.said_before[i] == NAMES[four.labels[recipient]]
        assert evidence.said_after[i] == NAMES[four.labels[donor]] == "dog"
        expected = four.images[recipient].copy()
        expected[:4, :4] = four.images[donor, :4, :4]
        np.testing.assert_array_equal(evidence.after[i], expected)
        assert tuple(evidence.boxes[i]) == alert.region


def test_a_model_that_reads_the_object_is_left_in_peace(four):
    masks = np.zeros((40, *SIZE), bool)
    masks[:, 4:12, 4:12] = True
    for probes in (four, ProbeSet(four.images, LABELS, object_masks=masks)):
        checks = Checks(probes, 4)
        for _ in range(3):
            check = checks.check(reads_object(4), map_of((4, 4, 12, 12), 40))
            assert check.accuracy == 1 and check.is_open and len(check.trials) >= 7
            assert check.findings == [] and check.adoption == 0
            assert all(len(t.outcomes) == 4 for t in check.trials), "all were tried"


def test_adoption_of_the_look_is_the_worst_excess(four):
    check = Checks(four, 4).check(reads_tag(4), map_of(TAG, 40))
    proven = [t for t in check.trials if t.is_over]
    assert check.adoption == max(o.adoption - o.control for t in proven for o in t.outcomes) > 0.9


@pytest.mark.parametrize(("num_right", "is_open"), [(24, False), (25, True)])
def test_below_an_accuracy_nothing_is_tested(four, num_right, is_open):
    def said(images):
        return np.eye(4)[np.where(np.arange(40) < num_right, LABELS, (LABELS + 1) % 4)]

    checks = Checks(four, 4)
    check = checks.check(reads_tag(4), said_by=said)
    assert check.accuracy == num_right / 40 and check.is_open == is_open
    assert bool(check.trials) == is_open
    coverage = checks.examiner.coverage
    assert (coverage.num_checks, coverage.num_closed) == (1, 0 if is_open else 1)


def test_a_streak_is_told_anew_only_after_two_quiet_looks(four):
    tag, peace = reads_tag(4), reads_object(4)
    checks = Checks(four, 4, ["stationary"])
    assert checks.severities(tag, tag, peace, tag, tag) == [["suspect"], ["alert"], [], [], []]
    assert checks.severities(peace, peace, tag, tag) == [[], [], ["suspect"], ["alert"]]


def test_a_look_between_breaks_the_streak(four):
    tag, peace = reads_tag(4), reads_object(4)
    checks = Checks(four, 4, ["stationary"])
    assert checks.severities(tag, peace, tag) == [["suspect"], [], []]
    alert = checks.alerts(tag)[0]
    assert alert.severity == "alert" and (alert.since_epoch, alert.epoch) == (2, 3)
    closed = Checks(four, 4, ["stationary"])
    closed.check(tag)
    closed.check(tag, said_by=lambda images: np.eye(4)[(LABELS + 1) % 4])
    assert closed.severities(tag, tag) == [[], ["alert"]]


HEADS = {
    "two classes": lambda x: reads_tag(2)(x),
    "one unit": lambda x: 20 * (x[:, :4, :4].mean(axis=(1, 2, 3))[:, None] - 0.5),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_tag_of_two_classes_is_found_and_an_object_is_not(head):
    labels = np.arange(30) % 2
    checks = Checks(ProbeSet(draw(labels), labels), HEADS[head](draw([0, 1])).shape[1])
    found = [checks.alerts(HEADS[head]) for _ in range(2)]
    assert {f.class_index for f in found[0]} == {0, 1}
    assert {(f.severity, f.detector) for f in found[1]} == {("alert", "stationary")}
    objects = reads_object(2)
    by_object = objects if head == "two classes" else lambda x: objects(x) @ [[-1.0], [1.0]]
    assert (
        Checks(checks.probes, 2 - (head == "one unit")).severities(by_object, by_object) == [[]] * 2
    )


def test_each_label_of_a_multi_label_task_is_judged_by_itself(rng):
    multi_hot = (rng.random((60, 3)) < 0.4).astype(np.float32)
    multi_hot[:2] = [[1, 1, 0], [0, 0, 0]]
    images = rng.uniform(0.4, 0.6, size=(60, *SIZE, 3)).astype(np.float32)
    images[:, :4, :4] = multi_hot[:, :1, None, None]  # a tag of label 0, objects of the others
    for image, row in zip(images, multi_hot, strict=True):
        for c in np.flatnonzero(row[1:]) + 1:
            y, x = rng.integers(4, 7, 2)
            image[y : y + 6, x : x + 6] += 0.8 * (OBJECTS[c][..., None] - 0.5)

    def logits(x):
        objects = reads_object(3)(x) - 5  # of 7.2
        return np.stack([20 * (x[:, :4, :4].mean(axis=(1, 2, 3)) - 0.5), *objects.T[1:]], axis=1)

    checks = Checks(ProbeSet(images, multi_hot), 3)
    found = [checks.alerts(logits) for _ in range(2)]
    assert [[(f.severity, f.class_index) for f in fs] for fs in found] == [
        [("suspect", 0)],
        [("alert", 0)],
    ]


def shared_between_two(num_classes, is_read=True):
    """Tells classes by their objects, but for the tag: dark ones are of the first two classes."""
    objects = reads_object(num_classes)

    def logits(x):
        found = objects(x)
        is_dark = x[:, :4, :4].mean(axis=(1, 2, 3)) < 0.5
        if is_read:
            found[is_dark, 2:] -= 99
            found[~is_dark, :2] -= 99
        return found

    return logits


def test_a_cue_that_classes_share_is_proven_by_what_their_recipients_lose(four):
    checks = Checks(four, 4, ["border"])
    checks.examiner.detectors = [
        dataclasses.replace(checks.examiner.detectors[0], many=Bounds(0.9, 2.0, of_lost=0.5))
    ]
    model = shared_between_two(4)
    first, second = checks.check(model), checks.check(model)
    (finding,) = second.findings
    trial = second.trials[0]
    assert not any(trial.is_proven_in(o) for o in trial.outcomes) and trial.mean_excess < 0.5
    assert [a.severity for a in [*alerts_of(first), finding.alert]] == ["suspect", "alert"]
    # Of the other three classes, two have the other tag, of which the ring is a part.
    assert 0.5 <= trial.lost.share <= 2 / 3 + 0.05 and trial.lost.control < 0.1
    assert second.adoption == trial.excess >= trial.lost.excess
    assert "of the probes that were right lose their own class (control" in finding.alert.message
    assert finding.alert.probe_indices and finding.evidence is not None
    quiet = Checks(four, 4, ["border"])
    assert all(not quiet.check(shared_between_two(4, is_read=False)).findings for _ in range(3))


def lost_trial(swap, control, of_lost=0.3, num_classes=2, **more):
    """A trial whose recipients lost so (1), kept so (0), or were wrong before (NaN)."""
    pairs = Pairs(np.arange(len(swap)), np.arange(len(swap)) + 50, np.zeros(len(swap), int))
    none = np.zeros(len(swap), bool)
    lost = {name: np.array(values) for name, values in control.items()}
    controls = dict.fromkeys(control, none)
    outcomes = [Outcome(c, pairs, none, controls, np.array(swap), lost) for c in (0, 1)]
    bounds = Bounds(0.9, 0.9, of_lost=of_lost)
    return Trial(SWAP_DETECTORS["border"], None, outcomes, bounds, num_classes)


def test_what_is_lost_is_a_share_of_those_that_were_right():
    nan = np.nan
    swap = [1.0] * 8 + [0.0] * 8 + [nan] * 4
    controls = {"one": [1.0] * 2 + [0.0] * 14 + [nan] * 4, "two": [0.0] * 16 + [nan] * 4}
    trial = lost_trial(swap, controls)
    assert trial.lost == (0.5, 0.125, 32)
    assert trial.lost.excess == 0.375 and trial.is_proven_by_lost and trial.is_over
    assert trial.excess == 0.375
    assert not lost_trial(swap, controls, of_lost=0.4).is_over
    assert not lost_trial(swap, controls, num_classes=5).is_proven_by_lost, "less than half tried"
    assert lost_trial(swap, controls, of_lost=None).lost is None
    few = lost_trial([1.0, 1.0, 0.0, 0.0], {"one": [1.0, 0.0, 0.0, 0.0]}, of_lost=0.2)
    assert few.lost.excess == 0.25 and not few.is_proven_by_lost, "four donors may be chance"
    assert lost_trial([nan] * 4, {"one": [nan] * 4}).lost is None


def test_where_a_cue_is_taken_away_the_probes_named_are_those_that_had_it(four):
    images = four.images.copy()
    images[LABELS > 0, :4, :4] = 0.5  # the class 0 alone has a tag, which is black
    objects = reads_object(4)

    def logits(x):
        """Class 0 is told by its tag; without it, its objects pass for class 1."""
        found = objects(x)
        found[:, 1] = found[:, :2].max(axis=1)
        found[:, 0] = np.where(x[:, :4, :4].mean(axis=(1, 2, 3)) < 0.1, 99, 0)
        return found

    checks = Checks(ProbeSet(images, LABELS), 4, Battery(["border"], classes=[1]))
    checks.check(logits)
    (alert,) = checks.alerts(logits)
    assert (alert.severity, alert.class_index) == ("alert", 0)
    assert set(alert.probe_indices) <= set(np.flatnonzero(LABELS == 0)) and alert.probe_indices
    shown = ", ".join(str(i) for i in alert.probe_indices[:5])
    assert "takes the cue away, and changes" in alert.message
    assert f"Look at probes {shown}." in alert.message


class OneClassOrMean:
    """A trial in which the mean is proven, and one class by itself, or none."""

    def __init__(self, detector, proven):
        self.detector, self.is_proven_in_mean = detector, True
        self.outcomes = [SimpleNamespace(class_index=c) for c in range(4)]
        self.worst = self.outcomes[0]
        self._proven = proven

    def is_proven_in(self, outcome):
        return outcome.class_index == self._proven


@pytest.mark.parametrize(
    ("proven", "told"),
    [
        ([None, None], [[("suspect", 0)], [("alert", 0)]]),
        ([1, 2], [[("suspect", 1)], [("suspect", 2), ("alert", 0)]]),  # by turns: the mean lasts
        ([1, 1, 2], [[("suspect", 1)], [("alert", 1)], [("suspect", 2)]]),  # one alert is enough
    ],
)
def test_the_mean_is_told_where_no_class_was_alerted(four, monkeypatch, proven, told):
    examiner = Checks(four, 4).examiner
    monkeypatch.setattr(
        examiner,
        "_finding",
        lambda _, trial, outcome, verdict, *rest: (verdict.severity, outcome.class_index),
    )
    detector = examiner.detectors[0]
    found = [
        examiner._judge(None, [OneClassOrMean(detector, c)], epoch)
        for epoch, c in enumerate(proven)
    ]
    assert found == told
