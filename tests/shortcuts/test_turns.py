"""Which detectors take part in a check."""

from collections import Counter
from types import SimpleNamespace

from keras_saliency.shortcuts import SwapDetector
from keras_saliency.shortcuts.turns import CYCLE, NUM_SILENT, Turns

NAMES = "abcdef"
DETECTORS = [SwapDetector(name, lambda *_: [], "", "", frozenset()) for name in NAMES]


def check(turns, proven="", undecided="", is_complete=False, is_counted=True):
    """Returns which detectors took part, in the order in which their trials come."""
    tried = []

    def attempt(detector):
        tried.append(detector.name)
        is_proven, is_undecided = detector.name in proven, detector.name in undecided
        return SimpleNamespace(name=detector.name, is_proven=is_proven, is_undecided=is_undecided)

    trials = turns.take(DETECTORS, attempt, is_complete=is_complete, is_counted=is_counted)
    assert sorted(tried) == [trial.name for trial in trials]
    return "".join(trial.name for trial in trials)


def silent():
    turns = Turns(DETECTORS)
    assert [check(turns) for _ in range(NUM_SILENT)] == [NAMES] * NUM_SILENT
    return turns


def test_after_three_silent_checks_each_takes_part_in_one_of_three():
    turns = silent()
    rounds = [check(turns) for _ in range(2 * CYCLE)]
    assert all(len(tried) == len(NAMES) / CYCLE for tried in rounds)
    assert Counter("".join(rounds)) == dict.fromkeys(NAMES, 2)


def test_who_is_proven_or_undecided_does_not_rest():
    turns = Turns(DETECTORS)
    for _ in range(NUM_SILENT):
        assert check(turns, undecided="c") == NAMES
    for _ in range(CYCLE):
        assert "c" in check(turns, undecided="c")


def test_where_something_is_proven_all_are_tried():
    turns = silent()
    proven = check(silent())[0]
    assert check(turns, proven=proven) == NAMES
    assert proven in check(turns) and proven in check(turns) and proven in check(turns)


def test_a_complete_check_has_all():
    turns = silent()
    assert check(turns, is_complete=True) == NAMES
    assert check(turns) != NAMES


def test_silence_inside_an_epoch_does_not_count():
    turns = Turns(DETECTORS)
    for _ in range(9):
        assert check(turns, is_counted=False) == NAMES
