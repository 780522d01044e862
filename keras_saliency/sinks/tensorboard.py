"""Scalars, pictures and pages for TensorBoard."""

import contextlib
import dataclasses
import os
import re
import unicodedata
import uuid
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
from keras_saliency.records import Alert, EpochReport
from keras_saliency.rendering import encode_picture
from keras_saliency.sinks.base import Sink
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

    tries_again = TROUBLE

    def open(self, run_dir, settings):
        self._run_dir = run_dir
        self._settings = settings
        self._writer: Any = None
        self._path: str | None = None  # of the event file, where it can be looked at
        self._owed: list[EpochReport] = []
        self._findings: list[Alert] = []
        self._lasting: dict[tuple[str, int], list[bytes]] = {}  # what each event file begins with

    def write(self, report):
        self._findings += report.findings
        lasting = (schema.PROBES, schema.PICTURES)
        self._lasting |= {key: p for key, p in report.exhibit.items() if key[0] in lasting}
        pictures = {tag: encode_picture(picture) for tag, picture in report.pictures.items()}
        try:
            self._write(report, pictures)
        except TROUBLE:
            self.close()  # the next report begins a new file
            kept = {key: p for key, p in report.exhibit.items() if key[0] == schema.FINDINGS}
            lost: dict[str, dict] = {"heatmaps": {}, "statistics": {}, "pictures": {}}
            self._owed.append(dataclasses.replace(report, exhibit=kept, **lost))
            raise
        self._owed.clear()

    def close(self):
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(*TROUBLE):
                writer.close()

    def _write(self, report, pictures):
        is_first = self._writer is None
        if is_first:
            self._open_file()
        size = self._size()
        # record_if(True), because keras.callbacks.TensorBoard(update_freq=N) leaves a switch
        # behind that drops other callbacks' summaries without a word.
        with self._writer.as_default(step=report.step), tf.summary.record_if(True):
            if is_first:
                self._write_pages()
                _write_exhibit(self._lasting)
            has_findings = bool(report.findings) or any(owed.findings for owed in self._owed)
            for owed in self._owed:
                _write_summary(owed, {}, {})
                _write_exhibit(owed.exhibit)
            pages = {tag: _plain_page(text) for tag, text in report.texts.items()}
            if has_findings:
                pages[ALERTS_TAG] = _alerts_page(self._findings)
            _write_summary(report, pictures, pages)
            told = {k: parts for k, parts in report.exhibit.items() if k not in self._lasting}
            _write_exhibit(told)
        payload = sum(map(len, pictures.values())) + len(report.scalars)
        payload += sum(len(part) for parts in told.values() for part in parts)
        if self._path is not None and self._size() < size + payload:
            raise OSError(f"{self._path} did not grow by what was written to it")

    def _open_file(self):
        suffix = f".{uuid.uuid4().hex[:8]}.v2"
        self._writer = tf.summary.create_file_writer(self._run_dir, filename_suffix=suffix)
        self._writer.init()
        self._path = None
        if not is_remote(self._run_dir):
            names = [name for name in os.listdir(self._run_dir) if name.endswith(suffix)]
            if not names:
                raise OSError(f"no event file could be made in {self._run_dir}")
            self._path = os.path.join(self._run_dir, names[0])

    def _size(self):
        return 0 if self._path is None else os.stat(self._path).st_size

    def _write_pages(self):
        tf.summary.text("saliency/settings", _settings_page(self._settings))
        layout = _layout([name for name, words in self._settings.items() if "rule" in words])
        summary = custom_scalar.pb(layout)
        tf.summary.experimental.write_raw_pb(summary.SerializeToString())


def _write_summary(report, pictures, pages):
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


def _write_exhibit(events):
    """Writes what the Saliency tab shows."""
    for (tag, step), parts in events.items():
        metadata = summary_pb2.SummaryMetadata(data_class=schema.data_class(tag))
        metadata.plugin_data.plugin_name = schema.PLUGIN
        tensor = make_tensor_proto(np.array(parts, object), dtype=types_pb2.DT_STRING)
        summary = summary_pb2.Summary()
        summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
        tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=step)


def _settings_page(settings):
    """A Markdown table; TensorBoard escapes markup, we keep a row in its line."""
    rows = ["| topic | setting | value |", "|---|---|---|"]
    for topic, words in settings.items():
        rows += [f"| {_cell(topic)} | {_cell(k)} | {_cell(v)} |" for k, v in words.items()]
    return "\n".join(rows)


def _alerts_page(findings):
    """All findings of the run so far, the newest first."""
    # A list: in a table TensorBoard breaks the words of narrow columns letter by letter.
    rows = []
    for alert in reversed(findings[-_MOST_FINDINGS:]):
        severity, detector, message = map(_cell, (alert.severity, alert.detector, alert.message))
        rows.append(f"* **{severity}**, {detector}. {message}")
    return "\n".join(rows)


def _plain_page(text):
    return "\n\n".join(_cell(line) for line in text.splitlines())


# Markup is shown as it was typed: what HTML would read becomes an entity, Markdown's gets "\".
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {mark: f"\\{mark}" for mark in "\\`*_[]|!#~"}
)


def _cell(text):
    flat = " ".join(str(text).split())[:_MOST_LETTERS]
    # Neither control characters, nor those that turn the direction of writing, nor halves of
    # surrogate pairs, which no file can hold.
    kept = (c for c in flat if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return "".join(kept).translate(_ESCAPES)


def _layout(methods):
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
