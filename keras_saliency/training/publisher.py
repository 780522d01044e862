"""`Publisher`: what becomes of an observation. Statistics, pictures, history, files, sinks."""

import dataclasses
from collections import deque
from collections.abc import Callable

from keras_saliency._utils.files import TROUBLE
from keras_saliency.history import History, KeptMaps, RunFiles
from keras_saliency.records import Alert, EpochReport, Moment, Predictions
from keras_saliency.shortcuts.search import SUMMARY_TAG, ShortcutSearch
from keras_saliency.sinks import name_sinks
from keras_saliency.statistics import SHOWN_DRIFTS, STATISTICS, compute_all, summarize
from keras_saliency.training.album import Album
from keras_saliency.training.guard import Guard
from keras_saliency.training.health import Health
from keras_saliency.training.log_keys import statistic_of
from keras_saliency.training.observer import Measured
from keras_saliency.training.settings import Settings


class Publisher:
    """Turns what the `Observer` has measured into reports. Used in the background thread only.

    Args:
        settings: `Settings`.
        search: `ShortcutSearch`.
        summary: function that says what was tested and found, and what it cost.
        guard: `Guard` that answers for the failures of parts.
        history: `History` to write to.
        files: `RunFiles` of the run.
        album: `Album` of the run.
        num_findings: how many findings an earlier part of the run has reported.
    """

    def __init__(
        self,
        settings: Settings,
        search: ShortcutSearch,
        summary: Callable[[], str],
        guard: Guard,
        history: History,
        files: RunFiles,
        album: Album,
        num_findings: int = 0,
    ):
        self._probes, self._sinks = settings.probes, name_sinks(settings.sinks)
        self._logged = [statistic_of(key) for key in settings.log_keys]
        self._has_one_label = settings.probes.class_labels is not None
        self._search, self._summary = search, summary
        self._guard = guard
        self._history = history
        self._kept_maps = KeptMaps(settings.history_maps, history)
        self._files = files
        self._album = album
        self._num_findings = num_findings
        self._health = Health(settings.probes)
        self._last: tuple[int, Predictions] | None = None
        self._metrics: deque[tuple[int, dict[str, float]]] = deque()

    def add_metrics(self, epoch: int, metrics: dict[str, float]) -> None:
        """Keeps what Keras has logged of an epoch for the next report, from any thread."""
        self._metrics.append((epoch, metrics))

    def publish(self, measured: Measured, cost: dict[str, float]) -> EpochReport | None:
        """Completes a report, and hands it to history and sinks.

        Args:
            measured: what `Observer.measure` returned.
            cost: "blocking_seconds" and, where it is known, "share_of_epoch".

        Returns:
            The report with statistics and pictures; None where it failed.
        """
        with self._guard("publishing") as is_on:
            if not is_on:
                return None
            report, moment = measured.report, measured.report.moment
            self._guard.run("health of the maps", self._health.check_maps, report)
            statistics = compute_all(
                measured.recordings,
                self._probes,
                report.predictions,
                measured.references,
                only={*STATISTICS, *SHOWN_DRIFTS, *self._logged},
                attempt=self._guard.run_statistic,
            )
            prefix = "batch_" if moment.is_inside else ""
            scalars = summarize(statistics, self._probes.class_labels, prefix)
            if not moment.is_inside:
                scalars |= {f"saliency/cost/{name}": seconds for name, seconds in cost.items()}
            report = dataclasses.replace(report, statistics=statistics, scalars=scalars)
            with self._guard("drawing") as is_on:
                if is_on:
                    pictures = self._album.draw(report)
                    filmstrips = self._album.filmstrip_tags
                    report = dataclasses.replace(report, pictures=pictures, filmstrips=filmstrips)
            add_to = self._search.add_to
            report = self._guard.run("alerts in the report", add_to, report) or report
            if not moment.is_inside:
                self._guard.run("history", self._record, measured, report, cost)
                verdict = self._guard.run("label errors", self._history.label_verdict)
                issues = () if verdict is None else verdict.issues
                report = dataclasses.replace(report, label_issues=issues)
            report = self._write(report)
            self._last = moment.epoch, report.predictions
            if not moment.is_inside and moment.epoch in self._history.entries:
                # Last: an epoch without its file is observed again when a killed run goes on.
                part = "history on disk", self._write_file, moment.epoch, report.findings
                self._guard.run(*part, tries_again=TROUBLE)
            return report
        return None

    def forget(self, epoch: int) -> None:
        """Removes an epoch of an earlier run that was trained again and not observed."""
        forget = self._files.remove
        self._guard.run("history on disk", forget, self._history, epoch, tries_again=TROUBLE)

    def close(self) -> None:
        """Writes what is still to be written, and closes the sinks."""
        owed = self._files.write_owed
        self._guard.run("history on disk", owed, self._history, tries_again=TROUBLE)
        if self._last is not None:
            pictures = self._guard.run("drawing", self._album.take_unwritten) or {}
            is_wanted = self._search.is_wanted
            texts = {SUMMARY_TAG: self._summary()} if is_wanted else {}
            findings = self._search.take_unreported()
            if pictures or texts or self._metrics:
                epoch, predictions = self._last
                report = EpochReport(
                    Moment(epoch),
                    self._probes,
                    predictions,
                    pictures=pictures,
                    filmstrips=frozenset(pictures),
                    texts=texts,
                    findings=findings,
                    tested=self._search.tested(),
                )
                add_to = self._search.add_to
                report = self._guard.run("alerts in the report", add_to, report) or report
                self._write(report)
            if findings:  # of a check after the last observation
                add = self._files.add_findings
                part = "history on disk", add, self._last[0], findings
                self._guard.run(*part, tries_again=TROUBLE)
        for name, sink in self._sinks.items():
            self._guard.run(f"closing {name}", sink.close)

    def _record(self, measured: Measured, report: EpochReport, cost: dict[str, float]) -> None:
        predictions = report.predictions
        stored = {name: recording.stored for name, recording in measured.recordings.items()}
        kept = self._kept_maps.encode(report.heatmaps, stored)
        self._history.append(
            report.epoch,
            (predictions.classes, predictions.confidence),
            report.statistics,
            kept,
            cost["blocking_seconds"],
            report.is_baseline,
            predictions.by_class if self._has_one_label else None,
            self._kept_maps.comparisons(measured.recordings, kept),
        )

    def _write_file(self, epoch: int, findings: tuple[Alert, ...]) -> None:
        self._files.write(self._history, epoch, self._album.take_columns(), findings)

    def _write(self, report: EpochReport) -> EpochReport:
        """Hands a report to the sinks, its findings numbered."""
        metrics = dict(self._metrics.popleft() for _ in range(len(self._metrics)))
        report = dataclasses.replace(
            report, num_earlier_findings=self._num_findings, metrics=metrics
        )
        self._num_findings += len(report.findings)
        for name, sink in self._sinks.items():
            self._guard.run(name, sink.write, report, tries_again=sink.tries_again)
        return report
