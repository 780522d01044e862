"""How far images are aligned: whether the same thing is at the same place in all of them."""

from collections.abc import Iterable

import numpy as np

from keras_saliency.shortcuts.swaps import Scene, filters

MAX_ALIGNMENT = 0.05  # scenes and satellite pictures are below .04, faces and icons above .07
_FINE, _COARSE = 1 / 32, 1 / 10  # of the shorter side: deviations between which details lie


def are_aligned(scene: Scene, without: np.ndarray | None = None) -> bool:
    """Returns whether the images show the same thing at the same place.

    Args:
        scene: `Scene`.
        without: bool (H, W), what is left out. Defaults to None, nothing.
    """
    without = np.zeros(scene.size, bool) if without is None else without.astype(bool)
    if without.all():
        return True  # so nothing can be ruled out
    kept = scene.kept.setdefault(alignment, {})
    key = without.tobytes()
    if key not in kept:
        images = (scene.take(slice(row, row + 1))[0] for row in range(len(scene.probes)))
        kept[key] = alignment(images, without)
    return kept[key] > MAX_ALIGNMENT


def alignment(images: Iterable[np.ndarray], without: np.ndarray) -> float:
    """Returns the variance of the mean image over the mean variance of the images.

    Of details between a thirty-second and a tenth of the shorter side: coarser, objects that lie
    anywhere near the middle are one blob, and finer is noise. Of n images that have
    nothing in common the ratio is 1/n by chance, which is subtracted.

    Args:
        images: arrays (H, W, C).
        without: bool (H, W), what is left out, such as an accused window: a strong tag
            aligns images by itself.
    """
    total, variances = np.zeros(1), []
    for image in images:
        details = _details(image)[~without].astype(np.float64)
        details = details - details.mean(axis=0)
        total = total + details
        variances.append(details.var())
    if not variances or not np.mean(variances) > 0:
        return 0.0
    mean = total / len(variances)
    return float(mean.var() / np.mean(variances) - 1 / len(variances))


def _details(image: np.ndarray) -> np.ndarray:
    *size, _ = image.shape
    fine, coarse = (
        filters.gaussian(image.astype(np.float32), range(len(size)), share * min(size))
        for share in (_FINE, _COARSE)
    )
    return fine - coarse
