"""Statistics of a set of maps: those of a class, a group, all probes; and of several methods.

A statistic of a set is stored at each of its probes with a defined map, as one
value; so means and series work as for the other statistics.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Predictions
from keras_saliency.statistics.coarse_maps import CoarseMaps
from keras_saliency.statistics.drift import rank_correlation
from keras_saliency.statistics.maps import Maps, chunks, divergence, mean_of_defined
from keras_saliency.statistics.measures import Compared
from keras_saliency.statistics.objects import outside_enrichment
from keras_saliency.statistics.registry import MapSet, Probes, probes_at, statistic

HOT_SHARE = 0.05
Gap = Callable[[Sequence[np.ndarray]], float]  # of the members of each group


@statistic("class_consistency", of_set=True, needs="labels")
def class_consistency(maps: MapSet, probes: Probes) -> np.ndarray:
    """Returns how much a probe's map looks like the maps of its class.

    Very high values over all probes of a class hint at one fixed place. Mean
    Pearson's r with the other maps of the class, so that the mean over the class
    is the mean pairwise r.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `labels`, int (n,).

    Returns:
        float32 array (n,), in [-1, 1]; NaN for a map that is all zero or
        constant, and for the only defined map of a class.
    """
    values = np.full(len(maps.empty), np.nan)
    labels = np.asarray(probes.labels)
    for label in np.unique(labels):
        members = np.flatnonzero((labels == label) & maps.comparable)
        if len(members) < 2:
            continue
        values[members] = _mean_correlation(maps, members)
    return values


@statistic("image_dependence", of_set=True, worse="low")
def image_dependence(maps: MapSet) -> np.ndarray:
    """Returns how little a probe's map looks like the other probes' maps.

    Values near 0 mean that the map is nearly the same whatever the image
    shows, like those of a DeconvNet that depends on the image through a few max-pools
    only. 1 - mean Pearson's r with the maps of all other probes.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), in [0, 2]; NaN for a map that is all zero or
        constant, and for the only defined map.
    """
    values = np.full(len(maps.empty), np.nan)
    members = np.flatnonzero(maps.comparable)
    if len(members) > 1:
        values[members] = 1 - _mean_correlation(maps, members)
    return values


def _mean_correlation(maps: MapSet, members: np.ndarray) -> np.ndarray:
    """Returns each member's mean Pearson's r with the other members, float (m,).

    The mean of the products is the product with the mean, so that no pair is formed.
    """
    return np.clip((_sum_of_correlations(maps, members) - 1) / (len(members) - 1), -1, 1)


def _sum_of_correlations(maps: MapSet, members: np.ndarray) -> np.ndarray:
    if isinstance(maps, CoarseMaps):
        return maps.sum_of_correlations(members)

    def centred() -> Iterator[np.ndarray]:
        for some in chunks(members, maps.num_pixels):
            for unit in maps.take(some).unit:
                flat = unit.reshape(-1).astype(np.float64)
                flat -= flat.mean()
                yield flat / np.sqrt((flat * flat).sum())

    total = sum(centred())
    # No @ and no norm: BLAS starts threads for them, which wait seconds on a busy machine.
    return np.array([(z * total).sum() for z in centred()])


def _mean_map(maps: MapSet, members: np.ndarray) -> np.ndarray:
    """Returns the mean of the members' unit-mass maps, float64 (H, W)."""
    if isinstance(maps, CoarseMaps):
        return maps.mean_map(members)
    parts = chunks(members, maps.num_pixels)
    total = sum(maps.take(some).unit.sum(axis=0, dtype=np.float64) for some in parts)
    return np.asarray(total) / len(members)


@statistic("mean_map_concentration", of_set=True, worse="high")
def mean_map_concentration(maps: MapSet) -> np.ndarray:
    """Returns the share of mass in the hottest 5 % of the mean map over all probes.

    High values mean that the model looks at one fixed place whatever the image
    shows, as at a patch in a corner. Hottest max(1, round(0.05 H W)) pixels
    of the mean of the unit-mass maps.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.

    Returns:
        float32 array (n,), the same value in [0.05, 1] for all probes, 0.05 =
        uniform attention; NaN for a map that is all zero.
    """
    defined = ~maps.undefined
    values = np.full(len(defined), np.nan)
    if defined.any():
        mean_map = _mean_map(maps, np.flatnonzero(defined)).reshape(-1)
        num_hot = max(1, round(HOT_SHARE * mean_map.size))
        hottest = np.partition(mean_map, -num_hot)[-num_hot:]
        values[defined] = hottest.sum() / mean_map.sum()
    return values


