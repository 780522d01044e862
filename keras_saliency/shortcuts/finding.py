"""`Finding`: an alert before it is drawn."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.evidence import Evidence, draw_evidence, gather_evidence
from keras_saliency.shortcuts.messages import describe_finding
from keras_saliency.shortcuts.swaps import Scene, find_region
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.verdict import Verdict


@short_repr
@dataclass(frozen=True, eq=False)
class Finding:
    """What a check has found.

    Attributes:
        alert: `Alert` of any severity, without a picture.
        evidence: `Evidence` to draw; None where nothing was swapped.
        images: `ProbeSet` of the images in the evidence, or None.
    """

    alert: Alert
    evidence: Evidence | None = None
    images: ProbeSet | None = None

    def drawn(self, title: str) -> Alert:
        """Returns the alert with its picture, if there is evidence."""
        if self.evidence is None or self.images is None:
            return self.alert
        picture = draw_evidence(self.images, self.evidence, title)
        return dataclasses.replace(self.alert, evidence=picture)


def finding_of_trial(
    scene: Scene,
    probes: ProbeSet,
    trial: Trial,
    verdict: Verdict,
    others: Sequence[str] = (),
) -> Finding:
    """Returns what a trial has proven.

    Args:
        scene: `Scene`.
        probes: `ProbeSet` of the images that are watched: the first of those that are swapped.
        trial: `Trial`.
        verdict: `Verdict`.
        others: names of other detectors that have proven something at the same check.
    """
    accused = trial.accused_class
    shown, adopted = trial.adopted(accused, is_own=False)
    control_shown, control = trial.adopted(accused, is_own=True)
    region = None
    if trial.detector.is_local and trial.proposal.less is None and adopted.any():
        region = find_region(scene, trial.proposal.swap, trial.pairs.take(adopted))
    if region is None:
        region = trial.common_box
    carriers = _carriers(trial, accused, adopted, len(probes))
    alert = Alert(
        severity=verdict.severity,
        detector=trial.detector.name,
        epoch=verdict.epoch,
        since_epoch=verdict.since_epoch,
        class_index=accused,
        accuracy_loss=trial.worst.value,
        loss_interval=(trial.worst.low, trial.worst.high),
        adoption=_ratio(adopted, shown),
        control=_ratio(control, control_shown),
        num_pairs=len(trial.pairs),
        num_donors=trial.pairs.num_donors,
        region=region,
        probe_indices=tuple(carriers.tolist()),
        message="",
    )
    message = describe_finding(alert, trial, probes.class_text(accused), others)
    alert = dataclasses.replace(alert, message=message)
    changed = adopted if adopted.any() else trial.lost
    evidence = None
    if changed.any():
        evidence = gather_evidence(scene, trial.proposal.swap, trial.pairs.take(changed), region)
    return Finding(alert, evidence, scene.probes)


def _carriers(trial: Trial, accused: int, adopted: np.ndarray, num_probes: int) -> np.ndarray:
    """The watched images that lent what is accused, or else those of the accused class."""
    donors = np.unique(trial.pairs.donors[adopted])
    watched = donors[donors < num_probes]
    return watched if len(watched) else np.flatnonzero(trial.has_class[:num_probes, accused])


def _ratio(found: np.ndarray, among: np.ndarray) -> float:
    return int(np.count_nonzero(found)) / max(1, int(np.count_nonzero(among)))
