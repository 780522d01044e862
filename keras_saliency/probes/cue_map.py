"""The cue map: how well each pixel alone predicts the class."""

import numpy as np

from keras_saliency.probes.choosing import SmallestKeys

MAX_CUE_IMAGES = 600
MIN_CUE_IMAGES = 20


def make_cue_map(cue: SmallestKeys) -> np.ndarray | None:
    """Returns the cue map of kept (class, blurred image) pairs, or None where these are too few."""
    entries = [entry for _, _, entry in cue.sorted() if np.isfinite(entry[1]).all()]
    labels = [label for label, _ in entries]
    if len(entries) < MIN_CUE_IMAGES or len(set(labels)) < 2:
        return None
    return explained_variance([map_ for _, map_ in entries], labels)


def explained_variance(maps: list[np.ndarray], labels: list[int]) -> np.ndarray:
    """Returns, per pixel, how much of the variance lies between the classes.

    High values mean that this pixel alone separates the classes, as the
    place of a watermark in one class would.

    Args:
        maps: float arrays (H, W), one for each image; (L,) for signals, (D, H, W) for volumes.
        labels: class of each map.

    Returns:
        float32 array (H, W), eta squared = between-class over total sum of
        squares, in [0, 1]; 0 where a pixel does not vary.
    """
    mean = sum(m.astype(np.float64) for m in maps) / len(maps)
    sums: dict[int, np.ndarray] = {}
    counts: dict[int, int] = {}
    total = np.zeros_like(mean)
    for map_, label in zip(maps, labels, strict=True):
        deviation = map_ - mean
        total += deviation**2
        sums[label] = sums.get(label, 0) + deviation
        counts[label] = counts.get(label, 0) + 1
    between = sum(sums[label] ** 2 / counts[label] for label in sums)
    varies = total > 1e-10 * total.max()  # the rest is rounding
    share = np.divide(between, total, out=np.zeros_like(total), where=varies)
    return np.clip(share, 0, 1).astype(np.float32)


def blurred(image: np.ndarray) -> np.ndarray:
    """Mean over channels and 3 by 3 pixels, mirrored at the borders as in cv2.blur.

    Over 3 samples for a signal, over 3 by 3 by 3 pixels for a volume.
    """
    mean = image.mean(axis=-1, dtype=np.float32)
    padded = np.pad(mean, 1, mode="reflect")
    for axis in range(mean.ndim):
        first = np.moveaxis(padded, axis, 0)
        padded = np.moveaxis(first[:-2] + first[1:-1] + first[2:], 0, axis)
    return padded / np.float32(3**mean.ndim)
