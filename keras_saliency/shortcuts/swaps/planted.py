"""Planted pixels: what was put into the images of a class, and is no part of what they show.

Where objects are not known, a place may be a part of one. In aligned images, such as faces and
X-rays, no part of an object looks the same in nearly all images of a class: the tag of a hospital,
a printed frame or a pattern over the whole image does. In images that are not aligned, such as
photographs, the mean of a class has no fine details, unless the same was put into many of them.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import FLAT_LEVELS, differs, grey_levels
from keras_saliency.shortcuts.swaps import edits, filters
from keras_saliency.shortcuts.swaps.scene import Scene

SAME_SHARE = 0.8  # of a class's images that have the pixel
OTHER_SHARE = 0.2  # of the other images, at most
INK_SHARE = 0.1  # of all pixels, of black and of white where these are inks or backgrounds
SMOOTH_SHARE = 1 / 10  # of the shorter side
MIN_IMAGES = 10  # of a class, and of others
PLANTED_SHARE = 0.35  # of a place, from which on it is planted
RING_SHARE = 0.25  # of the outer ring, which no object fills; without a cue 0.12 at most
REGION_SHARES = 0.012, 0.4  # of the image: what is smaller is chance, what is larger no patch
LIT_SHARE = 0.5  # of a patch, whose pixels are as dark as the images are elsewhere
CORE_SHARE = 1 / 12  # of the shorter side: outlines and shadows of objects are thinner
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
    pixels = scene.once(planted_pixels if are_aligned else planted_inks_too)
    if not are_aligned:
        pixels = pixels | scene.once(detailed_pixels)
    return bool(where.any()) and bool(pixels[where].mean() >= PLANTED_SHARE)


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


def printed_ring(scene: Scene) -> str | None:
    """Returns what is printed on the outer ring: a "frame", a "pattern", or None.

    A frame has one colour along the ring, a pattern has several.
    """
    if len(scene.size) != 2:
        return None
    ring = edits.ring_mask(*scene.size)
    printed = ring & scene.once(planted_pixels)
    if printed[ring].mean() >= RING_SHARE:
        printed &= ~follows_brightness(scene, ring)
    if printed[ring].mean() < RING_SHARE:
        return None
    for value, is_same in scene.once(_classes):
        along = value[_of_size(printed, is_same.shape) & is_same]
        if len(along) >= PLANTED_SHARE * printed.mean() * is_same.size:
            low, high = np.quantile(along, (0.2, 0.8), axis=0)
            if differs(high, low):
                return "pattern"
    return "frame"


def frame_mask(scene: Scene) -> np.ndarray:
    """Returns the outer ring where a frame is printed on it, else nothing, bool (H, W)."""
    if scene.once(printed_ring) == "frame":
        return edits.ring_mask(*scene.size)
    return np.zeros(scene.size, bool)


def planted_region(scene: Scene, are_aligned: bool) -> np.ndarray:
    """Returns what was put into some place within the image, bool (H, W), or nothing.

    No frame, nothing that lies all over the image, and no thin lines, which outlines and shadows of
    objects are. Where the images are not aligned, details of a class's mean image count, too, but
    not where they are longer than twice their width: these are of tags anywhere along an edge.
    """
    planted = scene.once(planted_pixels if are_aligned else planted_inks_too)
    region = _patch(scene, planted, np.inf)
    inside = planted & region
    if inside.any() and follows_brightness(scene, inside)[inside].mean() > LIT_SHARE:
        region = np.zeros_like(region)  # a white thing under tinted light
    if not region.any() and not are_aligned:
        region = _patch(scene, scene.once(detailed_pixels), 2)
    return region


def _patch(scene: Scene, pixels: np.ndarray, longest: float) -> np.ndarray:
    """The pixels and their rim, but for thin lines, if they lie in a box that is a patch."""
    pixels = (pixels & ~scene.once(frame_mask)).astype(np.uint8)
    side = max(3, round(CORE_SHARE * min(scene.size)))
    # Letters tear a tag to pieces.
    pixels = cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, np.ones((side // 2 * 2 - 1,) * 2, np.uint8))
    cores = cv2.erode(pixels, np.ones((side, side), np.uint8)) > 0
    _, numbers = cv2.connectedComponents(pixels)
    region = np.isin(numbers, numbers[cores])
    if not region.any():
        return region
    height, width = (np.ptp(np.flatnonzero(region.any(axis=axis))) + 1 for axis in (1, 0))
    least, most = REGION_SHARES
    is_patch = least <= region.mean() and height * width <= most * region.size
    if not is_patch or max(height, width) > longest * min(height, width):
        return np.zeros_like(region)
    return cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


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
    classes = scene.once(_classes)
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
    return _of_size(planted, scene.size)


def _classes(scene: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """The median of each class, float32 (h, w, C), and where most of its images have it, (h, w)."""
    levels, found = scene.once(levels_of_images), []
    for own in _frequent(scene.class_labels.has_class > 0):
        value = np.median(levels[own], axis=0).astype(np.float32)
        found.append((value, (~differs(levels[own], value)).mean(axis=0) >= SAME_SHARE))
    return found


def _frequent(has_class: np.ndarray) -> np.ndarray:
    """Returns which images have each class that is frequent enough, bool (k, n)."""
    return has_class.T[has_class.sum(axis=0) >= MIN_IMAGES]


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
