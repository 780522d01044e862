"""Numbers per probe: where attention lies, and how far it drifts. Pure functions on arrays.

To add a statistic: one function decorated with `statistic`, in your own code or in
`attention.py` (one map), `objects.py` (a map and what is known of its probe) or `sets.py`
(several maps). A measure of drift is one function decorated with `measure` in `drift.py`.
"""

from keras_saliency.statistics import attention as _attention  # noqa: F401, fills STATISTICS
from keras_saliency.statistics import objects as _objects  # noqa: F401
from keras_saliency.statistics import sets as _sets  # noqa: F401
from keras_saliency.statistics.computing import compute, compute_all, compute_drift
from keras_saliency.statistics.label_issues import find_label_issues, least_accuracy
from keras_saliency.statistics.measures import (
    MEASURES,
    REFERENCES,
    SHOWN_DRIFTS,
    Measure,
    drift_names,
    reference_epochs,
)
from keras_saliency.statistics.recording import Recording
from keras_saliency.statistics.registry import (
    STATISTICS,
    Attention,
    Statistic,
    statistic,
    unit_mass,
)
from keras_saliency.statistics.summary import (
    class_means,
    settle_epoch,
    split_by_outcome,
    summarize,
    worse_direction,
    worst_class,
)

__all__ = [
    "MEASURES",
    "REFERENCES",
    "SHOWN_DRIFTS",
    "STATISTICS",
    "Attention",
    "Measure",
    "Recording",
    "Statistic",
    "class_means",
    "compute",
    "compute_all",
    "compute_drift",
    "drift_names",
    "find_label_issues",
    "least_accuracy",
    "reference_epochs",
    "settle_epoch",
    "split_by_outcome",
    "statistic",
    "summarize",
    "unit_mass",
    "worse_direction",
    "worst_class",
]
