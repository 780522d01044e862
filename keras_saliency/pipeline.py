"""From a model's weights to a report: `measure` computes, `publish` draws and writes."""

import dataclasses
import time

from keras_saliency.album import Album
from keras_saliency.guard import notify
from keras_saliency.records import EpochReport
from keras_saliency.statistics import (
    MEASURES,
    REFERENCES,
    STATISTICS,
    Attention,
    compute,
    compute_drift,
    worse_direction,
    worst_class,
)

# What a short name in `log_keys` stands for.
_SHORT_NAMES = {"drift": "drift_previous"}
# The statistics that need more than images and labels, by what they need.
_NEEDS_OF_PROBES = ("object_masks", "groups", "cue_map", "labels")


class Pipeline:
    """Everything between one model and the sinks, for one run.

    Args:
        graph: `ModelGraph` of the watched model.
        probes: `ProbeSet`.
        weights: what is explained, as `ModelGraph.attribute` takes it.
        history: `History` to write to.
        sinks: opened `Sink`s.
        guard: `Guard` that answers for the failures of parts.
        log_keys: statistics whose mean goes into `logs`.
        num_drawn: how many probes are drawn.
    """

    def __init__(self, graph, probes, weights, *, history, sinks, guard, log_keys, num_drawn):
        self.graph = graph
        self.logs = {f"{m.name}_{key}": 0.0 for m in graph.methods for key in log_keys}
        self._probes = probes
        self._weights = weights
        self._history = history
        self._sinks = sinks
        self._guard = guard
        self._log_keys = log_keys
        self._references: dict[str, dict[str, Attention]] = {r: {} for r in REFERENCES}
        self._warned: set[tuple[str, str]] = set()
        self._album = Album(probes, num_drawn, [m.name for m in graph.methods])

    def continue_after(self, earlier: "Pipeline") -> None:
        """Takes over the references and the pictures of the run's earlier part."""
        self._references = earlier._references
        self._album = earlier._album
        self.logs = earlier.logs

    def observe(self, epoch: int, is_baseline: bool = False) -> EpochReport:
        """Measures an epoch and publishes it."""
        report = self.measure(epoch, is_baseline)
        return self.publish(report)

    def measure(self, epoch: int, is_baseline: bool = False) -> EpochReport:
        """Computes maps and statistics and stores them in history."""
        began = time.perf_counter()
        predictions, heatmaps = self.graph.attribute(
            self._probes.model_inputs, weights=self._weights, signals_of=self._album.drawn
        )
        attentions = {name: Attention.from_heatmaps(h) for name, h in heatmaps.items()}
        statistics = {}
        for name, attention in attentions.items():
            others = [a for other, a in attentions.items() if other != name]
            earlier = {r: self._references[r].get(name) for r in REFERENCES}
            statistics[name] = compute(attention, self._probes, predictions, others)
            statistics[name] |= compute_drift(attention, earlier)
        self._history.append(
            epoch,
            (predictions.classes, predictions.confidence),
            statistics,
            {name: h.native for name, h in heatmaps.items()},
            time.perf_counter() - began,
        )
        self._remember(attentions, is_baseline)
        scalars = _summarize(statistics, self._probes.labels)
        self._update_logs(scalars)
        return EpochReport(
            epoch,
            predictions,
            heatmaps,
            statistics,
            is_baseline=is_baseline,
            logs=dict(self.logs),
            scalars=scalars,
        )

    def publish(self, report: EpochReport) -> EpochReport:
        """Draws the pictures and hands the report to the sinks; returns it with the pictures."""
        self._warn_of_problems(report)
        pictures = self._guard.run("drawing", self._album.draw, report) or {}
        report = dataclasses.replace(report, pictures=pictures)
        self._write(report)
        return report

    def close(self) -> None:
        """Writes the pictures that are still to be written, and closes the sinks."""
        report = self._album.last_report()
        if report is not None:
            self._write(report)
        for sink in self._sinks:
            self._guard.run(type(sink).__name__, sink.close)

    def _write(self, report):
        for sink in self._sinks:
            self._guard.run(type(sink).__name__, sink.write, report)

    def _remember(self, attentions, is_baseline):
        self._references["previous"] = attentions
        if is_baseline:
            self._references["start"] = attentions
        elif not self._references["first"]:
            self._references["first"] = attentions

    def _update_logs(self, scalars):
        for method in self.graph.methods:
            for key in self._log_keys:
                value = scalars.get(f"saliency/{method.name}/{_SHORT_NAMES.get(key, key)}")
                if value is not None:  # else undefined: the last value stands
                    self.logs[f"{method.name}_{key}"] = value

    def _warn_of_problems(self, report):
        """Warns once of each kind of problem.

        A few all-zero maps are no news: nothing need speak for a class on a probe. They are
        named in the pictures and counted in `empty_fraction`. When half of them
        are all zero, attention is dead.
        """
        for heatmaps in report.heatmaps.values():
            for kind, sentence in heatmaps.problems().items():
                is_grave = kind != "all zero" or heatmaps.empty.mean() >= 0.5
                if is_grave and (heatmaps.method, kind) not in self._warned:
                    self._warned.add((heatmaps.method, kind))
                    when = "Before training" if report.is_baseline else f"Epoch {report.epoch + 1}"
                    notify(f"{when}: {sentence}")


def _summarize(statistics, labels):
    """Returns the mean, and the worst class, of every statistic by tag, undefined ones left out."""
    scalars = {}
    for method, by_name in statistics.items():
        for name, values in by_name.items():
            defined = values[values == values]
            if not len(defined):
                continue
            tag = f"saliency/{method}/{name}"
            scalars[tag] = float(defined.mean())
            direction = worse_direction(name)
            if labels is not None and direction is not None:
                scalars[f"{tag}_worst"] = worst_class(values, labels, direction == "low")[0]
    return scalars


def check_log_keys(log_keys, probes, num_methods) -> tuple[str, ...]:
    """Refuses statistics that do not exist or that these probes cannot have.

    Raises:
        TypeError: if `log_keys` is no sequence of names.
        ValueError: if a name is unknown, comes twice, or needs what the probes lack.
    """
    is_sequence = isinstance(log_keys, list | tuple)
    if not is_sequence or not all(isinstance(key, str) for key in log_keys):
        raise TypeError(
            f'log_keys must be a sequence of names. Received: {log_keys!r}. Pass ("drift",), say.'
        )
    drifts = [f"{measure}_{reference}" for measure in MEASURES for reference in REFERENCES]
    known = [*_SHORT_NAMES, *STATISTICS, *drifts]
    for key in log_keys:
        if key not in known:
            raise ValueError(
                f'log_keys holds an unknown statistic "{key}". Pass some of: {", ".join(known)}.'
            )
        if [_SHORT_NAMES.get(k, k) for k in log_keys].count(_SHORT_NAMES.get(key, key)) > 1:
            raise ValueError(f'log_keys holds "{key}" twice. Received: {log_keys!r}.')
        if key == "method_agreement" and num_methods < 2:
            raise ValueError('log_keys holds "method_agreement", which needs two methods.')
        for need in STATISTICS[key].needs if key in STATISTICS else ():
            if need in _NEEDS_OF_PROBES and getattr(probes, need) is None:
                raise ValueError(
                    f'log_keys holds "{key}", which needs {need}, but the probes have none. '
                    f"Pass ProbeSet(..., {need}=...) or leave it out."
                )
    return tuple(log_keys)
