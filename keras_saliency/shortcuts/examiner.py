"""`Examiner`: checks a model with all detectors, and reports what has been proven."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Heatmaps, Moment, Predictions
from keras_saliency.shortcuts.battery import Battery
from keras_saliency.shortcuts.coverage import Coverage
from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.finding import Finding, finding_of_trial
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.legitimate import Legitimate
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT, Streaks, Told
from keras_saliency.shortcuts.swaps import ClassLabels, Objects, Scene, ValueRange
from keras_saliency.shortcuts.telling import explains, may_be_object, most_telling, shows_same
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.trying import run_trial
from keras_saliency.shortcuts.turns import Turns
from keras_saliency.shortcuts.verdict import ALERT, SUSPECT, Verdict
from keras_saliency.statistics import Attention, least_accuracy

if TYPE_CHECKING:
    from keras_saliency.attribution.model_graph import ModelGraph
    from keras_saliency.methods.base import Method


@short_repr
@dataclass(frozen=True, eq=False)
class Check:
    """What one check of the model came to.

    Attributes:
        accuracy: of the probes.
        is_open: whether the model is accurate enough to be tested.
        trials: `Trial` of each detector that had something to try.
        findings: `Finding`s, new ones only.
        loss: the largest accuracy loss that is proven, in [0, 1]; 0 while none is.
        is_pending: whether something is proven that the next check could make an alert.
        is_untold: whether something is proven that the next check could make a suspect.
    """

    accuracy: float
    is_open: bool
    trials: list[Trial] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    loss: float = 0.0
    is_pending: bool = False
    is_untold: bool = False


class Examiner:
    """Checks the model of one run for the shortcuts that a battery asks for.

    Args:
        battery: `Battery`.
        legitimate: `Legitimate`.
        probes: `ProbeSet` with labels, the images that are watched.
        class_labels: their `ClassLabels`, for the model's classes.

    Attributes:
        detectors: the `SwapDetector`s that apply to the images.
        classes: numbers of the classes that are tested.

    Raises:
        ValueError: if the battery's classes are none of the model's.
    """

    def __init__(
        self, battery: Battery, legitimate: Legitimate, probes: ProbeSet, class_labels: ClassLabels
    ):
        self.classes = battery.classes_of(class_labels)
        self._probes, self._class_labels = probes, class_labels
        self._swapped = probes.for_swaps
        swapped_labels = ClassLabels.of(self._swapped, class_labels.num_classes)
        assert swapped_labels is not None  # since the probes have labels
        self._swapped_labels = swapped_labels
        objects = Objects.of(self._swapped)
        self._kept: dict = {Objects: objects}
        self.detectors, self._untested = battery.choose(
            self._swapped, swapped_labels, objects, legitimate
        )
        self._streaks, self._told = Streaks(), Told()
        self._groups, self._has_comparable_groups = None, False
        if battery.compares_groups and probes.groups is not None:
            self._groups = GroupGap(probes, class_labels, self._streaks)
            too_few = self._groups.too_few(self.classes)
            self._has_comparable_groups = len(too_few) < len(self.classes)
            self._untested += too_few
        self._value_range = ValueRange.of(self._swapped, battery.value_range)
        self._spared = legitimate.mask(probes.image_shape[:-1])
        self._proven_before: list[Trial] = []  # for the first time, at the check before
        self._is_held = False  # an alert, since something may say more
        self._turns = Turns(self.detectors)
        self._num_at: Counter[int] = Counter()  # checks by position
        self._num_checks = self._num_closed = self._num_tested = 0
        self._best_accuracy = 0.0

    @property
    def coverage(self) -> Coverage:
        """What has been tested so far."""
        names = [detector.name for detector in self.detectors]
        if self._groups is not None:
            names.append(self._groups.name)
        return Coverage(
            detectors=tuple(names),
            num_classes=len(self.classes),
            num_images=len(self._swapped),
            num_checks=self._num_checks,
            num_closed=self._num_closed,
            untested=tuple(self._untested),
            num_tested=self._num_tested,
            best_accuracy=self._best_accuracy,
            least_accuracy=self._least_accuracy,
        )

    def check(
        self,
        graph: "ModelGraph",
        predictions: Predictions,
        heatmaps: Mapping[str, Heatmaps],
        moment: Moment,
        is_complete: bool = True,
    ) -> Check:
        """Tests the model as it is now.

        Args:
            graph: `ModelGraph` that has made the heatmaps, also for the forward passes.
            predictions: `Predictions` of the probes.
            heatmaps: {method: `Heatmaps`} of the probes.
            moment: `Moment`; other pairs are drawn at each position, and each time at one.
            is_complete: whether all detectors take part, and not only those whose turn it is.
        """
        said = self._class_labels.says(predictions.logits)
        accuracy = self._class_labels.accuracy(said)
        self._num_checks += 1
        self._best_accuracy = max(self._best_accuracy, accuracy)
        if accuracy < self._least_accuracy:
            self._num_closed += 1
            self._streaks.clear()
            self._proven_before, self._is_held = [], False
            return Check(accuracy, False)
        scene = Scene.of(
            self._swapped,
            self._swapped_labels,
            self._value_range,
            graph,
            attention=_attention(graph.methods, heatmaps),
            spared=self._spared,
            kept=self._kept,
        )
        # Checks of one moment draw pairs of their own, too.
        place = abs(round(moment.position * 1000))
        is_again = self._num_at[place] > 0
        rng = np.random.default_rng([place, self._num_at[place]])
        self._num_at[place] += 1
        with np.errstate(all="ignore"):  # of pixels beyond all bounds, which are clipped
            trials = self._turns.take(
                self.detectors,
                lambda detector: self._try(detector, scene, rng),
                is_complete=is_complete,
                is_counted=not moment.is_inside,  # cues are learned in the first epochs
            )
        findings = self._judge(scene, trials, moment.epoch)
        if self._groups is not None and not moment.is_inside and not is_again:
            gaps = self._groups.check(said, self.classes, moment.epoch)
            findings += [Finding(alert) for alert in gaps]
        self._num_tested += self._could_tell(trials, moment)
        loss = max((t.worst.value for t in trials if t.is_proven), default=0.0)
        owed = self._is_pending(trials), self._is_untold(trials)
        return Check(accuracy, True, trials, findings, loss, *owed)

    @property
    def _least_accuracy(self) -> float:
        """How often the model must be right; below that, any edit changes predictions."""
        if self._class_labels.is_multi_label:
            return 0.0  # each label has donors and recipients of its own, or is left out
        return least_accuracy(self._class_labels.num_classes)

    def _could_tell(self, trials: Sequence[Trial], moment: Moment) -> bool:
        """Whether a check could have proven something.

        Where no detector proposes anything, nothing is suspicious; a trial of too few pairs says
        nothing.
        """
        if self._has_comparable_groups and not moment.is_inside:
            return True
        return any(t.is_telling for t in trials) or bool(self.detectors and not trials)

    def _try(self, detector: SwapDetector, scene: Scene, rng: np.random.Generator) -> Trial | None:
        """The trial of a detector's best proposal; None where nothing was suspicious."""
        # This proof would make an alert, so it has to be one of all pairs.
        is_thorough = self._streaks.length(detector.name) == NUM_FOR_ALERT - 1
        trials = [
            run_trial(scene, detector, proposal, self.classes, rng, is_thorough=is_thorough)
            for proposal in detector.propose(scene, rng)
        ]

        def is_sure(trial: Trial) -> bool:  # which says more than a larger loss that is not
            return trial.is_proven and not trial.proposal.may_be_object

        return max(trials, key=lambda t: (is_sure(t), t.worst.low), default=None)

    def _judge(self, scene: Scene, trials: list[Trial], epoch: int) -> list[Finding]:
        """The one finding that is new, if any: all detectors may see one cue."""
        proven = {t.detector.name: t for t in trials if t.is_proven}
        for detector in self.detectors:
            name = detector.name
            self._streaks.update(name, epoch, name in proven)
        self._told.forget_what_is_over(proven)
        lasting = [t for n, t in proven.items() if self._streaks.length(n) >= NUM_FOR_ALERT]
        all_proven = list(proven.values())
        sure = [t for t in all_proven if not may_be_object(t, all_proven)]
        new, sure = [t for t in sure if t not in lasting], [t for t in sure if t in lasting]
        before, self._proven_before = self._proven_before, new
        best = most_telling(sure) if sure else None
        # What would say more, and was proven now or just before, gets a second check.
        if best is not None and self._streaks.length(best.detector.name) == NUM_FOR_ALERT:
            new = new + before
        self._is_held = best is not None and any(explains(t, best) for t in new)
        if best is not None and not self._is_held:
            return self._report(scene, sure, Verdict(ALERT, epoch, epoch))
        unsure = [t for t in all_proven if t in lasting or not t.proposal.may_be_object]
        return self._report(scene, unsure, Verdict(SUSPECT, epoch, epoch)) if unsure else []

    def _is_pending(self, trials: Sequence[Trial]) -> bool:
        """Whether something is proven, and not part of the object, that was no alert yet."""
        proven = [t for t in trials if t.is_proven]
        return self._is_held or any(
            self._streaks.length(t.detector.name) < NUM_FOR_ALERT
            and not self._told.has(t.detector.name, ALERT)
            and not may_be_object(t, proven)
            for t in proven
        )

    def _is_untold(self, trials: Sequence[Trial]) -> bool:
        """Whether something is proven for the first time that the user has not been told of."""
        names = [t.detector.name for t in trials if t.is_proven]
        return any(
            self._streaks.length(name) < NUM_FOR_ALERT and not self._told.has(name, SUSPECT)
            for name in names
        )

    def _report(self, scene: Scene, trials: list[Trial], verdict: Verdict) -> list[Finding]:
        """Reports the most telling of some trials, unless the user knows what it shows."""
        chosen = most_telling(trials)
        names = [t.detector.name for t in trials]
        known = [t for t in trials if self._told.has(t.detector.name, verdict.severity)]
        is_known = any(t is chosen or shows_same(t, chosen) for t in known)
        self._told.add([chosen.detector.name] if is_known else names, verdict.severity)
        if is_known:
            return []
        name = chosen.detector.name
        verdict = verdict._replace(since_epoch=self._streaks.since(name))
        others = [other for other in names if other != name]
        return [finding_of_trial(scene, self._probes, chosen, verdict, others)]


def _attention(methods: "Sequence[Method]", heatmaps: Mapping[str, Heatmaps]) -> np.ndarray | None:
    """Unit-mass maps of the method that suspects first, (n, H, W); None where none may suspect."""
    suspecting = [m for m in methods if m.name in heatmaps and m.shows_weights]
    if not suspecting:
        return None
    method = max(suspecting, key=lambda m: m.suspects_first)  # of equal ones the first
    return Attention.from_heatmaps(heatmaps[method.name]).image.unit
