"""Hints: a statistic of attention that has moved. Shown in TensorBoard; proves nothing."""

from dataclasses import dataclass

import numpy as np

from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.streaks import Streaks


@dataclass(frozen=True)
class Hint:
    """A statistic and the bound beyond which it is worth a look, in the mean of a class.

    Attributes:
        statistic: its name.
        bound: the class's mean is below it, or above it.
        is_low: whether low values are worth a look.
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
    """Looks at the statistics of each epoch, and tells once when one begins to be worth a look.

    Args:
        probes: `ProbeSet`.
    """

    def __init__(self, probes):
        self._probes = probes
        self._streaks = Streaks()

    def look(self, statistics, epoch: int) -> list[Finding]:
        """Returns new hints, from {method: {statistic: float (n,)}} of an epoch's end."""
        found = []
        for method, values in statistics.items():
            for hint in HINTS:
                if hint.statistic in values:
                    found += self._compare(method, hint, values[hint.statistic], epoch)
        return found

    def _compare(self, method, hint, values, epoch):
        labels = self._probes.labels
        labels = np.zeros(len(values), int) if labels is None else labels
        found = []
        for c in np.unique(labels):
            defined = values[(labels == c) & ~np.isnan(values)]
            mean = defined.mean() if len(defined) else np.nan
            is_over = bool(mean < hint.bound if hint.is_low else mean > hint.bound)
            key = method, hint.statistic, c
            if self._streaks.update(key, epoch, is_over) == "alert":  # twice in a row
                found.append(self._finding(method, hint, c, float(mean), epoch, key, labels))
        return found

    def _finding(self, method, hint, c, mean, epoch, key, labels):
        has_labels = self._probes.labels is not None
        whose = f' of class "{self._probes.class_text(c)}"' if has_labels else ""
        side = "below" if hint.is_low else "above"
        return Finding(
            severity="hint",
            detector=hint.statistic,
            epoch=epoch,
            since_epoch=self._streaks.since(key),
            message=(
                f"Epoch {epoch + 1}: {hint.sentence}. {method}'s {hint.statistic}{whose} is "
                f"{mean:.3g}, {side} {hint.bound:g}, for two epochs. By itself it proves nothing."
            ),
            class_index=int(c) if has_labels else None,
            probe_indices=tuple(int(i) for i in np.flatnonzero(labels == c)),
        )
