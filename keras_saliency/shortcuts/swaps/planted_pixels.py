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
NO_PAPER_SHARE = 0.3  # of a class's images, in which a pixel off the object is not as its paper
SMOOTH_SHARE = 1 / 10  # of the shorter side
MIN_IMAGES = 10  # of a class, and of others
# Of the other images, at most, that have a detail which shows through: another class's letter may
# cover it, too. In aligned images it may be of an object, and then others have something like it.
THROUGH_SHARES = {"aligned": 0.2, "not aligned": 0.3}
BRIGHT = 0.95  # the quantile of an image that says how bright it is
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
    if not elsewhere.size:
        return planted
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
    for own, value, is_same in classes:
        detail = _without_smooth(value)
        values.append(value)
        details.append(detail)
        are_same &= is_same
        if np.count_nonzero(~own) >= MIN_IMAGES:
            may_be = is_same & differs(detail, np.zeros(detail.shape[-1]))
            is_put = _is_put_on_paper(scene, own)
            if inks:
                is_ink = np.any([_is_ink(value, ink) for ink in inks], axis=0)
                may_be &= ~is_ink | is_put | _is_on_and_off(scene, own)
            # Of what lies on paper, more classes may have a part, as where letters overlap.
            most = np.where(is_put, len(classes) - 1, max(1, len(classes) / 2))
            has_value = ~differs(levels[:, may_be], value[may_be])
            is_paper = scene.once(papers)[:, may_be]
            num_sharing, share = _elsewhere(has_value, is_paper, own, has_class)
            planted[may_be] |= (num_sharing <= most[may_be]) & (share <= OTHER_SHARE)
    if len(values) > 1:
        ranges = [np.ptp(pictures, axis=0).max(axis=-1) for pictures in (values, details)]
        planted |= are_same & (np.minimum(*ranges) > 2 * FLAT_LEVELS)
    return of_size(planted, scene.size)


def papers(scene: Scene) -> np.ndarray:
    """Returns which pixels lie off the object and are as most of what does, bool (n, h, w).

    None, if masks are not given.
    """
    levels = scene.once(levels_of_images)
    are_paper = np.zeros(levels.shape[:3], bool)
    for image, is_off, is_paper in zip(levels, scene.once(off_objects), are_paper, strict=True):
        if is_off.any():
            is_paper[:] = is_off & ~differs(image, np.median(image[is_off], axis=0))
    return are_paper


def off_objects(scene: Scene) -> np.ndarray:
    """Returns which pixels lie off the objects and their rims, bool (n, h, w).

    None without given masks.
    """
    size = scene.once(levels_of_images).shape[:3]
    if scene.objects is None or not scene.objects.are_given:
        return np.zeros(size, bool)
    return ~np.stack([of_size(mask, size[1:]) for mask in scene.objects.masks])


def _is_put_on_paper(scene: Scene, own: np.ndarray) -> np.ndarray:
    """Which pixels lie off the object in many images of a class, and are no paper, bool (h, w)."""
    is_put = scene.once(off_objects)[own] & ~scene.once(papers)[own]
    return is_put.mean(axis=0) >= NO_PAPER_SHARE


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


