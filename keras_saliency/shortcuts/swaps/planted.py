"""Whether a place holds what was put into the images, and is no part of what they show.

Where objects are not known, a place may be a part of one. Planted pixels tell: a tag, a frame, a
pattern, a patch.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import FLAT_LEVELS, differs
from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.planted_pixels import (
    levels_of_images,
    medians_of_classes,
    of_size,
    planted_inks_too,
    planted_pixels,
    shown_through,
)
from keras_saliency.shortcuts.swaps.scene import Scene

# Of the other images, at most, that have a detail which shows through: another class's letter may
# cover it, too. In aligned images it may be of an object, and then others have something like it.
OTHER_SHARES = {"aligned": 0.2, "not aligned": 0.3}
PLANTED_SHARE = 0.35  # of a place, from which on it is planted
RING_SHARE = 0.25  # of the outer ring, which no object fills; without a cue 0.18 at most
END_SHARE = 0.12  # of the outermost pixels of these: the card of an icon has a margin
REGION_SHARES = 0.012, 0.4  # of the image: what is smaller is chance, what is larger no patch
LIT_SHARE = 0.5  # of a patch, whose pixels are as dark as the images are elsewhere
CORE_SHARE = 1 / 12  # of the shorter side: outlines and shadows of objects are thinner
MARGIN_SHARE = 0.15  # of the shorter side: what goes on from patches nearer to an end may be sky
WANDERING_SHARE = 0.5  # of the pixels around a patch, into which it goes on in some images
SOME_SHARES = 0.15, 0.85  # of a class's images: fewer are chance, more have the patch there, too
BEYOND_CHANCE = 0.03  # of these, more than of the images of other classes
BRIGHT = 0.95  # the quantile of an image that says how bright it is


def is_planted(scene: Scene, where: np.ndarray, are_aligned: bool = True) -> bool:
    """Returns whether a place holds what was put there.

    Signals and volumes are not searched. Where these are not aligned, no place belongs to an
    object.

    Args:
        scene: `Scene`.
        where: bool (H, W).
        are_aligned: whether the images show the same thing at the same place.
    """
    if len(scene.size) != 2:
        return not are_aligned
    planted = _planted(scene, are_aligned)
    return bool(where.any()) and bool(planted[where].mean() >= PLANTED_SHARE)


def _planted(scene: Scene, are_aligned: bool) -> np.ndarray:
    """Planted pixels, bool (H, W): where images are not aligned, of any value and translucent, too.

    Aligned images may show one thing in black, or more strongly, in one class only.
    """
    if are_aligned:
        return scene.once(planted_pixels)
    return scene.once(planted_inks_too) | (scene.once(shown_through) < OTHER_SHARES["not aligned"])


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

    A frame has one colour along the ring, a pattern has several, or what is below shows through.
    """
    if len(scene.size) != 2:
        return None
    ring = edits.ring_mask(*scene.size)
    printed = _printed(scene, ring, scene.once(planted_pixels))
    if printed is None:
        pixels = scene.once(shown_through) < OTHER_SHARES["aligned"]
        through = _printed(scene, ring, pixels | scene.once(planted_pixels))
        return None if through is None else "pattern"
    for _, value, is_same in scene.once(medians_of_classes):
        along = value[of_size(printed, is_same.shape) & is_same]
        if len(along) >= PLANTED_SHARE * printed.mean() * is_same.size:
            low, high = np.quantile(along, (0.2, 0.8), axis=0)
            if differs(high, low):
                return "pattern"
    return "frame"


def _printed(scene: Scene, ring: np.ndarray, pixels: np.ndarray) -> np.ndarray | None:
    """The pixels of a ring that do not follow the light, (H, W); None where they are too few."""
    printed = ring & pixels
    if printed[ring].mean() >= RING_SHARE:
        printed &= ~follows_brightness(scene, ring)
    ends = np.concatenate([printed[0], printed[-1], printed[:, 0], printed[:, -1]])
    is_printed = printed[ring].mean() >= RING_SHARE and ends.mean() >= END_SHARE
    return printed if is_printed else None


