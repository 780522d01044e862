"""Where images of a class are darkened in proportion, as below a translucent mark.

Such a mark lies on the object and beside it alike, and darkens objects of any colour by the same
share. What an object shows by itself ends where the object ends, and has a colour of its own.
Towards white, "darkened" is to be read of the negative.
"""

from typing import NamedTuple

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.short_repr import short_repr
from keras_saliency._utils.spread import spread_evenly
from keras_saliency._utils.welch import against_others
from keras_saliency.probes.flat_objects import FlatObject, find_flat_objects
from keras_saliency.shortcuts.swaps import filters
from keras_saliency.shortcuts.swaps.planted_pixels import levels_of_images, of_size, off_objects
from keras_saliency.shortcuts.swaps.scene import Scene

LIFT = 8 / 255  # of the range, added to all pixels: the logarithm of black pixels is mostly noise
SMOOTH_SHARE = 1 / 8  # of the shorter side: the surroundings of a pixel
SMALL_SIDE = 32  # pixels; from twice that on, maps are reduced to be blurred
LEAST_AROUND = 0.01  # of their weight that lies in the same part of the image
LEAST_COVERED = 0.004  # of the image
MIN_IMAGES = 5  # of a class that show a pixel

LEAST_DARKER = 0.15  # of the logarithm
LEAST_T = 4  # of a pixel on objects, that a class's mean is darker than that of others
LEAST_T_BESIDE = 3.5  # of these pixels where they lie beside the object
FLOOR = 0.01  # added to standard errors

FLAT_SHARE, NUM_SAMPLED = 0.4, 32  # of the images that have a flat object; how many are tried first
LEAST_SPREAD = 20  # grey levels by which the colours of flat objects differ in the median
LINE_LEVELS = 8  # grey levels from a share of the object's colour
SAME_SHARE, SHARE_RANGE = 0.6, 0.06  # of a class's images; how far their shares are apart
GAP_SHARE = 1 / 8  # of the shorter side: the widest gap that a mark makes in an object
NO_SHARE = -1.0  # of pixels whose colour is no share of the object's
FLAT_IMAGES = 10  # of a class, and of the others, that show a pixel
OTHER_SHARE = 0.5  # of the other images at most that are about as dark there


@short_repr
class Darkened(NamedTuple):
    """Where classes are darkened.

    Attributes:
        logarithms: float32 (n, h, w), of the share of the light that comes through; NaN where it
            is not known.
        pixels: bool (k, h, w), where each class is darkened.
        evidence: how sure that is; 0.0 where it is not.
    """

    logarithms: np.ndarray
    pixels: np.ndarray
    evidence: float


def darkened_on_and_off(scene: Scene, is_white: bool) -> Darkened:
    """Finds pixels that are darker on given objects, and beside them, too.

    Args:
        scene: `Scene` whose objects are given.
        is_white: whether they are brighter instead.
    """
    levels, has_class = scene.once(levels_of_images), scene.class_labels.has_class
    size, masks = levels.shape[1:3], scene.probes.object_masks
    assert masks is not None
    beside = scene.once(off_objects)
    inside = ~filters.box_any(~np.stack([of_size(mask, size) for mask in masks]), (1, 2), 1)
    light = _light(levels, is_white)
    # A single pixel has no surroundings, and says nothing.
    logarithms = np.nan_to_num(_less_surroundings(light, [(inside, inside), (beside, beside)]))
    pixels = _darker_on_objects(logarithms, inside, has_class)
    t, covered = _darker_beside(logarithms, beside, has_class, pixels), _covered(pixels)
    if t < LEAST_T_BESIDE or not covered:
        return Darkened(logarithms, pixels, 0.0)
    # What a mark lets through is to be seen against what it does not cover.
    is_free = ~with_rim(pixels)
    known = _less_surroundings(light, [(part, part & is_free) for part in (inside, beside)])
    known[~(inside | beside)] = np.nan
    return Darkened(known, pixels, t * covered)


