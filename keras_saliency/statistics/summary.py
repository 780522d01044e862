"""Summaries of the numbers per probe: class means, the worst class, outcomes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency.statistics.maps import mean_of_defined
from keras_saliency.statistics.measures import MEASURES, REFERENCES
from keras_saliency.statistics.registry import STATISTICS

SETTLED_IOU = 0.65
SETTLED_EPOCHS = 2


def class_means(values: ArrayLike, classes: ArrayLike) -> dict[int, np.ndarray]:
    """Returns the mean of each class over its defined probes.

    Args:
        values: float array (n,) or (num_epochs, n), NaN where undefined.
        classes: int array (n,), or multi-hot (n, k): a probe then counts for each of its classes.

    Returns:
        {class: float32 of shape () or (num_epochs,)}, by ascending class; NaN
        for a class without a defined probe.

    Raises:
        ValueError: if there is not one class for each probe.
    """
    numbers, of_probes = np.asarray(values), np.asarray(classes)
    if of_probes.shape[:1] != numbers.shape[-1:] or of_probes.ndim > 2:
        raise ValueError(
            f"classes has shape {of_probes.shape} but values has {numbers.shape[-1:]} probes. "
            "Pass one class for each probe."
        )
    if of_probes.ndim == 2:
        members = {c: of_probes[:, c] > 0 for c in np.flatnonzero(of_probes.any(axis=0))}
    else:
        members = {c: of_probes == c for c in np.unique(of_probes)}
    return {int(c): mean_of_defined(numbers[..., is_it]) for c, is_it in members.items()}


def worst_class(
    values: ArrayLike, classes: ArrayLike, lower_is_worse: bool
) -> tuple[float, int | None]:
    """Returns the worst of the class means, and which class it is.

    A shortcut usually sits in one class, where the mean over all hides it.
    `worse_direction` returns which direction is worse.

    Args:
        values: float array (n,), NaN where undefined.
        classes: int array (n,).
        lower_is_worse: whether the lowest mean is the worst one.

    Returns:
        (mean, class); of equal classes the first; (NaN, None) if no probe is
        defined.
    """
    means = {c: float(mean) for c, mean in class_means(values, classes).items()}
    defined = {c: mean for c, mean in means.items() if not np.isnan(mean)}
    if not defined:
        return float("nan"), None
    choose = min if lower_is_worse else max
    worst = choose(defined, key=lambda c: defined[c])
    return defined[worst], worst


def split_by_outcome(
    values: ArrayLike,
    previous_predictions: ArrayLike,
    predictions: ArrayLike,
    labels: ArrayLike | None,
) -> dict[str, float]:
    """Returns the mean over the probes whose prediction stayed, was corrected, or flipped.

    Attention that moves while predictions stay means that the model has found
    other evidence for the same answer.

    Args:
        values: float array (n,), NaN where undefined.
        previous_predictions: int array (n,), predicted classes in the epoch before.
        predictions: int array (n,), predicted classes now.
        labels: int array (n,), multi-hot (n, k), or None, where nothing counts as corrected.

    Returns:
        {"stayed": same prediction, "corrected": changed into the label,
        "flipped": changed otherwise}, floats, NaN for an outcome without a
        defined probe.
    """
    numbers, now = np.asarray(values, np.float32), np.asarray(predictions)
    changed = now != np.asarray(previous_predictions)
    # Not `Predictions.is_correct`: history keeps classes, and no logits.
    correct = np.zeros(len(now), bool)
    if labels is not None:
        known = np.asarray(labels)
        correct = known == now if known.ndim == 1 else known[np.arange(len(now)), now] > 0
    outcomes = {"stayed": ~changed, "corrected": changed & correct, "flipped": changed & ~correct}
    return {name: float(mean_of_defined(numbers[is_it])) for name, is_it in outcomes.items()}


def settle_epoch(iou_series: ArrayLike, epochs: Sequence[int] | None = None) -> int | None:
    """Returns the epoch from which attention has stayed in its place.

    That is the first of 2 epochs in a row whose top-10 % overlap with the
    epoch before (`iou_previous`) is at least 0.65.

    Args:
        iou_series: `iou_previous` by epoch, (num_epochs,) or (num_epochs, n),
            whose mean over the defined probes counts; NaN is not settled.
        epochs: ints (num_epochs,). Defaults to None, 0, 1, 2, ...

    Returns:
        an entry of `epochs`, or None while there is none.
    """
    series = np.asarray(iou_series, np.float32)
    if series.ndim == 2:
        series = mean_of_defined(series)
    streak = 0
    for i, value in enumerate(series):
        streak = streak + 1 if value >= np.float32(SETTLED_IOU) else 0
        if streak == SETTLED_EPOCHS:
            first = i - SETTLED_EPOCHS + 1
            return first if epochs is None else int(epochs[first])
    return None


def worse_direction(name: str) -> str | None:
    """Returns which direction of a statistic or drift is worse: "low", "high" or None.

    Raises:
        KeyError: if there is no such statistic.
    """
    measure, _, reference = name.rpartition("_")
    if reference in REFERENCES and measure in MEASURES:
        return MEASURES[measure].worse
    return STATISTICS[name].worse


def summarize(
    statistics: Mapping[str, Mapping[str, np.ndarray]],
    labels: np.ndarray | None,
    prefix: str = "",
) -> dict[str, float]:
    """Returns the mean, and the worst class, of every statistic by tag.

    Args:
        statistics: {method: {statistic: float (n,)}}.
        labels: int (n,), or None, where there is no worst class.
        prefix: before the statistic's name in the tag.

    Returns:
        {"saliency/<method>/<prefix><statistic>": mean over the defined probes, and
        "..._worst": the worst class's}; undefined ones are left out.
    """
    scalars = {}
    for method, by_name in statistics.items():
        for name, values in by_name.items():
            defined = values[values == values]
            if not len(defined):
                continue
            tag = f"saliency/{method}/{prefix}{name}"
            scalars[tag] = float(defined.mean())
            direction = worse_direction(name)
            if labels is not None and direction is not None:
                scalars[f"{tag}_worst"] = worst_class(values, labels, direction == "low")[0]
    return scalars
