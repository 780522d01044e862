"""`Observer`: what the training waits for. Maps, the numbers for `logs`, checks for shortcuts."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_saliency._utils.notify import notify
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.attribution.layer_features import FeatureViews
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.target import CONTRAST, one_hot_targets
from keras_saliency.history import History
from keras_saliency.records import (
    EpochReport,
    FeatureView,
    Moment,
    Predictions,
    StoredMaps,
)
from keras_saliency.shortcuts.search import ShortcutSearch
from keras_saliency.statistics import (
    REFERENCES,
    Recording,
    compute_all,
    reference_epochs,
    summarize,
)
from keras_saliency.training.accuracy import AccuracyComparison
from keras_saliency.training.check_pace import CheckPace
from keras_saliency.training.checking import Attributed, Checking
from keras_saliency.training.guard import Guard
from keras_saliency.training.health import Health
from keras_saliency.training.log_keys import log_key, statistic_of
from keras_saliency.training.settings import Settings

_OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)


@short_repr
@dataclass(frozen=True)
class Measured:
    """What crosses from the `Observer` to the `Publisher`, and so from thread to thread.

    Attributes:
        report: `EpochReport` with what is known so far.
        recordings: {method: `Recording`} of this observation.
        references: {reference: {method: `Recording`}} to compare it with.
    """

    report: EpochReport
    recordings: dict[str, Recording]
    references: dict[str, dict[str, Recording]]


class Observer:
    """Reads the model, always through its `ModelGraph`. Used in the training's thread only.

    Args:
        graph: `ModelGraph` of the model.
        settings: `Settings`.
        guard: `Guard` that answers for the failures of parts.

    Attributes:
        logs: the keys and values for Keras's `logs`, all finite.

    Raises:
        ValueError: if the target or the feature layers do not fit the model.
    """

    def __init__(
        self,
        graph: ModelGraph,
        settings: Settings,
        guard: Guard,
    ):
        self.graph = graph
        self._settings, self._probes = settings, settings.probes
        self._weights = _target_weights(settings, graph)
        layers = settings.feature_layers
        self._features = FeatureViews(graph, layers) if layers else None
        self._guard = guard
        self._health = Health(settings.probes)
        self._accuracy = AccuracyComparison(settings.probes)
        self._measured: tuple[Predictions, Moment] | None = None
        self._halved = False
        self._recordings: dict[int, dict[str, Recording]] = {}  # of the epochs referred to
        keys = [(m.name, key) for m in graph.methods for key in settings.log_keys]
        self.logs = {log_key(*of): 0.0 for of in keys}

    def begin(
        self, search: ShortcutSearch, check_pace: CheckPace, history: History, first_epoch: int
    ) -> None:
        """Takes up the search and the history of the run, once nothing is to be refused any more.

        Args:
            search: `ShortcutSearch`.
            check_pace: `CheckPace` of its checks.
            history: `History`, read for the epochs that others are compared with; what it holds
                of `first_epoch` and later will be trained again.
            first_epoch: 0-based.
        """
        self._checking = Checking(search, check_pace, self._guard, self.logs)
        self._history = history
        self._baselines = {e for e, entry in history.entries.items() if entry.is_baseline}
        self._old = {epoch for epoch in history.epochs if epoch >= first_epoch}
        valid = [entry for e, entry in history.entries.items() if e not in self._old]
        if valid:
            self._update_logs(valid[-1].statistics)

    def is_old(self, epoch: int) -> bool:
        """Whether history has an epoch of an earlier run that was not observed again."""
        return epoch in self._old

    def measure(self, moment: Moment, is_last: bool = False) -> Measured:
        """Computes maps and the statistics that `logs` needs, and checks for shortcuts.

        Args:
            moment: `Moment`.
            is_last: whether the training ends here.
        """
        attributed = _, predictions, heatmaps = self._attribute()
        recordings = {
            name: Recording(name, StoredMaps.of(h.native), h.image_size, h.is_grainy)
            for name, h in heatmaps.items()
        }
        references = self._guard.run("references", self._references, moment.epoch) or {}
        if not moment.is_inside:
            self._remember(moment, recordings)
            statistics = compute_all(
                recordings,
                self._probes,
                predictions,
                references,
                only={statistic_of(key) for key in self._settings.log_keys},
                attempt=self._guard.run_statistic,
            )
            self._update_logs(statistics)
        self._measured = predictions, moment
        check = self._health.check_model
        self._guard.run("health of the model", check, self.graph, predictions, moment)
        self._checking.at_observation(attributed, moment, is_last)
        report = EpochReport(
            moment,
            self._probes,
            predictions,
            heatmaps,
            logs=dict(self.logs),
            findings=self._checking.take_unreported(),
            tested=self._checking.tested(),
            features=() if moment.is_inside else self._view_features(),
        )
        return Measured(report, recordings, references)

    def compare_accuracy(self, logs: dict[str, Any]) -> None:
        """Compares the accuracy on the probes with the validation's, after `measure`."""
        if self._measured is not None:
            compare = self._accuracy.compare
            self._guard.run("the accuracy on the probes", compare, *self._measured, logs)
            self._measured = None

    def check(self, moment: Moment) -> None:
        """Checks for shortcuts inside an epoch; nothing else is measured."""
        self._checking.check(self._attribute, moment)

    def check_at_end(self, moment: Moment) -> None:
        """Checks the trained model for shortcuts, unless its last observation has done so."""
        self._checking.at_end(self._attribute, moment)

    def _attribute(self) -> Attributed:
        images, drawn = self._probes.model_inputs, self._settings.drawn
        found = None
        try:
            found = self.graph.attribute(images, weights=self._weights, signals_of=drawn)
        except _OUT_OF_MEMORY as error:
            self._halve(error)
        if found is None:  # not inside the block above, which keeps the memory of the attempt
            found = self.graph.attribute(images, weights=self._weights, signals_of=drawn)
        predictions, heatmaps = found
        assert predictions is not None  # the graph was made to predict
        # A `preprocess` may resize: masks, regions and pictures are of the images as they are.
        size = self._probes.image_shape[:-1]
        heatmaps = {m: dataclasses.replace(h, image_size=size) for m, h in heatmaps.items()}
        return Attributed(self.graph, predictions, heatmaps)

    def _halve(self, error: Exception) -> None:
        """Goes on with half the chunk size, once; raises the error where that was tried."""
        chunk_size = self.graph.chunk_size
        if self._halved or chunk_size == 1:
            raise error
        self._halved = True
        smaller = chunk_size // 2
        notify(
            f"keras_saliency: out of memory with chunk_size={chunk_size} "
            f"({type(error).__name__}). It goes on with {smaller}; pass chunk_size={smaller} "
            "to begin with that."
        )
        self.graph = self.graph.with_chunk_size(smaller)

    def _view_features(self) -> tuple[FeatureView, ...]:
        if self._features is None:
            return ()
        others = self._probes.other_inputs
        arrays = () if others is None else others.arrays
        arguments = self._features.look, self._probes.model_inputs, arrays
        return self._guard.run("features of layers", *arguments) or ()

    def _remember(self, moment: Moment, recordings: dict[str, Recording]) -> None:
        self._recordings[moment.epoch] = recordings
        self._old.discard(moment.epoch)
        if moment.is_baseline:
            self._baselines.add(moment.epoch)

    def _references(self, epoch: int) -> dict[str, dict[str, Recording]]:
        """Recordings of the epochs that one is compared with, read from history if need be."""
        entries = self._history.entries
        known = {*entries, *self._recordings} - self._old
        chosen = reference_epochs(epoch, known, self._baselines)
        wanted = set(chosen.values())
        for e in wanted - set(self._recordings):
            size = self._probes.image_shape[:-1]
            grainy = {method.name for method in self.graph.methods if method.is_grainy}
            maps = entries[e].heatmaps
            self._recordings[e] = {m: Recording(m, maps[m], size, m in grainy) for m in maps}
        self._recordings = {e: r for e, r in self._recordings.items() if e in wanted}
        return {r: self._recordings[chosen[r]] if r in chosen else {} for r in REFERENCES}

    def _update_logs(self, statistics: dict[str, dict[str, np.ndarray]]) -> None:
        scalars = summarize(statistics, None)
        for method in self.graph.methods:
            for key in self._settings.log_keys:
                value = scalars.get(f"saliency/{method.name}/{statistic_of(key)}")
                if value is not None:  # else undefined: the last value stands
                    self.logs[log_key(method.name, key)] = value


def _target_weights(settings: Settings, graph: ModelGraph) -> np.ndarray:
    """What is explained for each probe, as weights of its logits, float (n, k)."""
    probes, target = settings.probes, settings.target
    if target == "label" and probes.multi_hot is not None:
        return probes.multi_hot  # the sum of a probe's labels; none: the predicted class
    has_label = target == "label" and graph.has_classes
    classes = probes.labels if has_label else target
    if callable(target) or (target in ("label", "predicted", CONTRAST) and not has_label):
        classes = None
    return one_hot_targets(classes, len(probes), graph.num_classes, "target")
