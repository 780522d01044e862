"""`Pool`: a weak effect that is there at every check, which no single check can prove."""

from collections import deque

import numpy as np

from keras_saliency.shortcuts.trial import Trial

NUM_POOLED = 6  # checks: an epoch and a half at first
MIN_T = 3.5  # standard errors above 0, over donors: pairs of one donor are not independent


class Pool:
    """Keeps what each donor brought about at the last checks, beyond its control.

    Adoptions, or what recipients lost where a detector counts that: see `Bounds`. A check whose
    control was not run, because next to nothing had happened, counts as 0.
    """

    def __init__(self) -> None:
        self._checks: dict[str, deque[dict]] = {}

    def update(self, trial: Trial) -> float | None:
        """Notes a trial.

        Returns:
            The mean excess of the last checks over all donors, if it reaches the bound and
            lies as many standard errors above 0 as it must; else None.
        """
        bound = trial.bounds.of_pool
        if bound is None:
            return None
        checks = self._checks.setdefault(trial.detector.name, deque(maxlen=NUM_POOLED))
        if not trial.has_half:
            checks.clear()
            return None
        checks.append({(o.class_index, d): e for o in trial.outcomes for d, e in trial.by_donor(o)})
        if len(checks) < NUM_POOLED:
            return None
        seen = ([check[d] for check in checks if d in check] for d in set().union(*checks))
        means = np.array([sum(excesses) / len(excesses) for excesses in seen])
        mean = float(means.mean())
        error = float(means.std(ddof=1)) / np.sqrt(len(means))
        return mean if mean >= bound and mean >= MIN_T * error else None

    def clear(self) -> None:
        """Forgets all checks."""
        self._checks.clear()