def _elsewhere(
    has_value: np.ndarray, is_paper: np.ndarray, own: np.ndarray, has_class: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many classes share pixels of a class, and which share of the other images has them, (p,).

    A class shares a pixel if most of its images have the value, as where letters overlap. What is
    as an image's own paper does not count in the others.

    Args:
        has_value: bool (n, p), which images have the class's values.
        is_paper: bool (n, p).
        own: bool (n,), the images of the class.
        has_class: bool (n, k).

    Returns:
        Numbers of classes, with the class itself, and shares; 1.0 where the others are too few.
    """
    sharing = own[:, None] & np.ones_like(has_value)
    num_sharing = np.ones(has_value.shape[1])
    for other in _frequent(has_class):
        if not (other & own).any():
            shares = has_value[other].mean(axis=0) >= SAME_SHARE
            sharing |= other[:, None] & shares
            num_sharing += shares
    num_rest = (~sharing).sum(axis=0)
    share = (has_value & ~sharing & ~is_paper).sum(axis=0) / np.maximum(1, num_rest)
    return num_sharing, np.where(num_rest >= MIN_IMAGES, share, 1.0)


def medians_of_classes(scene: Scene) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns each class's images (n,), their median (h, w, C), and where most have it (h, w).

    Of the classes that are frequent enough, at the size of `levels_of_images`.
    """
    levels, found = scene.once(levels_of_images), []
    for own in _frequent(scene.class_labels.has_class > 0):
        value = np.median(levels[own], axis=0).astype(np.float32)
        found.append((own, value, (~differs(levels[own], value)).mean(axis=0) >= SAME_SHARE))
    return found


def _frequent(has_class: np.ndarray) -> np.ndarray:
    """Returns which images have each class that is frequent enough, bool (k, n)."""
    return has_class.T[has_class.sum(axis=0) >= MIN_IMAGES]


def shown_through(scene: Scene) -> np.ndarray:
    """Returns `shared_details`; 1.0 where objects are known.

    One that fills a place in all images of a class, as the bar of a letter does, has such details.
    """
    known = scene.objects is not None
    return np.ones(scene.size, np.float32) if known else scene.once(shared_details)


def shared_details(scene: Scene) -> np.ndarray:
    """Returns how many other images have the details of a class, float32 (H, W), 0 to 1.

    Watermarks and patterns are translucent: what lies below them still differs. But details of most
    images of a class differ from those of others by two dozen grey levels. Of the class and the
    channel where the others are fewest.
    """
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


def follows_brightness(scene: Scene, where: np.ndarray) -> np.ndarray:
    """Returns which pixels are darker or brighter in a class only as its whole images are.

    White paper under tinted light has one colour in each class, too, but everything on it is tinted
    alike: the classes' medians there are in proportion to how bright the images are elsewhere.

    Args:
        scene: `Scene`.
        where: bool (H, W), the place that may be printed, not everywhere. Pixels elsewhere tell
            how bright the images are.

    Returns:
        bool (H, W), True in `where` only.
    """
    images, low = scene.probes.images, scene.value_range.low
    elsewhere = np.stack([np.quantile(image[~where], BRIGHT, axis=0) for image in images]) - low
    own = [has for has in scene.class_labels.has_class.T > 0 if has.any()]
    inside = images[:, where]
    values = np.stack([np.median(inside[has], axis=0) - low for has in own])
    gains = np.stack([np.median(elsewhere[has], axis=0) for has in own])[:, None]
    span = np.max(scene.value_range.high - low)
    expected = gains * (values.sum(axis=0) / np.maximum(gains.sum(axis=0), 1e-12))
    follows = np.zeros(scene.size, bool)
    follows[where] = (np.abs(values - expected) <= FLAT_LEVELS / 255 * span).all(axis=(0, -1))
    return follows


def _without_smooth(picture: np.ndarray) -> np.ndarray:
    """Returns a picture (h, w, C) without what is smooth over a tenth of the shorter side."""
    return picture - filters.gaussian(picture, (0, 1), SMOOTH_SHARE * min(picture.shape[:2]))


def of_size(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns a map (h, w), bool or float32, as (H, W): large images are searched when reduced."""
    if pixels.shape == size:
        return pixels
    kind = np.uint8 if pixels.dtype == bool else pixels.dtype
    enlarged = cv2.resize(pixels.astype(kind), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return enlarged.astype(pixels.dtype)


def _is_ink(pixels: np.ndarray, level: int) -> np.ndarray:
    """Returns which pixels (…, C) are black, of level 0, or white, of 255; bool (…)."""
    return ~differs(pixels, np.full(pixels.shape[-1], level))
