"""The battery against models whose rule is known: findings for a tag, silence for the object."""

import dataclasses

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
from helpers.stand_ins import FakeGraph

from keras_saliency import ProbeSet
from keras_saliency.methods import Method
from keras_saliency.records import Moment
from keras_saliency.shortcuts.swaps import Objects
from keras_saliency.shortcuts.trying import MAX_DONORS

OBJECT_MASKS = np.zeros((40, *SIZE), bool)
OBJECT_MASKS[:, 4:12, 4:12] = True


@pytest.fixture(scope="module")
def four():
    return ProbeSet(draw(LABELS), LABELS, class_names=NAMES, object_masks=OBJECT_MASKS)


def test_a_tag_is_one_suspect_at_once_and_one_alert_after_that(four):
    checks = Checks(four, 4)
    found = [checks.alerts(reads_tag(4), map_of(TAG, 40)) for _ in range(5)]
    assert [len(f) for f in found] == [1, 1, 0, 0, 0]
    (suspect,), (alert,) = found[:2]
    assert (suspect.severity, alert.severity) == ("suspect", "alert")
    assert suspect.detector == alert.detector == "stationary"
    assert (suspect.epoch, suspect.since_epoch) == (0, 0)
    assert (alert.epoch, alert.since_epoch) == (1, 0)
    y0, x0, y1, x1 = alert.region
    assert y0 == 0 and x0 == 0 and 3 <= y1 <= 4 and 3 <= x1 <= 4


@pytest.mark.parametrize("masks", [OBJECT_MASKS, "auto", None], ids=["masks", "auto", "off"])
def test_a_model_that_reads_the_object_is_left_in_peace(masks):
    checks = Checks(ProbeSet(draw(LABELS), LABELS, object_masks=masks), 4)
    for _ in range(3):
        check = checks.check(reads_object(4), map_of((4, 4, 12, 12), 40))
        assert check.accuracy == 1 and check.is_open
        assert check.findings == [] and check.loss == 0
        tried = {trial.detector.name for trial in check.trials}
        assert {"stationary", "border", "moving", "pattern"} <= tried


@pytest.mark.parametrize(("num_right", "is_open"), [(24, False), (25, True)])
def test_below_an_accuracy_nothing_is_tested(four, num_right, is_open):
    def said(images):
        return np.eye(4)[np.where(np.arange(40) < num_right, LABELS, (LABELS + 1) % 4)]

    checks = Checks(four, 4)
    check = checks.check(reads_tag(4), said_by=said)
    assert check.accuracy == num_right / 40 and check.is_open == is_open
    assert bool(check.trials) == bool(check.findings) == is_open
    coverage = checks.examiner.coverage
    assert (coverage.num_checks, coverage.num_closed) == (1, 0 if is_open else 1)
    assert coverage.is_tested == is_open
    assert coverage.best_accuracy == num_right / 40
    assert coverage.least_accuracy == 0.625, "of four classes"


def test_the_best_accuracy_is_that_of_all_checks(four):
    checks = Checks(four, 4)
    for num_right in (4, 20, 8):
        right = np.arange(40) < num_right
        said = np.eye(4)[np.where(right, LABELS, (LABELS + 1) % 4)]
        checks.check(reads_tag(4), said_by=lambda images, said=said: said)
    assert checks.examiner.coverage.best_accuracy == 0.5


def test_with_too_few_images_an_accurate_model_is_not_tested():
    labels = np.arange(8) % 2
    few = ProbeSet(draw(labels), labels)
    checks = Checks(few, 2)
    check = checks.check(reads_tag(2))
    assert check.is_open and check.trials, "swaps are tried, and none can prove anything"
    assert not checks.examiner.coverage.is_tested


def test_where_nothing_is_suspicious_silence_is_an_answer(four):
    checks = Checks(four, 4, ["stationary"])
    checks.examiner.detectors = [
        dataclasses.replace(d, propose=lambda *_: []) for d in checks.examiner.detectors
    ]
    assert checks.check(reads_object(4)).trials == []
    assert checks.examiner.coverage.is_tested


@pytest.mark.parametrize(("num_of_a_group", "is_tested"), [(8, True), (7, False)])
def test_groups_that_can_be_compared_are_a_test(num_of_a_group, is_tested):
    labels = np.repeat([0, 1], 2 * num_of_a_group)
    groups = np.arange(len(labels)) % 2
    checks = Checks(ProbeSet(draw(labels), labels, groups=groups), 2, ["groups"])
    checks.check(reads_object(2))
    assert checks.examiner.coverage.is_tested == is_tested


