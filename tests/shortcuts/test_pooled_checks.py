"""Pooled checks: a weak effect that stays is proven, chance and gaps are not."""

import dataclasses

import numpy as np
import pytest

from keras_saliency.shortcuts.detector import Bounds
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.pooled_checks import NUM_POOLED, Pool
from keras_saliency.shortcuts.swaps import Outcome, Pairs
from keras_saliency.shortcuts.trial import Trial

DETECTOR = SWAP_DETECTORS["background"]
NUM_DONORS, PAIRS_PER_DONOR = 10, 10


def outcome(class_index, adopted_per_donor, control_per_donor=None):
    """Each donor lends in ten pairs, and so many of these are adopted."""
    donors = np.repeat(np.arange(NUM_DONORS) + 100 * class_index, PAIRS_PER_DONOR)
    pairs = Pairs(donors, np.arange(len(donors)) % 40 + 1000, np.full(len(donors), class_index))

    def first(counts):
        counts = np.broadcast_to(counts, NUM_DONORS)
        return np.concatenate([np.arange(PAIRS_PER_DONOR) < count for count in counts])

    controls = {} if control_per_donor is None else {"a control": first(control_per_donor)}
    return Outcome(class_index, pairs, first(adopted_per_donor), controls)


def trial(*outcomes, num_classes=2, of_pool=0.05):
    return Trial(DETECTOR, None, list(outcomes), Bounds(0.5, 0.9, of_pool), num_classes)


def last(pool, trials):
    return [pool.update(t) for t in trials][-1]


def test_what_each_donor_brings_beyond_its_control():
    found = dict(outcome(0, [3] + [1] * 9, 1).by_donor())
    assert found == pytest.approx({0: 0.2, **dict.fromkeys(range(1, 10), 0.0)})
    assert set(dict(outcome(0, 5).by_donor()).values()) == {0.0}, "no control, no excess"


def test_a_weak_effect_is_proven_by_six_checks_and_by_no_fewer():
    checks = [trial(outcome(0, 1, 0), outcome(1, [1, 2] * 5, [0, 1] * 5))] * NUM_POOLED
    assert not checks[0].is_over, "no single check reaches its bound"
    pool = Pool()
    assert [pool.update(t) for t in checks] == [None] * 5 + [pytest.approx(0.1)]


def test_the_pooled_excess_is_the_mean_over_donors():
    halves = [trial(outcome(0, 2, 0)), trial(outcome(0, [0, 2] * 5, 0))] * 3
    # The odd donors come to 0.2 at all checks, the even ones to 0.2 and 0 by turns: 0.15.
    # Standard error: 0.05 * sqrt(10 / 9) / sqrt(10) = 0.0167, so t = 9.
    halves = [trial(*t.outcomes, num_classes=1) for t in halves]
    assert last(Pool(), halves) == pytest.approx(0.15)


def test_what_few_donors_bring_about_may_be_chance():
    one = trial(outcome(0, [8] + [0] * 9, 0), num_classes=1)
    assert one.mean_excess == pytest.approx(0.08), "over the bound, by one donor"
    assert last(Pool(), [one] * NUM_POOLED) is None


def test_an_effect_that_the_control_has_too_is_none():
    assert last(Pool(), [trial(outcome(0, 4, 4), outcome(1, 4, 4))] * NUM_POOLED) is None


def test_what_is_pooled_of_a_detector_that_counts_losses_is_what_recipients_lost():
    """No donor brings anybody to its class, and a tenth of those who were right lose theirs."""
    plain = outcome(0, 0, 0)
    index = np.arange(len(plain.pairs))
    lost = np.where(index % 10 == 9, np.nan, index % 10 == 0).astype(float)
    kept = np.where(index % 10 == 9, np.nan, 0.0)
    shared = dataclasses.replace(plain, lost=lost, lost_in_controls={"a control": kept})
    assert dict(shared.lost_by_donor()) == pytest.approx(dict.fromkeys(range(10), 1 / 9))
    bounds = Bounds(0.5, 0.9, 0.1, of_lost=0.5)
    check = Trial(DETECTOR, None, [shared], bounds, 1)
    assert not check.is_over and check.needs_control
    assert last(Pool(), [check] * NUM_POOLED) == pytest.approx(1 / 9)
    assert last(Pool(), [trial(shared, num_classes=1)] * NUM_POOLED) is None, "adoptions only"
    unknown = dataclasses.replace(shared, lost=np.where(index < 10, np.nan, lost))
    assert sorted(dict(unknown.lost_by_donor())) == list(range(1, 10)), "nobody of it was right"


def test_a_check_of_less_than_half_of_the_classes_breaks_the_pool():
    whole, part = trial(outcome(0, 2, 0)), trial(outcome(0, 2, 0), num_classes=3)
    assert last(Pool(), [whole] * 5 + [part, whole]) is None
    assert last(Pool(), [whole, part] + [whole] * NUM_POOLED) == pytest.approx(0.2)


def test_a_closed_gate_breaks_the_pool():
    pool = Pool()
    whole = trial(outcome(0, 2, 0))
    assert last(pool, [whole] * NUM_POOLED) is not None
    pool.clear()
    assert last(pool, [whole] * (NUM_POOLED - 1)) is None


def test_detectors_are_pooled_apart_and_only_where_they_have_a_bound():
    assert last(Pool(), [trial(outcome(0, 2, 0), of_pool=None)] * NUM_POOLED) is None
    pool = Pool()
    other = Trial(SWAP_DETECTORS["pattern"], None, [outcome(0, 2, 0)], Bounds(1, 1, 0.05), 1)
    assert last(pool, [trial(outcome(0, 2, 0)), other] * (NUM_POOLED - 1)) is None
    assert pool.update(other) == pytest.approx(0.2)


def test_the_control_is_run_from_half_of_the_pooled_bound_on():
    assert trial(outcome(0, 1), of_pool=0.2).needs_control
    assert not trial(outcome(0, 1), of_pool=0.21).needs_control
    assert not trial(outcome(0, 1), of_pool=None).needs_control
    assert trial(outcome(0, 6), of_pool=None).needs_control
