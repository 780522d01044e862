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
    # From sums alone: of the details, and of what each mask holds of them and their squares.
    kept = [(~without).ravel().astype(np.float64) for without in withouts]
    total, num = np.zeros(1), 0
    shifts, variances = [np.zeros(1) for _ in kept], [0.0 for _ in kept]
    for image in images:
        details = _details(image).reshape(len(kept[0]), -1).astype(np.float64)
        total, num, squares = total + details, num + 1, details**2
        for i, mask in enumerate(kept):
            mean = mask @ details / mask.sum()
            shifts[i] = shifts[i] + mean
            variances[i] += float((mask @ squares / mask.sum() - mean**2).mean())
    if not num:
        return [0.0] * len(kept)
    return [
        _ratio((total[mask > 0] - shift) / num, variance / num, num)
        for mask, shift, variance in zip(kept, shifts, variances, strict=True)
    ]


def _ratio(mean: np.ndarray, variance: float, num_images: int) -> float:
    return float(mean.var() / variance - 1 / num_images) if variance > 0 else 0.0


def _details(image: np.ndarray) -> np.ndarray:
    *size, _ = image.shape
    fine, coarse = (
        filters.gaussian(image.astype(np.float32), range(len(size)), share * min(size))
        for share in (_FINE, _COARSE)
    )
    return fine - coarse
