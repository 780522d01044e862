"""What is said of a finding, and at the end of a run."""

import numpy as np
from helpers.checked_models import LABELS, NAMES, draw

from keras_saliency import Alert, ProbeSet
from keras_saliency.shortcuts.coverage import Coverage, Untested
from keras_saliency.shortcuts.detector import Bounds
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.messages import describe_swap, place_of, summarize, title_of
from keras_saliency.shortcuts.swaps import Outcome, Pairs
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.verdict import ALERT, Verdict


def message_of(class_names, pooled=None):
    donors = np.arange(10)
    pairs = Pairs(donors, donors + 20, np.zeros(10, int))
    outcome = Outcome(0, pairs, donors < 7, {"a control": donors < 1})
    trial = Trial(SWAP_DETECTORS["border"], None, [outcome], Bounds(0.1, 0.3), 4, pooled)
    verdict = Verdict(ALERT, epoch=3, since_epoch=2)
    return describe_swap(
        trial,
        outcome,
        verdict,
        class_names=class_names,
        carriers=np.arange(3),
        region=None,
        others=[],
    )


def test_a_cue_that_is_taken_away_is_told_as_such():
    brought, taken = message_of(["cat", "cat"]), message_of(["cat", "bird"])
    assert "takes the cue away" not in brought
    assert 'decides for class "cat"' in taken
    assert 'the ring of a probe of class "bird" around another probe takes the cue away' in taken
    assert "7 of 10 pairs with 10 donors (with a control instead: 1 of 10)" in taken


def test_a_pooled_proof_says_so():
    assert "last 6 checks" not in message_of(["cat", "cat"])
    assert "last 6 checks, adoption exceeds its control by 9%" in message_of(["cat", "cat"], 0.09)


def test_a_place_is_said_axis_by_axis_with_its_last_row():
    assert place_of((3, 10)) == "samples 3 to 9"
    assert place_of((3, 0, 10, 6)) == "rows 3 to 9, columns 0 to 5"
    assert place_of((1, 3, 0, 2, 10, 6)) == "slices 1 to 1, rows 3 to 9, columns 0 to 5"


def alert(class_index=None, adoption=None, control=None):
    return Alert("alert", "border", 2, 1, class_index, adoption, control, 0, 0, None, (), "text")


def test_a_title_has_what_is_known():
    probes = ProbeSet(draw(LABELS), LABELS, class_names=NAMES)
    assert title_of(alert(), probes) == "alert: border, epoch 3"
    assert title_of(alert(1, 0.75), probes) == (
        "alert: border, class bee, epoch 3, 75% against 0% in the control"
    )


def test_the_summary_says_what_was_tested_found_and_left_out():
    images = draw(LABELS)
    plain = ProbeSet(images, LABELS, class_names=NAMES)
    masked = ProbeSet(images, LABELS, object_masks=np.ones(images.shape[:3], bool))
    legitimate = Untested("border", "legitimate", "border, which is legitimate")
    nothing = summarize(Coverage(("colour", "groups"), 4, 9, 0, (legitimate,)), [], plain)
    assert nothing.splitlines()[:3] == [
        "Shortcut tests: 9 checks of 4 classes. Tested: colour, groups.",
        "Not tested: border, which is legitimate.",
        "Found: no shortcut.",
    ]
    assert "faint patterns" in nothing.splitlines()[3]
    found = summarize(Coverage((), 4, 9, 3, ()), [alert(c % 4, 0.5, 0.1) for c in range(6)], masked)
    first, number, *listed, blind = found.splitlines()
    assert "3 of them while the model was still too inaccurate" in first
    assert first.endswith("Tested: nothing.") and number == "Found: 6 alerts."
    assert listed == [
        f"- border, class {c % 4}, epoch 3, 50% against 10% in the control" for c in range(5)
    ]
    assert "faint patterns" not in blind and blind.startswith("Silence does not exclude: ")
