"""`WatermarkSwap`: a translucent mark across objects, such as the letters of an agency."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.pattern import NUM_SPLITS, half_of
from keras_saliency.shortcuts.swaps.planted_pixels import of_size
from keras_saliency.shortcuts.swaps.scene import Scene
from keras_saliency.shortcuts.swaps.translucent import (
    LIFT,
    Darkened,
    darkened_flat_objects,
    darkened_on_and_off,
    with_rim,
)

MIN_KNOWN = 3  # images of a half that show a pixel
REGION_SHARES = 0.012, 0.4  # of the image that watermarks cover


@short_repr
@dataclass(frozen=True, eq=False)
class Watermarks:
    """The watermarks of all classes.

    Attributes:
        veils: float32 (k, 2 * NUM_SPLITS, H, W), the logarithm of what share of the light comes
            through, of the halves of each class; 0.0 where no class has a watermark.
        is_white: whether they brighten.
        ends: what is black and what is white.
    """

    veils: np.ndarray
    is_white: bool
    ends: tuple[float, float]

    @cached_property
    def tensor(self) -> tf.Tensor:
        """The veils, float32 (k * 2 * NUM_SPLITS, H, W), which go to the device once."""
        return tf.constant(self.veils.reshape(-1, *self.veils.shape[2:]))


class WatermarkSwap(Swap):
    """Takes the watermark of the recipient's class off, and puts that of the donor's class on.

    Of halves of both classes, as in `PatternSwap`.

    Args:
        scene: `Scene` that has watermarks.
        marks: `Watermarks`.
    """

    def __init__(self, scene: Scene, marks: Watermarks):
        super().__init__(scene)
        self._marks, self.variant = marks, (marks.is_white, *marks.ends)

    def rows(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        halves = pairs.donors % (2 * NUM_SPLITS)
        classes = self.scene.class_labels.has_class.argmax(axis=1) * 2 * NUM_SPLITS
        lent, own = classes[pairs.donors] + halves, classes[pairs.recipients] + (halves ^ 1)
        return lent.astype(np.int32), own.astype(np.int32)

    @property
    def shared(self) -> tuple[tf.Tensor, ...]:
        return (self._marks.tensor,)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        assert isinstance(variant, tuple)
        (is_white, low, high), (lent, own, veils) = variant, numbers
        light = tf.exp(tf.gather(veils, lent) - tf.gather(veils, own))[..., None]
        lift = LIFT * (high - low)
        ink = high + lift if is_white else low - lift
        return ink + (bank.take(ends[0]) - ink) * light


def find_watermarks(scene: Scene) -> Watermarks | None:
    """Returns the watermarks that lie across objects: given ones, or flat ones that are found.

    None in signals and volumes, and where an image has several labels.
    """
    if len(scene.size) != 2 or scene.class_labels.is_multi_label:
        return None
    ways = [darkened_flat_objects]
    if scene.objects is not None and scene.objects.are_given:
        ways.insert(0, darkened_on_and_off)
    for way in ways:
        found = {is_white: way(scene, is_white) for is_white in (False, True)}
        sure = {i: of for i, of in found.items() if of is not None and _is_mark(of)}
        if sure:
            is_white = max(sure, key=lambda i: sure[i].evidence)
            return _watermarks(scene, sure[is_white], is_white)
    return None


def _is_mark(darkened: Darkened) -> bool:
    least, most = REGION_SHARES
    return darkened.evidence > 0 and least <= float(with_rim(darkened.pixels).mean()) <= most


def _watermarks(scene: Scene, darkened: Darkened, is_white: bool) -> Watermarks:
    region, has_class = with_rim(darkened.pixels), scene.class_labels.has_class
    veils = np.zeros((has_class.shape[1], 2 * NUM_SPLITS, *scene.size), np.float32)
    for own, halves in zip(has_class.T > 0, veils, strict=True):
        for half, place in enumerate(halves):
            members = darkened.logarithms[half_of(np.flatnonzero(own), half)]
            known = region & (np.count_nonzero(~np.isnan(members), axis=0) >= MIN_KNOWN)
            veil = np.zeros(region.shape, np.float32)
            veil[known] = np.nanmedian(members[:, known], axis=0)
            place[:] = of_size(veil, scene.size)
    images = scene.probes.images
    return Watermarks(veils, is_white, (float(images.min()), float(images.max())))
