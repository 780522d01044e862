"""Marks: what one class has at one place, always the same, and hardly any other image has.

Such a mark is rather planted than part of an object, and swaps must be able to move it.
"""

from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes.flat_ground import Ground, differs

MIN_IMAGES = 10  # of a class, and of others
SAME_SHARES = 0.9, 0.8  # of a class's images; the higher one tells a mark from an object around
OTHER_SHARE = 0.2  # of the other images, at most
MIN_OWN = 0.3  # of a mark's pixels that are of this class alone
MIN_EDGE = (
    0.85  # drop in the share of images with the mark's values, from inside it to just outside
)
MIN_PIXELS, MAX_AREA = 4, 0.12  # of a mark; the latter of the image
MATCH_SHARE = 0.8  # of a mark's pixels that show it in an image


@short_repr
@dataclass(frozen=True, eq=False)
class Mark:
    """A mark of one class.

    Attributes:
        where: bool (h, w).
        values: int16 (h, w, C), grey levels.
    """

    where: np.ndarray
    values: np.ndarray

    def is_in(self, image: np.ndarray) -> bool:
        """Returns whether an image (h, w, C) in grey levels shows it."""
        is_same = ~differs(image[self.where], self.values[self.where])
        return bool(is_same.mean() >= MATCH_SHARE)


def find_marks(levels: np.ndarray, grounds: list[Ground], has_class: np.ndarray) -> np.ndarray:
    """Returns where images show marks, bool (n, h, w), whatever class they are of themselves.

    Args:
        levels: uint8 (n, h, w, C), grey levels.
        grounds: the backgrounds of the images.
        has_class: bool (n, k).
    """
    marks: list[Mark] = []
    colours = np.stack([ground.colour for ground in grounds])
    for own in has_class.T:
        if min(own.sum(), (~own).sum()) >= MIN_IMAGES:
            marks += _marks_of(levels[own], levels[~own], np.median(colours[own], axis=0))
    shown = np.zeros(levels.shape[:3], bool)
    for mark in marks:
        for image, place in zip(levels, shown, strict=True):
            if mark.is_in(image):
                place |= mark.where
    return shown


def _marks_of(own: np.ndarray, others: np.ndarray, ground: np.ndarray) -> list[Mark]:
    """Returns the marks of a class, by its images (m, h, w, C) and those of others."""
    values = np.median(own, axis=0).astype(np.int16)
    same = (~differs(own, values)).mean(axis=0)
    stands_out = differs(values, ground)
    is_own = (~differs(others, values)).mean(axis=0) <= OTHER_SHARE
    marks = []
    for share in SAME_SHARES:
        constant = (stands_out & (same >= share)).astype(np.uint8)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(constant, connectivity=8)
        for part, area in enumerate(stats[1:, cv2.CC_STAT_AREA], 1):
            where = parts == part
            if not MIN_PIXELS <= area <= MAX_AREA * where.size:
                continue
            if is_own[where].mean() >= MIN_OWN and _edge(own, values, where) >= MIN_EDGE:
                marks.append(Mark(where, values))
    return marks


def _edge(own: np.ndarray, values: np.ndarray, where: np.ndarray) -> float:
    """Returns how sharply a mark ends, 0 … 1.

    A part of the objects that is always at one place shades off into pixels that are nearly
    always the same. A mark ends at once.
    """
    drops: list[np.ndarray] = []
    for axis in (0, 1):
        for step in (1, -1):
            outside = np.roll(where, step, axis) & ~where
            edge = np.delete(np.arange(where.shape[axis]), 0 if step == 1 else -1)
            inner = np.take(np.roll(values, step, axis), edge, axis)
            outer = np.take(own, edge, axis + 1)
            is_outside = np.take(outside, edge, axis)
            same = (~differs(outer[:, is_outside], inner[is_outside])).mean(axis=0)
            drops.append(1 - same)
    return float(np.concatenate(drops).mean()) if drops else 0.0
