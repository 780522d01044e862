"""Numbers per probe: where attention lies, and how far it drifts. Pure functions on arrays.

To add a statistic: one decorated function in `attention.py` (one map),
`objects.py` (a map and what is known of its probe) or `sets.py` (several maps).
"""

import numpy as np

from keras_saliency.statistics import attention as _attention  # noqa: F401, fills STATISTICS
from keras_saliency.statistics import objects as _objects  # noqa: F401
from keras_saliency.statistics import sets as _sets  # noqa: F401
from keras_saliency.statistics.drift import MEASURES, REFERENCES, Measure
from keras_saliency.statistics.recording import Recording, applicable, compute_all
from keras_saliency.statistics.registry import STATISTICS, Attention, Statistic, unit_mass
from keras_saliency.statistics.summary import (
    class_means,
    settle_epoch,
    split_by_outcome,
    worst_class,
)

__all__ = [
    "MEASURES",
    "REFERENCES",
    "STATISTICS",
    "Attention",
    "Measure",
    "Recording",
    "Statistic",
    "class_means",
    "compute",
    "compute_all",
    "compute_drift",
    "settle_epoch",
    "split_by_outcome",
    "summarize",
    "unit_mass",
    "worse_direction",
    "worst_class",
]


def compute(attention, probes, predictions=None, others=()) -> dict[str, np.ndarray]:
    """Computes every attention statistic that the probes allow.

    Args:
        attention: `Attention` of one method in one epoch.
        probes: `ProbeSet`; of its labels, object_masks, groups and cue_map,
            those that are None make the statistics that need them absent.
        predictions: `Predictions` of the same probes, for `group_accuracy_gap`.
        others: the other methods' `Attention`, for `method_agreement`.

    Returns:
        {statistic: float32 (n,)}, NaN where undefined.
    """
    arguments = {"predictions": predictions, "others": others or None}
    return {
        entry.name: entry.measure(
            attention, probes, **{n: arguments[n] for n in entry.needs if n in arguments}
        )
        for entry in applicable(probes, len(attention.image_size), **arguments)
    }


def compute_drift(attention, references) -> dict[str, np.ndarray]:
    """Compares attention with earlier epochs in every measure.

    Args:
        attention: `Attention` of one method in one epoch.
        references: {"previous", "first" or "start": `Attention` of the same
            method, or None, which makes its drifts absent}.

    Returns:
        {"<measure>_<reference>": float32 (n,)}, NaN where undefined.

    Raises:
        ValueError: if a reference has another name.
    """
    computed = {}
    for reference, earlier in references.items():
        if reference not in REFERENCES:
            raise ValueError(
                f"references holds an unknown reference {reference!r}. "
                f"Pass some of: {', '.join(map(repr, REFERENCES))}."
            )
        if earlier is not None:
            for name, entry in MEASURES.items():
                computed[f"{name}_{reference}"] = entry.compare(attention, earlier)
    return computed


def worse_direction(name: str) -> str | None:
    """Returns which direction of a statistic or drift is worse: "low", "high" or None.

    Raises:
        KeyError: if there is no such statistic.
    """
    measure, _, reference = name.rpartition("_")
    if reference in REFERENCES and measure in MEASURES:
        return MEASURES[measure].worse
    return STATISTICS[name].worse


def summarize(statistics, labels, prefix="") -> dict[str, float]:
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
