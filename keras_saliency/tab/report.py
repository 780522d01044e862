"""The Saliency tab as one HTML file, which opens without TensorBoard and without a network."""

import base64
import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard import context as tensorboard_context
from tensorboard.backend.event_processing import (
    data_provider,
    io_wrapper,
    plugin_event_multiplexer,
)

from keras_saliency.tab import schema
from keras_saliency.tab.folders import folders_below
from keras_saliency.tab.reader import Reader, message_of

_STATIC = Path(__file__).with_name("static")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src blob: data:; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Saliency report</title>
<style>
{style}</style>
</head>
<body>
<div class="app" id="app"></div>
<script type="application/json" id="report">{data}</script>
<script>
"use strict";
const modules = {{}};
{script}
const report = JSON.parse(document.getElementById("report").textContent);
const {{ App }} = modules["app.js"], {{ reportSource }} = modules["source.js"];
new App(document.getElementById("app"), reportSource(report)).start();
</script>
</body>
</html>
"""


def build_report(
    log_dir: str,
    *,
    runs: Sequence[str] | None = None,
    max_epochs: int = 50,
    only_run: str | None = None,
) -> str:
    """Returns the HTML of a report.

    Args:
        log_dir: the directory that `tensorboard --logdir` takes.
        runs: names of runs, such as "saliency". Defaults to None, all that hold maps.
        max_epochs: how many epochs of a run have maps in the report: the first, the last, those of
            alerts, and others at equal distances. Curves show all epochs.
        only_run: where `log_dir` is the directory of one run, what that is called in the report.

    Raises:
        ValueError: if there is nothing to report, no such run, or a maximum below 2.
    """
    if max_epochs < 2:
        raise ValueError(f"A report needs 2 epochs at least. Received: {max_epochs}.")
    is_local = "://" not in log_dir  # else a file system of TensorFlow
    if is_local and not os.path.isdir(log_dir):
        raise ValueError(f'There is no log directory "{log_dir}".')
    notes: list[str] = []
    reader = _read(log_dir, only_run, notes)
    found = json.loads(reader.answer("runs", {})[0])["runs"]
    known = [run["name"] for run in found]
    if not known:
        raise ValueError(
            f'"{log_dir}" holds no run with attention maps. They are written by SaliencyCallback '
            "(sinks=None or with a TensorBoardSink) at the end of an epoch."
        )
    unknown = [run for run in runs or () if run not in known]
    if unknown:
        raise ValueError(f'There is no run "{unknown[0]}". Pass one of: {", ".join(known)}.')
    chosen = [run for run in found if runs is None or run["name"] in runs]
    answers: dict[str, bytes] = {}
    errors: dict[str, str] = {}  # what takes an answer's place
    readable = []
    for run in chosen:
        try:
            notes += _add(answers, errors, reader, run["name"], max_epochs)
        except (ValueError, KeyError) as error:
            said = f'"{run["name"]}" cannot be read: {error.args[0]}.'
            if runs is not None:
                raise ValueError(said) from error
            notes.append(said)
        else:
            readable.append(run)
    if not readable:
        raise ValueError(" ".join(notes))
    answers[_question("runs")] = json.dumps({"runs": readable}).encode()
    encoded = {question: base64.b64encode(a).decode() for question, a in answers.items()}
    embedded = json.dumps({"answers": encoded, "errors": errors, "note": " ".join(notes)})
    return _PAGE.format(
        style=(_STATIC / "style.css").read_text(encoding="utf-8"),
        data=embedded.replace("<", "\\u003c"),
        script=bundle(),
    )


def _read(log_dir: str, only_run: str | None, notes: list[str]) -> Reader:
    multiplexer = _Bounded(
        tensor_size_guidance={schema.PLUGIN: schema.MOST_STEPS, "scalars": schema.MOST_STEPS}
    )
    if only_run is not None:
        multiplexer.AddRun(log_dir, only_run)
    elif "://" in log_dir:  # a file system of TensorFlow: it lists folders itself
        multiplexer.AddRunsFromDirectory(log_dir)
    else:
        found, left_out = folders_below(log_dir)
        for folder in found:
            if any(map(io_wrapper.IsTensorFlowEventsFile, folder.files)):
                multiplexer.AddRun(folder.path, folder.name)
        notes += [f'"{name}" is left out: its name is not UTF-8.' for name in left_out]
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, log_dir)
    return Reader(provider, tensorboard_context.RequestContext(), "")


class _Bounded(plugin_event_multiplexer.EventMultiplexer):
    """Leaves out tensors that say to have more elements than they hold.

    TensorBoard makes arrays and references of the size that is said, whatever that is.
    """

    def Tensors(self, run: str, tag: str) -> list[Any]:
        return [e for e in super().Tensors(run, tag) if _is_whole(e.tensor_proto)]


def _is_whole(tensor: Any) -> bool:
    said = math.prod(dim.size for dim in tensor.tensor_shape.dim)
    held = (getattr(tensor, field.name) for field, _ in tensor.ListFields())
    return said <= max((len(v) for v in held if hasattr(v, "__len__")), default=0)


def _add(
    answers: dict[str, bytes], errors: dict[str, str], reader: Reader, run: str, max_epochs: int
) -> list[str]:
    """Adds all answers about a run; returns notes for whoever opens the report."""
    about = json.loads(reader.answer("run", {"run": run})[0])
    steps = sorted({s for found in about["steps"].values() for s in found})
    alerts = {f["epoch"] for f in about["findings"] if f["severity"] == "alert"}
    kept = _choose(steps, alerts, max_epochs)
    about["steps"] = {m: [s for s in found if s in kept] for m, found in about["steps"].items()}

    def add(name: str, **query: str) -> None:
        try:
            answers[_question(name, **query)] = reader.answer(name, query)[0]
        except (KeyError, ValueError) as error:  # a damaged log lacks this part
            errors[_question(name, **query)] = message_of(error)

    answers[_question("run", run=run)] = json.dumps(about).encode()
    add("pictures", run=run)
    add("numbers", run=run)
    for method, found in about["steps"].items():
        add("numbers", run=run, method=method)
        for step in found:
            add("maps", run=run, method=method, steps=str(step))
    for series in about["scalars"]:
        add("scalars", run=run, series=json.dumps([series], separators=(",", ":")))
    for finding in about["findings"]:
        if finding["has_picture"]:
            add("evidence", run=run, number=str(finding["number"]))
    if len(kept) == len(steps):
        return []
    return [f"{run}: maps of {len(kept)} of {len(steps)} epochs."]


def _choose(steps: list[int], alerts: set[int], most: int) -> set[int]:
    if len(steps) <= most:
        return set(steps)
    kept = {steps[0], steps[-1]} | set([s for s in steps if s in alerts][: most - 2])
    rest = [s for s in steps if s not in kept]
    places = np.linspace(0, len(rest) - 1, most - len(kept)).round().astype(int)
    return kept | {rest[i] for i in places}


def _question(name: str, **query: str) -> str:
    """The key of an answer, as `source.js` asks for it."""
    parts: list[Any] = [name, *([key, query[key]] for key in sorted(query))]
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False)


def bundle() -> str:
    """Returns the modules as one script, each after those that it imports."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        if name in done:
            return
        text = (_STATIC / name).read_text(encoding="utf-8")
        for _, imported in _IMPORT.findall(text):
            add(imported)
        names = ", ".join(_EXPORT.findall(text))
        text = _IMPORT.sub(r'const {\1} = modules["\2"];', text)
        text = _EXPORT.sub("", text)
        done[name] = f'modules["{name}"] = (() => {{\n{text}return {{ {names} }};\n}})();\n'

    add("app.js")
    return "".join(done.values())
