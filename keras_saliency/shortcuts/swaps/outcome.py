"""`Outcome`: what a swap has done in one class."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from keras_saliency.shortcuts.swaps.class_labels import ClassLabels
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.wilson import wilson_bounds

_ROBBED_INSIDE, _ROBBED_OUTSIDE = 0.6, 0.1  # adoption among that class, and elsewhere


@dataclass(frozen=True, eq=False)
class Outcome:
    """The pairs of one class and what became of them.

    Attributes:
        class_index: the donors' class.
        pairs: `Pairs` of that class.
        is_adopted: bool (m,), whether the recipient is predicted as the donor's class.
        controls: {what was done instead: bool (m,), the same}; empty where no control was run.
        lost: float (m,), whether the recipient loses a prediction that was right, to any class;
            NaN where it was wrong before. None where that was not checked.
        lost_in_controls: {what was done instead: float (m,), the same}.
    """

    class_index: int
    pairs: Pairs
    is_adopted: np.ndarray
    controls: dict[str, np.ndarray]
    lost: np.ndarray | None = None
    lost_in_controls: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def adoption(self) -> float:
        """Share of recipients that take the donor's class over, in [0, 1]."""
        return np.count_nonzero(self.is_adopted) / len(self.is_adopted)

    @cached_property
    def control(self) -> float | None:
        """The largest share that a control comes to, in [0, 1]; None where none was run."""
        return max((float(c.mean()) for c in self.controls.values()), default=None)

    @property
    def excess(self) -> float:
        """The adoption less that of the control, in [-1, 1]."""
        return self.adoption - (self.control or 0.0)

    @property
    def is_moved(self) -> np.ndarray:
        """Which recipients show what the swap does, bool (m,).

        Those that adopt the donor's class; where none does, those that lose their own.
        """
        if self.is_adopted.any() or self.lost is None:
            return self.is_adopted
        return self.lost == 1

    @cached_property
    def num_donors(self) -> int:
        """How many distinct donors there are."""
        return self.pairs.num_donors

    def robbed_class(self, class_labels: ClassLabels) -> int | None:
        """Returns the recipients' class, if it is only theirs who are changed.

        Then the swap takes a cue of that class away, rather than to bring one of the donors'.
        None with two classes, where the one is the other, and where several classes are changed.
        """
        if class_labels.is_yes_or_no or not self.is_adopted.any():
            return None
        classes = class_labels.has_class[self.pairs.recipients].argmax(axis=1)
        counts = np.bincount(classes[self.is_adopted], minlength=class_labels.num_classes)
        most = int(counts.argmax())
        is_most = classes == most
        if is_most.all():
            return None
        inside, outside = self.is_adopted[is_most].mean(), self.is_adopted[~is_most].mean()
        return most if inside >= _ROBBED_INSIDE and outside <= _ROBBED_OUTSIDE else None

    def by_donor(self) -> list[tuple[int, float]]:
        """Returns (donor, adoption less control in its pairs); 0 where no control was run."""
        control = max(self.controls.values(), key=np.mean, default=self.is_adopted)
        return self._means_of_donors(self.is_adopted.astype(float) - control)

    def lost_by_donor(self) -> list[tuple[int, float]]:
        """Returns (donor, what its recipients lost less the control), as `by_donor`.

        Without donors all of whose recipients were wrong before.
        """
        if self.lost is None:
            return []
        control = max(self.lost_in_controls.values(), key=np.nansum, default=self.lost)
        return self._means_of_donors(self.lost - control)

    def _means_of_donors(self, of_pairs: np.ndarray) -> list[tuple[int, float]]:
        is_known = np.isfinite(of_pairs)
        donors = self.pairs.donors[is_known]
        counts = np.bincount(donors)
        members = np.flatnonzero(counts)
        means = np.bincount(donors, of_pairs[is_known])[members] / counts[members]
        return list(zip(members.tolist(), means.tolist(), strict=True))

    @property
    def lower_bound(self) -> float:
        """Wilson's lower bound of the adoption, from the number of distinct donors."""
        return wilson_bounds(self.adoption, self.num_donors)[0]
