"""What is said of a finding, and at the end of a run."""

import dataclasses
import itertools
import re

import numpy as np
import pytest
from helpers.checked_models import LABELS, NAMES, draw

from keras_saliency import Alert, ProbeSet
from keras_saliency.shortcuts import Loss, Proposal, Trial
from keras_saliency.shortcuts.coverage import Coverage, Untested
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.groups import Gap, Group
from keras_saliency.shortcuts.messages import (
    describe_confirmation,
    describe_coverage,
    describe_finding,
    describe_gap,
    place_of,
    summarize,
    title_of,
)
from keras_saliency.shortcuts.swaps import Pairs
from keras_saliency.shortcuts.verdict import ALERT, SUSPECT, Verdict

LOSS = Loss(0.314, 0.216, 0.402)
KINDS = ["all classes", "one class", "one label"]


def alert_of(severity=ALERT, detector="border", loss=LOSS, **more):
    facts = {
        "severity": severity,
        "detector": detector,
        "epoch": 3,
        "since_epoch": 2,
        "class_index": 1,
        "accuracy_loss": None if loss is None else loss.value,
        "loss_interval": None if loss is None else (loss.low, loss.high),
        "adoption": 0.9,
        "control": 0.1,
        "num_pairs": 240,
        "num_donors": 40,
        "region": None,
        "probe_indices": (0, 4, 9, 11, 12),
        "message": "",
    }
    return Alert(**facts | more)


class ToldTrial(Trial):
    """A trial of a known loss."""

    loss, by_class, worst = None, {}, LOSS
    objects_are_given = False


def trial_of(name, kind="all classes", may_be_object=False):
    detector = SWAP_DETECTORS[name]
    proposal = Proposal(None, LABELS, LABELS, may_be_object=may_be_object)
    nothing = np.zeros((0, 4), bool)
    trial = ToldTrial(
        detector, proposal, range(4), Pairs.join([]), nothing, nothing, nothing, kind == "one label"
    )
    vars(trial)["loss"] = LOSS if kind == "all classes" else None
    return trial


def message(name, kind="all classes", severity=ALERT, may_be_object=False, others=(), **more):
    alert = alert_of(severity, name, **more)
    return describe_finding(alert, trial_of(name, kind, may_be_object), "cat", others)


@pytest.mark.parametrize("name", SWAP_DETECTORS)
@pytest.mark.parametrize("severity", [ALERT, SUSPECT])
def test_no_message_has_more_than_fifty_words(name, severity):
    """The longest are those with a place, of an epoch beyond a hundred."""
    for kind, may_be_object in itertools.product(KINDS, (False, True)):
        if may_be_object and severity == ALERT:
            continue  # it never becomes one
        more = {"region": (100, 100, 124, 124), "epoch": 998, "probe_indices": (100, 110, 120)}
        text = message(name, kind, severity, may_be_object, **more)
        assert len(text.split()) <= 50, text
        assert "  " not in text and "np." not in text and text.endswith(".")


@pytest.mark.parametrize("severity", [ALERT, SUSPECT])
def test_a_message_says_what_which_class_how_much_where_to_look_and_what_to_do(severity):
    region = {"region": (0, 3, 5, 9)}
    for name, detector in SWAP_DETECTORS.items():
        text = message(name, severity=severity, **region)
        for part in (
            "Epoch 4: ",
            '"cat"',
            detector.seen,
            "(rows 0–4, columns 3–8)",
            "At least 22 points of accuracy depend on it (estimate 31, up to 40)",
            "probes 0, 4 and 9 in the Saliency tab",
            f'legitimate=["{name}"]',
        ):
            assert part in text, (part, text)


@pytest.mark.parametrize("name", ["stationary", "moving", "colour", "pattern"])
def test_what_may_be_part_of_the_object_is_told_as_a_dependence(name):
    text = message(name, severity=SUSPECT, may_be_object=True, region=(0, 3, 5, 9))
    for part in (
        "31 points of accuracy (interval 22 to 40) depend on",
        "rows 0–4, columns 3–8",
        "may be part of the object",
        "object_masks",
        "one box",
        f'legitimate=["{name}"]',
    ):
        assert part in text, (part, text)
    assert "the model relies on" not in text


def test_who_has_given_the_objects_is_not_asked_for_them(monkeypatch):
    monkeypatch.setattr(ToldTrial, "objects_are_given", True)
    text = message("sharpness", severity=SUSPECT, may_be_object=True)
    assert 'To settle it, pass legitimate=["sharpness"].' in text and "object_masks" not in text


def test_the_loss_of_one_class_or_label_is_not_told_as_that_of_all():
    texts = {kind: message("border", kind) for kind in KINDS}
    assert "22 points of accuracy depend on it" in texts["all classes"]
    assert "It costs other classes at least 22 points of accuracy" in texts["one class"]
    assert "22 points of accuracy on this label depend on it" in texts["one label"]


def test_others_that_see_the_same_are_listed():
    assert "Also proven" not in message("border")
    assert message("border", others=["moving", "noise"]).endswith("Also proven: moving, noise.")


def test_few_probes_are_listed_as_they_are():
    assert "See probe 4 in the Saliency tab" in message("border", probe_indices=(4,))
    assert "0 and 4 in the Saliency tab" in message("border", probe_indices=(0, 4))


def test_a_gap_between_groups_is_told_with_its_counts():
    gap = Gap(Group("rain", np.arange(20), 10), Group("sun", np.arange(20), 20))
    text = describe_gap(gap, "cat", Verdict(ALERT, epoch=3, since_epoch=2))
    for part in (
        "Epoch 4: ",
        '"cat"',
        '10 of 20 probes of group "rain"',
        '20 of 20 of group "sun"',
    ):
        assert part in text
    assert len(text.split()) <= 50 + 15  # two groups are named


