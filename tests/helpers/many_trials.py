"""Trials of many detectors at once, whose outcomes are drawn: a fast twin of `run_trial`."""

import numpy as np

from keras_saliency.shortcuts.loss import BOUND, CLASS_BOUND, CONFIDENCE, t_quantile
from keras_saliency.shortcuts.swaps import ClassLabels, PairDrawer
from keras_saliency.shortcuts.tested_classes import MIN_DONORS, MIN_RECIPIENTS
from keras_saliency.shortcuts.trying import LEAST_OF_CLASS, MAX_DONORS, STAGES


class ManyLosses:
    """The losses of many detectors on the same pairs, as `estimate_loss` has them.

    Args:
        pairs: `Pairs`.
        which: indices of the pairs that count.
        factor: see `estimate_loss`.
        num_questions: how many losses share the confidence.
        bound: what the lower end of an interval has to pass.
    """

    def __init__(self, pairs, which, factor, num_questions, bound):
        n = 1 + max(pairs.recipients.max(), pairs.donors.max())
        own, other = (
            np.bincount(pairs.recipients[which][side], minlength=n)
            for side in (pairs.is_own[which], ~pairs.is_own[which])
        )
        self.which = which[((own > 0) & (other > 0))[pairs.recipients[which]]]
        some = pairs.take(self.which)
        self.recipients, self.is_own, self.factor = some.recipients, some.is_own, factor
        num_other = np.count_nonzero(~self.is_own)
        self.shares = other * (own > 0) / num_other
        ratio = other[self.recipients] / own[self.recipients]
        self.weights = np.where(self.is_own, ratio, -1) / num_other
        of_recipient = np.eye(n)[self.recipients]
        self.own = of_recipient * self.is_own[:, None] / own.clip(1)
        self.other = of_recipient * ~self.is_own[:, None] / other.clip(1)
        self.of_donor = np.eye(n)[some.donors]
        self.counts = some.num_recipients, some.num_donors
        self.bound = bound
        share = 1 - (1 - CONFIDENCE) / num_questions / 2
        self.quantile = t_quantile(share, min(self.counts) - 1)

    def estimate(self, scores):
        """Returns the values and standard errors of scores (d, m), two float (d,)."""
        scores = scores[:, self.which]
        own, other = scores @ self.own, scores @ self.other
        value = (own - other) @ self.shares
        scales = [count / (count - 1) for count in self.counts]
        variance = scales[0] * ((self.shares * (own - other - value[:, None])) ** 2).sum(axis=1)
        against = np.where(self.is_own, other[:, self.recipients], own[:, self.recipients])
        beyond = scores - against
        beyond = (beyond - np.where(self.is_own, 1, -1) * value[:, None]) * self.weights
        common = ((beyond @ self.of_donor) ** 2).sum(axis=1) - (beyond**2).sum(axis=1)
        variance += np.maximum(0, scales[1] * common)
        return self.factor * value, self.factor * np.sqrt(variance)


def losses_of(pairs, num_classes):
    """Returns the `ManyLosses` that a `Trial` of these pairs has: over all, and by class."""
    found = [ManyLosses(pairs, np.arange(len(pairs)), 1 - 1 / num_classes, 1, BOUND)]
    for c in range(num_classes):
        is_asked = (pairs.classes == c) & ~pairs.is_own
        asked = pairs.take(is_asked)
        if asked.num_donors >= MIN_DONORS and asked.num_recipients >= MIN_RECIPIENTS:
            is_asked |= pairs.is_own & np.isin(pairs.recipients, asked.recipients)
            which = np.flatnonzero(is_asked)
            found.append(ManyLosses(pairs, which, 1.0, num_classes, CLASS_BOUND))
    return found


class ManyTrials:
    """Many detectors, tried on the same pairs in stages, as `run_trial` tries each.

    Args:
        num: images.
        num_classes: classes, in turns.
        rng: `numpy.random.Generator`, from which `run_trial` would draw the same pairs.
    """

    def __init__(self, num, num_classes, rng):
        labels = ClassLabels(np.eye(num_classes, dtype=bool)[np.arange(num) % num_classes], False)
        rows, most = np.arange(num), MAX_DONORS * num
        least = LEAST_OF_CLASS * num_classes
        self._counts = sorted({min(max(stage, least), most) for stage in STAGES})
        drawer = PairDrawer(labels, range(num_classes), rows, rows, rng)
        self.pairs = drawer.draw(self._counts[-1])
        self._losses = [
            losses_of(self.pairs.take(slice(0, 2 * count)), num_classes) for count in self._counts
        ]

    def run(self, draw, num, is_thorough):
        """Returns which detectors are proven, bool (d,).

        Args:
            draw: function from detectors (a,) and some of the pairs (m) to scores (a, m).
            num: detectors.
            is_thorough: bool (d,).
        """
        proven = np.zeros(num, bool)
        active, scores, known = np.arange(num), np.zeros((num, 0)), 0
        for count, losses in zip(self._counts, self._losses, strict=True):
            new = self.pairs.take(slice(known, 2 * count))
            scores, known = np.hstack([scores, draw(active, new)]), 2 * count
            found, undecided = np.zeros((2, len(active)), bool)
            for loss in losses:
                value, error = loss.estimate(scores)
                low, high = value - loss.quantile * error, value + loss.quantile * error
                found |= low > loss.bound
                undecided |= (low <= loss.bound) & (high > loss.bound) & (value > loss.bound / 2)
            proven[active] = found
            goes_on = (undecided & ~found) | (found & is_thorough[active])
            active, scores = active[goes_on], scores[goes_on]
        return proven
