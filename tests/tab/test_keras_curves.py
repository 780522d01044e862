"""Keras's curves are those of the run that is shown, and of no other."""

import json

import keras
import numpy as np
import pytest
from helpers.networks import SHAPE, small_cnn
from helpers.tab_events import Events, events_of
from helpers.tab_logs import make_probes, make_report
from tensorboard import context

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.tab import report, schema
from keras_saliency.tab.reader import Reader

LOSS = ("train", "epoch_loss")


def series_of(reader, run, *wanted):
    query = {"run": run, "series": json.dumps(wanted)}
    found = json.loads(reader.answer("scalars", query)[0])["series"]
    return [dict(zip(s["steps"], s["values"], strict=True)) for s in found]


def listed(reader, run):
    return [tuple(of) for of in json.loads(reader.answer("run", {"run": run})[0])["scalars"]]


@pytest.mark.parametrize("epoch_freq", [1, 2])
def test_a_cell_that_is_run_twice_leaves_each_run_its_own_curves(tmp_path, epoch_freq):
    """TensorBoard shows the second training alone: Keras's callback writes where the first did."""
    rng = np.random.default_rng(3)
    images, labels = rng.uniform(size=(24, *SHAPE)).astype(np.float32), rng.integers(0, 4, 24)
    histories = {}
    for run in ("saliency", "saliency_2"):
        model = small_cnn()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        callback = SaliencyCallback(
            ProbeSet(images[:4], labels[:4]),
            tmp_path,
            methods="vanilla_gradients",
            epoch_freq=epoch_freq,
        )
        board = keras.callbacks.TensorBoard(tmp_path)
        data = {"x": images, "y": labels, "validation_data": (images[:8], labels[:8])}
        fitted = model.fit(**data, epochs=3, verbose=0, callbacks=[callback, board])
        histories[run] = fitted.history
    reader = report._read(str(tmp_path), None, [])
    wanted = {
        LOSS: "loss",
        ("train", "epoch_accuracy"): "accuracy",
        ("validation", "epoch_loss"): "val_loss",
    }
    for run, history in histories.items():
        assert set(wanted) <= set(listed(reader, run))
        found = series_of(reader, run, *wanted)
        for name, points in zip(wanted.values(), found, strict=True):
            assert list(points) == [0, 1, 2], "also of epochs that are not observed"
            np.testing.assert_allclose(list(points.values()), history[name], rtol=1e-6)


def test_runs_of_older_versions_leave_out_what_another_run_wrote():
    """These know Keras's numbers only from its own callback, and by their time."""
    probes = make_probes()
    events = events_of([make_report(probes, epoch) for epoch in range(3)])
    assert schema.METRICS not in events
    began = {"a/saliency": 0, "a/saliency_2": 100, "b/saliency": 50}
    scalars = {"a/train": {"epoch_loss": [(s, 100.2 + s, 0.85) for s in range(3)]}}
    runs = dict.fromkeys(began, events)
    reader = Reader(Events(runs, scalars, began), context.RequestContext(), "")
    loss = ("a/train", "epoch_loss")
    assert loss not in listed(reader, "a/saliency") and loss not in listed(reader, "b/saliency")
    [points] = series_of(reader, "a/saliency_2", loss)
    assert points == {0: 0.85, 1: 0.85, 2: 0.85}
    scalars["a/train"]["epoch_loss"].insert(0, (0, 1.2, 0.14))
    [points] = series_of(reader, "a/saliency", loss)
    assert points == {0: 0.14}
    with pytest.raises(KeyError):
        series_of(reader, "b/saliency", loss)


def test_one_run_has_all_that_keras_wrote_beside_it():
    events = events_of([make_report(make_probes(), epoch) for epoch in range(2)])
    scalars = {"train": {"epoch_loss": [(0, 900.0, 0.5), (1, 901.0, float("nan"))]}}
    reader = Reader(Events({"saliency": events}, scalars), context.RequestContext(), "")
    assert series_of(reader, "saliency", LOSS) == [{0: 0.5, 1: None}]
