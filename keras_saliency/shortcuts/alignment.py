"""How far images are aligned: whether the same thing is at the same place in all of them."""

from collections.abc import Iterable, Sequence

import numpy as np

from keras_saliency.shortcuts.swaps import Scene, edits, filters

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
    kept = scene.kept.setdefault(alignments, {})
    if without.tobytes() not in kept:
        # With what other detectors will ask for, since that takes hardly longer.
        rings = edits.ring_mask(*scene.size) | edits.next_ring_mask(*scene.size)
        masks = [m for m in (without, np.zeros_like(without), rings) if not m.all()]
        images = (scene.take(slice(row, row + 1))[0] for row in range(len(scene.probes)))
        found = alignments(images, masks)
        kept.update(zip((mask.tobytes() for mask in masks), found, strict=True))
    return kept[without.tobytes()] > MAX_ALIGNMENT


def alignments(images: Iterable[np.ndarray], withouts: Sequence[np.ndarray]) -> list[float]:
    """Returns the variance of the mean image over the mean variance of the images.

    Of details between a thirty-second and a tenth of the shorter side: coarser, objects that lie
    anywhere near the middle are one blob, and finer is noise. Of n images that have
    nothing in common the ratio is 1/n by chance, which is subtracted.

    Args:
        images: arrays (H, W, C).
        withouts: bool (H, W) each, what is left out, such as an accused window: a strong tag
            aligns images by itself. Several at once, since details take longest.

    Returns:
        A number for each of `withouts`.
    """
    totals, variances = [np.zeros(1) for _ in withouts], [list[float]() for _ in withouts]
    for image in images:
        all_details = _details(image)
        for i, without in enumerate(withouts):
            details = all_details[~without].astype(np.float64)
            details = details - details.mean(axis=0)
            totals[i] = totals[i] + details
            variances[i].append(details.var())
    return [_ratio(*of) for of in zip(totals, variances, strict=True)]


def _ratio(total: np.ndarray, variances: list[float]) -> float:
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
