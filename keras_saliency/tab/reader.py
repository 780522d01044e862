"""Answers the tab's questions from a TensorBoard data provider.

An answer is JSON, a picture, or packed as `schema.py` describes.
"""

import contextlib
import json
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from tensorboard.data import provider

from keras_saliency.tab import checks, schema
from keras_saliency.tab.keras_curves import list_series, read_series
from keras_saliency.tab.log import EventFiles, Log
from keras_saliency.tab.run_names import natural

_PACKED = "application/octet-stream"
_MOST_TOGETHER, _MOST_MAPS = 64, 2**26  # epochs, and bytes, of an answer
_MOST_SERIES = 64
_MOST_NUMBERS = 2**28  # bytes of an answer
_MOST_STEP = 2**53  # above, a browser's numbers skip some
_MOST_LINES, _MOST_LETTERS = 20, 4000  # of what was tested, of a line

Answer = tuple[bytes, str]  # content and its type


class Reader:
    """Answers the questions of the tab.

    Args:
        data_provider: TensorBoard's `DataProvider`.
        context: its `RequestContext`.
        experiment: the experiment's id.
        files: `EventFiles`, kept between questions. Defaults to None, new ones.
    """

    # Parameters that a question must have, and those that it may have.
    ANSWERS: ClassVar[dict[str, tuple[set[str], set[str]]]] = {
        "runs": (set(), set()),
        "run": ({"run"}, set()),
        "pictures": ({"run"}, set()),
        "maps": ({"run", "method", "steps"}, set()),
        "numbers": ({"run"}, {"method", "names"}),
        "scalars": ({"run", "series"}, set()),
        "evidence": ({"run", "number"}, set()),
    }

    def __init__(
        self,
        data_provider: provider.DataProvider,
        context: Any,
        experiment: str,
        files: EventFiles | None = None,
    ) -> None:
        self._log = Log(data_provider, context, experiment, files)

    def answer(self, name: str, query: dict[str, str]) -> Answer:
        """Returns an answer and its content type.

        Args:
            name: one of `ANSWERS`.
            query: the question's parameters.

        Raises:
            KeyError: if there is no such run, method, epoch or parameter.
            ValueError: if the log holds something else there, or a parameter does not belong here.
        """
        needed, allowed = self.ANSWERS[name]
        if not needed <= set(query) <= needed | allowed:
            takes = ", ".join(sorted(needed | allowed)) or "none"
            raise ValueError(f'the parameters of "{name}" are: {takes}')
        return getattr(self, f"_{name}")(**query)

    def _runs(self) -> Answer:
        listed = self._log.tensor_tags()
        found = []
        by_run = self._log.blob_tags()
        for run in sorted(by_run, key=natural):
            tags = by_run[run]
            maps = [series for tag, series in tags.items() if tag.startswith(schema.MAPS)]
            tensors = listed.get(run, {})
            if schema.PROBES in tensors and schema.PICTURES in tags and maps:
                last = max(series.max_step for series in maps)
                wall_time = max(series.max_wall_time for series in maps)
                findings = tensors.get(schema.FINDINGS)
                latest = max(series.max_wall_time for series in tensors.values())
                changed = [last, wall_time, findings.max_step if findings else -1, latest]
                told = self._findings(run) if findings else []
                alerts = sum(finding["severity"] == "alert" for finding in told)
                found.append({"name": run, "last": last, "changed": changed, "alerts": alerts})
        return _json({"runs": found})

    def _run(self, run: str) -> Answer:
        probes = self._probes(run)
        tags = [t for t in sorted(self._log.blob_tags(run).get(run, {})) if _is_maps(t)]
        asked = [schema.MAPS + method for method in probes["methods"]]
        maps = [tag for tag in dict.fromkeys(asked + tags) if tag in tags]
        listed = self._log.blobs(run, maps) if maps else {}
        steps = {
            tag.removeprefix(schema.MAPS): [s for s in sorted(listed.get(tag, {})) if _is_step(s)]
            for tag in maps
        }
        steps = {method: found for method, found in steps.items() if found}
        if not steps:
            raise ValueError("this run has no maps yet")
        series: list[tuple[str, str]] = []
        with contextlib.suppress(ValueError, KeyError):  # curves alone are missing then
            series = list_series(self._log, run)
        return _json(
            {
                "run": run,
                "probes": probes,
                "steps": steps,
                "findings": self._findings(run),
                "tested": self._tested(run),
                "labels": self._labels(run, probes),
                "scalars": series,
            }
        )

    def _probes(self, run: str) -> dict[str, Any]:
        """The newest description of the probes, with the first one's start: runs resume."""
        data = self._log.tensors(run, schema.PROBES)
        if not data:
            raise KeyError(f"run {run}")
        found = []
        for _, head in _heads(data):
            with contextlib.suppress(ValueError):
                found.append(checks.probes_of(head))
        if not found:
            raise ValueError("this run's probes are of another version, or damaged")
        newest = found[-1]
        starts = [f["start"] for f in found if f["fingerprint"] == newest["fingerprint"]]
        return {**newest, "start": starts[0]}

    def _findings(self, run: str) -> list[dict[str, Any]]:
        with contextlib.suppress(ValueError, KeyError):
            data = self._log.tensors(run, schema.FINDINGS)
            return [checks.finding_of(head, number) for number, head in _heads(data)]
        return []

    def _tested(self, run: str) -> list[str]:
        """What was tested for shortcuts, as lines; none in runs of older versions."""
        with contextlib.suppress(ValueError, KeyError):
            for _, head in reversed([*_heads(self._log.tensors(run, schema.TESTED))]):
                lines = head.get("lines")
                if isinstance(lines, list):
                    return [checks.text_of(line)[:_MOST_LETTERS] for line in lines[:_MOST_LINES]]
        return []

    def _labels(self, run: str, probes: dict[str, Any]) -> list[dict[str, Any]]:
        """The probes whose label may be wrong, as the newest event has them; none in older runs."""
        with contextlib.suppress(ValueError, KeyError):
            for _, head in reversed([*_heads(self._log.tensors(run, schema.LABELS))]):
                with contextlib.suppress(ValueError):
                    return checks.labels_of(head, probes)
        return []

    def _pictures(self, run: str) -> Answer:
        """The newest pictures that are of the run's probes; without any, places for them."""
        probes = self._probes(run)
        references = self._log.blobs(run, [schema.PICTURES]).get(schema.PICTURES, {})
        for step in sorted(references, reverse=True)[:_MOST_TOGETHER]:
            with contextlib.suppress(ValueError, KeyError):
                return checks.pictures_of(self._log.read(references[step]), probes), _PACKED
        return checks.no_pictures(probes), _PACKED

    def _maps(self, run: str, method: str, steps: str) -> Answer:
        """Maps of several epochs, so that playing takes few questions.

        Of several, one that cannot be read leaves a message in its place.
        """
        wanted = list(dict.fromkeys(_wholes(steps)))
        if len(wanted) > _MOST_TOGETHER:
            raise ValueError(f"at most {_MOST_TOGETHER} epochs can be asked for at once")
        tag = schema.MAPS + method
        references = self._log.blobs(run, [tag])[tag]
        probes = self._probes(run)
        parts, contents = [], []
        for step in wanted:
            content, told = b"", {}
            try:
                if step not in references:
                    raise KeyError(f"{method} has no map at step {step}")
                content = self._log.read(references[step])
                checks.check_maps(content, probes)
            except (ValueError, KeyError) as error:
                if len(wanted) == 1:
                    raise
                content, told = b"", {"error": message_of(error)}
            parts.append({"step": step, "size": len(content), **told})
            contents.append(content)
            if sum(map(len, contents)) > _MOST_MAPS:
                raise ValueError("these are too many maps to be asked for at once")
        return schema.pack(json.dumps({"maps": parts}).encode(), *contents), _PACKED

    def _numbers(self, run: str, method: str = "", names: str | None = None) -> Answer:
        """Rows of numbers of all epochs, float32 (rows, epochs, n); no method: predictions."""
        probes = self._probes(run)
        number = len(probes["names"])
        data = self._log.tensors(run, schema.NUMBERS + method if method else schema.PREDICTIONS)
        if not data:
            raise KeyError(method or "predictions")
        wanted = None if names is None else set(names.split(","))
        rows: dict[int, dict[str, np.ndarray]] = {}
        for datum in data:
            with contextlib.suppress(ValueError):
                parts = schema.parts_of(datum.numpy)
                if _is_step(datum.step):
                    rows[datum.step] = schema.decode_rows(parts, number, probes["fingerprint"])
        found = dict.fromkeys(name for row in rows.values() for name in row)
        kept = [name for name in found if wanted is None or name in wanted]
        shape = len(kept), len(rows), number
        if 4 * math.prod(shape) > _MOST_NUMBERS:
            raise ValueError("these are too many numbers to be shown")
        values = np.full(shape, np.nan, "<f4")
        for i, name in enumerate(kept):
            for j, row in enumerate(rows.values()):
                if name in row:
                    values[i, j] = row[name]
        head = {"names": kept, "steps": list(rows), "probes": number}
        return schema.pack(json.dumps(head).encode(), values.tobytes()), _PACKED

    def _scalars(self, run: str, series: str) -> Answer:
        """Some of the series that `_run` lists, asked for as JSON [[run, tag], ...]."""
        try:
            asked = json.loads(series)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, list) or not all(map(_is_series, asked)):
            raise ValueError("series must be JSON such as [[run, tag]]")
        wanted = list(dict.fromkeys(map(tuple, asked)))
        if len(wanted) > _MOST_SERIES:
            raise ValueError(f"at most {_MOST_SERIES} series can be asked for at once")
        known = set(list_series(self._log, run))
        unknown = [tag for name, tag in wanted if (name, tag) not in known]
        if unknown:
            raise KeyError(unknown[0])
        return _json({"series": read_series(self._log, run, wanted)})

    def _evidence(self, run: str, number: str) -> Answer:
        [wanted, *rest] = _wholes(number)
        if rest:
            raise ValueError("one finding's picture can be asked for at once")
        references = self._log.blobs(run, [schema.EVIDENCE])[schema.EVIDENCE]
        picture = self._log.read(references[wanted])
        return picture, checks.check_evidence(picture)


def message_of(error: ValueError | KeyError) -> str:
    """Returns what an error of a `Reader` says to people."""
    if isinstance(error, KeyError):
        asked = checks.name_of(str(error.args[0]) if error.args else "")
        return f"There is no such thing in this log: {asked}"
    return f"This cannot be read: {error}"


def _heads(data: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON of those data that have it, with their steps."""
    for datum in data:
        with contextlib.suppress(ValueError):
            yield datum.step, schema.decode_head(schema.parts_of(datum.numpy)[0])


def _wholes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError("steps and numbers are whole, such as 0,1") from None


def _is_series(of: Any) -> bool:
    return isinstance(of, list) and [*map(type, of)] == [str, str]


def _is_step(step: int) -> bool:
    return abs(step) <= _MOST_STEP


def _is_maps(tag: str) -> bool:
    return tag.startswith(schema.MAPS)


def _json(fields: dict[str, Any]) -> Answer:
    try:
        content = json.dumps(fields, allow_nan=False)
    except ValueError:  # times of events can be anything
        known = json.loads(json.dumps(fields), parse_constant=lambda _: None)
        content = json.dumps(known)
    return content.encode(), "application/json"
