"""`Trial`: what a detector's swap came to at one check, and whether that proves anything."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from keras_saliency.shortcuts.detector import Bounds, SwapDetector
from keras_saliency.shortcuts.swaps import Outcome, Swap, wilson_bounds


class Lost(NamedTuple):
    """How many of the recipients that were right lost their own class, of all classes together.

    An estimate of the accuracy that a model owes to what was swapped.

    Attributes:
        share: in [0, 1].
        control: the largest share that a control comes to; 0 where none was run.
        num_right: recipients that were right, counted pair by pair.
    """

    share: float
    control: float
    num_right: int

    @property
    def excess(self) -> float:
        """The share less that of the control, in [-1, 1]."""
        return self.share - self.control


@dataclass(frozen=True, eq=False)
class Trial:
    """One detector at one check.

    Attributes:
        detector: `SwapDetector`.
        swap: the `Swap` that it proposed.
        outcomes: an `Outcome` for each class that could be tried.
        bounds: `Bounds` that they are held to.
        num_classes: how many classes were to be tried.
        pooled: what is pooled less its control, in the mean of the last checks, where that is
            proven.
    """

    detector: SwapDetector
    swap: Swap
    outcomes: list[Outcome]
    bounds: Bounds
    num_classes: int
    pooled: float | None = None

    @cached_property
    def mean_excess(self) -> float:
        """Mean adoption less mean control, over the classes; 0 without any."""
        excesses = [o.excess for o in self.outcomes]
        return sum(excesses) / max(1, len(excesses))

    @property
    def needs_control(self) -> bool:
        """Whether the swap alone reaches a bound, or half of that of pooled checks."""
        of_pool = self.bounds.of_pool
        if self.is_over or of_pool is None:
            return self.is_over
        return (self.mean_excess if self.lost is None else self.lost.excess) >= of_pool / 2

    def by_donor(self, outcome: Outcome) -> list[tuple[int, float]]:
        """Returns (donor, what it brought about less the control) of one class, for the pool."""
        return outcome.by_donor() if self.lost is None else outcome.lost_by_donor()

    @property
    def is_over(self) -> bool:
        """Whether a bound is reached, by the mean or by a class; before the control, suspected."""
        return self.is_proven_in_mean or any(self.is_proven_in(o) for o in self.outcomes)

    @property
    def num_donors(self) -> int:
        """Distinct donors, of all classes."""
        return sum(o.num_donors for o in self.outcomes)

    @cached_property
    def lost(self) -> Lost | None:
        """What recipients lost, of all classes together; None where only adoption counts."""
        parts = [o.lost for o in self.outcomes if o.lost is not None]
        if self.bounds.of_lost is None or not parts:
            return None
        is_known = np.isfinite(np.concatenate(parts))
        if not is_known.any():
            return None

        def share(of_classes: list[np.ndarray]) -> float:
            return float(np.concatenate(of_classes)[is_known].mean())

        names = self.outcomes[0].lost_in_controls
        controls = [share([o.lost_in_controls[name] for o in self.outcomes]) for name in names]
        return Lost(share(parts), max(controls, default=0.0), int(is_known.sum()))

    @property
    def is_proven_by_lost(self) -> bool:
        """Whether recipients lose their own class, whatever they are taken for then."""
        lost, bound = self.lost, self.bounds.of_lost
        if lost is None or bound is None or not self.has_half:
            return False
        is_sure = wilson_bounds(lost.share, self.num_donors)[0] > lost.control
        return lost.excess >= bound and is_sure

    @property
    def excess(self) -> float:
        """What is proven at most: adoption less control, or what is lost."""
        found = [self.worst.excess, self.mean_excess]
        if self.lost is not None and self.is_proven_by_lost:
            found.append(self.lost.excess)
        return max(found)

    @property
    def has_half(self) -> bool:
        """Whether half of the classes were tried.

        Early on, a network may know but two of them, and everything that it does not know
        looks like one of these.
        """
        return 0 < len(self.outcomes) >= self.num_classes / 2

    @property
    def is_proven_in_mean(self) -> bool:
        """Whether the classes together reach a bound, chance allowed for."""
        if self.pooled is not None or self.is_proven_by_lost:
            return True
        if not self.has_half or self.mean_excess < self.bounds.of_mean:
            return False
        adoption = float(np.mean([o.adoption for o in self.outcomes]))
        return wilson_bounds(adoption, self.num_donors)[0] > adoption - self.mean_excess

    def is_proven_in(self, outcome: Outcome) -> bool:
        """Whether one class reaches its bound, chance with few donors allowed for."""
        if outcome.excess < self.bounds.of_class:
            return False
        return outcome.lower_bound > (outcome.control or 0.0)

    @property
    def worst(self) -> Outcome:
        """The outcome with the largest excess."""
        return max(self.outcomes, key=lambda outcome: outcome.excess)
