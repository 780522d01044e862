"""`Finding`: an alert before it is drawn."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.evidence import Evidence, draw_evidence
from keras_saliency.shortcuts.swaps import Outcome
from keras_saliency.shortcuts.verdict import Verdict


@dataclass(frozen=True, eq=False)
class Finding:
    """What a check has found.

    Attributes:
        alert: `Alert` of any severity, without a picture.
        evidence: `Evidence` to draw; None where nothing was swapped.
    """

    alert: Alert
    evidence: Evidence | None = None

    def drawn(self, probes: ProbeSet, title: str) -> Alert:
        """Returns the alert with its picture, if there is evidence."""
        if self.evidence is None:
            return self.alert
        picture = draw_evidence(probes, self.evidence, title)
        return dataclasses.replace(self.alert, evidence=picture)


def alert_of_swap(
    detector: str,
    verdict: Verdict,
    outcome: Outcome,
    *,
    class_index: int,
    region: tuple[int, ...] | None,
    probe_indices: np.ndarray,
    message: str,
) -> Alert:
    """Returns the alert, without a picture, that a swap has led to.

    Args:
        detector: its name, or "confirm".
        verdict: `Verdict`.
        outcome: `Outcome` of the swap in one class.
        class_index: the class that is accused, which need not be that of the outcome.
        region: box of the accused place, or None.
        probe_indices: ints, ascending.
        message: the finding as a sentence.
    """
    return Alert(
        severity=verdict.severity,
        detector=detector,
        epoch=verdict.epoch,
        since_epoch=verdict.since_epoch,
        class_index=class_index,
        adoption=outcome.adoption,
        control=outcome.control,
        num_pairs=len(outcome.pairs),
        num_donors=outcome.num_donors,
        region=region,
        probe_indices=tuple(probe_indices.tolist()),
        message=message,
    )
