"""`Examiner`: checks a model with all detectors."""

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
from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.judge import Judge
from keras_saliency.shortcuts.legitimate import Legitimate
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT
from keras_saliency.shortcuts.swaps import ClassLabels, Objects, Scene, ValueRange
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.trying import run_trial
from keras_saliency.shortcuts.turns import Turns
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
        self._judge = Judge(self.detectors, probes)
        self._groups, self._has_comparable_groups = None, False
        if battery.compares_groups and probes.groups is not None:
            self._groups = GroupGap(probes, class_labels, self._judge.streaks)
            too_few = self._groups.too_few(self.classes)
            self._has_comparable_groups = len(too_few) < len(self.classes)
            self._untested += too_few
        self._value_range = ValueRange.of(self._swapped, battery.value_range)
        self._spared = legitimate.mask(probes.image_shape[:-1])
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
            self._judge.break_streaks()
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
        findings = self._judge.new_findings(scene, trials, moment.epoch)
        if self._groups is not None and not moment.is_inside and not is_again:
            gaps = self._groups.check(said, self.classes, moment.epoch)
            findings += [Finding(alert) for alert in gaps]
        self._num_tested += self._could_tell(trials, moment)
        loss = max((t.worst.value for t in trials if t.is_proven), default=0.0)
        is_pending, is_untold = self._judge.is_pending(trials), self._judge.is_untold(trials)
        return Check(accuracy, True, trials, findings, loss, is_pending, is_untold)

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
        is_thorough = self._judge.streaks.length(detector.name) == NUM_FOR_ALERT - 1
        trials = [
            run_trial(scene, detector, proposal, self.classes, rng, is_thorough=is_thorough)
            for proposal in detector.propose(scene, rng)
        ]

        def is_sure(trial: Trial) -> bool:  # which says more than a larger loss that is not
            return trial.is_proven and not trial.proposal.may_be_object

        return max(trials, key=lambda t: (is_sure(t), t.worst.low), default=None)


def _attention(methods: "Sequence[Method]", heatmaps: Mapping[str, Heatmaps]) -> np.ndarray | None:
    """Unit-mass maps of the method that suspects first, (n, H, W); None where none may suspect."""
    suspecting = [m for m in methods if m.name in heatmaps and m.shows_weights]
    if not suspecting:
        return None
    method = max(suspecting, key=lambda m: m.suspects_first)  # of equal ones the first
    return Attention.from_heatmaps(heatmaps[method.name]).image.unit
