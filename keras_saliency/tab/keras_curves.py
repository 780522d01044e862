"""Keras's numbers of an epoch, such as its loss: those of one run, and of no other.

A run has them itself. In runs of older versions they are read from what
`keras.callbacks.TensorBoard` wrote beside it. A program that trains twice writes there twice,
and TensorBoard then shows the second training. So what was written nearer to another run's
epochs is left out.
"""

from typing import Any

import numpy as np

from keras_saliency.tab import schema
from keras_saliency.tab.checks import number_of
from keras_saliency.tab.log import Log

_PREFIX = "epoch_"  # of keras.callbacks.TensorBoard's tags
_TRAINING, _VALIDATION = "train", "validation"  # its runs
Series = dict[str, Any]


def list_series(log: Log, run: str) -> list[tuple[str, str]]:
    """Returns (run, tag) of our own means, and of Keras's numbers of this run."""
    listed = log.scalar_tags()
    own = [(run, tag) for tag in sorted(listed.get(run, {})) if tag.startswith("saliency/")]
    recorded = _recorded(log, run)
    if recorded:
        return own + sorted(recorded)
    beside = [
        (name, tag)
        for name, tags in sorted(listed.items())
        for tag in sorted(tags)
        if name != run and _parent(name) == _parent(run) and tag.startswith(_PREFIX)
    ]
    spans = _spans(log, run) if beside else {}
    if len(spans) > 1:
        found = log.scalars(beside)
        beside = [of for of in beside if any(_is_of(run, spans, d) for d in found[of])]
    return own + beside


def read_series(log: Log, run: str, wanted: list[tuple[str, str]]) -> list[Series]:
    """Returns the steps and values of some of `list_series`; None for what is not finite."""
    recorded = _recorded(log, run)
    asked = [of for of in wanted if of not in recorded]
    found = log.scalars(asked)
    beside = [of for of in asked if of[0] != run]
    spans = _spans(log, run) if beside else {}
    answers = []
    for name, tag in wanted:
        if (name, tag) in recorded:
            points = recorded[name, tag]
        else:
            data = found[name, tag]
            if name != run and len(spans) > 1:
                data = [d for d in data if _is_of(run, spans, d)]
            points = {d.step: d.value if np.isfinite(d.value) else None for d in data}
        values = [None if v is None else float(v) for v in points.values()]
        answers.append({"run": name, "tag": tag, "steps": list(points), "values": values})
    return answers


def _recorded(log: Log, run: str) -> dict[tuple[str, str], dict[int, float | None]]:
    """What the run itself has of Keras's numbers, under the names that Keras's callback uses."""
    found: dict[tuple[str, str], dict[int, float | None]] = {}
    for datum in log.tensors(run, schema.METRICS):
        try:
            metrics = schema.decode_head(schema.parts_of(datum.numpy)[0]).get("metrics")
        except ValueError:
            continue
        for name, value in metrics.items() if isinstance(metrics, dict) else ():
            beside = _VALIDATION if name.startswith("val_") else _TRAINING
            folder = f"{_parent(run)}/{beside}".lstrip("/")
            key = folder, _PREFIX + name.removeprefix("val_")
            found.setdefault(key, {})[datum.step] = number_of(value)
    return found


def _spans(log: Log, run: str) -> dict[str, tuple[float, float]]:
    """When the epochs of the runs of this folder were written: the first and the last."""
    found = {}
    for name in log.tensor_tags():
        if _parent(name) == _parent(run):
            times = [datum.wall_time for datum in log.tensors(name, schema.PREDICTIONS)]
            if times:
                found[name] = min(times), max(times)
    return found


def _is_of(run: str, spans: dict[str, tuple[float, float]], datum: Any) -> bool:
    def distance(name: str) -> float:
        first, last = spans[name]
        return max(first - datum.wall_time, datum.wall_time - last, 0.0)

    return run in spans and distance(run) <= min(map(distance, spans))


def _parent(run: str) -> str:
    return run.replace("\\", "/").rpartition("/")[0]
