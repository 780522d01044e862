"""Which pixels are planted: the same in most images of a class, and in hardly any others.

In aligned images, such as faces and X-rays, no part of an object looks the same in nearly all
images of a class: the tag of a hospital, a printed frame or a pattern over the whole image does.
In images that are not aligned, such as photographs, the mean of a class has no fine details, unless
the same was put into many of them.
"""

from collections.abc import Iterator

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import FLAT_LEVELS, differs, grey_levels
from keras_saliency.shortcuts.swaps import filters
from keras_saliency.shortcuts.swaps.scene import Scene

SAME_SHARE = 0.8  # of a class's images that have the pixel
OTHER_SHARE = 0.2  # of the other images, at most
INK_SHARE = 0.1  # of all pixels, of black and of white where these are inks or backgrounds
SMOOTH_SHARE = 1 / 10  # of the shorter side
MIN_IMAGES = 10  # of a class, and of others
MIN_ERRORS = 6  # standard errors by which means of details differ; without a cue hardly 5
OVERPRINTED_LEVELS = 2 * FLAT_LEVELS  # by which most details of a class differ from others'
OVERPRINTED_SHARE = 0.25  # of the other images, at most, with such a detail: many have letters


def levels_of_images(scene: Scene) -> np.ndarray:
    """Returns the images as `grey_levels`, uint8 (n, h, w, C), 16 MB at most of 600 in colour."""
    return grey_levels(scene.probes.images)


def planted_pixels(scene: Scene) -> np.ndarray:
    """Returns which pixels are planted, bool (H, W).

    Pixels that have nearly the same value in most images of a class, and in hardly any other
    image, unless it is black or white and these are inks or backgrounds. And pixels that have such
    a value in every class, but not the same one. Smooth areas do not count, since tissue of an
    even colour is alike everywhere.
    """
    levels = scene.once(levels_of_images)
    inks = [ink for ink in (0, 255) if np.mean(_is_ink(levels, ink)) >= INK_SHARE]
    return _planted(scene, inks)


def planted_inks_too(scene: Scene) -> np.ndarray:
    """Returns which pixels are planted, black and white ones included, bool (H, W).

    Where images are not aligned, no drawing has its ink or its paper at one place in a class only.
    """
    return _planted(scene, [])


def _planted(scene: Scene, inks: list[int]) -> np.ndarray:
    levels, has_class = scene.once(levels_of_images), scene.class_labels.has_class > 0
    planted = np.zeros(levels.shape[1:3], bool)
    are_same, values, details = np.ones_like(planted), [], []
    classes = scene.once(medians_of_classes)
    for own, (value, is_same) in zip(_frequent(has_class), classes, strict=True):
        detail = _without_smooth(value)
        values.append(value)
        details.append(detail)
        are_same &= is_same
        if np.count_nonzero(~own) >= MIN_IMAGES:
            may_be = is_same & differs(detail, np.zeros(detail.shape[-1]))
            for ink in inks:
                may_be &= ~_is_ink(value, ink)
            others = levels[:, may_be][~own]
            planted[may_be] |= (~differs(others, value[may_be])).mean(axis=0) <= OTHER_SHARE
    if len(values) > 1:
        ranges = [np.ptp(pictures, axis=0).max(axis=-1) for pictures in (values, details)]
        planted |= are_same & (np.minimum(*ranges) > 2 * FLAT_LEVELS)
    return of_size(planted, scene.size)


def medians_of_classes(scene: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the median of each class, float32 (h, w, C), and where most images have it, (h, w).

    Of the classes that are frequent enough, at the size of `levels_of_images`.
    """
    levels, found = scene.once(levels_of_images), []
    for own in _frequent(scene.class_labels.has_class > 0):
        value = np.median(levels[own], axis=0).astype(np.float32)
        found.append((value, (~differs(levels[own], value)).mean(axis=0) >= SAME_SHARE))
    return found


def _frequent(has_class: np.ndarray) -> np.ndarray:
    """Returns which images have each class that is frequent enough, bool (k, n)."""
    return has_class.T[has_class.sum(axis=0) >= MIN_IMAGES]


def overprinted_pixels(scene: Scene) -> np.ndarray:
    """Returns which pixels are planted or show through what was planted, bool (H, W).

    Watermarks and patterns are translucent: what lies below them still differs. So details of most
    images of a class differ from those of three quarters of the others by two dozen grey levels.

    Only where objects are not known. Objects that fill a place in all images of a class, as the
    bar of a letter does, would count.
    """
    planted = scene.once(planted_pixels)
    if scene.objects is not None:
        return planted
    levels = scene.once(levels_of_images)
    details = np.empty(levels.shape, np.int16)
    for detail, image in zip(details, levels, strict=True):
        detail[:] = np.rint(_without_smooth(image.astype(np.float32)))
    found = np.zeros(levels.shape[1:3], bool)
    for own in _tested(scene):
        low, high = np.quantile(details[own], [1 - SAME_SHARE, SAME_SHARE], axis=0)
        others = details[~own]
        above = (others >= np.rint(low - OVERPRINTED_LEVELS).astype(np.int16)).mean(axis=0)
        below = (others <= np.rint(high + OVERPRINTED_LEVELS).astype(np.int16)).mean(axis=0)
        found |= (np.minimum(above, below) < OVERPRINTED_SHARE).any(axis=-1)
    return planted | of_size(found, scene.size)


def _tested(scene: Scene) -> Iterator[np.ndarray]:
    """Which images have a class, bool (n,), for each of which (and of others) there are enough."""
    has_class = scene.class_labels.has_class > 0
    return (own for own in _frequent(has_class) if np.count_nonzero(~own) >= MIN_IMAGES)


def detailed_pixels(scene: Scene) -> np.ndarray:
    """Returns where the mean image of a class has details of its own, bool (H, W).

    Without what is smooth, the mean of the class and that of the other images differ by more than
    six standard errors.
    """
    levels = scene.once(levels_of_images)
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
    return of_size(found, scene.size)


def _without_smooth(picture: np.ndarray) -> np.ndarray:
    """Returns a picture (h, w, C) without what is smooth over a tenth of the shorter side."""
    return picture - filters.gaussian(picture, (0, 1), SMOOTH_SHARE * min(picture.shape[:2]))


def of_size(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns bool (h, w) as (H, W): large images are searched at a reduced size."""
    if pixels.shape == size:
        return pixels
    enlarged = cv2.resize(pixels.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return enlarged > 0


def _is_ink(pixels: np.ndarray, level: int) -> np.ndarray:
    """Returns which pixels (…, C) are black, of level 0, or white, of 255; bool (…)."""
    return ~differs(pixels, np.full(pixels.shape[-1], level))
