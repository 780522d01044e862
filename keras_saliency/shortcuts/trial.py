"""A trial: a detector's swap on many pairs, and the accuracy loss that it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.shortcuts.detector import Proposal, SwapDetector
from keras_saliency.shortcuts.loss import BOUND, CLASS_BOUND, CONFIDENCE, Loss, estimate_loss
from keras_saliency.shortcuts.swaps import Pairs
from keras_saliency.shortcuts.tested_classes import MIN_DONORS, MIN_RECIPIENTS


@short_repr
@dataclass(frozen=True, eq=False)
class Trial:
    """One detector at one check.

    Attributes:
        detector: `SwapDetector`.
        proposal: the `Proposal` that was tried.
        classes: the classes that are tested.
        pairs: `Pairs`.
        said: bool (m, k), which classes the model says the edited recipients have.
        scores: float (m,), whether it is right about them, less the same for `proposal.less`.
        has_class: bool (n, k), the labels of all images.
        is_multi_label: whether each label is a question by itself.
    """

    detector: SwapDetector
    proposal: Proposal
    classes: Sequence[int]
    pairs: Pairs
    said: np.ndarray
    scores: np.ndarray
    has_class: np.ndarray
    is_multi_label: bool

    @cached_property
    def loss(self) -> Loss | None:
        """The accuracy loss over all classes.

        None in a multi-label task, of too few images, and where not all classes are tested.
        """
        drawn = set(self.pairs.classes.tolist())
        if self.is_multi_label or not drawn <= set(self.classes):
            return None
        if self.pairs.num_donors < MIN_DONORS or self.pairs.num_recipients < MIN_RECIPIENTS:
            return None
        num_classes = len(drawn)
        return self._estimate(np.ones(len(self.pairs), bool), 1 - 1 / num_classes, CONFIDENCE)

    @cached_property
    def by_class(self) -> dict[int, Loss]:
        """The loss of other classes' images to donors of a class; of a label, that by itself.

        Its intervals hold for all classes together (Bonferroni).
        """
        confidence = 1 - (1 - CONFIDENCE) / len(self.classes)
        pairs, is_other, found = self.pairs, ~self.pairs.is_own, {}
        num_donors, num_recipients = (
            self._num_by_class(ends[is_other]) for ends in (pairs.donors, pairs.recipients)
        )
        is_enough = (num_donors >= MIN_DONORS) & (num_recipients >= MIN_RECIPIENTS)
        for c in self.classes:
            if not is_enough[c]:
                continue
            is_asked = pairs.classes == c
            if not self.is_multi_label:
                is_asked &= is_other
                takes_part = np.zeros(len(self.has_class), bool)
                takes_part[pairs.recipients[is_asked]] = True
                is_asked |= pairs.is_own & takes_part[pairs.recipients]
            factor = 0.5 if self.is_multi_label else 1.0
            loss = self._estimate(is_asked, factor, confidence)
            if loss is not None:
                found[int(c)] = loss
        return found

    @property
    def worst(self) -> Loss:
        """What is proven at most: of all losses the one whose lower end is largest.

        That over all classes counts first, where it is proven: it is the accuracy that
        depends on the cue. What is proven counts before what is not.
        """
        losses = self._losses_and_bounds
        if self.loss is not None and self.loss.low > BOUND:
            return self.loss
        proven = [loss for loss, bound in losses if loss.low > bound]
        among = proven or [loss for loss, _ in losses]
        return max(among, key=lambda loss: loss.low, default=Loss(0.0, 0.0, 0.0))

    @property
    def bound(self) -> float:
        """What the lower end of `worst` has to be above."""
        return next((b for loss, b in self._losses_and_bounds if loss is self.worst), BOUND)

    @property
    def is_telling(self) -> bool:
        """Whether its pairs are enough for an estimate."""
        return self.loss is not None or bool(self.by_class)

    @property
    def is_proven(self) -> bool:
        """Whether the lower end of a loss is above its bound."""
        return any(loss.low > bound for loss, bound in self._losses_and_bounds)

    @property
    def is_undecided(self) -> bool:
        """Whether more pairs could change that."""
        return not self.is_proven and any(
            loss.low <= bound < loss.high and loss.value > bound / 2
            for loss, bound in self._losses_and_bounds
        )

    @property
    def _losses_and_bounds(self) -> list[tuple[Loss, float]]:
        """All losses with the bounds that their lower ends have to pass.

        A label of a multi-label task is a question by itself, not one of several chances, and so
        is a class that is tested alone. Where donors of other classes do less harm than those of
        the own class for sure, one class with the opposite shows nothing.
        """
        is_one_of_several = len(self.classes) > 1 and not self.is_multi_label
        bound = CLASS_BOUND if is_one_of_several else BOUND
        overall = [] if self.loss is None else [(self.loss, BOUND)]
        if self.loss is not None and self.loss.high < 0:
            return overall
        return [*overall, *((loss, bound) for loss in self.by_class.values())]

    def adopted(self, class_index: int, is_own: bool) -> tuple[np.ndarray, np.ndarray]:
        """Which pairs show whether a class is adopted, and whether it is, two bool (m,).

        Of recipients without the class: those with donors that have it, or with donors of their
        own class as a control.
        """
        has = self.has_class[:, class_index]
        lends = has[self.pairs.donors] if not is_own else ~has[self.pairs.donors]
        shown = ~has[self.pairs.recipients] & lends & (self.pairs.is_own == is_own)
        if self.is_multi_label:
            shown &= self.pairs.classes == class_index
        return shown, shown & self.said[:, class_index]

    @cached_property
    def accused_class(self) -> int:
        """The class whose cue it is: others adopt it, and its own images lose it to others.

        Of two classes, what one gains the other one loses: there, it is the one that is adopted.
        """
        excesses = []
        for c in self.classes:
            shares = [_share(*self.adopted(c, is_own)) for is_own in (False, True)]
            has = self.has_class[self.pairs.recipients, c]
            if self.is_multi_label:
                has &= self.pairs.classes == c
            is_own = self.pairs.is_own
            keeps = [_share(has & side, self.said[:, c]) for side in (~is_own, is_own)]
            adopted, lost = shares[0] - shares[1], keeps[1] - keeps[0]
            excesses.append((round(adopted + lost, 6), adopted))
        return int(self.classes[excesses.index(max(excesses))])

    @property
    def objects_are_given(self) -> bool:
        """Whether the user has said where the objects are."""
        objects = self.proposal.swap.scene.objects
        return objects is not None and objects.are_given

    @property
    def lost(self) -> np.ndarray:
        """Pairs with a donor of another class whose recipient is wrong, bool (m,)."""
        return ~self.pairs.is_own & (self.scores <= 0)

    @cached_property
    def common_box(self) -> tuple[int, ...] | None:
        """The box that is exchanged, where it is one for all pairs; else None."""
        boxes = self.proposal.swap.boxes(self.pairs)
        if boxes is None or not len(boxes) or (boxes != boxes[0]).any():
            return None
        return tuple(boxes[0].tolist())

    def _estimate(self, which: np.ndarray, factor: float, confidence: float) -> Loss | None:
        pairs = self.pairs.take(which)
        return estimate_loss(
            self.scores[which],
            pairs.recipients,
            pairs.donors,
            pairs.is_own,
            factor=factor,
            confidence=confidence,
        )

    def _num_by_class(self, images: np.ndarray) -> np.ndarray:
        """How many distinct images the pairs with other donors have for each class, int (k,)."""
        seen = np.zeros(self.has_class.shape[::-1], bool)
        seen[self.pairs.classes[~self.pairs.is_own], images] = True
        return seen.sum(axis=1)


def _share(among: np.ndarray, found: np.ndarray) -> float:
    """The share of some pairs in which something is found; 0 of none."""
    return int(np.count_nonzero(among & found)) / max(1, int(np.count_nonzero(among)))
