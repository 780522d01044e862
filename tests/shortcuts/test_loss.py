"""The accuracy loss and its interval."""

import numpy as np
import pytest

from keras_saliency.shortcuts.loss import BOUND, detectable_loss, estimate_loss, t_quantile


def crossed(rng, num_images, num_donors):
    """Pairs of two classes in turns: (recipients, donors, is_own), so many donors of each side."""
    labels = np.arange(num_images) % 2
    found = []
    for recipient in range(num_images):
        for is_own in [True, False] * num_donors:
            alike = np.flatnonzero((labels == labels[recipient]) == is_own)
            found.append((recipient, rng.choice(alike[alike != recipient]), is_own))
    recipients, donors, is_own = (np.array(end) for end in zip(*found, strict=True))
    return recipients, donors, is_own.astype(bool)


def slow_loss(scores, recipients, donors, is_own):
    """The estimate, its variance and degrees of freedom, with all pairs of pairs written out."""
    own, other = {}, {}
    for score, recipient, side in zip(scores, recipients, is_own, strict=True):
        (own if side else other).setdefault(recipient, []).append(score)
    both = sorted(set(own) & set(other))
    num_other = sum(len(other[r]) for r in both)
    value = sum(len(other[r]) * (np.mean(own[r]) - np.mean(other[r])) for r in both) / num_other
    variance, terms = 0.0, []
    for r in both:
        variance += (len(other[r]) / num_other * (np.mean(own[r]) - np.mean(other[r]) - value)) ** 2
    for score, r, d, side in zip(scores, recipients, donors, is_own, strict=True):
        if r in both and side:
            gain = score - np.mean(other[r]) - value
            terms.append((d, gain * len(other[r]) / len(own[r]) / num_other))
        elif r in both:
            terms.append((d, -(score - np.mean(own[r]) + value) / num_other))
    pairs = ((i, j) for i in range(len(terms)) for j in range(len(terms)) if i != j)
    shared = sum(terms[i][1] * terms[j][1] for i, j in pairs if terms[i][0] == terms[j][0])
    num_donors = len({d for d, _ in terms})
    variance *= len(both) / (len(both) - 1)
    variance += max(0, shared * num_donors / (num_donors - 1))
    return value, variance, min(len(both), num_donors) - 1


def test_estimate_and_interval_are_the_formula_written_out():
    rng = np.random.default_rng(0)
    pairs = crossed(rng, 14, 2)
    kept = rng.random(len(pairs[0])) < 0.8  # not all recipients have as many of both
    recipients, donors, is_own = (part[kept] for part in pairs)
    scores = (rng.random(len(recipients)) < np.where(is_own, 0.9, 0.5)).astype(float)
    value, variance, degrees = slow_loss(scores, recipients, donors, is_own)
    loss = estimate_loss(scores, recipients, donors, is_own, factor=0.5, confidence=0.9)
    reach = t_quantile(0.95, degrees) * np.sqrt(variance)
    np.testing.assert_allclose(loss, 0.5 * np.array([value, value - reach, value + reach]))


def test_loss_by_hand():
    # Two recipients: the first loses its class to one of two other donors, the second never.
    recipients, donors = np.array([0, 0, 0, 1, 1, 1]), np.array([2, 3, 4, 3, 2, 5])
    is_own = np.array([True, False, False, True, False, False])
    scores = np.array([1, 0, 1, 1, 1, 1.0])
    loss = estimate_loss(scores, recipients, donors, is_own)
    assert loss.value == pytest.approx(1 / 4) and loss.low < 0 < loss.high


def test_what_a_recipient_comes_to_with_any_donor_is_no_variance():
    recipients, donors, is_own = crossed(np.random.default_rng(1), 30, 1)
    always_wrong = (recipients % 3 == 0).astype(float)
    assert estimate_loss(1 - always_wrong, recipients, donors, is_own) == (0, 0, 0)


def test_recipients_with_donors_of_one_side_take_no_part():
    recipients, donors, is_own = crossed(np.random.default_rng(2), 20, 1)
    one_sided = ~((recipients == 4) & is_own)
    scores = np.where(is_own, 1.0, 0.0)
    scores[recipients == 4] = 1.0
    loss = estimate_loss(
        scores[one_sided], recipients[one_sided], donors[one_sided], is_own[one_sided]
    )
    assert loss.value == pytest.approx(1)
    assert estimate_loss(scores[is_own], recipients[is_own], donors[is_own], is_own[is_own]) is None


def test_no_loss_of_no_pairs():
    nothing = np.zeros(0, int)
    assert estimate_loss(nothing.astype(float), nothing, nothing, nothing.astype(bool)) is None


@pytest.mark.parametrize(("deviation_of_donors", "num_donors"), [(0.0, 1), (0.3, 1), (0.3, 4)])
def test_interval_holds_the_true_loss_as_often_as_it_says(deviation_of_donors, num_donors):
    rng = np.random.default_rng(3)
    hits, num_runs = 0, 400
    for _ in range(num_runs):
        recipients, donors, is_own = crossed(rng, 40, num_donors)
        costs = 0.2 + rng.normal(0, 0.3, 40)[recipients]
        costs += rng.normal(0, deviation_of_donors, 40)[donors]
        scores = rng.normal(0, 1, 40)[recipients] - np.where(is_own, 0, costs)
        low, high = estimate_loss(scores, recipients, donors, is_own)[1:]
        hits += low <= 0.2 <= high
    assert 0.92 <= hits / num_runs <= 0.995, hits


@pytest.mark.parametrize(
    ("share", "degrees", "expected"),  # from tables of Student's t
    [(0.975, 3, 3.182), (0.975, 9, 2.262), (0.975, 29, 2.045), (0.995, 9, 3.250), (0.95, 4, 2.132)],
)
def test_t_quantile_is_that_of_the_tables(share, degrees, expected):
    assert t_quantile(share, degrees) == pytest.approx(expected, rel=0.01)


def test_detectable_loss_is_where_the_interval_begins_at_the_bound():
    losses = [detectable_loss(n, 10) for n in (20, 60, 120, 600)]
    assert losses == sorted(losses, reverse=True) and losses[-1] > BOUND
    share = losses[1] / 0.9
    low = 0.9 * (share - t_quantile(0.975, 59) * np.sqrt(share * (1 - share) / 60))
    assert low == pytest.approx(BOUND, abs=0.002)
    assert detectable_loss(4, 2) > 0.3
