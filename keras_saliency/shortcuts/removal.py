"""`Removal`: does a class get lost where a region of others is put on its probes?"""

from dataclasses import dataclass

import numpy as np

from keras_saliency.shortcuts.swaps import Pairs, Scene, Swap, adopted, wilson_bounds

NUM_PAIRS = 100


@dataclass(frozen=True, eq=False)
class Removal:
    """What a class loses with a region.

    Attributes:
        lost: float (m,), in [0, 1]: the share of its pairs in which each probe of the class loses
            it. Empty where the model is right about none, or no probe is of another class.
        lost_elsewhere: float (m,), the same where regions at random places are put in.
    """

    lost: np.ndarray
    lost_elsewhere: np.ndarray

    @property
    def num_probes(self) -> int:
        """How many probes of the class were tried."""
        return len(self.lost)

    @property
    def share(self) -> float:
        """The mean of `lost`; NaN of none."""
        return float(self.lost.mean()) if len(self.lost) else np.nan

    @property
    def control(self) -> float:
        """The mean of `lost_elsewhere`; NaN of none."""
        return float(self.lost_elsewhere.mean()) if len(self.lost_elsewhere) else np.nan

    def is_proven(self, min_excess: float) -> bool:
        """Whether the share exceeds its control by so much, and for certain (Wilson, 95 %)."""
        if not self.num_probes or self.share - self.control < min_excess:
            return False
        return wilson_bounds(self.share, self.num_probes)[0] > self.control


def remove(scene: Scene, swap: Swap, class_index: int, rng: np.random.Generator) -> Removal:
    """Puts the region of other probes on those of a class that the model is right about.

    Args:
        scene: `Scene`.
        swap: `Swap` with a control "elsewhere".
        class_index: the class.
        rng: `numpy.random.Generator`.
    """
    has_class = scene.class_labels.has_class[:, class_index]
    recipients = np.flatnonzero(has_class & scene.is_said[:, class_index])
    donors = np.flatnonzero(~has_class)
    if not len(recipients) or not len(donors):
        return Removal(np.zeros(0), np.zeros(0))
    recipients = np.resize(rng.permutation(recipients), NUM_PAIRS)
    pairs = Pairs(rng.choice(donors, NUM_PAIRS), recipients, np.full(NUM_PAIRS, class_index))
    elsewhere = swap.control("elsewhere").edit
    is_lost = ~adopted(scene, swap.edit, pairs)
    is_lost_elsewhere = ~adopted(scene, lambda some: elsewhere(some, rng), pairs)
    return Removal(_by_recipient(is_lost, pairs), _by_recipient(is_lost_elsewhere, pairs))


def _by_recipient(is_lost: np.ndarray, pairs: Pairs) -> np.ndarray:
    recipients = pairs.recipients
    return np.array([is_lost[recipients == r].mean() for r in np.unique(recipients)])