def with_rim(pixels: np.ndarray) -> np.ndarray:
    """Returns where any class is darkened, of bool (k, h, w), and the rim of that, (h, w)."""
    return cv2.dilate(pixels.any(axis=0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _light(levels: np.ndarray, is_white: bool) -> np.ndarray:
    """The logarithm of how bright pixels are (how dark, if white), float32 (n, h, w)."""
    light = np.empty(levels.shape[:3], np.float32)
    for place, image in zip(light, levels, strict=True):
        bright = image.mean(axis=-1)
        place[:] = np.log((255 - bright if is_white else bright) / 255 + LIFT)
    return light


def _less_surroundings(light: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Logarithms less the mean of what is around, of the same part of the image.

    Args:
        light: float32 (n, h, w).
        parts: for each part its pixels, and those that count as surroundings, two bool (n, h, w).

    Returns:
        float32 (n, h, w); 0.0 outside the parts, and NaN where a pixel has no surroundings.
    """
    less = np.zeros_like(light)
    for part, around in parts:
        sums, shares = (_smooth(of) for of in (light * around, around.astype(np.float32)))
        mean = sums / np.maximum(shares, LEAST_AROUND)
        less[part] = np.where(shares >= LEAST_AROUND, light - mean, np.float32(np.nan))[part]
    return less


def _smooth(maps: np.ndarray) -> np.ndarray:
    """Blurs float32 (n, h, w); large ones reduced, which takes a tenth of the time."""
    size = maps.shape[1:]
    factor = max(1, min(size) // SMALL_SIDE)
    deviation = SMOOTH_SHARE * min(size) / factor
    if factor == 1:
        return filters.gaussian(maps, (1, 2), deviation)
    smaller = size[1] // factor, size[0] // factor
    small = [cv2.resize(one, smaller, interpolation=cv2.INTER_AREA) for one in maps]
    blurred = filters.gaussian(np.stack(small), (1, 2), deviation)
    return np.stack([cv2.resize(one, size[::-1]) for one in blurred])


def _darker_on_objects(
    logarithms: np.ndarray, inside: np.ndarray, has_class: np.ndarray
) -> np.ndarray:
    """Which pixels on the objects of a class are darker than their surroundings and than others'.

    Returns:
        bool (k, h, w).
    """
    shape = -1, *logarithms.shape[1:]
    weights = has_class.T.astype(np.float32)
    values = (logarithms * inside).reshape(len(logarithms), -1)
    counts = (weights @ inside.reshape(values.shape)).reshape(shape)
    sums, squares = ((weights @ of).reshape(shape) for of in (values, values**2))
    enough = (counts >= MIN_IMAGES) & (counts.sum(axis=0) - counts >= MIN_IMAGES)
    found = against_others(counts, sums, squares, FLOOR)
    is_darker = [(t <= -LEAST_T) & (difference <= -LEAST_DARKER) for difference, t in found]
    # Beside a mark, a class without one is darker than those that have it, and than nothing else.
    is_dark = sums <= -LEAST_DARKER / 2 * np.maximum(counts, 1)
    return np.stack(is_darker) & is_dark & enough


def _darker_beside(
    logarithms: np.ndarray, beside: np.ndarray, has_class: np.ndarray, pixels: np.ndarray
) -> float:
    """How surely these pixels are darker beside the objects, too: t over images, 0.0 if unknown.

    Each image in its class's pixels, in comparison with the images of other classes there.
    """
    differences = []
    for own, of_class in zip(has_class.T > 0, pixels, strict=True):
        seen = beside & of_class
        counts = np.count_nonzero(seen, axis=(1, 2))
        means = (logarithms * seen).sum(axis=(1, 2)) / np.maximum(1, counts)
        others = means[~own & (counts > 0)]
        if len(others) >= MIN_IMAGES:
            differences.extend(means[own & (counts > 0)] - others.mean())
    if len(differences) < 2 * MIN_IMAGES:
        return 0.0
    error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    return float(-np.mean(differences) / (error + FLOOR))


def darkened_flat_objects(scene: Scene, is_white: bool) -> Darkened | None:
    """Finds pixels that have the same share of the object's colour in most images of a class.

    Of flat objects of various colours; where there are too few, None. Blended edges have another
    share in each image.

    Args:
        scene: `Scene`.
        is_white: whether they are brighter instead.
    """
    levels, has_class = scene.once(levels_of_images), scene.class_labels.has_class
    shapes = scene.once(_varied_flat_objects)
    if shapes is None:
        return None
    shares = np.full(levels.shape[:3], np.nan, np.float32)
    gap = np.ones((round(GAP_SHARE * min(levels.shape[1:3])) | 1,) * 2, np.uint8)
    for place, image, shape in zip(shares, levels, shapes, strict=True):
        if shape is not None:
            ends = shape.colour, image.astype(np.float32)
            colour, light = (255 - end if is_white else end for end in ends)
            share = light @ colour / max(colour @ colour, 1)
            is_off = np.abs(light - share[..., None] * colour).max(axis=-1) > LINE_LEVELS
            share[is_off | (share <= 0)] = NO_SHARE
            closed = cv2.morphologyEx(shape.mask.astype(np.uint8), cv2.MORPH_CLOSE, gap) > 0
            seen = shape.mask | (closed & (share > 0))  # a mark may tear the object
            place[seen] = share[seen]
    pixels = np.stack([_same_share(shares[own], shares[~own]) for own in has_class.T > 0])
    shares[shares <= 0] = np.nan
    return Darkened(np.log(shares), pixels, _covered(pixels))


def _covered(pixels: np.ndarray) -> float:
    """The share of the image that the pixels (k, h, w) of all classes cover; 0.0 if too small."""
    covered = float(pixels.any(axis=0).mean())
    return covered if covered >= LEAST_COVERED else 0.0


def _varied_flat_objects(scene: Scene) -> list[FlatObject | None] | None:
    """The flat objects of all images; None where these are few, or of the same colour."""
    levels = scene.once(levels_of_images)
    for some in (levels[spread_evenly(len(levels), NUM_SAMPLED)], levels):
        shapes = find_flat_objects(some)
        colours = np.array([shape.colour for shape in shapes if shape is not None])
        if len(colours) < FLAT_SHARE * len(shapes):
            return None
        if np.median(np.abs(colours - np.median(colours, axis=0)), axis=0).max() < LEAST_SPREAD:
            return None
    return shapes


def _same_share(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which pixels have one share, less than the whole, in most images of a class, (h, w).

    Args:
        own: float32 (m, h, w), shares; NaN off the object, NO_SHARE for another colour.
        others: those of the other images.
    """
    num_own, num_others = (np.count_nonzero(~np.isnan(of), axis=0) for of in (own, others))
    least = np.maximum(FLAT_IMAGES, SAME_SHARE * num_own)
    is_seen = (np.count_nonzero(own > 0, axis=0) >= least) & (num_others >= FLAT_IMAGES)
    found = np.zeros(is_seen.shape, bool)
    if not is_seen.any():
        return found
    own, others = own[:, is_seen], others[:, is_seen]
    share = np.nanmedian(np.where(own > 0, own, np.nan), axis=0)
    num_same = np.count_nonzero(np.abs(own - share) <= SHARE_RANGE, axis=0)
    num_dark = np.count_nonzero(others <= (1 + share) / 2, axis=0)
    found[is_seen] = (
        (share <= np.exp(-LEAST_DARKER))
        & (num_same >= SAME_SHARE * num_own[is_seen])
        & (num_dark <= OTHER_SHARE * num_others[is_seen])
    )
    return found
