"""The accuracy loss: how much of a model's accuracy depends on what was swapped."""

from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

BOUND = 0.04  # the lower end of an interval above it is proof
CLASS_BOUND = 0.10  # the same for donors of one class: fewer pairs, and as many chances as classes
CONFIDENCE = 0.95


class Loss(NamedTuple):
    """An accuracy loss with its confidence interval.

    Attributes:
        value: the estimate, a fraction in [-1, 1].
        low: lower end of the interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


def estimate_loss(
    scores: np.ndarray,
    recipients: np.ndarray,
    donors: np.ndarray,
    is_own: np.ndarray,
    *,
    factor: float = 1.0,
    confidence: float = CONFIDENCE,
) -> Loss | None:
    """Estimates the accuracy that is lost to donors of other classes.

    factor × (mean score with donors of the recipient's own class − mean score with other
    donors), each recipient weighted by its pairs with other donors. A score is 1 where the model
    is right about the edited recipient and 0 where it is wrong (or the difference of two such).

    Pairs that share a recipient or a donor are not independent. The interval allows for both:
    to the variance between recipients comes the covariance of pairs that share a donor, and
    Student's t has one degree of freedom less than there are recipients or donors, whichever are
    fewer.

    Args:
        scores: float (m,).
        recipients: int (m,), which image was edited.
        donors: int (m,), which image lent.
        is_own: bool (m,), whether the donor is of the recipient's own class.
        factor: 1 − 1/K for donors of any of K classes.
        confidence: of the interval, in (0, 1).

    Returns:
        `Loss`; None where fewer than two recipients or donors took part.

    References:
        Cameron, Gelbach and Miller, Robust Inference with Multiway Clustering, 2011.
    """
    num_images = int(max(recipients.max(initial=-1), donors.max(initial=-1))) + 1
    num_own = np.bincount(recipients[is_own], minlength=num_images)
    num_other = np.bincount(recipients, minlength=num_images) - num_own
    has_both = (num_own > 0) & (num_other > 0)
    takes_part = has_both[recipients]
    if not takes_part.all():
        scores, recipients, donors, is_own = (
            of[takes_part] for of in (scores, recipients, donors, is_own)
        )
    num_own, num_other = num_own * has_both, num_other * has_both
    num_donors = np.count_nonzero(np.bincount(donors))
    counts = [int(np.count_nonzero(has_both)), int(num_donors)]
    if min(counts) < 2:
        return None
    if scores.min() == scores.max():  # as where no edit changes a prediction
        return Loss(0.0, 0.0, 0.0)
    all_other = num_other.sum()
    weights = np.where(is_own, (num_other / num_own.clip(1))[recipients], -1) / all_other
    # The mean score of each recipient with either kind of donors.
    own, other = (
        np.bincount(recipients, scores * side, num_images) / num.clip(1)
        for side, num in ((is_own, num_own), (~is_own, num_other))
    )
    shares = num_other / all_other
    value = np.sum(shares * (own - other))
    scales = [count / (count - 1) for count in counts]
    variance = scales[0] * np.sum((shares * (own - other - value)) ** 2)
    # What pairs of one donor have in common, beyond what their recipients are with other donors.
    beyond = (
        scores
        - np.where(is_own, other[recipients], own[recipients])
        - np.where(is_own, value, -value)
    )
    beyond *= weights
    in_common = np.sum(np.bincount(donors, beyond) ** 2) - np.sum(beyond**2)
    variance += max(0, scales[1] * in_common)
    reach = t_quantile((1 + confidence) / 2, min(counts) - 1) * factor * np.sqrt(variance)
    value = factor * value
    return Loss(float(value), float(max(-1, value - reach)), float(min(1, value + reach)))


@lru_cache
def t_quantile(share: float, num_degrees: int) -> float:
    """Returns the quantile of Student's t at a share in (0.5, 1), by its expansion in 1/degrees.

    Within 1 % for three degrees of freedom and more.

    References:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.5.
    """
    z, n = NormalDist().inv_cdf(share), num_degrees
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / n**power for power, term in enumerate(terms))


def detectable_loss(num_recipients: int, num_classes: int) -> float:
    """Returns the smallest accuracy loss that so many images can prove, in [0, 1].

    That whose interval's lower end is `BOUND`, where each recipient is right with donors of its
    own class, and loses its class to other donors or not.
    """
    factor = 1 - 1 / num_classes
    shares = np.linspace(0, 1, 1001)[1:]
    errors = np.sqrt(shares * (1 - shares) / max(1, num_recipients))
    reach = t_quantile((1 + CONFIDENCE) / 2, max(1, num_recipients - 1)) * errors
    is_proven = factor * (shares - reach) > BOUND
    return float(factor * shares[is_proven.argmax()]) if is_proven.any() else 1.0
