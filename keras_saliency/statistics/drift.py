"""Drift: how far attention has moved between two epochs, in six measures."""

import numpy as np

from keras_saliency._utils.resize import alongside
from keras_saliency.statistics.maps import divergence, inside, marginals
from keras_saliency.statistics.measures import measure
from keras_saliency.statistics.native_drift import pearson_of_resized

SSIM_WINDOW = 7


def _drift_native(
    current: np.ndarray, reference: np.ndarray, image_size: tuple[int, ...]
) -> np.ndarray:
    return np.clip(1 - pearson_of_resized(current, reference, image_size), 0, 2)


@measure("drift", of="unit", from_native=_drift_native)
def drift(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns 1 - Pearson's r of the unit-mass maps: how much attention has changed.

    0 means that the map is the same, 1 that it has nothing to do with the
    reference. For looking at, not for alarms: clean runs drift as well.

    Args:
        current: float32 array (n, H, W), non-negative, any scale.
        reference: the same probes' maps in another epoch.

    Returns:
        float32 array (n,), in [0, 2]; NaN where one of the two maps is all
        zero, constant or not finite.

    References:
        Adebayo et al., Sanity Checks for Saliency Maps, 2018,
        https://arxiv.org/abs/1810.03292 (comparison of maps by correlation).
    """
    return np.clip(1 - _pearson(current, reference), 0, 2)


@measure("rank_correlation", of="ranks")
def rank_correlation(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns 1 - Spearman's rank correlation: how much the order of the pixels has changed.

    Unlike `drift` it is not ruled by a few hot pixels. Ties get their average rank.

    Args:
        current: float32 array (n, H, W), non-negative, any scale.
        reference: the same probes' maps in another epoch.

    Returns:
        float32 array (n,), in [0, 2], 0 = same order; NaN where one of the two
        maps is all zero, constant or not finite.

    References:
        Ghorbani et al., Interpretation of Neural Networks is Fragile, 2019,
        https://arxiv.org/abs/1710.10547; there the correlation itself.
    """
    return np.clip(1 - _pearson(current, reference), 0, 2)


@measure("iou", of="top", worse="low")
def iou(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns the overlap of the two maps' hottest 10 % of pixels.

    Low values mean that the model looks somewhere else than before.
    Intersection over union of max(1, round(0.1 H W)) pixels each; of equal
    pixels, the first in the row-by-row order wins.

    Args:
        current: float32 array (n, H, W), non-negative, any scale.
        reference: the same probes' maps in another epoch.

    Returns:
        float32 array (n,), in [0, 1], 1 = same pixels; NaN where one of the two
        maps is all zero, constant or not finite.

    References:
        Ghorbani et al., Interpretation of Neural Networks is Fragile, 2019,
        https://arxiv.org/abs/1710.10547 (top-k intersection, there with a
        fixed k and over k).
    """
    shared = _count_true(current & reference)
    return shared / (_count_true(current) + _count_true(reference) - shared)


@measure("ssim", of="unit", worse="low")
def ssim(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns the structural similarity of the two maps.

    Low values mean that shapes have changed, even at the same place. Uniform
    window of min(7, H, W) pixels, made odd, where it fits in whole; sample
    (co)variance; data range = maximum of both unit-mass maps, K1 = 0.01, K2 = 0.03.

    Args:
        current: float32 array (n, H, W), non-negative, any scale.
        reference: the same probes' maps in another epoch.

    Returns:
        float32 array (n,), in [-1, 1], 1 = same; NaN where one of the two
        maps is all zero, constant or not finite.

    References:
        Wang et al., Image Quality Assessment: From Error Visibility to
        Structural Similarity, 2004, https://doi.org/10.1109/TIP.2003.819861,
        with a uniform window, as scikit-image has it.
    """
    window = min(SSIM_WINDOW, *current.shape[1:])
    window -= 1 - window % 2
    axes = inside(current)
    num_inside = window ** len(axes)
    sample = num_inside / max(1, num_inside - 1)
    peak = np.maximum(current.max(axis=axes), reference.max(axis=axes)).astype(np.float64)
    c1, c2 = (alongside((k * peak) ** 2, current) for k in (0.01, 0.03))
    a, b = (m.astype(np.float64) for m in (current, reference))
    mean_a, mean_b = _window_mean(a, window), _window_mean(b, window)
    # In place, since a map of 224x224 takes as long to allocate as to add.
    variances = _window_mean(a * a + b * b, window)
    a *= b
    similarity = _window_mean(a, window)
    means = mean_a * mean_b
    mean_a *= mean_a
    mean_b *= mean_b
    mean_a += mean_b
    variances -= mean_a
    variances *= sample
    variances += c2
    similarity -= means  # the covariance
    similarity *= 2 * sample
    similarity += c2
    means *= 2
    means += c1
    mean_a += c1
    similarity *= means
    variances *= mean_a
    similarity /= variances
    return similarity.mean(axis=axes)


@measure("jensen_shannon", of="unit")
def jensen_shannon(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns the Jensen-Shannon divergence (base 2) of the two maps as distributions.

    0 means the same distribution of attention, 1 that no pixel is looked at
    in both. The divergence, not its root, the distance.

    Args:
        current: float32 array (n, H, W), non-negative, any scale.
        reference: the same probes' maps in another epoch.

    Returns:
        float32 array (n,), in [0, 1]; NaN where one of the two maps is all
        zero, constant or not finite.

    References:
        Lin, Divergence Measures Based on the Shannon Entropy, 1991,
        https://doi.org/10.1109/18.61115.
    """
    return divergence(current, reference)


@measure("centroid_shift", of="unit")
def centroid_shift(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns how far the centroid has moved, over the image's diagonal.

    Args:
        current: float32 array (n, H, W), non-negative, any scale.
        reference: the same probes' maps in another epoch.

    Returns:
        float32 array (n,), in [0, 1); NaN where one of the two maps is all
        zero, constant or not finite.
    """
    shifts = [
        (now - before) @ np.arange(now.shape[1])
        for now, before in zip(marginals(current), marginals(reference), strict=True)
    ]
    return np.sqrt(sum(s**2 for s in shifts) / sum(side**2 for side in current.shape[1:]))


def _pearson(current: np.ndarray, reference: np.ndarray) -> np.ndarray:
    a, b = (m.reshape(len(m), -1).astype(np.float64) for m in (current, reference))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    # Without arrays of products. No @: BLAS starts threads, which wait seconds on a busy machine.
    covariance, *variances = (np.einsum("np,np->n", x, y) for x, y in ((a, b), (a, a), (b, b)))
    return covariance / np.sqrt(variances[0] * variances[1])


def _count_true(masks: np.ndarray) -> np.ndarray:
    """Counts what is true in each map, int (n,); a sum of bool takes 300 times as long."""
    return np.array([np.count_nonzero(mask) for mask in masks])


def _window_mean(maps: np.ndarray, window: int) -> np.ndarray:
    """Returns the mean over each window x window square that fits in whole."""
    from keras_saliency._utils.opencv import cv2  # ten times as fast as sums of slices

    if maps.ndim != 3:
        for axis in inside(maps):
            length = maps.shape[axis] - window + 1
            parts = (maps.take(range(i, i + length), axis) for i in range(window))
            maps = np.asarray(sum(parts) / window)
        return maps
    (height, width), cut = maps.shape[1:], window // 2
    means = np.empty_like(maps)
    for one, place in zip(maps, means, strict=True):
        cv2.blur(one, (window, window), place)
    return means[:, cut : height - cut, cut : width - cut]
