"""Scalars, pictures and pages for TensorBoard."""

import contextlib
import dataclasses
import os
import re
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto import summary_pb2, types_pb2
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.util.tensor_util import make_tensor_proto

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.files import TROUBLE
from keras_saliency._utils.notify import notify
from keras_saliency._utils.plain_text import one_line
from keras_saliency.records import Alert, EpochReport
from keras_saliency.rendering import encode_picture
from keras_saliency.sinks.sink import Settings, Sink
from keras_saliency.sinks.tab_events import Events, TabEvents
from keras_saliency.tab import schema

ALERTS_TAG = "saliency/alerts"
_MOST_FINDINGS, _MOST_LETTERS = 200, 1000  # of a page, of a cell


class TensorBoardSink(Sink):
    """Writes to RUN_DIR, a run of its own beside Keras's `train` and `validation`.

    Steps are epochs as `keras.callbacks.TensorBoard` counts them; tags of what is seen
    inside an epoch begin with `batch_`, and their steps are batches. Each report is flushed,
    so that a running training can be watched.

    TensorFlow's writer reports success on a full disk or in a deleted directory, and a torn
    record hides all that follows it in its file. So the file is looked at after
    each report; where the report is not in it, the next one begins a new file, and
    brings the scalars and findings of those that were lost.
    """

    of_a_run = (
        *("_run_dir", "_settings", "_writer", "_path", "_owed", "_findings", "_methods"),
        *("_tab", "_lasting", "_has_failed"),
    )
    tries_again = TROUBLE
    _has_failed = False

    def open(self, run_dir: str, settings: Settings) -> None:
        self._run_dir = run_dir
        self._settings = settings
        self._writer: Any = None
        self._path: str | None = None  # of the event file, where it can be looked at
        self._owed: list[tuple[EpochReport, Events]] = []
        self._findings: list[Alert] = []
        self._methods: list[str] = []
        self._tab: TabEvents | None = None
        self._lasting: Events = {}  # what each event file begins with

    def write(self, report: EpochReport) -> None:
        self._findings += report.findings
        self._methods = list(report.heatmaps) or self._methods
        events = self._tab_events(report)
        pictures = {tag: encode_picture(picture) for tag, picture in report.pictures.items()}
        try:
            self._write(report, pictures, events)
        except TROUBLE:
            self.close()  # the next report begins a new file
            lasting = (schema.FINDINGS, schema.METRICS)
            kept = {key: parts for key, parts in events.items() if key[0] in lasting}
            bare = dataclasses.replace(report, heatmaps={}, statistics={}, pictures={})
            self._owed.append((bare, kept))
            raise
        self._owed.clear()

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(*TROUBLE):
                writer.close()

    def _tab_events(self, report: EpochReport) -> Events:
        """What the Saliency tab shows of a report, the lasting part aside.

        A failure costs the tab this report, and nothing else; it is reported once.
        """
        try:
            if self._tab is None:
                self._tab = TabEvents(report.probes)
            events = self._tab.events(report)
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                notify(
                    "keras_saliency: the Saliency tab does not show all reports, because they "
                    f"cannot be written for it ({type(error).__name__}: {error})."
                )
            return {}
        lasting = (schema.PROBES, schema.PICTURES)
        self._lasting |= {key: parts for key, parts in events.items() if key[0] in lasting}
        return {key: parts for key, parts in events.items() if key[0] not in lasting}

    def _write(self, report: EpochReport, pictures: dict[str, bytes], events: Events) -> None:
        is_first = self._writer is None
        if is_first:
            self._open_file()
        size = self._size()
        # record_if(True), because keras.callbacks.TensorBoard(update_freq=N) leaves a switch
        # behind that drops other callbacks' summaries without a word.
        with self._writer.as_default(step=report.step), tf.summary.record_if(True):
            if is_first:
                self._write_pages()
                _write_events(self._lasting)
            has_findings = bool(report.findings) or any(r.findings for r, _ in self._owed)
            for owed, kept in self._owed:
                _write_summary(owed, {}, {})
                _write_events(kept)
            pages = {tag: _plain_page(text) for tag, text in report.texts.items()}
            if has_findings:
                pages[ALERTS_TAG] = _alerts_page(self._findings)
            _write_summary(report, pictures, pages)
            _write_events(events)
        payload = sum(map(len, pictures.values())) + len(report.scalars)
        payload += sum(len(part) for parts in events.values() for part in parts)
        if self._path is not None and self._size() < size + payload:
            raise OSError(f"{self._path} did not grow by what was written to it")

    def _open_file(self) -> None:
        suffix = f".{uuid.uuid4().hex[:8]}.v2"
        self._writer = tf.summary.create_file_writer(self._run_dir, filename_suffix=suffix)
        self._writer.init()
        self._path = None
        if not is_remote(self._run_dir):
            names = [name for name in os.listdir(self._run_dir) if name.endswith(suffix)]
            if not names:
                raise OSError(f"no event file could be made in {self._run_dir}")
            self._path = os.path.join(self._run_dir, names[0])

    def _size(self) -> int:
        return 0 if self._path is None else os.stat(self._path).st_size

    def _write_pages(self) -> None:
        tf.summary.text("saliency/settings", _settings_page(self._settings))
        summary = custom_scalar.pb(_layout(self._methods))
        tf.summary.experimental.write_raw_pb(summary.SerializeToString())


