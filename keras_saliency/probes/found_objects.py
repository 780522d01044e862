"""Objects that the program finds itself: what stands out from a flat background.

Where most of an image's outer ring has one colour, the object is what differs from that colour.
Photographs and textures have no such ring; there, nothing is found, and nothing is claimed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency._utils.opencv import cv2

FLAT_SHARE = 0.6  # of the ring's pixels
FLAT_LEVELS = 12  # grey levels, 1/255 of the data's range each
LEAST_AREA, MOST_AREA = 0.02, 0.8  # of the image, of an object that is sure
USABLE_SHARE, USABLE_CLASS_SHARE = 0.6, 0.3  # of the images that must be sure


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """One object for each image, and how far it can be trusted.

    Attributes:
        masks: bool (n, H, W), the object and a rim of one pixel; all False where none is found.
        confidence: float32 (n,), in [0, 1]: the share of the ring that is flat background, and
            0 where no object is found.
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
    """Finds the object in each image that has a flat background.

    Args:
        images: array (n, H, W, C), any dtype and range, finite.
        labels: int (n,), or multi-hot (n, k). Defaults to None.

    Returns:
        `FoundObjects`.
    """
    images = np.asarray(images)
    num, height, width = images.shape[:3]
    masks = np.zeros((num, height, width), bool)
    confidence = np.zeros(num, np.float32)
    low = images.min(axis=(0, 1, 2)).astype(np.float64)
    spread = images.max(axis=(0, 1, 2)) - low
    # A channel that hardly varies at all would turn its rounding into objects.
    unit = np.maximum(spread, max(spread.max(), 1e-12) / 16) / 255
    ring = ring_of(height, width)
    for image, mask, place in zip(images, masks, range(num), strict=True):
        levels = ((image - low) / unit).astype(np.float32)
        background = np.median(levels[ring], axis=0)
        stands_out = (np.abs(levels - background) > FLAT_LEVELS).any(axis=-1)
        flat_share = 1 - stands_out[ring].mean()
        if flat_share < FLAT_SHARE or not stands_out.any():
            continue
        mask[...] = grown(largest_part(stands_out))
        confidence[place] = flat_share
    area = masks.mean(axis=(1, 2))
    confidence[(area < LEAST_AREA) | (area > MOST_AREA)] = 0
    return FoundObjects(masks, confidence, confidence >= FLAT_SHARE)


def members(labels: ArrayLike | None, num: int) -> np.ndarray:
    """Returns which image has which class, bool (num, k), of labels int (num,) or multi-hot."""
    if labels is None:
        return np.ones((num, 1), bool)
    labels = np.asarray(labels)
    return labels > 0 if labels.ndim == 2 else labels[:, None] == np.unique(labels)


def ring_of(height: int, width: int) -> np.ndarray:
    """Returns the outer ring, 0.1 of the shorter side wide, at least a pixel; bool (H, W)."""
    thickness = max(1, round(0.1 * min(height, width)))
    ring = np.ones((height, width), bool)
    ring[thickness : height - thickness, thickness : width - thickness] = False
    return ring


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Returns the largest connected part of a mask (H, W) that is not empty, corners joined."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()


def grown(mask: np.ndarray) -> np.ndarray:
    """Returns a mask (H, W) dilated by one pixel, corners included."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
