"""`Outcome`: what a swap has done in one class."""

from dataclasses import dataclass

import numpy as np

from keras_saliency.interventions.confidence import wilson_bounds
from keras_saliency.interventions.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Outcome:
    """The pairs of one class and what became of them.

    Attributes:
        class_index: the donors' class.
        pairs: `Pairs` of that class.
        is_adopted: bool (m,), whether the recipient is predicted as the donor's class.
        controls: {what was done instead: bool (m,), the same}; empty where no control was run.
    """

    class_index: int
    pairs: Pairs
    is_adopted: np.ndarray
    controls: dict[str, np.ndarray]

    @property
    def adoption(self) -> float:
        """Share of recipients that take the donor's class over, in [0, 1]."""
        return float(self.is_adopted.mean())

    @property
    def control(self) -> float | None:
        """The largest share that a control comes to, in [0, 1]; None where none was run."""
        return max((float(c.mean()) for c in self.controls.values()), default=None)

    @property
    def excess(self) -> float:
        """The adoption less that of the control, in [-1, 1]."""
        return self.adoption - (self.control or 0.0)

    @property
    def num_donors(self) -> int:
        """How many distinct donors there are."""
        return len(np.unique(self.pairs.donors))

    @property
    def lower_bound(self) -> float:
        """Wilson's lower bound of the adoption, from the number of distinct donors."""
        return wilson_bounds(self.adoption, self.num_donors)[0]