def test_a_streak_is_told_anew_only_after_two_quiet_checks(four):
    tag, peace = reads_tag(4), reads_object(4)
    checks = Checks(four, 4, ["stationary"])
    assert checks.severities(tag, tag, peace, tag, tag) == [["suspect"], ["alert"], [], [], []]
    assert checks.severities(peace, peace, tag, tag) == [[], [], ["suspect"], ["alert"]]


def test_a_check_between_breaks_the_streak(four):
    tag, peace = reads_tag(4), reads_object(4)
    checks = Checks(four, 4, ["stationary"])
    assert checks.severities(tag, peace, tag) == [["suspect"], [], []]
    (alert,) = checks.alerts(tag)
    assert alert.severity == "alert" and (alert.since_epoch, alert.epoch) == (2, 3)
    closed = Checks(four, 4, ["stationary"])
    closed.check(tag)
    closed.check(tag, said_by=lambda images: np.eye(4)[(LABELS + 1) % 4])
    assert closed.severities(tag, tag) == [[], ["alert"]]


def test_a_check_that_is_closed_breaks_the_streaks_of_groups():
    labels = np.repeat([0, 1], 20)
    groups = np.arange(40) % 2
    checks = Checks(ProbeSet(draw(labels), labels, groups=groups), 2, ["groups"])
    right, wrong = np.eye(2)[labels], np.eye(2)[1 - labels]
    is_gap = (groups == 1) & (labels == 0)  # 0 of 10 against 10 of 10
    gap = np.where(is_gap[:, None], wrong, right)
    found = []
    for said in (gap, wrong, gap, gap):
        check = checks.check(reads_object(2), said_by=lambda images, said=said: said)
        found.append([alert.severity for alert in alerts_of(check)])
    assert found == [["suspect"], [], ["suspect"], ["alert"]]


def test_what_may_be_the_object_is_untold_until_it_is_a_suspect():
    """Without masks, brightness may be the object's: two checks make a suspect of it."""
    labels = np.arange(60) % 2
    images = np.random.default_rng(0).random((60, *SIZE, 1)) * 0.3 + labels[:, None, None, None] / 2

    def reads_brightness(x):
        return np.stack([0.4 - x.mean(axis=(1, 2, 3)), x.mean(axis=(1, 2, 3)) - 0.4], axis=1)

    checks = Checks(ProbeSet(images.astype(np.float32), labels), 2)
    first, second = (checks.check(reads_brightness) for _ in range(2))
    assert not first.findings and not first.is_pending and first.is_untold
    assert [f.alert.severity for f in second.findings] == ["suspect"]
    assert not second.is_pending and not second.is_untold


def test_objects_that_a_label_lacks_are_not_used():
    """36 of 120 images, all of one label, have no flat background."""
    rng = np.random.default_rng(0)
    images, labels = np.zeros((120, 32, 32, 1)), np.arange(120) < 36
    for image, is_textured in zip(images, labels, strict=True):
        y, x = rng.integers(8, 14, 2)
        image[y : y + 12, x : x + 10] = rng.uniform(0.5, 0.9)
        if is_textured:
            image[:] = rng.uniform(0.2, 0.7, (32, 32, 1))
    multi_hot = np.stack([~labels, labels], axis=1).astype(int)
    multi_hot[-1] = 0  # else they would be one-hot
    for of_set in (labels.astype(int), multi_hot):
        probes = ProbeSet(images, of_set)
        assert probes.found_objects.is_usable() and Objects.of(probes) is None


def test_an_alert_waits_for_what_would_say_more(four):
    """The tag lies in the background, which was proven a check earlier."""
    tag = reads_tag(4)
    checks = Checks(four, 4, ["stationary", "background"])
    both = checks.examiner.detectors
    checks.examiner.detectors = [d for d in both if d.name == "background"]
    assert checks.severities(tag) == [["suspect"]]
    checks.examiner.detectors = both
    held = checks.check(tag)
    assert held.is_pending and not held.findings
    (alert,) = checks.alerts(tag)
    assert (alert.severity, alert.detector) == ("alert", "stationary")
    alone = Checks(four, 4, ["background"])
    assert alone.severities(tag, tag) == [["suspect"], ["alert"]]


def test_it_waits_as_well_for_what_was_proven_just_before(four):
    """By chance the tag alone is not proven at the second check."""
    tag = reads_tag(4)
    checks = Checks(four, 4, ["stationary", "background"])
    both = checks.examiner.detectors
    assert checks.severities(tag) == [["suspect"]]
    checks.examiner.detectors = [d for d in both if d.name == "background"]
    held = checks.check(tag)
    assert held.is_pending and not held.findings
    assert checks.alerts(tag)[0].detector == "background"  # not for a second time
    again = Checks(four, 4, ["stationary", "background"])
    assert again.severities(tag) == [["suspect"]]
    again.examiner.detectors = [d for d in both if d.name == "background"]
    again.check(tag)
    again.examiner.detectors = both
    assert again.check(tag).is_pending, "what was proven anew gets a second check"
    assert again.alerts(tag)[0].detector == "stationary"


