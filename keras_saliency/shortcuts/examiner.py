"""`Examiner`: looks at a model with all detectors, and says what has been proven."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from keras_saliency.shortcuts.evidence import gather_evidence
from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.messages import describe
from keras_saliency.shortcuts.pooled_looks import Pool
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT, Streaks, Told
from keras_saliency.shortcuts.swaps import Scene, add_controls, find_region, run_trial
from keras_saliency.shortcuts.swaps.pairs import MAX_FORWARD, MAX_PAIRS
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.statistics import Attention

_MEAN = "mean"  # over the classes, where a class is meant by its number
_ATTENTION_OF = ("vanilla_gradients", "grad_cam")
# Nearly independent of the upper layers' weights, so never the reason for a suspicion.
_BLIND_TO_WEIGHTS = ("deconvnet", "guided_backprop", "guided_grad_cam")


@dataclass(frozen=True, eq=False)
class Look:
    """What one evaluation came to.

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
    """The battery of detectors at work on one run.

    Args:
        probes: `ProbeSet`.
        task: `ClassLabels`.
        detectors: `SwapDetector`s that apply to the probes.
        classes: class numbers that are tested.
        pixel_range: `ValueRange` of the probes.
        spared: bool (H, W), the legitimate regions, whose pixels are never lent; or None.
        fills_frame: whether the user calls colour or texture legitimate.
        compares_groups: whether groups are compared.
    """

    def __init__(
        self,
        probes,
        task,
        *,
        detectors,
        classes,
        pixel_range,
        spared=None,
        fills_frame=False,
        compares_groups=False,
    ):
        self.task = task
        self.detectors = detectors
        self.classes = classes
        self._probes = probes
        self._range = pixel_range
        self._spared, self._fills_frame = spared, fills_frame
        self._kept: dict = {}
        self._streaks, self._told, self._pool = Streaks(), Told(), Pool()
        self.groups = GroupGap(probes, task, Streaks()) if compares_groups else None
        self.num_looks = 0
        self.num_closed = 0

    def look(self, graph, predictions, heatmaps, epoch: int, moment: float) -> Look:
        """Tests the model as it is now.

        Args:
            graph: `ModelGraph`, for the forward passes.
            predictions: `Predictions` of the probes.
            heatmaps: {method: `Heatmaps`} of the probes.
            epoch: 0-based.
            moment: the place on the axis of epochs; other pairs are drawn at another.
        """
        is_said = self.task.says(predictions.logits)
        accuracy = self.task.accuracy(is_said)
        self.num_looks += 1
        if not self._is_open(is_said):
            self.num_closed += 1
            self._streaks.clear()
            self._pool.clear()
            return Look(accuracy, False)
        scene = self._scene(graph, is_said, heatmaps)
        rng = np.random.default_rng(abs(round(moment * 1000)))
        with np.errstate(all="ignore"):  # of pixels beyond all bounds, which are clipped
            trials = [self._try(detector, scene, rng) for detector in self.detectors]
        findings = self._judge(scene, trials, epoch)
        if self.groups is not None and moment == epoch:
            findings += self.groups.look(is_said, self.classes, epoch)
        proven = [t.excess for t in trials if t.is_over]
        return Look(accuracy, True, trials, findings, max(proven, default=0.0))

    def _is_open(self, is_said):
        """Whether the model is right often enough; below that, clean networks adopt anything."""
        if self.task.is_multi_label:
            return True  # each label has donors and recipients of its own, or is left out
        k = self.task.num_classes
        return self.task.accuracy(is_said) >= min(0.70, max(1 / k + 0.25, 2.5 / k))

    def _try(self, detector, scene, rng):
        swap = detector.propose(scene)
        bounds = detector.bounds(scene.class_labels, scene.masks is not None)
        num_pairs = min(MAX_PAIRS, MAX_FORWARD // len(self.detectors))
        outcomes = run_trial(scene, swap, self.classes, num_pairs, rng)
        trial = Trial(detector, swap, outcomes, bounds, len(self.classes))
        if trial.needs_control:
            controlled = add_controls(scene, swap, outcomes, rng)
            trial = dataclasses.replace(trial, outcomes=controlled)
        return dataclasses.replace(trial, pooled=self._pool.update(trial))

    def _judge(self, scene, trials, epoch):
        """Findings: for each class the most specific detector that is proven.

        Several detectors see one cue, and one is told. The mean over all classes counts where
        no class is proven by itself, and lastingly where the user was alerted to none; then
        the worst class is told.
        """
        findings, is_any = [], False
        for c in self.classes:
            tried = [(t, o) for t in trials for o in t.outcomes if o.class_index == c]
            proven = [(t, o) for t, o in tried if t.is_proven_in(o)]
            is_any |= bool(proven)
            findings += self._update(scene, c, proven, epoch)
        in_mean = [(t, t.worst) for t in trials if t.is_proven_in_mean]
        return findings + self._update(scene, _MEAN, in_mean, epoch, is_any)

    def _update(self, scene, whose, proven, epoch, is_any=False):
        """Brings the streaks of a class, or of the mean, up to date; returns what is new.

        `is_any`: whether a class is proven by itself at this look.
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
        chosen = lasting if severity == "alert" else proven
        trial, outcome = min(chosen, key=lambda found: self.detectors.index(found[0].detector))
        since = self._streaks.since((trial.detector.name, whose))
        others = [t.detector.name for t, _ in chosen if t is not trial]
        return [self._finding(scene, trial, outcome, severity, epoch, since, others)]

    def _finding(self, scene, trial, outcome, severity, epoch, since, others):
        region = None
        if severity == "alert" and trial.detector.is_local:
            region = find_region(scene, trial.swap, outcome)
        robbed = outcome.robbed_class(self.task)
        accused = outcome.class_index if robbed is None else robbed
        # They have the cue: those who lent it, or those from whom it was taken.
        carriers = outcome.pairs.donors if robbed is None else outcome.pairs.recipients
        carriers = np.unique(carriers[outcome.is_moved])
        names = [self._probes.class_text(c) for c in (accused, outcome.class_index)]
        return Finding(
            severity=severity,
            detector=trial.detector.name,
            epoch=epoch,
            since_epoch=since,
            message=describe(trial, outcome, names, carriers, epoch, since, region, others),
            class_index=accused,
            adoption=outcome.adoption,
            control=outcome.control,
            num_pairs=len(outcome.pairs),
            num_donors=outcome.num_donors,
            region=region,
            probe_indices=tuple(carriers.tolist()),
            evidence=gather_evidence(scene, trial.swap, outcome, self._probes, region),
        )

    def _scene(self, graph, is_said, heatmaps):
        return Scene.of(
            self._probes,
            self.task,
            self._range,
            graph,
            is_said,
            attention=self._attention(heatmaps),
            spared=self._spared,
            fills_frame=self._fills_frame,
            kept=self._kept,
        )

    def _attention(self, heatmaps):
        """Unit-mass maps of the method that tells most, (n, H, W); None without any."""
        for method in (*_ATTENTION_OF, *(m for m in heatmaps if m not in _BLIND_TO_WEIGHTS)):
            if method in heatmaps:
                return Attention.from_heatmaps(heatmaps[method]).image.unit
        return None
