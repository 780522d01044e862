"""Records are shown in a line, however much they hold."""

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from helpers.tab_logs import make_alert, make_probes, make_report

import keras_saliency
from keras_saliency import History, SaliencyCallback
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.records import FeatureView, StoredMaps

PACKAGE = Path(keras_saliency.__file__).parent
MOST = 300


# Of these, objects reach the user; those of the other packages stay inside.
OPEN = ("cards", "history", "methods", "probes", "shortcuts", "statistics", "training")
FILES = [PACKAGE / "records.py", PACKAGE / "attribution/sanity_check.py"]


def records_with_arrays():
    """(file, class, decorators) of dataclasses and named tuples whose fields hold arrays."""
    for path in FILES + [path for name in OPEN for path in sorted((PACKAGE / name).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                decorators = [ast.unparse(d) for d in node.decorator_list]
                bases = [ast.unparse(b) for b in node.bases]
                is_record = "NamedTuple" in bases or any("dataclass" in d for d in decorators)
                kinds = [
                    ast.unparse(n.annotation) for n in node.body if isinstance(n, ast.AnnAssign)
                ]
                kinds = [re.sub(r"Callable\[.*", "", kind) for kind in kinds]
                if is_record and any(re.search(r"ndarray|Tensor|ProbeSet", k) for k in kinds):
                    yield path.name, node.name, decorators


def test_every_record_with_arrays_has_a_short_repr():
    found = list(records_with_arrays())
    assert {"Alert", "EpochReport", "Heatmaps", "Predictions", "Settings"} <= {f[1] for f in found}
    assert [f[:2] for f in found if "short_repr" not in f[2]] == []


@short_repr
@dataclasses.dataclass
class Anything:
    first: Any
    second: Any = None


class Pair(NamedTuple):
    array: Any
    count: int


SHOWN = {
    "an array": (np.zeros((300, 224, 224), np.float16), "float16(300, 224, 224)"),
    "a tensor": (tf.zeros((2, 3)), "float32(2, 3)"),
    "a scalar": (np.float32(0.25), "0.25"),
    "a number": (1 / 3, "0.3333"),
    "few numbers": ((0, 0, 4, 4), "(0, 0, 4, 4)"),
    "many numbers": (tuple(range(500)), "<500 of int>"),
    "records": ([Anything(1)] * 3, "<3 of Anything>"),
    "names": (["a", "b"], "['a', 'b']"),
    "arrays by name": ({"grad_cam": np.zeros(9), "b": np.zeros(9)}, "{grad_cam, b}"),
    "a record": (Anything(np.zeros(3), 2), "Anything(first=float64(3,), second=2)"),
    "a large record": (make_alert(3), "Alert(...)"),
    "a function": (len, "len"),
    "a class's name": ("cat", '"cat"'),
}


@pytest.mark.parametrize("what", SHOWN)
def test_each_kind_of_value_is_told_in_few_words(what):
    value, text = SHOWN[what]
    assert repr(Anything(value)) == f"Anything(first={text})"


def test_what_is_none_is_left_out_and_named_tuples_are_records_too():
    assert repr(Anything(None, 1)) == "Anything(second=1)"
    pair = short_repr(Pair)(np.zeros((2, 2)), 7)
    assert repr(pair) == "Pair(array=float64(2, 2), count=7)" and pair == (pair.array, 7)


def test_a_report_is_told_by_its_epoch():
    text = repr(make_report(make_probes(4), 3))
    assert text.startswith("EpochReport(moment=Moment(epoch=3, is_baseline=False), probes=")


def test_an_alert_is_told_by_its_facts():
    text = repr(make_alert(3, "x" * 5000))
    assert text.startswith('Alert(severity="alert", detector="stationary", epoch=3, ')
    assert "accuracy_loss=0.31, loss_interval=(0.22, 0.4)" in text


HUGE = "n" * 10_000
RECORDS = {
    "alert": lambda: make_alert(3, HUGE, probe_indices=tuple(range(1000))),
    "report": lambda: dataclasses.replace(
        make_report(
            make_probes(40),
            3,
            (make_alert(3),) * 90,
            scalars=dict.fromkeys(map(str, range(900)), 1.0),
        ),
        tested=HUGE,
        texts={HUGE: HUGE},
    ),
    "heatmaps": lambda: make_report(make_probes(40), 3).heatmaps["grad_cam"],
    "predictions": lambda: make_report(make_probes(40), 3).predictions,
    "probes": lambda: make_probes(40, names=[HUGE + str(i) for i in range(40)]),
    "stored": lambda: StoredMaps.of(np.ones((40, 9, 9))),
    "features": lambda: FeatureView(HUGE, *np.zeros((4, 8, 30, 30))),
    "settings": lambda: SaliencyCallback(make_probes(40), HUGE[:4000]).settings,
}


@pytest.mark.parametrize("what", RECORDS)
def test_no_record_fills_a_screen(what):
    record = RECORDS[what]()
    assert 10 < len(repr(record)) <= MOST
    assert len(str(record)) <= MOST


def test_a_history_of_many_epochs_and_methods_is_short():
    history = History()
    for epoch in range(200):
        names = [f"method_{i}" for i in range(40)]
        numbers = {name: {f"s{i}": np.zeros(2) for i in range(30)} for name in names}
        history.append(epoch, ([0, 1], [0.5, 0.5]), numbers, {})
    assert len(repr(history)) <= MOST and len(repr(history["method_1"])) <= MOST
