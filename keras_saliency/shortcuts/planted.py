"""Planted pixels: at one place always the same within a class, and not the same in others.

Where objects are not known and images are aligned, as faces and X-rays are, a place may be a part
of the object. But no part of one looks the same in nearly all images of a class: such pixels were
put there, like the tag of a hospital, a printed frame or a pattern over the whole image.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import FLAT_LEVELS, differs, grey_levels
from keras_saliency.shortcuts.swaps import Scene, filters

SAME_SHARE = 0.8  # of a class's images that have the pixel
OTHER_SHARE = 0.2  # of the other images, at most
INK_SHARE = 0.1  # of all pixels, of black and of white where these are inks or backgrounds
SMOOTH_SHARE = 1 / 10  # of the shorter side
MIN_IMAGES = 10  # of a class, and of others
PLANTED_SHARE = 0.35  # of a place, from which on it is planted


def is_planted(scene: Scene, where: np.ndarray) -> bool:
    """Returns whether a place holds what was put there.

    Args:
        scene: `Scene`.
        where: bool (H, W).
    """
    return bool(where.any()) and scene.once(planted_pixels)[where].mean() >= PLANTED_SHARE


def planted_pixels(scene: Scene) -> np.ndarray:
    """Returns which pixels are planted, bool (H, W); none of signals and volumes.

    Those that nearly all images of a class have within a few grey levels and hardly any other
    image has, black and white aside where these are inks or backgrounds; and those that have such
    a value in every class, but not the same one. What is smooth does not count: a tissue of even
    colour has it everywhere.
    """
    shape = scene.size
    if len(shape) != 2:
        return np.zeros(shape, bool)
    levels, has_class = grey_levels(scene.probes.images), scene.class_labels.has_class
    has_class = has_class[:, has_class.sum(axis=0) >= MIN_IMAGES] > 0
    inks = [ink for ink in (0, 255) if np.mean(_is_ink(levels, ink)) >= INK_SHARE]
    planted = np.zeros(levels.shape[1:3], bool)
    are_same, values, details = np.ones_like(planted), [], []
    for own in has_class.T:
        value = np.median(levels[own], axis=0).astype(np.float32)
        detail = value - filters.gaussian(value, (0, 1), SMOOTH_SHARE * min(value.shape[:2]))
        values.append(value)
        details.append(detail)
        is_same = (~differs(levels[own], value)).mean(axis=0) >= SAME_SHARE
        are_same &= is_same
        if np.count_nonzero(~own) >= MIN_IMAGES:
            is_rare = (~differs(levels[~own], value)).mean(axis=0) <= OTHER_SHARE
            is_rare &= differs(detail, np.zeros(detail.shape[-1]))
            for ink in inks:
                is_rare &= ~_is_ink(value, ink)
            planted |= is_same & is_rare
    if len(values) > 1:
        ranges = [np.ptp(pictures, axis=0).max(axis=-1) for pictures in (values, details)]
        planted |= are_same & (np.minimum(*ranges) > 2 * FLAT_LEVELS)
    if planted.shape == shape:
        return planted
    size = shape[::-1]
    return cv2.resize(planted.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def _is_ink(pixels: np.ndarray, level: int) -> np.ndarray:
    """Returns which pixels (…, C) are black, of level 0, or white, of 255; bool (…)."""
    return ~differs(pixels, np.full(pixels.shape[-1], level))
