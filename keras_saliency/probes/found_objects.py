"""Objects that the program finds itself: on a flat background, or flat on a varied one.

Where most of an image's outer ring has one colour, the object is what differs from that colour.
Where that is so in too few images, the object of the others is the one shape that has a colour of
its own, if there is one. In photographs of real things there is neither; there, nothing is found,
and nothing is claimed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency._utils.masks import dilated, large_parts, without_holes
from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes.flat_ground import (
    FLAT_LEVELS,
    Ground,
    distances,
    find_grounds,
    grey_levels,
    smoothed,
)
from keras_saliency.probes.flat_objects import find_flat_objects
from keras_saliency.probes.moving_marks import find_moving_marks
from keras_saliency.probes.planted_marks import find_marks

CLEAR_NOISE = 10  # times the ground's deviation, by which the brightest tenth stands out at least
LEAST_AREA, MOST_AREA = 0.02, 0.8  # of the image, of an object that is sure
FAINT_LEVELS = 4  # what differs by more is no ground, if that has no noise
RIM_SHARE = 1 / 32  # of the shorter side: around objects whose edges may be soft
USABLE_SHARE, USABLE_CLASS_SHARE = 0.6, 0.3  # of the images that must be sure


@short_repr
@dataclass(frozen=True, eq=False)
class FoundObjects:
    """One object for each image, and how far it can be trusted.

    Attributes:
        masks: bool (n, H, W), the object and a rim around it; all False where none is found.
        confidence: float32 (n,), in [0, 1]: the share of the ring that is flat background, or of
            a flat object that has exactly its colour; 0 where no object is found.
        is_sure: bool (n,), whether the object is found for sure.
    """

    masks: np.ndarray
    confidence: np.ndarray
    is_sure: np.ndarray

    def is_usable(self, labels: ArrayLike | None = None) -> bool:
        """Returns whether swaps can rely on these objects.

        That takes sure objects in at least 60 % of all images and in 30 % of those of each class.

        Args:
            labels: int (n,), or multi-hot (n, k). Defaults to None, one class.
        """
        if self.is_sure.mean() < USABLE_SHARE:
            return False
        has_class = members(labels, len(self.is_sure))
        sizes = has_class.sum(axis=0)
        num_sure = (has_class & self.is_sure[:, None]).sum(axis=0)
        return bool((num_sure >= USABLE_CLASS_SHARE * sizes).all())


def find_objects(images: ArrayLike, labels: ArrayLike | None = None) -> FoundObjects:
    """Finds the object in each image that has a flat background, and flat shapes elsewhere.

    What looks planted is no part of an object, even where it touches it: a frame around the
    image, and a mark that one class has at one place and hardly any other image has.

    Args:
        images: array (n, H, W, C), any dtype and range, finite.
        labels: int (n,), or multi-hot (n, k). Defaults to None: no marks are looked for.

    Returns:
        `FoundObjects`.
    """
    images = np.asarray(images)
    num, height, width = images.shape[:3]
    masks = np.zeros((num, height, width), bool)
    levels = grey_levels(images)
    grounds = find_grounds(levels)
    has_class = members(labels, num)
    marks = find_marks(levels, grounds, has_class)
    if levels.shape[:3] == masks.shape:  # copies of a mark are not equal in reduced images
        is_flat = np.array([ground.is_flat for ground in grounds])
        marks[is_flat] |= find_moving_marks(levels[is_flat], has_class[is_flat])
    confidence = np.zeros(num, np.float32)

    def keep(place: int, mask: np.ndarray, share: float) -> None:
        size = width, height
        masks[place] = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        confidence[place] = share

    for place, ground in enumerate(grounds):
        if ground.is_flat:
            inner = (slice(ground.frame, -ground.frame or None),) * 2
            mask = np.zeros(marks.shape[1:], bool)
            mask[inner], is_sure = _find(levels[place][inner], ground, marks[place][inner])
            keep(place, mask, is_sure * ground.flat_share)
    if np.mean(confidence > 0) >= USABLE_SHARE:  # a class that is an exception has other shapes
        return FoundObjects(masks, confidence, confidence > 0)
    rim = max(1, round(RIM_SHARE * min(marks.shape[1:])))
    varied = [place for place, ground in enumerate(grounds) if not ground.is_flat]
    for place, shape in zip(varied, find_flat_objects(levels[varied]), strict=True):
        if shape is not None:
            keep(place, dilated(shape.mask, rim) & ~marks[place], shape.exact_share)
    return FoundObjects(masks, confidence, confidence > 0)


def _find(image: np.ndarray, ground: Ground, is_mark: np.ndarray) -> tuple[np.ndarray, bool]:
    """Returns the mask of one image (h, w, C) in grey levels, bool (h, w), and if it is sure."""
    distance = distances(smoothed(image, ground.smoothing), ground.colour)
    stands_out = (distance > min(FLAT_LEVELS, FAINT_LEVELS + 3 * ground.noise)) & ~is_mark
    if not stands_out.any():
        return stands_out, False
    parts = large_parts(stands_out)
    # What stands out from a texture does so by little more than the texture varies.
    is_clear = np.quantile(distance[parts], 0.9) >= CLEAR_NOISE * ground.noise
    is_sure = is_clear and LEAST_AREA <= parts.mean() <= MOST_AREA
    return dilated(without_holes(parts), 1) & ~is_mark, bool(is_sure)


def members(labels: ArrayLike | None, num: int) -> np.ndarray:
    """Returns which image has which class, bool (num, k), of labels int (num,) or multi-hot."""
    if labels is None:
        return np.ones((num, 1), bool)
    labels = np.asarray(labels)
    return labels > 0 if labels.ndim == 2 else labels[:, None] == np.unique(labels)