@pytest.mark.parametrize("severity", [ALERT, SUSPECT])
def test_a_confirmation_has_the_place_and_the_figures(severity):
    alert = dataclasses.replace(alert_of(severity, "confirm"), region=(0, 3, 5, 9))
    text = describe_confirmation(alert, trial_of("stationary"), "cat")
    assert text.startswith("Rows 0–4, columns 3–8: ") and len(text.split()) <= 50
    assert "31" in text and "22" in text and "40" in text
    assert ('for class "cat"' in text) == (severity == ALERT)
    assert ("nothing proves" in text and "more than 4 at the lower end" in text) == (
        severity == SUSPECT
    )


def test_a_place_is_said_axis_by_axis_with_its_last_row():
    assert place_of((3, 10)) == "samples 3–9"
    assert place_of((3, 0, 10, 6)) == "rows 3–9, columns 0–5"
    assert place_of((1, 3, 0, 2, 10, 6)) == "slices 1–1, rows 3–9, columns 0–5"


@pytest.fixture(scope="module")
def probes():
    return ProbeSet(draw(LABELS), LABELS, class_names=NAMES)


def test_a_title_has_what_is_known(probes):
    plain = alert_of(class_index=None, loss=None)
    assert title_of(plain, probes) == "alert: border, epoch 4"
    assert title_of(alert_of(SUSPECT), probes) == (
        "suspect: border, class bee, epoch 4, 31 points of accuracy (interval 22 to 40)"
    )


def coverage_of(num_checks=9, num_closed=0, **others):
    facts = {
        "detectors": ("colour",),
        "num_classes": 4,
        "num_images": 40,
        "untested": (),
        "num_tested": num_checks - num_closed,
        "best_accuracy": 0.319,
        "least_accuracy": 0.625,
    }
    return Coverage(num_checks=num_checks, num_closed=num_closed, **facts | others)


def test_the_summary_of_a_silent_run_says_what_could_have_been_found(probes):
    legitimate = Untested("border", "legitimate", "border, which is legitimate")
    coverage = coverage_of(untested=(legitimate,), detectors=("colour", "groups"))
    tested, untested, found, least, blind = summarize(coverage, [], probes).splitlines()
    assert tested == "Shortcut tests: 9 checks of 4 classes. Tested: colour, groups."
    assert untested == "Not tested: border, which is legitimate."
    assert found == "Found: no shortcut."
    assert least.startswith("With these 40 images, cues on which fewer than ")
    assert blind.startswith("Silence does not exclude: ")


def test_one_check_is_no_checks(probes):
    assert summarize(coverage_of(num_checks=1), [], probes).startswith("Shortcut tests: 1 check of")


def test_more_images_detect_weaker_cues(probes):
    points = []
    for num_images in (40, 120, 600):
        text = summarize(coverage_of(num_images=num_images), [], probes)
        points.append(int(text.split("fewer than ")[1].split(" points")[0]))
    assert 4 < points[2] < points[1] < points[0] < 40


NOTHING = {
    "closed": (
        coverage_of(7, 7),
        r"too inaccurate to tell. It was right about 31 % .*begin at 63 %",
    ),
    "no check": (coverage_of(0, 0), "no check was made"),
    "no detector": (coverage_of(detectors=(), num_tested=0), "no detector applies"),
    "too few": (coverage_of(9, 4, num_tested=0), "in no check were there enough images to swap"),
}


@pytest.mark.parametrize("why", NOTHING)
def test_where_nothing_was_tested_it_says_why_and_claims_nothing(probes, why):
    coverage, words = NOTHING[why]
    suspect = alert_of(SUSPECT, "colour")
    for text in (summarize(coverage, [suspect], probes), describe_coverage(coverage)):
        assert re.search(f"Nothing was tested, so nothing is known of shortcuts: .*{words}", text)
        for claim in ("Found", "Tested:", "cannot be detected", "Silence"):
            assert claim not in text


def test_alerts_of_an_earlier_part_are_named_though_this_one_tested_nothing(probes):
    text = summarize(coverage_of(7, 7), [alert_of(ALERT, "border")], probes)
    assert "Nothing was tested" in text and "Found: 1 alert.\n- border, class bee" in text


def test_what_was_tested_can_be_told_without_what_was_found(probes):
    tested = describe_coverage(coverage_of()).splitlines()
    everything = summarize(coverage_of(), [alert_of(ALERT)], probes).splitlines()
    assert tested == [line for line in everything if line[:5] not in ("Found", "- bor")]
    assert len(tested) == 3


def test_the_summary_lists_alerts_and_the_suspects_that_none_has_settled(probes):
    findings = [
        alert_of(SUSPECT, "stationary"),
        alert_of(SUSPECT, "colour", epoch=0, message="what depends on colour"),
        alert_of(ALERT, "stationary"),
        *(alert_of(ALERT, "border", epoch=e) for e in range(5)),
    ]
    lines = summarize(coverage_of(num_closed=3), findings, probes).splitlines()
    assert "3 of them while the model was still too inaccurate" in lines[0]
    assert lines[1] == "Found: 6 alerts."
    figures = "31 points of accuracy (interval 22 to 40)"
    assert lines[2:7] == [
        f"- stationary, class bee, epoch 4, {figures}",
        *(f"- border, class bee, epoch {e + 1}, {figures}" for e in range(4)),
    ]
    assert lines[7:9] == [
        "Suspects, which nothing has settled:",
        "- what depends on colour",
    ]
    assert summarize(coverage_of(), findings[2:3], probes).splitlines()[1] == "Found: 1 alert."
