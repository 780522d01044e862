"""Whether the outlines of objects are sharp in some classes and blurred in others.

What an object shows inside may be finer in one class than in another. But its outline on a flat
background is one edge, which is as sharp as the image is.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import differs
from keras_saliency.shortcuts.swaps import acquisition
from keras_saliency.shortcuts.swaps.scene import Scene

# Of the variance of ranks that lies between classes; of the octaves by which the median of the
# sharpest class exceeds that of the most blurred one; of the latter. Most of 52 selections with
# blur have 0.6 … 0.9, 0.5 … 1.4 and 0 … 0.6. None of 298 clean selections has all three.
LEAST_SHARE, LEAST_RANGE, MOST_SHARP = 0.6, 0.4, 0.65
FLAT_SHARE = 0.6  # of the pixels around an object that have one colour
STEEP_SHARE = 1 / 3  # of the outline, where it is steepest
MIN_PIXELS, MIN_IMAGES = 8, 5  # of an outline, of a class


def outlines_differ(scene: Scene) -> bool:
    """Returns whether blur tells the classes apart at the outlines of known objects.

    Args:
        scene: `Scene` of images.
    """
    if scene.objects is None or len(scene.size) != 2:
        return False
    sharpness, has_class = scene.once(_outline_sharpness), scene.class_labels.has_class
    is_known = ~np.isnan(sharpness) & scene.objects.is_known
    medians = [
        float(np.median(sharpness[own & is_known]))
        for own in has_class.T > 0
        if np.count_nonzero(own & is_known) >= MIN_IMAGES
    ]
    if len(medians) < 2 or min(medians) > MOST_SHARP or np.ptp(medians) < LEAST_RANGE:
        return False
    share = acquisition.class_share(sharpness[is_known], has_class[is_known])
    return share >= LEAST_SHARE


def _outline_sharpness(scene: Scene) -> np.ndarray:
    """How steep each image's outlines are, in octaves, float32 (n,); NaN where that is not known.

    As `acquisition.sharpness_level`, but along the outlines. Where what is around the object is not
    flat, its slopes are mixed with those of the outline.
    """
    assert scene.objects is not None
    given = scene.probes.object_masks
    masks = scene.objects.masks if given is None else given
    found = np.full(len(masks), np.nan, np.float32)
    kernel, span = np.ones((3, 3), np.uint8), scene.value_range.high - scene.value_range.low
    span = np.where(span > 0, span, 1)
    for row, mask in enumerate(masks.astype(np.uint8)):
        wide, wider = (cv2.dilate(mask, kernel, iterations=n) > 0 for n in (2, 4))
        band = (cv2.dilate(mask, kernel) > 0) & (cv2.erode(mask, kernel, iterations=2) == 0)
        band[[0, 1, -2, -1]] = band[:, [0, 1, -2, -1]] = False  # no outline, but the image's end
        pixels = scene.take(slice(row, row + 1))[0] / span * 255
        around = pixels[wider & ~wide]
        if np.count_nonzero(band) < MIN_PIXELS or not len(around):
            continue
        if differs(around, np.median(around, axis=0)).mean() > 1 - FLAT_SHARE:
            continue
        grey = pixels.mean(axis=-1, keepdims=True)
        fine, coarse = (
            acquisition.slopes(of)[band].ravel()
            for of in (grey, acquisition.blurred(grey.astype(np.float32), 1))
        )
        steepest = np.argsort(coarse)[-max(4, round(STEEP_SHARE * len(coarse))) :]
        ratio = (fine[steepest].mean() + 1) / (coarse[steepest].mean() + 1)
        found[row] = np.log2(ratio) / 2
    return found
