"""`Examiner`: checks a model with all detectors, and reports what has been proven."""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Heatmaps, Moment, Predictions
from keras_saliency.shortcuts.battery import Battery
from keras_saliency.shortcuts.coverage import Coverage
from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.evidence import gather_evidence
from keras_saliency.shortcuts.finding import Finding, alert_of_swap
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.legitimate import Legitimate
from keras_saliency.shortcuts.messages import describe_swap
from keras_saliency.shortcuts.pooled_checks import Pool
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT, Streaks, Told
from keras_saliency.shortcuts.swaps import (
    ClassLabels,
    Outcome,
    Scene,
    ValueRange,
    add_controls,
    find_region,
    run_trial,
)
from keras_saliency.shortcuts.swaps.pairs import MAX_FORWARD, MAX_PAIRS
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.verdict import ALERT, Verdict
from keras_saliency.statistics import Attention

if TYPE_CHECKING:
    from keras_saliency.attribution.model_graph import ModelGraph
    from keras_saliency.methods.base import Method

_MEAN = "mean"  # over the classes, where a class is meant by its number


@dataclass(frozen=True, eq=False)
class Check:
    """What one check of the model came to.

    Attributes:
        accuracy: of the probes.
        is_open: whether the model is accurate enough to be tested.
        trials: `Trial` of each detector.
        findings: `Finding`s, new ones only.
        adoption: the worst proven adoption less its control, in [0, 1]; 0 while nothing is.
    """

    accuracy: float
    is_open: bool
    trials: list[Trial] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    adoption: float = 0.0