@statistic("method_agreement", needs="others", worse="low")
def method_agreement(maps: Maps, *, others: Sequence[Compared]) -> np.ndarray:
    """Returns Spearman's rank correlation with other methods' maps of the same probe.

    Low values mean that at least one of the methods does not show what the
    model uses. With several others, the mean over those that are defined.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        others: list of the other methods' `Attention`, `Maps` or arrays (n, H, W).

    Returns:
        float32 array (n,), in [-1, 1]; NaN for a map that is all zero or
        constant, and where all others are.

    References:
        Krishna et al., The Disagreement Problem in Explainable Machine
        Learning, 2022, https://arxiv.org/abs/2202.01602 (rank correlation).
    """
    return mean_of_defined(np.stack([1 - rank_correlation(maps, o) for o in others]), axis=0)


@statistic("group_gap", of_set=True, needs="groups", worse="high")
def group_gap(maps: MapSet, probes: Probes) -> np.ndarray:
    """Returns how differently the model looks at the groups within one class.

    High values mean that it relies on other places in one group, for example in
    images from one hospital. Jensen-Shannon divergence (base 2) of the groups' mean
    unit-mass maps, the largest over pairs of groups. Groups of few probes
    differ by chance: compare with other classes and epochs.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `groups`, str (n,); without `labels` all
            probes count as one class.

    Returns:
        float32 array (n,), in [0, 1], the same value for all probes of a class; NaN
        for a map that is all zero, and for a class with defined maps in one
        group only.
    """

    def gap(members: Sequence[np.ndarray]) -> float:
        means = np.stack([_mean_map(maps, m) for m in members])
        first, second = np.triu_indices(len(means), k=1)
        return float(divergence(means[first], means[second]).max())

    return _by_class_and_group(probes, ~maps.undefined, gap)


@statistic("group_outside_gap", of_set=True, needs=("groups", "object_masks"), worse="high")
def group_outside_gap(maps: MapSet, probes: Probes) -> np.ndarray:
    """Returns the difference between the groups of one class in `outside_enrichment`.

    High values mean that the background counts in one group more than in
    another. Highest less lowest of the groups' means.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `groups`, str (n,), and `object_masks`, bool (n, H, W).

    Returns:
        float32 array (n,), at least 0, the same value for all probes of a class; NaN
        where `outside_enrichment` is, and for a class with one group only.
    """
    parts = chunks(np.arange(len(maps.empty)), maps.num_pixels)
    enrichment = np.concatenate(
        [outside_enrichment(maps.take(some), probes_at(probes, some)) for some in parts]
    )
    return _by_class_and_group(probes, ~np.isnan(enrichment), _range_of_means(enrichment))


@statistic(
    "group_accuracy_gap", of_set=True, needs=("groups", "labels", "predictions"), worse="high"
)
def group_accuracy_gap(maps: MapSet, probes: ProbeSet, *, predictions: Predictions) -> np.ndarray:
    """Returns the difference between the groups of one class in accuracy.

    It shows whether a gap in attention costs a group correct answers. Highest
    less lowest of the groups' accuracies, whether the maps are defined or not.

    Args:
        maps: float32 array (n, H, W); only its length counts.
        probes: `ProbeSet` with `groups`, str (n,), and `labels`, int (n,).
        predictions: `Predictions` of the same probes.

    Returns:
        float32 array (n,), in [0, 1], the same value for all probes of a class; NaN
        for a class with one group only, and for outputs without classes.
    """
    is_correct = predictions.is_correct(probes)
    if is_correct is None:
        return np.full(len(predictions.logits), np.nan)
    gap = _range_of_means(is_correct.astype(np.float64))
    return _by_class_and_group(probes, np.ones(len(is_correct), bool), gap)


def _range_of_means(values: np.ndarray) -> Gap:
    def gap(members: Sequence[np.ndarray]) -> float:
        return float(np.ptp([values[m].mean() for m in members]))

    return gap


def _by_class_and_group(probes: Probes, defined: np.ndarray, gap: Gap) -> np.ndarray:
    """Stores gap([members of group 1, of group 2, ...]) at each defined probe of a class."""
    groups = np.asarray(probes.groups)
    labels = np.zeros(len(groups), int) if probes.labels is None else np.asarray(probes.labels)
    values = np.full(len(groups), np.nan)
    for label in np.unique(labels):
        in_class = (labels == label) & defined
        members = [np.flatnonzero(in_class & (groups == g)) for g in np.unique(groups[in_class])]
        if len(members) > 1:
            values[in_class] = gap(members)
    return values