def _write_summary(report: EpochReport, pictures: dict[str, bytes], pages: dict[str, str]) -> None:
    """Writes a report as one record: a hundredth of the time of an operation for each scalar."""
    summary = summary_pb2.Summary()
    for tag, value in report.scalars.items():
        summary.MergeFrom(scalar_pb(tag, value))
    for tag, page in pages.items():
        summary.MergeFrom(text_pb(tag, page))
    metadata = image_metadata.create_summary_metadata(display_name="", description="")
    for tag, content in pictures.items():
        height, width = report.pictures[tag].shape[:2]
        # Encoded bytes, so that the encoder is ours to choose.
        parts = np.array([str(width).encode(), str(height).encode(), content], object)
        tensor = make_tensor_proto(parts, dtype=types_pb2.DT_STRING)
        summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
    tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=report.step)


def _write_events(events: Events) -> None:
    """Writes what the Saliency tab shows."""
    for (tag, step), parts in events.items():
        metadata = summary_pb2.SummaryMetadata(data_class=schema.data_class(tag))
        metadata.plugin_data.plugin_name = schema.PLUGIN
        tensor = make_tensor_proto(np.array(parts, object), dtype=types_pb2.DT_STRING)
        summary = summary_pb2.Summary()
        summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
        tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=step)


def _settings_page(settings: Settings) -> str:
    """A Markdown table; TensorBoard escapes markup, we keep a row in its line."""
    rows = ["| topic | setting | value |", "|---|---|---|"]
    for topic, entries in settings.items():
        rows += [f"| {_cell(topic)} | {_cell(k)} | {_cell(v)} |" for k, v in entries.items()]
    return "\n".join(rows)


def _alerts_page(findings: Sequence[Alert]) -> str:
    """All findings of the run so far, the newest first."""
    # A list: in a table TensorBoard breaks the words of narrow columns letter by letter.
    rows = []
    for alert in reversed(findings[-_MOST_FINDINGS:]):
        severity, detector, message = map(_cell, (alert.severity, alert.detector, alert.message))
        rows.append(f"* **{severity}**, {detector}. {message}")
    return "\n".join(rows)


def _plain_page(text: str) -> str:
    return "\n\n".join(_cell(line) for line in text.splitlines())


# Markup is shown as it was typed: what HTML would read becomes an entity, Markdown's gets "\".
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {mark: f"\\{mark}" for mark in "\\`*_[]|!#~"}
)


def _cell(text: str) -> str:
    return one_line(text, _MOST_LETTERS).translate(_ESCAPES)


def _layout(methods: Sequence[str]) -> Any:
    """Drift and Keras's own loss in one chart, for the Custom Scalars tab."""
    charts = [
        layout_pb2.Chart(
            title=f"{method}: drift and loss",
            multiline=layout_pb2.MultilineChartContent(
                tag=[f"^saliency/{re.escape(method)}/drift_previous$", "^epoch_loss$"]
            ),
        )
        for method in methods
    ]
    return layout_pb2.Layout(category=[layout_pb2.Category(title="saliency", chart=charts)])
