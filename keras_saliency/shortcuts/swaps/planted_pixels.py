"""Which pixels are planted: the same in most images of a class, and in hardly any others.

No part of an object looks the same in nearly all images of a class, pixel by pixel: the tag of a
hospital, a printed frame or a pattern over the whole image does. (That the mean of a class has fine
details tells less. Figures that stand about the middle of photographs leave some, too.)
"""

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
THROUGH_LEVELS = 2 * FLAT_LEVELS  # by which most details of a class differ from others'


def levels_of_images(scene: Scene) -> np.ndarray:
    """Returns the images as `grey_levels`, uint8 (n, h, w, C), 16 MB at most of 600 in colour."""
    return grey_levels(scene.probes.images)


def planted_pixels(scene: Scene) -> np.ndarray:
    """Returns which pixels are planted, bool (H, W).

    Pixels that have nearly the same value in most images of a class, and in hardly any other
    image, unless it is black or white and these are inks or backgrounds elsewhere. And pixels that
    have such a value in every class, but not the same one. Smooth areas do not count, since tissue
    of an even colour is alike everywhere.
    """
    levels, planted = scene.once(levels_of_images), scene.once(planted_inks_too)
    elsewhere = levels[:, ~of_size(planted, levels.shape[1:3])]
    inks = [ink for ink in (0, 255) if np.mean(_is_ink(elsewhere, ink)) >= INK_SHARE]
    return _planted(scene, inks) if inks else planted


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
            if inks:
                is_ink = np.any([_is_ink(value, ink) for ink in inks], axis=0)
                may_be &= ~is_ink | _is_on_and_off(scene, own)
            planted[may_be] |= _is_of_few(levels[:, may_be], value[may_be], own, has_class)
    if len(values) > 1:
        ranges = [np.ptp(pictures, axis=0).max(axis=-1) for pictures in (values, details)]
        planted |= are_same & (np.minimum(*ranges) > 2 * FLAT_LEVELS)
    return of_size(planted, scene.size)


def _is_on_and_off(scene: Scene, own: np.ndarray) -> np.ndarray:
    """Which pixels lie on the object in some images of a class, and off it in others, bool (h, w).

    There, neither ink nor paper is the same in most images. Nowhere, if masks are not given.
    """
    size = scene.once(levels_of_images).shape[1:3]
    masks = scene.probes.object_masks
    if masks is None:
        return np.zeros(size, bool)
    share = np.mean([of_size(mask, size) for mask in masks[own]], axis=0)
    return (share >= 1 - SAME_SHARE) & (share <= SAME_SHARE)


def _is_of_few(
    levels: np.ndarray, value: np.ndarray, own: np.ndarray, has_class: np.ndarray
) -> np.ndarray:
    """Which pixels (p,) have a class's value (p, C) in hardly any other image, bool (p,).

    Or in most images of up to half of the classes, as where letters overlap, and in hardly any of
    the rest.
    """
    has_value = ~differs(levels, value)  # (n, p)
    sharing = own[:, None] & np.ones_like(has_value)
    num_sharing = np.ones(has_value.shape[1])
    frequent = _frequent(has_class)
    for other in frequent:
        if not (other & own).any():
            shares = has_value[other].mean(axis=0) >= SAME_SHARE
            sharing |= other[:, None] & shares
            num_sharing += shares
    rest = ~sharing
    share = (has_value & rest).sum(axis=0) / np.maximum(1, rest.sum(axis=0))
    is_half = num_sharing <= np.maximum(1, len(frequent) / 2)
    return is_half & (share <= OTHER_SHARE) & (rest.sum(axis=0) >= MIN_IMAGES)


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


def shown_through(scene: Scene) -> np.ndarray:
    """Returns how many other images have the details of a class, float32 (H, W), 0 to 1.

    Watermarks and patterns are translucent: what lies below them still differs. But details of most
    images of a class differ from those of others by two dozen grey levels. Of the class and the
    channel where the others are fewest.

    All of them where objects are known: one that fills a place in all images of a class, as the bar
    of a letter does, would have such details.
    """
    if scene.objects is not None:
        return np.ones(scene.size, np.float32)
    levels = scene.once(levels_of_images)
    details = np.empty(levels.shape, np.int16)
    for detail, image in zip(details, levels, strict=True):
        detail[:] = np.rint(_without_smooth(image.astype(np.float32)))
    fewest = np.ones(levels.shape[1:3], np.float32)
    for own in _frequent(scene.class_labels.has_class > 0):
        if np.count_nonzero(~own) < MIN_IMAGES:
            continue
        low, high = np.quantile(details[own], [1 - SAME_SHARE, SAME_SHARE], axis=0)
        others = details[~own]
        above = (others >= np.rint(low - THROUGH_LEVELS).astype(np.int16)).mean(axis=0)
        below = (others <= np.rint(high + THROUGH_LEVELS).astype(np.int16)).mean(axis=0)
        fewest = np.minimum(fewest, np.minimum(above, below).min(axis=-1))
    return of_size(fewest, scene.size)


def _without_smooth(picture: np.ndarray) -> np.ndarray:
    """Returns a picture (h, w, C) without what is smooth over a tenth of the shorter side."""
    return picture - filters.gaussian(picture, (0, 1), SMOOTH_SHARE * min(picture.shape[:2]))


def of_size(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns a map (h, w), bool or float32, as (H, W): large images are searched when reduced."""
    if pixels.shape == size:
        return pixels
    kind = np.uint8 if pixels.dtype == bool else pixels.dtype
    enlarged = cv2.resize(pixels.astype(kind), size[::-1], interpolation=cv2.INTER_NEAREST)
    return enlarged.astype(pixels.dtype)


def _is_ink(pixels: np.ndarray, level: int) -> np.ndarray:
    """Returns which pixels (…, C) are black, of level 0, or white, of 255; bool (…)."""
    return ~differs(pixels, np.full(pixels.shape[-1], level))
