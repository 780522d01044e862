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
REGION_SHARES = 0.012, 0.4  # of the image: what is smaller is chance, what is larger no patch
LIT_SHARE = 0.5  # of a patch, whose pixels are as dark as the images are elsewhere
CORE_SHARE = 1 / 12  # of the shorter side: outlines and shadows of objects are thinner
AMID = 0.15  # of the shorter side, between a patch and the ends of the image, from which on ...
WANDERING_SHARE = 0.5  # ... its outline counts; of the pixels around it, in which it goes on ...
SOME_IMAGES = 0.15, 0.85  # ... in so many images of a class, neither hardly any nor nearly all
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
    return printed if printed[ring].mean() >= RING_SHARE else None


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
    parts = [numbers == number for number in np.unique(numbers[cores])]
    region = np.any([part for part in parts if not _wanders(scene, part)] or [cores & False], 0)
    if not region.any():
        return region
    height, width = (np.ptp(np.flatnonzero(region.any(axis=axis))) + 1 for axis in (1, 0))
    least, most = REGION_SHARES
    is_patch = least <= region.mean() and height * width <= most * region.size
    if not is_patch:
        return np.zeros_like(region)
    return cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _wanders(scene: Scene, part: np.ndarray) -> bool:
    """Whether a patch amid the images ends elsewhere in each of the class that has it most alike.

    Where figures always stand at one place, their clothes are alike there, but go on for some
    pixels in some of the images. What was put into images ends at the same pixels in all of them.
    Nearer to the ends of the images, what goes on may be a sky.
    """
    margin = round(AMID * min(scene.size))
    height, width = part.shape
    if part[margin : height - margin, margin : width - margin].sum() < part.sum():
        return False
    levels = scene.once(levels_of_images)
    part = of_size(part, levels.shape[1:3])
    pixels, inside = levels.reshape(len(levels), part.size, -1), np.flatnonzero(part)
    around, nearest = _around(part)
    most_alike, wanders = 0.0, False
    for own, value, _ in scene.once(medians_of_classes):
        value = value.reshape(part.size, -1)
        alike = float((~differs(pixels[own][:, inside], value[inside])).mean())
        if alike > most_alike:
            goes_on = (~differs(pixels[own][:, around], value[nearest])).mean(axis=0)
            few, many = SOME_IMAGES
            is_some = (few < goes_on) & (goes_on < many)
            most_alike, wanders = alike, is_some.sum() > WANDERING_SHARE * len(around)
    return bool(wanders)


def _around(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels beyond the rim of a patch (h, w), and the nearest pixel of it of each, as ints."""
    apart = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_C, 3)
    around, inside = np.argwhere(apart == 2), np.argwhere(part)
    gaps = ((around[:, None] - inside) ** 2).sum(axis=-1)
    places = inside[gaps.argmin(axis=1)] if len(around) else around
    return tuple(np.ravel_multi_index(found.T, part.shape) for found in (around, places))
