"""Statistics of one probe's map: how concentrated it is, where it lies, how strong it is."""

import numpy as np

from keras_saliency.statistics.maps import Maps, inside, marginals
from keras_saliency.statistics.registry import statistic

BORDER_SHARE = 0.1


@statistic("gini", resolution="native")
def gini(maps: Maps) -> np.ndarray:
    """Returns the Gini index of the map: how unequally attention is spread over positions.

    High values mean that few positions hold most of the mass.
    2 sum_k k A_(k) / (m sum A) - (m + 1) / m, with A ascending, m positions.

    Args:
        maps: float32 array (n, h, w), non-negative, any scale, native size.

    Returns:
        float32 array (n,), in [0, 1 - 1/m]: 0 for a constant map and for a map of
        one position; NaN for a map that is all zero.

    References:
        Hurley & Rickard, Comparing Measures of Sparsity, 2009,
        https://arxiv.org/abs/0811.4706.
    """
    ascending = np.sort(maps.unit.reshape(len(maps.unit), -1), axis=1)
    num_positions = ascending.shape[1]
    rank = np.arange(1, num_positions + 1, dtype=np.float64)
    value = 2 * (ascending @ rank) / num_positions - (num_positions + 1) / num_positions
    return np.maximum(value, 0)


@statistic("entropy", resolution="native")
def entropy(maps: Maps) -> np.ndarray:
    """Returns the entropy of the map, over that of uniform attention.

    1 means that the model looks everywhere alike, 0 that it looks at one position.
    - sum P log P / log m, with m positions.

    Args:
        maps: float32 array (n, h, w), non-negative, any scale, native size.

    Returns:
        float32 array (n,), in [0, 1]; NaN for a map that is all zero, and for
        a map of one position, where log m is 0.

    References:
        Shannon, A Mathematical Theory of Communication, 1948; divided by its
        maximum, so that layers of different size compare.
    """
    num_positions = maps.unit[:1].size
    if num_positions <= 1:
        return np.full(len(maps.unit), np.nan)
    terms = maps.unit * np.log(np.maximum(maps.unit, np.finfo(np.float32).tiny))
    return np.clip(-terms.sum(axis=inside(terms)) / np.log(num_positions), 0, 1)


@statistic("centroid_z", num_axes=3)
def centroid_z(maps: Maps) -> np.ndarray:
    """Returns the depth at which attention balances: 0 is the first slice, 1 the last.

    See `centroid_y`.

    Args:
        maps: float32 array (n, D, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), in (0, 1); NaN for a map that is all zero.
    """
    return _centroid(maps, 3)


@statistic("centroid_y", num_axes=2)
def centroid_y(maps: Maps) -> np.ndarray:
    """Returns the height at which attention balances: 0 is the top edge, 1 the bottom.

    A centroid that is the same on all probes hints at a fixed place.
    sum P y / H, with y at the pixels' centres (0.5, 1.5, ...), so that uniform
    attention is at 0.5 and a mirrored map at 1 - centroid.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), in (0, 1); NaN for a map that is all zero.
    """
    return _centroid(maps, 2)


@statistic("centroid_x")
def centroid_x(maps: Maps) -> np.ndarray:
    """Returns the place from the left at which attention balances: 0 is the left edge, 1 the right.

    See `centroid_y`.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), in (0, 1); NaN for a map that is all zero.
    """
    return _centroid(maps, 1)


@statistic("spread")
def spread(maps: Maps) -> np.ndarray:
    """Returns the standard deviation of attention around its centroid.

    Low values mean one spot, high ones several spots or a broad view.
    sqrt(sum P ((y/H - centroid_y)^2 + (x/W - centroid_x)^2)), over as many axes as there are.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), in [0, 0.71]: 0 for a single pixel, 0.41 for
        uniform attention; NaN for a map that is all zero.
    """
    variance = np.zeros(len(maps.unit))
    for masses in marginals(maps.unit):
        centres = _centres(masses)
        centroid = masses @ centres
        variance += (masses * (centres - centroid[:, None]) ** 2).sum(axis=1)
    return np.sqrt(variance)


@statistic("border_enrichment", worse="high")
def border_enrichment(maps: Maps) -> np.ndarray:
    """Returns how much more the model looks at the image's border than uniform attention would.

    High values are a sign of tags, frames and watermarks near the edge. Mass
    in the outer ring, max(1, round(0.1 min(H, W))) pixels wide, over the ring's
    share of the area.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), at least 0, 1 = uniform attention, also for an image so
        small that all of it is border; NaN for a map that is all zero.
    """
    sizes = maps.unit.shape[1:]
    ring = max(1, round(BORDER_SHARE * min(sizes)))
    is_border = np.ones(sizes, bool)
    is_border[tuple(slice(ring, size - ring) for size in sizes)] = False
    return maps.unit[:, is_border].sum(axis=1, dtype=np.float64) / is_border.mean()


@statistic("gradient_norm", resolution="native")
def gradient_norm(maps: Maps) -> np.ndarray:
    """Returns the mean of the un-normalised heatmap, its magnitude.

    It says how strongly the score reacts to the image, in units of the logit;
    a fall to nothing means vanished gradients. The only statistic that changes
    when a heatmap is scaled. Not smoothed.

    Args:
        maps: float32 array (n, h, w), non-negative, native size.

    Returns:
        float32 array (n,), above 0; NaN for a map that is all zero.
    """
    return maps.magnitude


@statistic("empty_fraction", resolution="native", worse="high")
def empty_fraction(maps: Maps) -> np.ndarray:
    """Returns 1 for each map that is all zero and 0 for the others: its mean is the fraction.

    A high mean says that the other statistics describe few probes only. With
    Grad-CAM, an empty map means that no feature supports the target class.

    Args:
        maps: float32 array (n, h, w), non-negative, any scale, native size.

    Returns:
        float32 array (n,), 0 or 1, so that class means are fractions too; NaN
        for a map that is not finite. The only statistic that is defined for a
        map that is all zero.
    """
    return np.where(maps.undefined & ~maps.empty, np.nan, maps.empty)


def _centroid(maps: Maps, from_last: int) -> np.ndarray:
    masses = marginals(maps.unit)[-from_last]
    return masses @ _centres(masses)


def _centres(masses: np.ndarray) -> np.ndarray:
    """Returns the pixels' centres along an axis of the image, in (0, 1)."""
    size = masses.shape[1]
    return (np.arange(size) + 0.5) / size
