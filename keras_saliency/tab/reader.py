"""Answers the tab's questions from a TensorBoard data provider.

An answer is JSON, a picture, or packed as `schema.py` describes.
"""

import contextlib
import inspect
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from tensorboard.data import provider

from keras_saliency.tab import schema

_DAMAGED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
_PACKED = "application/octet-stream"
_MOST_CODES = 2**26  # of an event: a larger one is not ours, and would fill a browser's memory
_MOST_LINES, _MOST_LETTERS = 20, 4000  # of what was tested, of a line
_MOST = 10_000  # samples of a series: all that TensorBoard has kept

Answer = tuple[bytes, str]  # content and its type


class Reader:
    """Answers the questions of the tab.

    Args:
        data_provider: TensorBoard's `DataProvider`.
        context: its `RequestContext`.
        experiment: the experiment's id.
    """

    ANSWERS = ("runs", "run", "pictures", "maps", "numbers", "scalars", "evidence")

    def __init__(self, data_provider: provider.DataProvider, context: Any, experiment: str) -> None:
        self._provider = data_provider
        self._place = {"ctx": context, "experiment_id": experiment}

    def answer(self, name: str, query: dict[str, str]) -> Answer:
        """Returns an answer and its content type.

        Args:
            name: one of `ANSWERS`.
            query: the question's parameters.

        Raises:
            KeyError: if there is no such run, method, epoch or parameter.
            ValueError: if the log holds something else there, or a parameter does not belong here.
        """
        if name not in self.ANSWERS:
            raise KeyError(name)
        question = getattr(self, f"_{name}")
        try:
            inspect.signature(question).bind(**query)
        except TypeError as error:
            raise ValueError(f"parameters: {error}") from error
        return question(**query)

    def _runs(self) -> Answer:
        listed = self._provider.list_tensors(plugin_name=schema.PLUGIN, **self._place)
        found = []
        for run, tags in self._blobs_of(None).items():
            maps = [series for tag, series in tags.items() if tag.startswith(schema.MAPS)]
            tensors = listed.get(run, {})
            if schema.PROBES in tensors and schema.PICTURES in tags and maps:
                last = max(series.max_step for series in maps)
                wall_time = max(series.max_wall_time for series in maps)
                findings = tensors.get(schema.FINDINGS)
                changed = [last, wall_time, findings.max_step if findings else -1]
                told = self._findings(run) if findings else []
                alerts = sum(finding.get("severity") == "alert" for finding in told)
                found.append({"name": run, "last": last, "changed": changed, "alerts": alerts})
        return _json({"runs": sorted(found, key=lambda r: r["name"])})

    def _run(self, run: str) -> Answer:
        probes = self._probes(run)
        asked = [schema.MAPS + str(method) for method in probes.get("methods") or ()]
        rest = [t for t in sorted(self._blobs_of(run).get(run, {})) if t.startswith(schema.MAPS)]
        maps = [tag for tag in dict.fromkeys(asked + rest) if tag in rest]
        listed = self._references(run, maps)
        steps = {tag[len(schema.MAPS) :]: sorted(listed.get(tag, {})) for tag in maps}
        return _json(
            {
                "run": run,
                "probes": probes,
                "steps": {method: found for method, found in steps.items() if found},
                "findings": self._findings(run),
                "tested": self._tested(run),
                "scalars": self._scalar_tags(run),
            }
        )

    def _probes(self, run: str) -> dict[str, Any]:
        """The newest description of the probes, with the first one's start: runs resume."""
        found = []
        for datum in self._tensors(run, schema.PROBES):
            with contextlib.suppress(*_DAMAGED):
                head = schema.decode_head(datum.numpy[0])
                len(head["names"]), len(head["indices"])
                found.append(head)
        if not found:
            raise ValueError("this run's probes are of another version, or damaged")
        return {**found[-1], "start": found[0].get("start")}

    def _findings(self, run: str) -> list[dict[str, Any]]:
        found = []
        for datum in self._tensors(run, schema.FINDINGS, is_needed=False):
            with contextlib.suppress(*_DAMAGED):
                found.append({**schema.decode_head(datum.numpy[0]), "number": datum.step})
        return found

    def _tested(self, run: str) -> list[str]:
        """What was tested for shortcuts, as lines; none in runs of older versions."""
        for datum in reversed(self._tensors(run, schema.TESTED, is_needed=False)):
            with contextlib.suppress(*_DAMAGED):
                lines = schema.decode_head(datum.numpy[0])["lines"]
                if isinstance(lines, list):
                    return [str(line)[:_MOST_LETTERS] for line in lines[:_MOST_LINES]]
        return []

    def _pictures(self, run: str) -> Answer:
        references = self._references(run, [schema.PICTURES])[schema.PICTURES]
        return self._read(references[max(references)]), _PACKED

    def _maps(self, run: str, method: str, steps: str) -> Answer:
        """Maps of several epochs, so that playing takes few questions."""
        wanted = [int(step) for step in steps.split(",")]
        references = self._references(run, [schema.MAPS + method])[schema.MAPS + method]
        contents = [self._read(references[step]) for step in wanted]
        for content in contents:
            head = schema.decode_head(schema.unpack(content)[0])
            if len(head.get("shape", ())) != 3 or np.prod(head["shape"]) > _MOST_CODES:
                raise ValueError(f"maps of shape {head.get('shape')}")
        sizes = zip(wanted, map(len, contents), strict=True)
        head = {"maps": [{"step": step, "size": size} for step, size in sizes]}
        return schema.pack(json.dumps(head).encode(), *contents), _PACKED

    def _numbers(self, run: str, method: str = "", names: str | None = None) -> Answer:
        """Rows of numbers of all epochs, float32 (rows, epochs, n); no method: predictions."""
        num_probes = len(self._probes(run)["names"])
        rows: dict[int, dict[str, np.ndarray]] = {}
        for datum in self._tensors(run, schema.NUMBERS + method if method else schema.PREDICTIONS):
            with contextlib.suppress(*_DAMAGED):
                rows[datum.step] = schema.decode_rows(datum.numpy, num_probes)
        found = list(dict.fromkeys(name for row in rows.values() for name in row))
        found = [name for name in found if names is None or name in names.split(",")]
        missing = np.full(num_probes, np.nan, "<f4")
        values = [[rows[step].get(name, missing) for step in rows] for name in found]
        head = {"names": found, "steps": list(rows), "probes": num_probes}
        content = np.array(values, "<f4").tobytes()
        return schema.pack(json.dumps(head).encode(), content), _PACKED

    def _scalars(self, run: str, series: str) -> Answer:
        """Some of the series that `_scalar_tags` lists, asked for as JSON [[run, tag], ...]."""
        wanted = [(str(r), str(tag)) for r, tag in json.loads(series)]
        known = {(r, tag) for r, tag in self._scalar_tags(run)}
        for r, tag in wanted:
            if (r, tag) not in known:
                raise KeyError(tag)
        only = provider.RunTagFilter(
            runs=sorted({r for r, _ in wanted}), tags=sorted({tag for _, tag in wanted})
        )
        found = self._provider.read_scalars(
            plugin_name="scalars", run_tag_filter=only, **self._all()
        )
        answers = []
        for r, tag in wanted:
            data = found.get(r, {}).get(tag, [])
            values = [d.value if np.isfinite(d.value) else None for d in data]
            answers.append(
                {"run": r, "tag": tag, "steps": [d.step for d in data], "values": values}
            )
        return _json({"series": answers})

    def _scalar_tags(self, run: str) -> list[list[str]]:
        """Our own means, and Keras's numbers of an epoch in the runs beside this one."""
        parent = _parent(run)
        listed = self._provider.list_scalars(plugin_name="scalars", **self._place)
        return [
            [name, tag]
            for name, tags in sorted(listed.items())
            for tag in sorted(tags)
            if (name == run and tag.startswith("saliency/"))
            or (name != run and _parent(name) == parent and tag.startswith("epoch_"))
        ]

    def _evidence(self, run: str, number: str) -> Answer:
        picture = self._read(self._references(run, [schema.EVIDENCE])[schema.EVIDENCE][int(number)])
        is_png = picture.startswith(b"\x89PNG")
        return picture, "image/png" if is_png else "image/jpeg"

    def _blobs_of(self, run: str | None) -> dict[str, dict[str, Any]]:
        only = None if run is None else provider.RunTagFilter(runs=[run])
        return self._provider.list_blob_sequences(
            plugin_name=schema.PLUGIN, run_tag_filter=only, **self._place
        )

    def _tensors(self, run: str, tag: str, is_needed: bool = True) -> Sequence[Any]:
        only = provider.RunTagFilter(runs=[run], tags=[tag])
        found = self._provider.read_tensors(
            plugin_name=schema.PLUGIN, run_tag_filter=only, **self._all()
        )
        return found[run][tag] if is_needed else found.get(run, {}).get(tag, [])

    def _references(self, run: str, tags: list[str]) -> dict[str, dict[int, Any]]:
        """{tag: {step: reference that `_read` takes}}."""
        only = provider.RunTagFilter(runs=[run], tags=tags)
        found = self._provider.read_blob_sequences(
            plugin_name=schema.PLUGIN, run_tag_filter=only, **self._all()
        )
        return {
            tag: {datum.step: datum.values[0] for datum in data if datum.values}
            for tag, data in found.get(run, {}).items()
        }

    def _read(self, reference: Any) -> bytes:
        return self._provider.read_blob(ctx=self._place["ctx"], blob_key=reference.blob_key)

    def _all(self) -> dict[str, Any]:
        return {"downsample": _MOST, **self._place}


def _parent(run: str) -> str:
    return run.replace("\\", "/").rpartition("/")[0]


def _json(fields: dict[str, Any]) -> Answer:
    return json.dumps(fields).encode(), "application/json"
