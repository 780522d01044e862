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
        partners: int (m,), the recipient's donor of the other kind that was drawn with each. None
            where none was.
    """

    donors: np.ndarray
    recipients: np.ndarray
    classes: np.ndarray
    is_own: np.ndarray
    partners: np.ndarray | None = None

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
        ends = [(p.donors, p.recipients, p.classes, p.is_own, p.partners_or_donors) for p in parts]
        return cls(*(np.concatenate(end) for end in zip(*ends, strict=True)))

    def take(self, which: np.ndarray | slice) -> "Pairs":
        """Returns some of the pairs, by indices or a bool (m,)."""
        ends = self.donors, self.recipients, self.classes, self.is_own, self.partners_or_donors
        return Pairs(*(end[which] for end in ends))

    @property
    def partners_or_donors(self) -> np.ndarray:
        """The partners, int (m,), or the donors themselves without."""
        return self.donors if self.partners is None else self.partners


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
        folds = np.zeros(len(has_class), int) if folds is None else folds
        # A question is a label by itself, where an image may have several; else there is one.
        if class_labels.is_multi_label:
            self._questions = {c: has_class[:, c].astype(int) for c in classes}
        else:
            is_tested = np.zeros(has_class.shape[1], bool)
            is_tested[list(classes)] = True
            is_tested = has_class & is_tested
            self._questions = {-1: np.where(is_tested.any(axis=1), is_tested.argmax(axis=1), -1)}
        self._folds = folds.tolist()
        self._decks: dict[tuple[int, int], dict[int, _Deck]] = {}  # by question and fold, then kind
        for question, kinds in self._questions.items():
            for fold in set(self._folds):
                lending = donors[folds[donors] == fold]
                of = kinds[lending]
                self._decks[question, fold] = {
                    kind: _Deck(lending[of == kind], rng)
                    for kind in np.flatnonzero(np.bincount(of[of >= 0])).tolist()
                }
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
        donors: list[int] = []
        edited: list[int] = []
        classes: list[int] = []
        asked, recipients = list(self._questions), self.recipients.tolist()
        kinds_of = {question: kinds.tolist() for question, kinds in self._questions.items()}
        lending: dict[tuple[int, int, int], tuple[_Deck | None, list[tuple[int, _Deck]]]] = {}
        choose = self._rng.integers
        for turn in range(self._turn, self._turn + (count if recipients else 0)):
            question = asked[turn % len(asked)]
            recipient = recipients[turn // len(asked) % len(recipients)]
            own, fold = kinds_of[question][recipient], self._folds[recipient]
            of = question, own, fold
            if of not in lending:
                lending[of] = self._lending(*of)
            deck, others = lending[of]
            if deck is None or not others:
                continue
            kind, other = others[choose(len(others))]
            donors += deck.next(recipient), other.next(recipient)
            edited.append(recipient)
            classes += (own, kind) if question < 0 else (question, question)
        self._turn += count
        if not edited:
            return Pairs.join(())
        return Pairs(
            np.array(donors),
            np.repeat(edited, 2),
            np.array(classes),
            np.tile([True, False], len(edited)),
            np.reshape(donors, (-1, 2))[:, ::-1].ravel(),
        )

    def _lending(
        self, question: int, own: int, fold: int
    ) -> "tuple[_Deck | None, list[tuple[int, _Deck]]]":
        """The donors of a class, None where these are fewer than two, and of each other class."""
        decks = self._decks[question, fold]
        deck = decks.get(own)
        if deck is None or deck.num_images < 2:
            return None, []
        return deck, [of for of in decks.items() if of[0] != own]


class _Deck:
    """Donors in random order, shuffled anew when they are used up.

    Args:
        images: int (d,), the donors.
        rng: `numpy.random.Generator`.
    """

    def __init__(self, images: np.ndarray, rng: np.random.Generator):
        self._images, self._rng = images, rng
        self._left: list[int] = []
        self.num_images = len(images)

    def next(self, recipient: int) -> int:
        """Returns the next donor, never the recipient itself."""
        left = self._left
        if left and left[-1] != recipient:
            return left.pop()
        if not left or left == [recipient]:
            left[:0] = self._rng.permutation(self._images).tolist()
        place = -1
        while left[place] == recipient:
            place -= 1
        return left.pop(place)


def _alternating(kinds: np.ndarray) -> np.ndarray:
    """An order in which the kinds take turns: the first of each, then the second of each."""
    order = np.argsort(kinds, kind="stable")
    ordered = kinds[order]
    rounds = np.empty(len(kinds), int)
    rounds[order] = np.arange(len(kinds)) - np.searchsorted(ordered, ordered)
    return np.argsort(rounds, kind="stable")
