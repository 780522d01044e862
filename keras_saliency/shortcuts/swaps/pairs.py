"""Who lends to whom: each recipient has donors of its own class, and of other classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.shortcuts.swaps.class_labels import ClassLabels

_NONE = np.zeros(0, np.int64)


@short_repr
@dataclass(frozen=True)
class Pairs:
    """Donors and recipients, pair by pair.

    Attributes:
        donors: int (m,), indices of images.
        recipients: int (m,), indices of images.
        classes: int (m,), the donor's class; in a multi-label task the label that is asked for.
        is_own: bool (m,), whether the donor is of the recipient's own class; in a multi-label
            task, whether both have the label or both have it not.
    """

    donors: np.ndarray
    recipients: np.ndarray
    classes: np.ndarray
    is_own: np.ndarray

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
    def join(cls, parts: "Sequence[Pairs]") -> "Pairs":
        """Returns the pairs of all parts, in their order."""
        if not parts:
            return cls(_NONE, _NONE, _NONE, _NONE.astype(bool))
        ends = [(p.donors, p.recipients, p.classes, p.is_own) for p in parts]
        return cls(*(np.concatenate(end) for end in zip(*ends, strict=True)))

    def take(self, which: np.ndarray | slice) -> "Pairs":
        """Returns some of the pairs, by indices or a bool (m,)."""
        return Pairs(
            self.donors[which], self.recipients[which], self.classes[which], self.is_own[which]
        )


class PairDrawer:
    """Draws pairs at random, so that each image lends about as often as any other.

    Args:
        class_labels: `ClassLabels` of all images.
        classes: the classes that are tested; images of other classes take no part.
        recipients: int (r,), images that may be edited.
        donors: int (d,), images that may lend.
        rng: `numpy.random.Generator`.
        folds: int (n,), one number for each image: both of a pair are of one fold. Defaults
            to None, all of one.

    Attributes:
        recipients: those that take part, in an order in which classes alternate.
    """

    def __init__(
        self,
        class_labels: ClassLabels,
        classes: Sequence[int],
        recipients: np.ndarray,
        donors: np.ndarray,
        rng: np.random.Generator,
        folds: np.ndarray | None = None,
    ):
        self._rng = rng
        has_class = class_labels.has_class
        self._folds = np.zeros(len(has_class), int) if folds is None else folds
        # A question is a label by itself, where an image may have several; else there is one.
        if class_labels.is_multi_label:
            self._questions = {c: has_class[:, c].astype(int) for c in classes}
        else:
            labels = np.where(has_class.any(axis=1), has_class.argmax(axis=1), -1)
            self._questions = {-1: np.where(np.isin(labels, classes), labels, -1)}
        self._lenders: dict[tuple[int, int], dict[int, np.ndarray]] = {}
        for question, kinds in self._questions.items():
            for fold in np.unique(self._folds).tolist():
                lending = donors[self._folds[donors] == fold]
                of = kinds[lending]
                self._lenders[question, fold] = {
                    kind: lending[of == kind] for kind in np.unique(of).tolist() if kind >= 0
                }
        self._decks: dict[tuple[int, int, int], list[int]] = {}
        self._turn = 0
        first = next(iter(self._questions.values()), np.zeros(len(has_class), int))
        taking = rng.permutation(recipients[first[recipients] >= 0])
        self.recipients = taking[_alternating(first[taking])]

    def draw(self, count: int) -> Pairs:
        """Returns pairs of the next recipients, going round, each with one own and one other donor.

        In a multi-label task each label is asked for in turn, with recipients of its own. A
        recipient without a donor of its own class, or of another, is passed over.

        Args:
            count: how many recipients.
        """
        found: list[tuple[int, int, int, bool]] = []
        asked, recipients = list(self._questions), self.recipients.tolist()
        kinds_of = {question: kinds.tolist() for question, kinds in self._questions.items()}
        folds, others_of = self._folds.tolist(), dict[tuple[int, int, int], list[int]]()
        for turn in range(self._turn, self._turn + (count if recipients else 0)):
            question = asked[turn % len(asked)]
            recipient = recipients[turn // len(asked) % len(recipients)]
            own, fold = kinds_of[question][recipient], folds[recipient]
            lenders, of = self._lenders[question, fold], (question, own, fold)
            if of not in others_of:
                has_two = len(lenders.get(own, ())) >= 2
                others_of[of] = [kind for kind in lenders if kind != own] if has_two else []
            others = others_of[of]
            if not others:
                continue
            kind = others[int(self._rng.integers(len(others)))]
            for k, is_own in ((own, True), (kind, False)):
                donor = self._next((question, k, fold), recipient)
                found.append((donor, recipient, k if question < 0 else question, is_own))
        self._turn += count
        if not found:
            return Pairs.join(())
        ends = np.array(found)
        return Pairs(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3].astype(bool))

    def _next(self, key: tuple[int, int, int], recipient: int) -> int:
        """The next donor of a deck that is shuffled anew when it is used up; never oneself."""
        deck = self._decks.setdefault(key, [])
        if deck and deck[-1] != recipient:
            return deck.pop()
        if all(donor == recipient for donor in deck):
            question, kind, fold = key
            deck[:0] = self._rng.permutation(self._lenders[question, fold][kind]).tolist()
        last = next(i for i in reversed(range(len(deck))) if deck[i] != recipient)
        return deck.pop(last)


def _alternating(kinds: np.ndarray) -> np.ndarray:
    """An order in which the kinds take turns: the first of each, then the second of each."""
    rounds = np.zeros(len(kinds), int)
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        rounds[members] = np.arange(len(members))
    return np.argsort(rounds, kind="stable")