class Examiner:
    """Checks the model of one run for the shortcuts that a battery asks for.

    Args:
        battery: `Battery`.
        legitimate: `Legitimate`.
        probes: `ProbeSet` with labels.
        class_labels: their `ClassLabels`, for the model's classes.

    Attributes:
        detectors: the `SwapDetector`s that apply to the probes.
        classes: numbers of the classes that are tested.

    Raises:
        ValueError: if the battery's classes are none of the model's.
    """

    def __init__(
        self, battery: Battery, legitimate: Legitimate, probes: ProbeSet, class_labels: ClassLabels
    ):
        self.classes = battery.classes_of(class_labels)
        self.detectors, self._untested = battery.choose(probes, class_labels, legitimate)
        self._groups = None
        if battery.compares_groups and probes.groups is not None:
            self._groups = GroupGap(probes, class_labels)
            self._untested += self._groups.too_few(self.classes)
        self._probes, self._class_labels = probes, class_labels
        self._value_range = ValueRange.of(probes.images, battery.value_range)
        self._spared = legitimate.mask(probes.image_shape[:-1])
        self._fills_frame = legitimate.fills_frame
        self._kept: dict = {}
        self._streaks, self._told, self._pool = Streaks(), Told(), Pool()
        self._num_checks = 0
        self._num_closed = 0

    @property
    def coverage(self) -> Coverage:
        """What has been tested so far."""
        names = [detector.name for detector in self.detectors]
        if self._groups is not None:
            names.append(self._groups.name)
        return Coverage(
            detectors=tuple(names),
            num_classes=len(self.classes),
            num_checks=self._num_checks,
            num_closed=self._num_closed,
            untested=tuple(self._untested),
        )

    def check(
        self,
        graph: "ModelGraph",
        predictions: Predictions,
        heatmaps: Mapping[str, Heatmaps],
        moment: Moment,
    ) -> Check:
        """Tests the model as it is now.

        Args:
            graph: `ModelGraph` that has made the heatmaps, also for the forward passes.
            predictions: `Predictions` of the probes.
            heatmaps: {method: `Heatmaps`} of the probes.
            moment: `Moment`; at another position other pairs are drawn.
        """
        is_said = self._class_labels.says(predictions.logits)
        accuracy = self._class_labels.accuracy(is_said)
        self._num_checks += 1
        if not self._is_open(accuracy):
            self._num_closed += 1
            self._streaks.clear()
            self._pool.clear()
            return Check(accuracy, False)
        scene = self._scene(graph, is_said, heatmaps)
        rng = np.random.default_rng(abs(round(moment.position * 1000)))
        with np.errstate(all="ignore"):  # of pixels beyond all bounds, which are clipped
            trials = [self._try(detector, scene, rng) for detector in self.detectors]
        findings = self._judge(scene, trials, moment.epoch)
        if self._groups is not None and not moment.is_inside:
            gaps = self._groups.check(is_said, self.classes, moment.epoch)
            findings += [Finding(alert) for alert in gaps]
        proven = [t.excess for t in trials if t.is_over]
        return Check(accuracy, True, trials, findings, max(proven, default=0.0))

    def _is_open(self, accuracy: float) -> bool:
        """Whether the model is right often enough; below that, clean networks adopt anything."""
        if self._class_labels.is_multi_label:
            return True  # each label has donors and recipients of its own, or is left out
        k = self._class_labels.num_classes
        return accuracy >= min(0.70, max(1 / k + 0.25, 2.5 / k))

    def _try(self, detector: SwapDetector, scene: Scene, rng: np.random.Generator) -> Trial:
        swap = detector.propose(scene)
        bounds = detector.bounds(scene.class_labels, scene.masks is not None)
        if bounds is None:
            raise ValueError(f"{detector.name} has no bounds for these labels")
        num_pairs = min(MAX_PAIRS, MAX_FORWARD // len(self.detectors))
        outcomes = run_trial(scene, swap, self.classes, num_pairs, rng)
        trial = Trial(detector, swap, outcomes, bounds, len(self.classes))
        if trial.needs_control:
            controlled = add_controls(scene, swap, outcomes, rng)
            trial = dataclasses.replace(trial, outcomes=controlled)
        return dataclasses.replace(trial, pooled=self._pool.update(trial))

    def _judge(self, scene: Scene, trials: list[Trial], epoch: int) -> list[Finding]:
        """Findings: for each class the most specific detector that is proven.

        Several detectors see one cue, and one is reported. The mean over all classes counts where
        no class is proven by itself, and lastingly where the user was alerted to none; then
        the worst class is reported.
        """
        findings, is_any = list[Finding](), False
        for c in self.classes:
            tried = [(t, o) for t in trials for o in t.outcomes if o.class_index == c]
            proven = [(t, o) for t, o in tried if t.is_proven_in(o)]
            is_any |= bool(proven)
            findings += self._update(scene, c, proven, epoch)
        in_mean = [(t, t.worst) for t in trials if t.is_proven_in_mean]
        return findings + self._update(scene, _MEAN, in_mean, epoch, is_any)

    def _update(
        self,
        scene: Scene,
        whose: Hashable,
        proven: list[tuple[Trial, Outcome]],
        epoch: int,
        is_any: bool = False,
    ) -> list[Finding]:
        """Brings the streaks of a class, or of the mean, up to date; returns what is new.

        `is_any`: whether a class is proven by itself at this check.
        """
        names = {t.detector.name for t, _ in proven}
        for detector in self.detectors:
            self._streaks.update((detector.name, whose), epoch, detector.name in names)
        lasting = [
            (t, o)
            for t, o in proven
            if self._streaks.length((t.detector.name, whose)) >= NUM_FOR_ALERT
        ]
        if is_any and not lasting:
            return []
        severity = self._told.update(whose, bool(proven), bool(lasting))
        if severity is None or (whose == _MEAN and self._told.has_alert(self.classes)):
            return []
        chosen = lasting if severity == ALERT else proven
        trial, outcome = min(chosen, key=lambda found: self.detectors.index(found[0].detector))
        since = self._streaks.since((trial.detector.name, whose))
        others = [t.detector.name for t, _ in chosen if t is not trial]
        return [self._finding(scene, trial, outcome, Verdict(severity, epoch, since), others)]

    def _finding(
        self, scene: Scene, trial: Trial, outcome: Outcome, verdict: Verdict, others: list[str]
    ) -> Finding:
        region = None
        if verdict.severity == ALERT and trial.detector.is_local:
            region = find_region(scene, trial.swap, outcome)
        robbed = outcome.robbed_class(self._class_labels)
        accused = outcome.class_index if robbed is None else robbed
        # They have the cue: those who lent it, or those from whom it was taken.
        carriers = outcome.pairs.donors if robbed is None else outcome.pairs.recipients
        carriers = np.unique(carriers[outcome.is_moved])
        name_of = self._probes.class_text
        message = describe_swap(
            trial,
            outcome,
            verdict,
            class_names=(name_of(accused), name_of(outcome.class_index)),
            carriers=carriers,
            region=region,
            others=others,
        )
        alert = alert_of_swap(
            trial.detector.name,
            verdict,
            outcome,
            class_index=accused,
            region=region,
            probe_indices=carriers,
            message=message,
        )
        return Finding(alert, gather_evidence(scene, trial.swap, outcome, self._probes, region))

    def _scene(
        self, graph: "ModelGraph", is_said: np.ndarray, heatmaps: Mapping[str, Heatmaps]
    ) -> Scene:
        return Scene.of(
            self._probes,
            self._class_labels,
            self._value_range,
            graph,
            is_said,
            attention=_attention(graph.methods, heatmaps),
            spared=self._spared,
            fills_frame=self._fills_frame,
            kept=self._kept,
        )


def _attention(methods: "Sequence[Method]", heatmaps: Mapping[str, Heatmaps]) -> np.ndarray | None:
    """Unit-mass maps of the method that suspects first, (n, H, W); None where none may suspect."""
    suspecting = [m for m in methods if m.name in heatmaps and m.shows_weights]
    if not suspecting:
        return None
    method = max(suspecting, key=lambda m: m.suspects_first)  # of equal ones the first
    return Attention.from_heatmaps(heatmaps[method.name]).image.unit
