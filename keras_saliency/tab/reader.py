"""What the tab asks for, read through a TensorBoard data provider.

An answer is JSON, a picture, or packed: the length of a JSON head as uint32, the head, and bytes.
All numbers are little-endian.
"""

import contextlib
import json
import struct

import numpy as np
from tensorboard.data import provider

from keras_saliency.tab import schema

_DAMAGED = (ValueError, KeyError, TypeError, IndexError, AttributeError)
_PACKED = "application/octet-stream"
_MOST = 10_000  # samples of a series: as many as TensorBoard has kept


class Reader:
    """Answers the questions of the tab.

    Args:
        data_provider: TensorBoard's `DataProvider`.
        context: its `RequestContext`.
        experiment: the experiment's id.
    """

    ANSWERS = ("runs", "run", "pictures", "maps", "numbers", "scalars", "evidence")

    def __init__(self, data_provider, context, experiment):
        self._provider = data_provider
        self._place = {"ctx": context, "experiment_id": experiment}

    def answer(self, name: str, words: dict[str, str]) -> tuple[bytes, str]:
        """Returns an answer and its content type.

        Args:
            name: one of `ANSWERS`.
            words: the question's parameters.

        Raises:
            KeyError: if there is no such run, method, epoch or parameter.
            ValueError: if what is there is not ours, or a parameter is none.
        """
        if name not in self.ANSWERS:
            raise KeyError(name)
        return getattr(self, f"_{name}")(**{k: v for k, v in words.items() if k != "_"})

    def _runs(self):
        found = []
        for run, tags in self._blobs_of(None).items():
            methods = [t[len(schema.MAPS) :] for t in tags if t.startswith(schema.MAPS)]
            if schema.PROBES in tags and methods:
                last = max(tags[schema.MAPS + m].max_step for m in methods)
                wall_time = max(series.max_wall_time for series in tags.values())
                findings = tags.get(schema.FINDINGS)
                changed = [last, wall_time, findings.max_step if findings else -1]
                found.append({"name": run, "last": last, "changed": changed})
        return _json({"runs": sorted(found, key=lambda r: r["name"])})

    def _run(self, run):
        tags = self._blobs_of(run).get(run)
        if not tags or schema.PROBES not in tags:
            raise KeyError(run)
        head = self._probes(run)
        asked = [schema.MAPS + str(method) for method in head.get("methods") or ()]
        rest = [tag for tag in sorted(tags) if tag.startswith(schema.MAPS)]
        maps = [tag for tag in dict.fromkeys(asked + rest) if tag in rest]
        listed = self._references(run, maps)
        steps = {tag[len(schema.MAPS) :]: sorted(listed.get(tag, {})) for tag in maps}
        return _json(
            {
                "run": run,
                "probes": head,
                "steps": {method: found for method, found in steps.items() if found},
                "findings": self._findings(run),
                "scalars": self._scalar_tags(run),
            }
        )

    def _findings(self, run):
        found = []
        references = self._references(run, [schema.FINDINGS]).get(schema.FINDINGS, {})
        for number, parts in sorted(references.items()):
            with contextlib.suppress(*_DAMAGED):
                head = _head(self._read(parts[0]))
                head["number"], head["has_picture"] = number, len(parts) > 1
                found.append(head)
        return found

    def _pictures(self, run):
        references = self._references(run, [schema.PROBES])[schema.PROBES]
        pictures = [self._read(part) for part in references[max(references)][1:]]
        return _packed({"sizes": [len(p) for p in pictures]}, *pictures), _PACKED

    def _maps(self, run, method, steps):
        """Maps of some epochs, so that what is played is fetched in few questions."""
        wanted = [int(step) for step in steps.split(",")]
        references = self._references(run, [schema.MAPS + method])[schema.MAPS + method]
        heads, contents = [], []
        for step in wanted:
            head = _head(self._read(references[step][0]))
            contents.append(self._read(references[step][1]))
            heads.append({"step": step, "size": len(contents[-1]), **head})
        return _packed({"maps": heads}, *contents), _PACKED

    def _numbers(self, run, method="", names=None):
        """Rows of numbers of all epochs, float32 (rows, epochs, n); of no method predictions."""
        tag = schema.NUMBERS + method if method else schema.PREDICTIONS
        num_probes = len(self._probes(run)["names"])
        data = self._provider.read_tensors(
            plugin_name=schema.PLUGIN, run_tag_filter=_only(run, [tag]), **self._all()
        )[run][tag]
        rows = {}
        for datum in data:
            with contextlib.suppress(*_DAMAGED):
                rows[datum.step] = schema.decode_rows(datum.numpy, num_probes)
        found = list(dict.fromkeys(name for row in rows.values() for name in row))
        found = [name for name in found if names is None or name in names.split(",")]
        missing = np.full(num_probes, np.nan, "<f4")
        values = [[rows[step].get(name, missing) for step in rows] for name in found]
        packed = np.array(values, "<f4").tobytes()
        return _packed({"names": found, "steps": list(rows), "probes": num_probes}, packed), _PACKED

    def _scalars(self, run, series):
        """Some series, as `_scalar_tags` lists them: JSON [[run, tag], ...]."""
        wanted = [(str(r), str(t)) for r, t in json.loads(series)]
        known = {(r, t) for r, t in self._scalar_tags(run)}
        answers = []
        for r, tag in wanted:
            if (r, tag) not in known:
                raise KeyError(tag)
        found = self._provider.read_scalars(
            plugin_name="scalars",
            run_tag_filter=provider.RunTagFilter(
                runs=sorted({r for r, _ in wanted}), tags=sorted({t for _, t in wanted})
            ),
            **self._all(),
        )
        for r, tag in wanted:
            data = found.get(r, {}).get(tag, [])
            values = [d.value if np.isfinite(d.value) else None for d in data]
            answers.append(
                {"run": r, "tag": tag, "steps": [d.step for d in data], "values": values}
            )
        return _json({"series": answers})

    def _scalar_tags(self, run):
        """Our own means, and Keras's numbers of an epoch in the runs beside."""
        parent = _parent(run)
        listed = self._provider.list_scalars(plugin_name="scalars", **self._place)
        return [
            [name, tag]
            for name, tags in sorted(listed.items())
            for tag in sorted(tags)
            if (name == run and tag.startswith("saliency/"))
            or (name != run and _parent(name) == parent and tag.startswith("epoch_"))
        ]

    def _evidence(self, run, number):
        parts = self._references(run, [schema.FINDINGS])[schema.FINDINGS][int(number)]
        if len(parts) < 2:
            raise KeyError(f"a picture of finding {number}")
        picture = self._read(parts[1])
        is_png = picture.startswith(b"\x89PNG")
        return picture, "image/png" if is_png else "image/jpeg"

    def _blobs_of(self, run):
        only = None if run is None else provider.RunTagFilter(runs=[run])
        return self._provider.list_blob_sequences(
            plugin_name=schema.PLUGIN, run_tag_filter=only, **self._place
        )

    def _references(self, run, tags):
        """{tag: {step: [what `_read` takes, for each part]}}."""
        found = self._provider.read_blob_sequences(
            plugin_name=schema.PLUGIN, run_tag_filter=_only(run, tags), **self._all()
        )
        return {
            tag: {datum.step: datum.values for datum in data if datum.values}
            for tag, data in found.get(run, {}).items()
        }

    def _probes(self, run):
        """The newest description of the probes; a run that went on knows its start by the first."""
        references = self._references(run, [schema.PROBES])[schema.PROBES]
        first, last = (
            _head(self._read(references[s][0])) for s in (min(references), max(references))
        )
        return {**last, "start": first.get("start")}

    def _read(self, reference):
        return self._provider.read_blob(ctx=self._place["ctx"], blob_key=reference.blob_key)

    def _all(self):
        return {"downsample": _MOST, **self._place}


def _only(run, tags):
    return provider.RunTagFilter(runs=[run], tags=tags)


def _parent(run):
    return run.replace("\\", "/").rpartition("/")[0]


def _head(content):
    """The first part of an event of ours.

    Raises:
        ValueError: if it is another's.
    """
    head = json.loads(content)
    if not isinstance(head, dict) or head.get("version") != schema.VERSION:
        raise ValueError("this event is of another version of keras_saliency, or not of it")
    return head


def _json(words):
    return json.dumps(words).encode(), "application/json"


def _packed(head, *contents):
    head = json.dumps(head).encode()
    return b"".join([struct.pack("<I", len(head)), head, *contents])
