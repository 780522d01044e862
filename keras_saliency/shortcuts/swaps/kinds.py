"""The swaps: what of a donor is put into a recipient."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.bank import Bank, CompiledEdit, Ends
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene


class Rows(Protocol):
    """Something for each pair, of which a slice is an array (m, ...), always of the same dtype."""

    def __getitem__(self, some: slice, /) -> np.ndarray: ...


# From pairs to the box of each of them, int (m, 4); or one box for all.
BoxesOf = Callable[[Pairs], np.ndarray] | Sequence[int] | np.ndarray


class Swap:
    """One kind of swap of one scene.

    A subclass writes `make`, which builds the edit in a graph that is compiled once for all swaps
    of its class that have the same `variant`; what differs between swaps and pairs goes in as
    numbers. Or it writes `edit` with arrays, which is slower.

    Args:
        scene: `Scene`.

    Attributes:
        variant: what `make` is to do otherwise; anything hashable.
    """

    variant: Hashable = None

    def __init__(self, scene: Scene):
        self.scene = scene

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        """Returns what the edit takes for each pair, such as arrays (m, ...)."""
        return ()

    @property
    def shared(self) -> tuple[np.ndarray | tf.Tensor, ...]:
        """What it takes for all pairs alike, of few different shapes: each is compiled."""
        return ()

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        """Returns the edited recipients as a float32 tensor (m, H, W, C).

        Args:
            bank: `Bank`.
            variant: the swap's.
            ends: recipients and donors, two int (m,), rows of the bank.
            numbers: `rows`, then `shared`.
        """
        raise NotImplementedError

    def edit(self, pairs: Pairs) -> np.ndarray:
        """Returns the edited recipients, float32 (m, H, W, C)."""
        shape = 0, *self.scene.probes.image_shape
        edited = [np.zeros(shape, np.float32)]
        return np.concatenate([*edited, *(e.numpy() for e, _ in self._edits(pairs, False))])

    def edited(self, pairs: Pairs) -> np.ndarray:
        """Returns the edited recipients, but for what is legitimate, float32 (m, H, W, C)."""
        images, spared = self.edit(pairs), self.scene.spared
        if spared is not None:
            images[:, spared] = self.scene.take(pairs.recipients)[:, spared]
        return images

    def predict(self, pairs: Pairs) -> np.ndarray:
        """Returns what the model makes of the edited recipients, logits (m, k)."""
        scene = self.scene
        if type(self).make is Swap.make:  # it edits arrays
            size = scene.bank.chunk_size
            parts = [pairs.take(slice(i, i + size)) for i in range(0, len(pairs), size)]
            return np.concatenate([scene.predict(self.edited(p), p.recipients) for p in parts])
        preprocess = scene.bank.preprocess
        logits = []
        for edited, recipients in self._edits(pairs, preprocess is not None):
            if preprocess is not None:
                logits.append(scene.predict_inputs(preprocess(edited), recipients))
            else:
                logits.append(scene.predict(edited.numpy(), recipients))
        return np.concatenate(logits)

    def _edits(self, pairs: Pairs, is_clipped: bool) -> Iterator[tuple[tf.Tensor, np.ndarray]]:
        """The edited recipients, and which they are, some pairs at a time."""
        bank, kept = self.scene.bank, self.scene.kept
        of = self.make, self.variant, is_clipped
        if of not in kept:
            kept[of] = CompiledEdit(bank, *of)
        ends = pairs.recipients.astype(np.int32), pairs.donors.astype(np.int32)
        rows: list[Rows] = [*ends, *self.rows(pairs)]  # before `shared`, which may grow with them
        size = bank.chunk_size
        for start in range(0, len(pairs), size):
            some = slice(start, start + size)
            yield kept[of]([row[some] for row in rows], self.shared), pairs.recipients[some]

    def scores(self, pairs: Pairs, said: np.ndarray) -> np.ndarray:
        """Returns how the model does on the edited recipients: 1.0 right, 0.0 wrong, (m,).

        Args:
            pairs: `Pairs`.
            said: bool (m, k), which classes it says they have. In a multi-label task only the
                label that is asked for counts.
        """
        has_class = self.scene.class_labels.has_class[pairs.recipients]
        if self.scene.class_labels.is_multi_label:
            rows = np.arange(len(pairs))
            return (said[rows, pairs.classes] == has_class[rows, pairs.classes]).astype(float)
        return (said == has_class).all(axis=1).astype(float)

    def boxes(self, pairs: Pairs) -> np.ndarray | None:
        """Returns (y0, x0, y1, x1) of what is exchanged, int (m, 4); None where it is no box.

        For signals (m, 2), for volumes (m, 6): starts, then ends.
        """
        return None


class RegionSwap(Swap):
    """All pixels of a region, off the objects of donor and recipient where these are spared.

    Where a donor's object would be, the recipient's background stays. The shape of this hole could
    tell the donor's class, so the partner's object is left out as well: both donors of a recipient
    leave the same hole.

    Args:
        scene: `Scene`.
        region: bool (H, W).
        spares_objects: whether the objects of all of them stay where they are.
    """

    def __init__(self, scene: Scene, region: np.ndarray, spares_objects: bool):
        super().__init__(scene)
        self._region, self.variant = region, spares_objects

    @property
    def shared(self) -> tuple[np.ndarray, ...]:
        return (self._region,)

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        return (pairs.partners_or_donors.astype(np.int32),) if self.variant else ()

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        *partners, area = numbers
        if variant:
            area &= bank.off_objects(*ends, *partners)
        recipients, donors = map(bank.take, ends)
        return edits.swap_pixels(recipients, donors, area)


class BoxSwap(Swap):
    """A box of each donor, at its own place.

    Args:
        scene: `Scene`.
        boxes: function from `Pairs` to int (m, 4), or one box.
        spares_objects: whether the objects of both stay where they are.
    """

    def __init__(self, scene: Scene, boxes: BoxesOf, spares_objects: bool):
        super().__init__(scene)
        self._boxes, self.variant = boxes, spares_objects

    def boxes(self, pairs: Pairs) -> np.ndarray:
        if callable(self._boxes):
            return self._boxes(pairs)
        return np.tile(self._boxes, (len(pairs), 1))

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        return (self.boxes(pairs).astype(np.int32),)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        if not variant:
            recipients, donors = map(bank.take, ends)
            return edits.swap_boxes(recipients, donors, numbers[0])
        area = edits.inside_boxes(numbers[0], bank.images.shape[1:-1])
        return RegionSwap.make(bank, variant, ends, area)
