"""What a finding says of a tag: which detector, which class, how much, which probes."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.checked_models import (
    LABELS,
    NAMES,
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
from keras_saliency.shortcuts import Loss
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.telling import may_be_object, most_telling

OBJECT_MASKS = np.zeros((40, *SIZE), bool)
OBJECT_MASKS[:, 4:12, 4:12] = True


@pytest.fixture(scope="module")
def four():
    return ProbeSet(draw(LABELS), LABELS, class_names=NAMES, object_masks=OBJECT_MASKS)


def test_what_else_sees_the_tag_is_listed_under_the_one_that_says_most(four):
    checks = Checks(four, 4)
    check = checks.check(reads_tag(4), map_of(TAG, 40))
    proven = {trial.detector.name for trial in check.trials if trial.is_proven}
    assert {"stationary", "border", "background", "moving"} <= proven
    (suspect,) = alerts_of(check)
    also = suspect.message.split("Also proven: ")[1].rstrip(".").split(", ")
    assert set(also) == proven - {"stationary"}


def test_an_alert_says_what_proves_it(four):
    checks = Checks(four, 4)
    checks.check(reads_tag(4), map_of(TAG, 40))
    check = checks.check(reads_tag(4), map_of(TAG, 40))
    (alert,) = alerts_of(check)
    trial = next(t for t in check.trials if t.detector.name == "stationary")
    assert alert.accuracy_loss == trial.loss.value == pytest.approx(0.75, abs=0.1)
    assert alert.loss_interval == (trial.loss.low, trial.loss.high)
    assert 0.5 < alert.loss_interval[0] <= alert.accuracy_loss <= alert.loss_interval[1] <= 1
    assert (alert.adoption, alert.control) == (1, 0)
    assert (alert.num_pairs, alert.num_donors) == (len(trial.pairs), trial.pairs.num_donors)
    assert check.loss == max(t.worst.value for t in check.trials if t.is_proven)
    carriers = np.flatnonzero(alert.class_index == LABELS)
    assert set(alert.probe_indices) <= set(carriers.tolist()) and alert.probe_indices


def test_evidence_shows_recipients_before_and_after(four):
    checks = Checks(four, 4)
    (finding,) = checks.check(reads_tag(4), map_of(TAG, 40)).findings
    evidence = finding.evidence
    assert len(set(evidence.pairs.recipients.tolist())) == len(evidence.pairs) == 4
    for i, (donor, recipient) in enumerate(
        zip(evidence.pairs.donors, evidence.pairs.recipients, strict=True)
    ):
        assert evidence.said_before[i] == NAMES[four.labels[recipient]]
        assert evidence.said_after[i] == NAMES[four.labels[donor]]
        assert four.labels[donor] == finding.alert.class_index
        changed = (evidence.after[i] != four.images[recipient]).any(axis=-1)
        np.testing.assert_array_equal(evidence.after[i][changed], four.images[donor][changed])
        assert changed.any() and tuple(evidence.boxes[i]) == finding.alert.region


def test_the_picture_is_of_the_images_that_are_swapped(four):
    checks = Checks(four, 4)
    (finding,) = checks.check(reads_tag(4), map_of(TAG, 40)).findings
    drawn = finding.drawn("a title")
    assert drawn.evidence.dtype == np.uint8 and drawn.evidence.ndim == 3
    assert drawn.message == finding.alert.message


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

    probes = ProbeSet(images, LABELS, object_masks=OBJECT_MASKS)
    checks = Checks(probes, 4, ["border"])
    checks.check(logits)
    (alert,) = checks.alerts(logits)
    assert (alert.severity, alert.class_index) == ("alert", 0)
    assert set(alert.probe_indices) <= set(np.flatnonzero(LABELS == 0)) and alert.probe_indices


def test_classes_that_are_asked_for_are_those_accused(four):
    only = Checks(four, 4, Battery(["stationary"], classes=[2]))
    (suspect,) = only.alerts(reads_tag(4))
    assert suspect.class_index == 2


def test_more_images_than_the_probes_are_swapped_and_probes_are_named():
    labels = np.arange(160) % 4
    probes = ProbeSet.from_dataset((draw(labels), labels), per_class=5, object_masks=(4, 4, 12, 12))
    checks = Checks(probes, 4)
    assert len(probes) == 20 and checks.examiner.coverage.num_images == 160
    check = checks.check(reads_tag(4), map_of(TAG, 20))
    (suspect,) = alerts_of(check)
    assert suspect.detector == "stationary"
    assert suspect.probe_indices and max(suspect.probe_indices) < 20
    assert {probes.labels[i] for i in suspect.probe_indices} == {suspect.class_index}
    trials = {trial.detector.name: trial for trial in check.trials}
    assert trials["border"].pairs.num_donors > 20
    assert set(trials["moving"].pairs.donors) <= set(range(20)), "only these have maps"
    assert checks.severities(reads_object(4), reads_object(4)) == [[], []]


def trial_like(name, value, low, may_be_object=False, less=None, over_all=None):
    """Of a trial what decides on who is named; `over_all` is its loss if another one is worst."""
    worst = Loss(value, low, 1.0)
    return SimpleNamespace(
        detector=SWAP_DETECTORS[name],
        worst=worst,
        loss=worst if over_all is None else Loss(over_all, over_all / 2, 1.0),
        proposal=SimpleNamespace(may_be_object=may_be_object, less=less),
    )


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        (trial_like("stationary", 0.40, 0.2), "stationary"),  # at least three quarters
        (trial_like("stationary", 0.37, 0.2), "border"),
        (trial_like("colour", 0.49, 0.2), "border"),  # does not lie in the border
        (trial_like("stationary", 0.40, 0.2, may_be_object=True), "border"),
    ],
)
def test_what_lies_in_another_is_named_where_it_costs_about_as_much(inner, named):
    border = trial_like("border", 0.5, 0.4)
    for trials in ([border, inner], [inner, border]):
        assert most_telling(trials).detector.name == named
    assert most_telling([inner]) is inner


def test_losses_are_compared_over_the_same_classes():
    """A loss to donors of one class is larger than one over all of them."""
    sharpness = trial_like("sharpness", 0.1, 0.08)
    for noise in (trial_like("noise", 0.4, 0.2, over_all=0.05), trial_like("noise", 0.09, 0.05)):
        assert most_telling([noise, sharpness]) is sharpness
    by_class = trial_like("background", 0.5, 0.4, over_all=0.1)
    assert most_telling([by_class, trial_like("noise", 0.09, 0.05)]).detector.name == "noise"
    assert most_telling([by_class, trial_like("noise", 0.05, 0.04)]) is by_class
    over_all = trial_like("background", 0.2, 0.15)
    few = trial_like("noise", 0.5, 0.1, over_all=0.11)
    assert most_telling([over_all, few]) is over_all
    most = trial_like("noise", 0.5, 0.1, over_all=0.13)  # 0.6 is enough in the background
    assert most_telling([over_all, most]) is most
    assert most_telling([by_class, trial_like("noise", 0.4, 0.2, over_all=0.01)]) is not by_class


def test_what_changes_the_whole_image_may_be_the_object_where_a_patch_explains_it():
    patch = trial_like("stationary", 0.40, 0.2, may_be_object=True)
    sharpness = trial_like("sharpness", 0.45, 0.3)
    assert may_be_object(patch, [patch]) and may_be_object(sharpness, [sharpness, patch])
    assert not may_be_object(sharpness, [sharpness])
    assert not may_be_object(trial_like("sharpness", 0.9, 0.7), [patch])
    assert not may_be_object(sharpness, [sharpness, trial_like("stationary", 0.4, 0.2)])


def test_a_border_that_costs_no_more_than_brightness_may_be_lit_otherwise():
    border = trial_like("border", 0.3, 0.2, less="the next ring")
    colour = trial_like("colour", 0.4, 0.3, may_be_object=True)
    assert may_be_object(border, [border, colour])
    assert not may_be_object(trial_like("border", 0.3, 0.2), [colour]), "a printed frame"
    assert not may_be_object(trial_like("border", 0.5, 0.2, less="the next ring"), [colour])
    assert not may_be_object(border, [trial_like("colour", 0.4, 0.3)]), "not the object's"
    assert not may_be_object(border, [trial_like("noise", 0.4, 0.3, may_be_object=True)])
