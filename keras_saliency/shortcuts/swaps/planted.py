"""Whether a place holds what was put into the images, and is no part of what they show.

Where objects are not known, a place may be a part of one. Planted pixels tell: a tag, a
pattern, a patch.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import differs
from keras_saliency.shortcuts.swaps.planted_pixels import (
    THROUGH_SHARES,
    follows_brightness,
    levels_of_images,
    medians_of_classes,
    of_size,
    planted_inks_too,
    planted_pixels,
    shown_through,
)
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask
from keras_saliency.shortcuts.swaps.scene import Scene

PLANTED_SHARE = 0.35  # of a place, from which on it is planted
REGION_SHARES = 0.012, 0.4  # of the image: what is smaller is chance, what is larger no patch
LIT_SHARE = 0.5  # of a patch, whose pixels are as dark as the images are elsewhere
CORE_SHARE = 1 / 12  # of the shorter side: outlines and shadows of objects are thinner
MARGIN_SHARE = 0.15  # of the shorter side: what goes on from patches nearer to an end may be sky
WANDERING_SHARE = 0.5  # of the pixels around a patch, into which it goes on in some images
SOME_SHARES = 0.15, 0.85  # of a class's images: fewer are chance, more have the patch there, too
BEYOND_CHANCE = 0.03  # of these, more than of the images of other classes


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
    return scene.once(planted_inks_too) | (
        scene.once(shown_through) < THROUGH_SHARES["not aligned"]
    )


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
