"""From a model's weights to a report: `measure` makes the training wait, `publish` does not."""

import dataclasses
from dataclasses import dataclass

import tensorflow as tf

from keras_saliency._utils.files import TROUBLE
from keras_saliency._utils.notify import notify
from keras_saliency.records import EpochReport, Moment, StoredMaps
from keras_saliency.shortcuts.search import SUMMARY_TAG
from keras_saliency.statistics import REFERENCES, Recording, compute_all
from keras_saliency.statistics.summary import summarize
from keras_saliency.training.health import Health
from keras_saliency.training.log_keys import statistic_of

_OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)


@dataclass(frozen=True)
class Measured:
    """What `measure` hands to `publish`.

    Attributes:
        report: `EpochReport` with what is known so far.
        recordings: {method: `Recording`} of this observation.
        references: {reference: {method: `Recording`}} to compare it with.
    """

    report: EpochReport
    recordings: dict[str, Recording]
    references: dict[str, dict[str, Recording]]


class Pipeline:
    """Everything between one model and the sinks, for one run.

    Args:
        graph: `ModelGraph` of the watched model.
        probes: `ProbeSet`.
        weights: what is explained, as `ModelGraph.attribute` takes it.
        history: `History` to write to.
        files: `RunFiles` of the run.
        album: `Album` of the run.
        exhibit: `TabEvents` of the run.
        sinks: opened `Sink`s.
        guard: `Guard` that answers for the failures of parts.
        log_keys: statistics whose mean goes into `logs`.
        first_epoch: what history has of this and later epochs will be trained again.
        watch: `ShortcutSearch` that looks for shortcuts, or None.
        features: `FeatureViews` of layers, or None.
    """

    def __init__(
        self,
        graph,
        probes,
        weights,
        *,
        history,
        files,
        album,
        exhibit,
        sinks,
        guard,
        log_keys,
        first_epoch,
        watch=None,
        features=None,
    ):
        self.graph = graph
        self.logs = {f"{m.name}_{key}": 0.0 for m in graph.methods for key in log_keys}
        self._watch, self._features = watch, features
        if watch is not None:
            self.logs["shortcut_adoption"] = 0.0
        self.history = history
        self.album = album
        self._exhibit = exhibit
        self._files = files
        self._probes = probes
        self._weights = weights
        self._sinks = sinks
        self._guard = guard
        self._log_keys = log_keys
        self._recordings: dict[int, dict[str, Recording]] = {}  # of the epochs referred to
        self._baselines = {e for e, entry in history.entries.items() if entry.is_baseline}
        self._halved = False
        self._last: EpochReport | None = None
        self._health = Health(probes)
        self._old = {epoch for epoch in history.epochs if epoch >= first_epoch}
        valid = [entry for e, entry in history.entries.items() if e not in self._old]
        if valid:
            self._update_logs(valid[-1].statistics)

    def is_old(self, epoch: int) -> bool:
        """Whether history has an epoch of an earlier run that was not observed again."""
        return epoch in self._old

    def measure(self, moment: Moment) -> Measured:
        """Computes maps, and the statistics that `logs` needs."""
        predictions, heatmaps = self._attribute()
        recordings = {
            name: Recording(name, StoredMaps.of(h.native), h.image_size, h.is_grainy)
            for name, h in heatmaps.items()
        }
        references = self._guard.run("references", self._references, moment.epoch) or {}
        report = EpochReport(
            predictions=predictions, heatmaps=heatmaps, statistics={}, **vars(moment)
        )
        if moment.batch is None:
            self._recordings[moment.epoch] = recordings
            self._old.discard(moment.epoch)
            if moment.is_baseline:
                self._baselines.add(moment.epoch)
            wanted = {statistic_of(key) for key in self._log_keys}
            self._update_logs(
                compute_all(
                    recordings,
                    self._probes,
                    predictions,
                    references,
                    only=wanted,
                    attempt=self._attempt,
                )
            )
        self._guard.run("health of the model", self._health.check_model, self.graph, report)
        if self._watch is not None and self._watch.is_due(moment):
            self._look(predictions, heatmaps, moment)
        findings = self._watch.take_unreported() if self._watch is not None else ()
        features = ()
        if self._features is not None and moment.batch is None:
            look, inputs = self._features.look, self._probes.model_inputs
            others = self._probes.other_inputs
            others = () if others is None else others.arrays
            features = self._guard.run("features of layers", look, inputs, others) or ()
        report = dataclasses.replace(
            report, logs=dict(self.logs), findings=findings, features=features
        )
        return Measured(report, recordings, references)

    def glance(self, moment: Moment) -> None:
        """Looks for shortcuts inside an epoch; nothing else is measured."""
        predictions, heatmaps = self._attribute()
        self._look(predictions, heatmaps, moment)

    def _look(self, predictions, heatmaps, moment):
        look = self._watch.look
        adoption = self._guard.run(
            "the search for shortcuts", look, self.graph, predictions, heatmaps, moment
        )
        if adoption is not None:
            self.logs["shortcut_adoption"] = adoption

    def publish(self, measured: Measured, cost: dict[str, float]) -> EpochReport:
        """Computes all statistics, and hands the report to history, pictures and sinks.

        Args:
            measured: what `measure` returned.
            cost: "blocking_seconds" and, where it is known, "share_of_epoch".

        Returns:
            The report, with statistics and pictures.
        """
        report = measured.report
        self._guard.run("health of the maps", self._health.check_maps, report)
        statistics = compute_all(
            measured.recordings,
            self._probes,
            report.predictions,
            measured.references,
            attempt=self._attempt,
        )
        prefix = "" if report.batch is None else "batch_"
        scalars = summarize(statistics, self._probes.labels, prefix)
        if report.batch is None:
            scalars |= {f"saliency/cost/{name}": seconds for name, seconds in cost.items()}
        report = dataclasses.replace(report, statistics=statistics, scalars=scalars)
        pictures = self._guard.run("drawing", self.album.draw, report) or {}
        report = dataclasses.replace(report, pictures=pictures)
        if self._watch is not None:
            told = self._guard.run("alerts in the report", self._watch.tell, report)
            report = told or report
        report = self._exhibited(report)
        is_end = report.batch is None
        if is_end:
            self._guard.run("history", self._record, measured, report, cost)
        self._write(report)
        self._last = EpochReport(report.epoch, report.predictions, {}, {})
        if is_end and report.epoch in self.history.entries:
            # Last: an epoch whose file is missing is observed again when a killed run goes on.
            part = "history on disk", self._file, report.epoch, report.findings
            self._guard.run(*part, tries_again=TROUBLE)
        return report

    def close(self) -> None:
        """Writes what is still to be written, and closes the sinks."""
        owed = self._files.write_owed
        self._guard.run("history on disk", owed, self.history, tries_again=TROUBLE)
        report = self._guard.run("drawing", self.album.last_report)
        if self._watch is not None and self._last is not None:
            report = dataclasses.replace(
                report or self._last,
                texts={SUMMARY_TAG: self._watch.summary()},
                findings=self._watch.take_unreported(),
            )
        if report is not None:
            self._write(self._exhibited(report))
        for sink in self._sinks:
            self._guard.run(f"closing {type(sink).__name__}", sink.close)

    def _attribute(self):
        graph = self.graph
        try:
            return self._run_graph(graph)
        except _OUT_OF_MEMORY as error:
            if self._halved or graph.chunk_size == 1:
                raise
            self._halved = True
            smaller = graph.chunk_size // 2
            notify(
                f"keras_saliency: out of memory with chunk_size={graph.chunk_size} "
                f"({type(error).__name__}). It goes on with {smaller}; pass chunk_size={smaller} "
                "to begin with that."
            )
        self.graph = graph.with_chunk_size(smaller)
        return self._run_graph(self.graph)

    def _run_graph(self, graph):
        return graph.attribute(
            self._probes.model_inputs, weights=self._weights, signals_of=self.album.drawn
        )

    def _attempt(self, name, function, *arguments):
        return self._guard.run(f"the statistic {name}", function, *arguments)

    def _references(self, epoch):
        """Recordings of the epochs that one is compared with, read from history if need be."""
        entries = self.history.entries
        known = {*entries, *self._recordings} - self._old
        earlier = sorted(e for e in known if e < epoch)
        chosen = {
            "previous": earlier[-1:],
            "first": [e for e in earlier if e not in self._baselines][:1],
            "start": [e for e in earlier if e in self._baselines][:1],
        }
        wanted = {e for epochs in chosen.values() for e in epochs}
        for e in wanted - set(self._recordings):
            size = self.graph.image_shape[:-1]
            maps = entries[e].heatmaps
            self._recordings[e] = {
                m.name: Recording(m.name, maps[m.name], size, m.is_grainy)
                for m in self.graph.methods
                if m.name in maps
            }
        self._recordings = {e: r for e, r in self._recordings.items() if e in wanted}
        return {r: self._recordings[chosen[r][0]] if chosen[r] else {} for r in REFERENCES}

    def _update_logs(self, statistics):
        scalars = summarize(statistics, None)
        for method in self.graph.methods:
            for key in self._log_keys:
                value = scalars.get(f"saliency/{method.name}/{statistic_of(key)}")
                if value is not None:  # else undefined: the last value stands
                    self.logs[f"{method.name}_{key}"] = value

    def _exhibited(self, report):
        events = self._guard.run("the Saliency tab", self._exhibit.events, report) or {}
        return dataclasses.replace(report, exhibit=events)

    def _record(self, measured, report, cost):
        predictions = report.predictions
        self.history.append(
            report.epoch,
            (predictions.classes, predictions.confidence),
            report.statistics,
            {name: recording.stored for name, recording in measured.recordings.items()},
            cost["blocking_seconds"],
            report.is_baseline,
        )

    def _file(self, epoch, findings):
        self._files.write(self.history, epoch, self.album.take_columns(), findings)

    def _write(self, report):
        for sink in self._sinks:
            name = type(sink).__name__
            self._guard.run(name, sink.write, report, tries_again=sink.tries_again)
