"""Which places are suspicious: saliency and the probes themselves propose them, swaps decide."""

import numpy as np

from keras_saliency._utils.boxes import hottest_boxes
from keras_saliency.shortcuts.swaps import PATCH_SHARE, PatchSwap, Scene, filters, middle_mask

_ODD = 3  # pixels: the window over which a difference between classes is smoothed
_MOST = 100.0  # beyond ten standard errors, more is not more suspicious


def patch_sides(scene: Scene) -> list[int]:
    """Returns the sides of a patch in pixels, a quarter of each side."""
    return [max(1, round(PATCH_SHARE * length)) for length in scene.size]


def class_differences(scene: Scene) -> np.ndarray:
    """Returns how far each class's mean image is from that of the others, (k, H, W).

    Welch's t squared, of blurred probes, of the channel where it is largest. What is at one
    place in all images of a class, such as a tag, stands out; objects do not.
    """
    axes = range(len(scene.size))  # one by one: memory
    blurred = np.stack([filters.box_mean(probe, axes, _ODD) for probe in scene.pixels])
    floor = 0.01 * max(1e-12, float(np.ptp(blurred)))  # constant pixels differ by nothing
    differences = np.zeros((scene.class_labels.num_classes, *scene.size))
    for c, has in enumerate(scene.class_labels.has_class.T):
        if has.sum() > 1 and (~has).sum() > 1:
            error = sum(blurred[w].var(axis=0) / w.sum() for w in (has, ~has))
            gap = blurred[has].mean(axis=0) - blurred[~has].mean(axis=0)
            squared = ((gap / (np.sqrt(error) + floor)) ** 2).max(axis=-1)
            differences[c] = np.minimum(squared, _MOST)  # one by one: the rest takes no memory
    return differences


def class_attention(scene: Scene) -> np.ndarray:
    """Returns the mean map of each class, (k, H, W); 0 where no map is defined."""
    maps = np.nan_to_num(scene.attention)
    counts = scene.class_labels.has_class.sum(axis=0)
    sums = np.einsum("nk,n...->k...", scene.class_labels.has_class.astype(np.float64), maps)
    return sums / np.maximum(counts, 1).reshape(-1, *[1] * len(scene.size))


def propose_fixed_patch(scene: Scene) -> PatchSwap:
    """Suspects, in each class, the window where its images differ most and attention lies."""
    suspicion = scene.once(class_differences) * class_attention(scene)
    boxes = hottest_boxes(suspicion, *patch_sides(scene))
    return PatchSwap(scene, lambda donors, classes: boxes[classes])


def propose_moving_patch(scene: Scene) -> PatchSwap:
    """Suspects, in each donor, the window with most attention outside the object.

    Without masks, outside of the middle, in which a part of the object would be taken.
    """
    has_masks = scene.masks is not None
    spared = scene.objects if has_masks else middle_mask(*scene.size)
    attention = np.where(spared, 0, np.nan_to_num(scene.attention))
    boxes = hottest_boxes(attention, *patch_sides(scene))
    return PatchSwap(scene, lambda donors, classes: boxes[donors], spares_object=has_masks)
