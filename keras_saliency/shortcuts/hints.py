"""Hints: a statistic of attention that has moved. Shown in TensorBoard; proves nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.messages import describe_hint
from keras_saliency.shortcuts.streaks import Streaks
from keras_saliency.shortcuts.verdict import HINT, Verdict

NUM_FOR_HINT = 2  # epochs in a row


@dataclass(frozen=True)
class Hint:
    """A statistic, and the bound beyond which the mean of a class is a hint.

    Attributes:
        statistic: its name.
        bound: the class's mean is below it, or above it.
        is_low: whether low values are the hint.
        sentence: what it may mean.
    """

    statistic: str
    bound: float
    is_low: bool
    sentence: str


HINTS = (
    Hint("border_enrichment", 2.0, False, "attention lies on the image's border"),
    Hint("outside_enrichment", 1.5, False, "attention lies off the object"),
    Hint("cue_attention", 3.0, False, "attention lies where pixels alone tell the classes apart"),
    Hint("mean_map_concentration", 0.3, False, "attention lies at one place in all probes"),
    Hint("group_gap", 0.3, False, "attention differs between the groups of a class"),
    Hint("empty_fraction", 0.5, False, "attention is dead: the maps are all zero"),
    Hint(
        "drift_previous", 1e-4, True, "attention is frozen: it has not moved since the last epoch"
    ),
)


class Hints:
    """Checks the statistics of each epoch, and reports each streak once.

    Args:
        probes: `ProbeSet`.
    """

    def __init__(self, probes: ProbeSet):
        self._probes = probes
        labels = probes.labels
        self._labels = np.zeros(len(probes), int) if labels is None else labels
        self._streaks = Streaks()

    def check(self, statistics: Mapping[str, Mapping[str, np.ndarray]], epoch: int) -> list[Alert]:
        """Returns new hints, from {method: {statistic: float (n,)}} of an epoch's end."""
        found = []
        for method, values in statistics.items():
            for hint in HINTS:
                if hint.statistic in values:
                    found += self._compare(method, hint, values[hint.statistic], epoch)
        return found

    def _compare(self, method: str, hint: Hint, values: np.ndarray, epoch: int) -> list[Alert]:
        found = []
        for c in np.unique(self._labels):
            defined = values[(self._labels == c) & ~np.isnan(values)]
            mean = float(defined.mean()) if len(defined) else np.nan
            is_over = mean < hint.bound if hint.is_low else mean > hint.bound
            key = method, hint.statistic, c
            if self._streaks.update(key, epoch, is_over) == NUM_FOR_HINT:
                verdict = Verdict(HINT, epoch, self._streaks.since(key))
                found.append(self._alert(method, hint, int(c), mean, verdict))
        return found

    def _alert(self, method: str, hint: Hint, c: int, mean: float, verdict: Verdict) -> Alert:
        has_labels = self._probes.labels is not None
        class_name = self._probes.class_text(c) if has_labels else None
        return Alert(
            severity=verdict.severity,
            detector=hint.statistic,
            epoch=verdict.epoch,
            since_epoch=verdict.since_epoch,
            class_index=c if has_labels else None,
            adoption=None,
            control=None,
            num_pairs=0,
            num_donors=0,
            region=None,
            probe_indices=tuple(np.flatnonzero(self._labels == c).tolist()),
            message=describe_hint(hint, method, mean, class_name, verdict),
        )
