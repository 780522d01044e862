"""Swaps of a level: how bright, noisy, sharp or compressed a whole image is."""

from collections.abc import Callable, Hashable

import numpy as np
import tensorflow as tf

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import RegionSwap, Rows, Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask
from keras_saliency.shortcuts.swaps.scene import Scene

BRIGHT, MEDIAN = 0.95, 0.5  # the quantiles by which a gain is measured
DARK_SHARE = 0.1  # of the range of pixels: what is darker hardly shows how bright an image is


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
        return self.scene.once(_tints_of_classes)

    def rows(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        levels = self.levels
        return (np.exp(levels[pairs.donors] - levels[pairs.recipients]),)


class LitBackgroundSwap(RegionSwap):
    """The donor's background, as bright in each channel as the recipient's is.

    What another background costs beyond this one is brightness or tint.

    Args:
        scene: `Scene` whose objects are known.
    """

    def __init__(self, scene: Scene):
        super().__init__(scene, np.ones(scene.size, bool), True)

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        gains = self.scene.once(gains_of_images)
        ratios = edits.ratios_of_gains(gains[pairs.donors], gains[pairs.recipients])
        return (*super().rows(pairs), ratios)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        partners, ratios, area = numbers
        low = bank.value_range.low.astype(np.float32)
        recipients, donors = map(bank.take, ends)
        lit = edits.scale_channels(donors, ratios, low)
        return edits.swap_pixels(recipients, lit, area & bank.off_objects(*ends, partners))


def gains_of_objects(scene: Scene) -> np.ndarray:
    """Returns how far each channel's 95th percentile of the objects lies above the least value.

    float32 (n, C), of a `Scene` whose objects are known.
    """
    assert scene.objects is not None
    return _gains(scene, scene.objects.masks, BRIGHT)


def gains_of_images(scene: Scene) -> np.ndarray:
    """Returns how far each channel's quantile lies above the least value, float32 (n, C).

    A printed frame says nothing of the light.
    """
    lit = _lit(scene)
    if scene.objects is None:
        return _gains(scene, lit, BRIGHT)
    known = scene.objects.is_known
    gains = _gains(scene, ~scene.objects.masks & lit, MEDIAN)
    span = scene.value_range.high - scene.value_range.low
    if (np.median(gains[known], axis=0) > DARK_SHARE * span).any():
        return gains
    return scene.once(gains_of_objects)


def medians_of_images(scene: Scene) -> np.ndarray:
    """Returns each channel's median above the least value, a frame aside, float32 (n, C)."""
    return _gains(scene, _lit(scene), MEDIAN)


def tints_of_backgrounds(scene: Scene) -> np.ndarray:
    """Returns log(channel / geometric mean of the channels) of what lies off the objects, (n, C).

    Of each channel's mean above the least value, float32, of a `Scene` whose objects are known.
    """
    assert scene.objects is not None
    least = DARK_SHARE * (scene.value_range.high - scene.value_range.low)
    seen = ~scene.objects.masks & _lit(scene)
    means = _of_pixels(scene, seen, lambda pixels: pixels.mean(axis=0) - scene.value_range.low)
    logs = np.log(means + least)
    return (logs - logs.mean(axis=1, keepdims=True)).astype(np.float32)


def _tints_of_classes(scene: Scene) -> np.ndarray:
    """The median of `tints_of_backgrounds` over the images of each one's class, (n, C)."""
    tints, has_class = scene.once(tints_of_backgrounds), scene.class_labels.has_class
    assert scene.objects is not None
    known = scene.objects.is_known
    of_classes = [has & known if (has & known).any() else known for has in has_class.T]
    medians = np.stack([np.median(tints[of_class], axis=0) for of_class in of_classes])
    return medians[has_class.argmax(axis=1)]


def _lit(scene: Scene) -> np.ndarray:
    """All pixels but those of a printed frame, which says nothing of the light, bool (n, H, W)."""
    lit = ~scene.once(frame_mask)
    return np.broadcast_to(lit, (len(scene.probes), *lit.shape))


def _gains(scene: Scene, masks: np.ndarray, share: float) -> np.ndarray:
    """The gains, (n, C), of the pixels in each mask (n, H, W); of all where a mask is empty."""
    low = scene.value_range.low
    return _of_pixels(scene, masks, lambda pixels: edits.gains(pixels[None], low, share)[0])


def _of_pixels(
    scene: Scene, masks: np.ndarray, measure: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What is measured of the pixels (m, C) in each mask (n, H, W); of all where it is empty."""
    found = []
    for row, mask in enumerate(masks):
        pixels = scene.take(slice(row, row + 1))[0]
        found.append(measure(pixels[mask] if mask.any() else pixels.reshape(-1, pixels.shape[-1])))
    return np.stack(found)