@pytest.mark.parametrize("order", [[True, False], [False, True]])
def test_of_two_proofs_the_one_that_is_no_part_of_the_object_counts(four, order):
    checks = Checks(four, 4, ["border"])
    (detector,) = checks.examiner.detectors

    def propose(scene, rng):
        (ring,) = detector.propose(scene, rng)
        return [dataclasses.replace(ring, may_be_object=is_unsure) for is_unsure in order]

    checks.examiner.detectors = [dataclasses.replace(detector, propose=propose)]
    (trial,) = checks.check(reads_tag(4)).trials
    assert trial.is_proven and not trial.proposal.may_be_object
    (trial,) = checks.check(reads_object(4)).trials
    assert not trial.is_proven


def test_each_check_draws_its_own_pairs_and_the_same_moment_the_same(four):
    found = []
    for _ in range(2):
        checks = Checks(four, 4, ["border"])
        found.append([checks.check(reads_tag(4)).trials[0].pairs.donors for _ in range(2)])
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert (found[0][0] != found[0][1][: len(found[0][0])]).any()


def test_a_proof_that_would_make_an_alert_is_measured_on_all_pairs(four):
    """Those before and after it end as soon as the loss is proven."""
    checks = Checks(four, 4, ["border"])
    lengths = [len(checks.check(reads_tag(4)).trials[0].pairs) for _ in range(3)]
    assert lengths[0] == lengths[2] == 120
    assert lengths[1] == 2 * MAX_DONORS * len(four)


HEADS = {
    "two classes": lambda x: reads_tag(2)(x),
    "one unit": lambda x: 20 * (x[:, :4, :4].mean(axis=(1, 2, 3))[:, None] - 0.5),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_tag_of_two_classes_is_found_and_an_object_is_not(head):
    labels = np.arange(30) % 2
    probes = ProbeSet(draw(labels), labels, object_masks=OBJECT_MASKS[:30])
    checks = Checks(probes, HEADS[head](draw([0, 1])).shape[1])
    found = [checks.alerts(HEADS[head]) for _ in range(2)]
    assert [[(f.severity, f.detector) for f in fs] for fs in found] == [
        [("suspect", "stationary")],
        [("alert", "stationary")],
    ]
    objects = reads_object(2)
    by_object = objects if head == "two classes" else lambda x: objects(x) @ [[-1.0], [1.0]]
    assert Checks(probes, 2 - (head == "one unit")).severities(by_object, by_object) == [[]] * 2


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

    masks = np.repeat(OBJECT_MASKS[:1], 60, axis=0)
    checks = Checks(ProbeSet(images, multi_hot, object_masks=masks), 3)
    found = [checks.alerts(logits) for _ in range(2)]
    assert [[(f.severity, f.class_index) for f in fs] for fs in found] == [
        [("suspect", 0)],
        [("alert", 0)],
    ]
    assert "on this label depend on it" in found[1][0].message


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
    maps = map_of((12, 12, 16, 16), 40, "wrong") | map_of(TAG, 40, "right")
    check = Checks(four, 4, ["moving"]).check(reads_tag(4), maps, methods=methods)
    assert bool(check.findings) == is_found


def test_groups_are_compared_at_the_ends_of_epochs():
    groups = np.where(np.arange(40) // 4 % 2, "rain", "sun")
    images = draw(LABELS)

    def fails_in_the_rain(x):
        logits = np.array(reads_object(4)(x))
        is_rain = x[:, -1, -1, 0] > 0.9
        logits[is_rain, 0] = np.where(logits[is_rain].argmax(axis=1) == 0, -99, logits[is_rain, 0])
        return logits

    images[:, -1, -1] = (groups == "rain")[:, None]
    labels = np.tile(LABELS, 2)
    probes = ProbeSet(np.tile(images, (2, 1, 1, 1)), labels, groups=np.tile(groups, 2))
    checks = Checks(probes, 4, ["groups"])
    graph = FakeGraph(fails_in_the_rain)
    predictions = graph.predict(probes.model_inputs)
    inside = Moment(0, batch=3, batches_trained=3, place=-0.5)
    found = [
        alerts_of(checks.examiner.check(graph, predictions, {}, moment))
        for moment in (inside, Moment(0), Moment(1))
    ]
    assert [[(a.severity, a.class_index) for a in alerts] for alerts in found] == [
        [],
        [("suspect", 0)],
        [("alert", 0)],
    ]
    assert found[2][0].accuracy_loss is None
