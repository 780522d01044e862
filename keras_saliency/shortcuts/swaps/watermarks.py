"""`WatermarkSwap`: a translucent mark that lies across objects, such as the letters of an agency.

A watermark lets some of what is below it through, so that pixels are darkened in proportion
(towards white: brightened), on the object and beside it alike. What an object shows by itself
ends where the object ends.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.short_repr import short_repr
from keras_saliency._utils.welch import against_others
from keras_saliency.shortcuts.swaps import filters
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.planted_pixels import levels_of_images, of_size
from keras_saliency.shortcuts.swaps.scene import Scene

NUM_SPLITS = 4  # of each class in two halves
LIFT = 8 / 255  # of the range, added to all pixels: the logarithm of black pixels is mostly noise
LEAST_T = 4  # of a pixel on objects, that a class's mean is darker than that of others
LEAST_DARKER = 0.15  # of their logarithm
LEAST_T_BESIDE = 5  # of these pixels where they lie beside the object
FLOOR = 0.01  # added to standard errors
MIN_IMAGES, MIN_PIXELS = 5, 8  # of a class that show a pixel; of an object, and of what is beside
REGION_SHARES = 0.012, 0.4  # of the image that a watermark covers


@short_repr
@dataclass(frozen=True, eq=False)
class Watermarks:
    """The watermarks of all classes.

    Attributes:
        region: bool (H, W), where some class has one.
        veils: float32 (k, 2 * NUM_SPLITS, H, W), the logarithm of what share of the light comes
            through, of the halves of each class; 0.0 outside the region.
        is_white: whether they brighten.
        ends: what is black and what is white.
    """

    region: np.ndarray
    veils: np.ndarray
    is_white: bool
    ends: tuple[float, float]


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
    def shared(self) -> tuple[np.ndarray, ...]:
        return (self._marks.veils.reshape(-1, *self.scene.size),)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        assert isinstance(variant, tuple)
        is_white, low, high = variant
        lent, own, veils = numbers
        light = tf.exp(tf.gather(veils, lent) - tf.gather(veils, own))[..., None]
        images, lift = bank.take(ends[0]), LIFT * (high - low)
        ink = high + lift if is_white else low - lift
        return ink + (images - ink) * light


def find_watermarks(scene: Scene) -> Watermarks | None:
    """Returns the watermarks that lie across given objects, or None."""
    objects, labels = scene.objects, scene.class_labels
    if len(scene.size) != 2 or objects is None or not objects.are_given or labels.is_multi_label:
        return None
    levels = scene.once(levels_of_images)
    size = levels.shape[1:3]
    beside = ~np.stack([of_size(mask, size) for mask in objects.masks])
    masks = scene.probes.object_masks
    assert masks is not None
    inside = ~filters.box_any(~np.stack([of_size(mask, size) for mask in masks]), (1, 2), 1)
    evidence, marks = 0.0, None
    for is_white in (False, True):
        veiled = _logarithms(levels, inside, beside, is_white)
        pixels = _darker_on_objects(veiled, inside, labels.has_class)
        t = _darker_beside(veiled, beside, labels.has_class, pixels)
        region = cv2.dilate(pixels.any(axis=0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        least, most = REGION_SHARES
        if t > max(evidence, LEAST_T_BESIDE) and least <= region.mean() <= most:
            evidence, marks = t, (region, veiled, is_white)
    if marks is None:
        return None
    region, veiled, is_white = marks
    veils = _veils(np.where(inside | beside, veiled, np.nan), labels.has_class) * region
    full = np.stack([[of_size(veil, scene.size) for veil in halves] for halves in veils])
    images = scene.probes.images
    ends = float(images.min()), float(images.max())
    return Watermarks(of_size(region, scene.size), full, is_white, ends)


def _logarithms(
    levels: np.ndarray, inside: np.ndarray, beside: np.ndarray, is_white: bool
) -> np.ndarray:
    """How bright pixels are (how dark, if white) in comparison with the median of their part.

    Args:
        levels: uint8 (n, h, w, C).
        inside: bool (n, h, w), well inside the object.
        beside: bool (n, h, w), well outside.
        is_white: see `Watermarks`.

    Returns:
        Logarithms, float32 (n, h, w); 0.0 in between.
    """
    light = np.empty(levels.shape[:3], np.float32)
    for place, image in zip(light, levels, strict=True):
        bright = image.mean(axis=-1)
        place[:] = np.log((255 - bright if is_white else bright) / 255 + LIFT)
    logarithms = np.zeros_like(light)
    for parts in (inside, beside):
        for place, image, part in zip(logarithms, light, parts, strict=True):
            if np.count_nonzero(part) >= MIN_PIXELS:
                place[part] = image[part] - np.median(image[part])
    return logarithms


def _darker_on_objects(veiled: np.ndarray, inside: np.ndarray, has_class: np.ndarray) -> np.ndarray:
    """Which pixels are darker on the objects of each class than on those of others, (k, h, w)."""
    shape = -1, *veiled.shape[1:]
    weights = has_class.T.astype(np.float32)
    values = (veiled * inside).reshape(len(veiled), -1)
    counts = (weights @ inside.reshape(values.shape)).reshape(shape)
    sums, squares = ((weights @ of).reshape(shape) for of in (values, values**2))
    enough = (counts >= MIN_IMAGES) & (counts.sum(axis=0) - counts >= MIN_IMAGES)
    found = against_others(counts, sums, squares, FLOOR)
    is_darker = [(t <= -LEAST_T) & (difference <= -LEAST_DARKER) for difference, t in found]
    return np.stack(is_darker) & enough


def _darker_beside(
    veiled: np.ndarray, beside: np.ndarray, has_class: np.ndarray, pixels: np.ndarray
) -> float:
    """How surely these pixels are darker beside the objects, too: t over images, 0.0 if unknown.

    Each image in its class's pixels, in comparison with the images of other classes there.
    """
    differences = []
    for own, of_class in zip(has_class.T > 0, pixels, strict=True):
        seen = beside & of_class
        counts = np.count_nonzero(seen, axis=(1, 2))
        means = (veiled * seen).sum(axis=(1, 2)) / np.maximum(1, counts)
        others = means[~own & (counts > 0)]
        if len(others) >= MIN_IMAGES:
            differences.extend(means[own & (counts > 0)] - others.mean())
    if len(differences) < 2 * MIN_IMAGES:
        return 0.0
    spread = np.std(differences, ddof=1) / np.sqrt(len(differences))
    return float(-np.mean(differences) / (spread + FLOOR))


def _veils(veiled: np.ndarray, has_class: np.ndarray) -> np.ndarray:
    """The median of halves of each class, float32 (k, 2 * NUM_SPLITS, h, w).

    Args:
        veiled: float32 (n, h, w), NaN where it is not known.
        has_class: (n, k).
    """
    veils = np.zeros((has_class.shape[1], 2 * NUM_SPLITS, *veiled.shape[1:]), np.float32)
    for own, halves in zip(has_class.T > 0, veils, strict=True):
        for half, veil in enumerate(halves):
            order = np.random.default_rng(half // 2).permutation(np.flatnonzero(own))
            members = veiled[order[half % 2 :: 2]]
            is_known = np.count_nonzero(~np.isnan(members), axis=0) >= MIN_IMAGES // 2
            veil[is_known] = np.nanmedian(members[:, is_known], axis=0)
    return veils
