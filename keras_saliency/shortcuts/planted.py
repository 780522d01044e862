"""Planted pixels: what was put into the images of a class, and is no part of what they show.

Where objects are not known, a place may be a part of one. In aligned images, such as faces and
X-rays, no part of an object looks the same in nearly all images of a class: the tag of a hospital,
a printed frame or a pattern over the whole image does. In images that are not aligned, such as
photographs, the mean of a class has no fine details, unless the same was put into many of them.
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
BRIGHT = 0.95  # the quantile of an image that says how bright it is
MIN_ERRORS = 6  # standard errors by which means of details differ; without a cue hardly 5


def is_planted(scene: Scene, where: np.ndarray, are_aligned: bool = True) -> bool:
    """Returns whether a place holds what was put there.

    Signals and volumes are not searched. Where these are not aligned, no place belongs to an
    object.

    Args:
        scene: `Scene`.
        where: bool (H, W).
        are_aligned: whether the images show the same thing at the same place. If not, details of
            a class's mean image count, too.
    """
    if len(scene.size) != 2:
        return not are_aligned
    pixels = scene.once(planted_pixels)
    if not are_aligned:
        pixels = pixels | scene.once(detailed_pixels)
    return bool(where.any()) and bool(pixels[where].mean() >= PLANTED_SHARE)


def follows_brightness(scene: Scene, where: np.ndarray) -> bool:
    """Returns whether a place is darker or brighter in a class only as its whole images are.

    White paper under tinted light has one colour in each class, too, but everything on it is tinted
    alike: the classes' medians there are in proportion to how bright the images are elsewhere.

    Args:
        scene: `Scene`.
        where: bool (H, W), not everywhere.
    """
    images, low = scene.probes.images, scene.value_range.low
    there = np.stack([np.median(image[where], axis=0) for image in images]) - low
    elsewhere = np.stack([np.quantile(image[~where], BRIGHT, axis=0) for image in images]) - low
    has_class = scene.class_labels.has_class.T > 0
    values, gains = (
        np.stack([np.median(of[own], axis=0) for own in has_class if own.any()])
        for of in (there, elsewhere)
    )
    span = np.max(scene.value_range.high - low)
    expected = gains * (values.sum(axis=0) / np.maximum(gains.sum(axis=0), 1e-12))
    return bool((np.abs(values - expected) <= FLAT_LEVELS / 255 * span).all())


def planted_pixels(scene: Scene) -> np.ndarray:
    """Returns which pixels are planted, bool (H, W).

    Pixels that have nearly the same value in most images of a class, and in hardly any other
    image, unless it is black or white and these are inks or backgrounds. And pixels that have such
    a value in every class, but not the same one. Smooth areas do not count, since tissue of an
    even colour is alike everywhere.
    """
    levels, has_class = grey_levels(scene.probes.images), scene.class_labels.has_class
    has_class = has_class[:, has_class.sum(axis=0) >= MIN_IMAGES] > 0
    inks = [ink for ink in (0, 255) if np.mean(_is_ink(levels, ink)) >= INK_SHARE]
    planted = np.zeros(levels.shape[1:3], bool)
    are_same, values, details = np.ones_like(planted), [], []
    for own in has_class.T:
        value = np.median(levels[own], axis=0).astype(np.float32)
        detail = _without_smooth(value)
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
    return _of_size(planted, scene.size)


def detailed_pixels(scene: Scene) -> np.ndarray:
    """Returns where the mean image of a class has details of its own, bool (H, W).

    Without what is smooth, the mean of the class and that of the other images differ by more than
    six standard errors.
    """
    levels = grey_levels(scene.probes.images)
    has_class = scene.class_labels.has_class > 0
    sums = np.zeros((has_class.shape[1], *levels.shape[1:]))
    total, squares = np.zeros(levels.shape[1:]), np.zeros(levels.shape[1:])
    for image, has in zip(levels, has_class, strict=True):
        detail = _without_smooth(image.astype(np.float32))
        sums[has] += detail
        total += detail
        squares += detail**2
    num, counts = len(levels), has_class.sum(axis=0)
    deviation = np.sqrt(np.maximum(squares / num - (total / num) ** 2, 0)) + 1  # a grey level
    found = np.zeros(levels.shape[1:3], bool)
    for own, count in zip(sums, counts, strict=True):
        if min(count, num - count) >= MIN_IMAGES:
            difference = own / count - (total - own) / (num - count)
            error = deviation * np.sqrt(1 / count + 1 / (num - count))
            found |= (np.abs(difference) > MIN_ERRORS * error).any(axis=-1)
    return _of_size(found, scene.size)


def _without_smooth(picture: np.ndarray) -> np.ndarray:
    """Returns a picture (h, w, C) without what is smooth over a tenth of the shorter side."""
    return picture - filters.gaussian(picture, (0, 1), SMOOTH_SHARE * min(picture.shape[:2]))


def _of_size(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns bool (h, w) as (H, W): large images are searched at a reduced size."""
    if pixels.shape == size:
        return pixels
    enlarged = cv2.resize(pixels.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return enlarged > 0


def _is_ink(pixels: np.ndarray, level: int) -> np.ndarray:
    """Returns which pixels (…, C) are black, of level 0, or white, of 255; bool (…)."""
    return ~differs(pixels, np.full(pixels.shape[-1], level))
