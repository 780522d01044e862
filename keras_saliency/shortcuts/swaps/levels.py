"""Swaps of a level: how bright, noisy, sharp or compressed a whole image is."""

from collections.abc import Hashable

import numpy as np
import tensorflow as tf

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import BoxesOf, BoxSwap, RegionSwap, Rows, Swap
from keras_saliency.shortcuts.swaps.light import (
    gains_of_images,
    medians_of_images,
    tints_of_classes,
)
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene


class LevelSwap(Swap):
    """Brings the whole recipient to the donor's level of something.

    Any network fails on an image that is spoilt enough, and donors of other classes ask for more
    of that than those of the own class. A level that misleads it takes it to a class of that
    level. So a new mistake costs where it goes to a class whose level is nearer to the donor's than
    to the recipient's, and is set off against those that go the other way.

    Args:
        scene: `Scene`.
    """

    @property
    def levels(self) -> np.ndarray:
        """The level of each image, (n,), or of each of its channels, (n, C)."""
        raise NotImplementedError

    def scores(self, pairs: Pairs, said: np.ndarray) -> np.ndarray:
        """Returns 1.0 where the model is right, or was wrong before; else 0.0 or 2.0, (m,).

        0.0 for mistakes towards the donor's level, 2.0 for others. In a multi-label task, where
        a mistake goes nowhere, as for any swap.
        """
        scores = super().scores(pairs, said)
        if self.scene.class_labels.is_multi_label:
            return scores
        has_class = self.scene.class_labels.has_class
        said_before = self.scene.says(pairs.recipients)
        was_right = (said_before == has_class[pairs.recipients]).all(axis=1)
        is_misled = self._nearer_to_donor(pairs, said.argmax(axis=1))
        return np.where((scores == 1) | ~was_right, 1.0, np.where(is_misled, 0.0, 2.0))

    def _nearer_to_donor(self, pairs: Pairs, classes: np.ndarray) -> np.ndarray:
        """Whether a class's median level is nearer to the donor's than to the recipient's."""
        levels = self.levels.reshape(len(self.levels), -1)
        has_class = self.scene.class_labels.has_class
        medians = np.stack(
            [np.median(levels[has if has.any() else ~has], axis=0) for has in has_class.T]
        )
        donors, recipients = (
            np.abs(medians[classes] - levels[rows]).sum(axis=1)
            for rows in (pairs.donors, pairs.recipients)
        )
        return donors < recipients


class GainSwap(LevelSwap):
    """How bright each channel is: its 95th percentile above the least value that pixels have.

    Where objects are known, the median of what lies off them, which depends neither on the object
    nor on a tag; and where that is dark, the 95th percentile of the objects.
    """

    @property
    def levels(self) -> np.ndarray:
        return self.scene.once(gains_of_images)

    def rows(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        gains = self.levels
        return (edits.ratios_of_gains(gains[pairs.recipients], gains[pairs.donors]),)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        low = bank.value_range.low.astype(np.float32)
        return edits.scale_channels(bank.take(ends[0]), numbers[0], low)


class ShiftSwap(LevelSwap):
    """How bright each channel is in the median, which is reached by adding to all of its pixels.

    A colour cast, or a display range that begins elsewhere, is no gain: it lifts dark pixels, too.
    """

    @property
    def levels(self) -> np.ndarray:
        return self.scene.once(medians_of_images)

    def rows(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        return (self.levels[pairs.donors] - self.levels[pairs.recipients],)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        return edits.shift_channels(bank.take(ends[0]), numbers[0])


class TintSwap(GainSwap):
    """The tint that backgrounds of a class have in common: its channels' share of the brightness.

    Of the donor's class, not of the donor: where backgrounds vary, that of one image says little.

    Args:
        scene: `Scene` whose objects are known, of a task that is not multi-label.
    """

    @property
    def levels(self) -> np.ndarray:
        return self.scene.once(tints_of_classes)

    def rows(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        levels = self.levels
        return (np.exp(levels[pairs.donors] - levels[pairs.recipients]),)


class LitBackgroundSwap(RegionSwap):
    """The donor's background, as bright in each channel as the recipient's is.

    What another background costs beyond this one is brightness or tint.

    Args:
        scene: `Scene` whose objects are known.
        region: bool (H, W), the part of it. Defaults to None, all.
    """

    def __init__(self, scene: Scene, region: np.ndarray | None = None):
        region = np.ones(scene.size, bool) if region is None else region
        super().__init__(scene, region, True)

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        return (*super().rows(pairs), _light_of_recipients(self.scene, pairs))

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        partners, ratios, area = numbers
        return _swap_lit(bank, ends, ratios, area & bank.off_objects(*ends, partners))


class LitBoxSwap(BoxSwap):
    """A box of each donor off the objects, as bright as the recipient's background is.

    Args:
        scene: `Scene` whose objects are known.
        boxes: as `BoxSwap` takes them.
    """

    def __init__(self, scene: Scene, boxes: BoxesOf):
        super().__init__(scene, boxes, True)

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        return (*super().rows(pairs), _light_of_recipients(self.scene, pairs))

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        boxes, ratios = numbers
        area = edits.inside_boxes(boxes, bank.images.shape[1:-1])
        return _swap_lit(bank, ends, ratios, area & bank.off_objects(*ends))


def _light_of_recipients(scene: Scene, pairs: Pairs) -> np.ndarray:
    """By what the donors' channels are scaled to be as bright as the recipients', (m, C)."""
    gains = scene.once(gains_of_images)
    return edits.ratios_of_gains(gains[pairs.donors], gains[pairs.recipients])


def _swap_lit(bank: Bank, ends: Ends, ratios: tf.Tensor, area: tf.Tensor) -> tf.Tensor:
    recipients, donors = map(bank.take, ends)
    lit = edits.scale_channels(donors, ratios, bank.value_range.low.astype(np.float32))
    return edits.swap_pixels(recipients, lit, area)