def frame_mask(scene: Scene) -> np.ndarray:
    """Returns the outer ring where a frame is printed on it, else nothing, bool (H, W)."""
    if scene.once(printed_ring) == "frame":
        return edits.ring_mask(*scene.size)
    return np.zeros(scene.size, bool)


def planted_region(scene: Scene, are_aligned: bool) -> np.ndarray:
    """Returns what was put into some place within the image, bool (H, W), or nothing.

    No frame, nothing that lies all over the image, no thin lines, which outlines and shadows of
    objects are, and nothing whose outline wanders, as that of figures does.
    """
    planted = _planted(scene, are_aligned)
    region = _patch(scene, planted)
    inside = planted & region
    if inside.any() and follows_brightness(scene, inside)[inside].mean() > LIT_SHARE:
        return np.zeros_like(region)  # a white thing under tinted light
    return region


def _patch(scene: Scene, pixels: np.ndarray) -> np.ndarray:
    """The pixels and their rim, but for thin lines, if they lie in a box that is a patch."""
    pixels = (pixels & ~scene.once(frame_mask)).astype(np.uint8)
    side = max(3, round(CORE_SHARE * min(scene.size)))
    # Letters tear a tag to pieces.
    pixels = cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, np.ones((side // 2 * 2 - 1,) * 2, np.uint8))
    cores = cv2.erode(pixels, np.ones((side, side), np.uint8)) > 0
    _, numbers = cv2.connectedComponents(pixels)
    kept = [k for k in np.unique(numbers[cores]) if not _wanders(scene, numbers == k)]
    region = np.isin(numbers, kept)
    if not region.any():
        return region
    height, width = (np.ptp(np.flatnonzero(region.any(axis=axis))) + 1 for axis in (1, 0))
    least, most = REGION_SHARES
    is_patch = least <= region.mean() and height * width <= most * region.size
    if not is_patch:
        return np.zeros_like(region)
    return cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _wanders(scene: Scene, part: np.ndarray) -> bool:
    """Whether a patch amid the images goes on for some pixels in some images of its class.

    Figures that always stand at one place have clothes of one colour there, whose outline differs
    from image to image. What was put into images ends at the same pixels in all of them. Its class
    is the one that has the patch most often, compared with the others.

    Args:
        scene: `Scene`.
        part: bool (H, W).
    """
    margin, (height, width) = round(MARGIN_SHARE * min(scene.size)), scene.size
    is_amid = np.zeros(scene.size, bool)
    is_amid[margin : height - margin, margin : width - margin] = True
    if (part & ~is_amid).any():
        return False
    levels = scene.once(levels_of_images)
    part = of_size(part, levels.shape[1:3])
    pixels, inside = levels.reshape(len(levels), part.size, -1), np.flatnonzero(part)
    around, nearest = _around(part)
    few, many = SOME_SHARES
    most_own, num_wandering = 0.0, 0
    for own, value, _ in scene.once(medians_of_classes):
        if own.all():
            continue
        value = value.reshape(part.size, -1)
        has = ~differs(pixels[:, inside], value[inside])
        more_own = float(has[own].mean() - has[~own].mean())
        if more_own > most_own:
            goes_on = ~differs(pixels[:, around], value[nearest])
            share, chance = goes_on[own].mean(axis=0), goes_on[~own].mean(axis=0)
            is_some = (few < share) & (share < many) & (share > chance + BEYOND_CHANCE)
            most_own, num_wandering = more_own, int(np.count_nonzero(is_some))
    return num_wandering > WANDERING_SHARE * len(around)


def _around(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixels two away from a patch (h, w), since its rim may be blended, int (m,).

    And the pixel of the patch that is nearest to each, int (m,), both as flat indices.
    """
    outside = (~part).astype(np.uint8)
    around = np.flatnonzero(cv2.distanceTransform(outside, cv2.DIST_C, 3) == 2)
    _, numbers = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    inside = np.flatnonzero(part)
    place_of = np.zeros(numbers.max() + 1, int)
    place_of[numbers.flat[inside]] = inside
    return around, place_of[numbers.flat[around]]
