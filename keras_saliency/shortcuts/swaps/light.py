"""How bright images, their backgrounds and their objects are, and whether light tells the class."""

from collections.abc import Callable

import numpy as np

from keras_saliency.probes.found_objects import RIM_SHARE
from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.acquisition import separates
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask
from keras_saliency.shortcuts.swaps.scene import Scene

BRIGHT, MEDIAN = 0.95, 0.5  # the quantiles by which a gain is measured
DARK_SHARE = 0.1  # of the range of pixels: what is darker hardly shows how bright an image is


def is_lit_by_class(scene: Scene) -> bool:
    """Returns whether known backgrounds are brighter in some classes than in others.

    Any part of them tells the class then, and shows no more than the light does.
    """
    if scene.spared_objects is None or len(scene.size) != 2:
        return False
    known = scene.spared_objects.is_known
    gains = scene.once(gains_of_images)
    if gains is scene.once(gains_of_objects):  # since backgrounds are dark
        return False
    # Light falls on objects, too; a background that has its own colour is more than light.
    has_class = scene.class_labels.has_class[known]
    measured = gains, scene.once(_gains_inside_objects)
    return all(separates(of[known], has_class) for of in measured)


def gains_of_objects(scene: Scene) -> np.ndarray:
    """Returns how far each channel's 95th percentile of the objects lies above the least value.

    float32 (n, C), of a `Scene` whose objects are known.
    """
    assert scene.objects is not None
    return _gains(scene, scene.objects.masks, BRIGHT)


def _gains_inside_objects(scene: Scene) -> np.ndarray:
    """The same without the rims of objects, which show their background."""
    assert scene.objects is not None
    masks = scene.objects.masks
    inside = ~edits.grow(~masks, max(1, round(RIM_SHARE * min(scene.size))))
    is_left = inside.any(axis=tuple(range(1, inside.ndim)), keepdims=True)
    return _gains(scene, np.where(is_left, inside, masks), BRIGHT)


def gains_of_images(scene: Scene) -> np.ndarray:
    """Returns how far each channel's quantile lies above the least value, float32 (n, C).

    A printed frame says nothing of the light.
    """
    lit = _lit(scene)
    if scene.objects is None:
        return _gains(scene, lit, BRIGHT)
    known = scene.objects.is_known
    gains = _gains(scene, ~scene.objects.masks & lit, MEDIAN)
    span = scene.value_range.high - scene.value_range.low
    if (np.median(gains[known], axis=0) > DARK_SHARE * span).any():
        return gains
    return scene.once(gains_of_objects)


def medians_of_images(scene: Scene) -> np.ndarray:
    """Returns each channel's median above the least value, a frame aside, float32 (n, C)."""
    return _gains(scene, _lit(scene), MEDIAN)


def tints_of_backgrounds(scene: Scene) -> np.ndarray:
    """Returns log(channel / geometric mean of the channels) of what lies off the objects, (n, C).

    Of each channel's mean above the least value, float32, of a `Scene` whose objects are known.
    """
    assert scene.objects is not None
    least = DARK_SHARE * (scene.value_range.high - scene.value_range.low)
    seen = ~scene.objects.masks & _lit(scene)
    means = _of_pixels(scene, seen, lambda pixels: pixels.mean(axis=0) - scene.value_range.low)
    logs = np.log(means + least)
    return (logs - logs.mean(axis=1, keepdims=True)).astype(np.float32)


def tints_of_classes(scene: Scene) -> np.ndarray:
    """Returns the median of `tints_of_backgrounds` over the images of each one's class, (n, C)."""
    tints, has_class = scene.once(tints_of_backgrounds), scene.class_labels.has_class
    assert scene.objects is not None
    known = scene.objects.is_known
    of_classes = [has & known if (has & known).any() else known for has in has_class.T]
    medians = np.stack([np.median(tints[of_class], axis=0) for of_class in of_classes])
    return medians[has_class.argmax(axis=1)]


def _lit(scene: Scene) -> np.ndarray:
    """All pixels but those of a printed frame, which says nothing of the light, bool (n, H, W)."""
    lit = ~scene.once(frame_mask)
    return np.broadcast_to(lit, (len(scene.probes), *lit.shape))


def _gains(scene: Scene, masks: np.ndarray, share: float) -> np.ndarray:
    """The gains, (n, C), of the pixels in each mask (n, H, W); of all where a mask is empty."""
    low = scene.value_range.low
    return _of_pixels(scene, masks, lambda pixels: edits.gains(pixels[None], low, share)[0])


def _of_pixels(
    scene: Scene, masks: np.ndarray, measure: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What is measured of the pixels (m, C) in each mask (n, H, W); of all where it is empty."""
    found = []
    for row, mask in enumerate(masks):
        pixels = scene.take(slice(row, row + 1))[0]
        found.append(measure(pixels[mask] if mask.any() else pixels.reshape(-1, pixels.shape[-1])))
    return np.stack(found)
