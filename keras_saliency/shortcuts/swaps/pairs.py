"""Who lends to whom: pairs of a donor of a class and a recipient of another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_PAIRS = 300  # of one swap
MAX_FORWARD = 1050  # images that a battery sends through the model, controls aside
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Pairs:
    """Donors and recipients, pair by pair.

    Attributes:
        donors: int (m,), indices of probes that have the class and are predicted so.
        recipients: int (m,), probes that neither have it nor are predicted so.
        classes: int (m,), the donor's class.
    """

    donors: np.ndarray
    recipients: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.donors)

    @property
    def num_donors(self) -> int:
        """How many distinct donors there are."""
        return int(np.count_nonzero(np.bincount(self.donors)))

    @property
    def num_recipients(self) -> int:
        """How many distinct recipients there are."""
        return int(np.count_nonzero(np.bincount(self.recipients)))

    @classmethod
    def join(cls, parts: "list[Pairs]") -> "Pairs":
        """Returns the pairs of all parts, in their order."""
        ends = [(p.donors, p.recipients, p.classes) for p in parts]
        return cls(*(np.concatenate(end) for end in zip(*ends, strict=True)))

    def take(self, which: np.ndarray | slice) -> "Pairs":
        """Returns some of the pairs, by indices or a bool (m,)."""
        return Pairs(self.donors[which], self.recipients[which], self.classes[which])


def draw_pairs(
    has_class: np.ndarray,
    is_said: np.ndarray,
    classes: Sequence[int],
    num_pairs: int,
    rng: np.random.Generator,
) -> Pairs:
    """Draws pairs, the same number for each class, each probe about as often.

    Args:
        has_class: bool (n, k), the labels.
        is_said: bool (n, k), what the model says.
        classes: the classes to draw for.
        num_pairs: how many in all.
        rng: `numpy.random.Generator`.

    Returns:
        `Pairs`. A class without donor or recipient has none.
    """
    drawn = []
    for c in classes:
        lenders = np.flatnonzero(has_class[:, c] & is_said[:, c])
        takers = np.flatnonzero(~(has_class[:, c] | is_said[:, c]))
        count = min(num_pairs // max(1, len(classes)), len(lenders) * len(takers))
        if count:
            first = _spread(lenders, count, rng)
            second = _spread(takers, count, rng)
            drawn.append(Pairs(first, second, np.full(count, c)))
    return Pairs.join(drawn) if drawn else Pairs(_NONE, _NONE, _NONE)


def draw_controls(pairs: Pairs, has_class: np.ndarray, rng: np.random.Generator) -> Pairs:
    """Draws for each pair a donor of the recipient's own kind, without the class.

    What such a donor brings the recipient to is the work of the edit as such, not of the
    class. Where no other probe has the recipient's labels, any without the class lends.
    """
    donors = np.empty(len(pairs), np.int64)
    for i, (recipient, c) in enumerate(zip(pairs.recipients, pairs.classes, strict=True)):
        alike = (has_class == has_class[recipient]).all(axis=1)
        alike[recipient] = False
        if not alike.any():
            alike = ~has_class[:, c]
            alike[recipient] = False
        choices = np.flatnonzero(alike)
        donors[i] = rng.choice(choices) if len(choices) else recipient
    return Pairs(donors, pairs.recipients, pairs.classes)


def _spread(members: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws `count` members, each as often as any other, but for one."""
    rounds = [rng.permutation(members) for _ in range(-(-count // len(members)))]
    return np.concatenate(rounds)[:count]
