"""What every sink must do. A sink of your own can be run through it:

KERAS_SALIENCY_SINK=my_package.my_module:MySink python -m pytest tests/sinks/test_contract.py
"""

import copy
import dataclasses
import pickle
import threading

import numpy as np

from keras_saliency import ProbeSet
from keras_saliency.records import Alert, EpochReport, Heatmaps, Moment, Predictions
from keras_saliency.sinks import Sink

SETTINGS = {
    "grad_cam": {"layer": "conv_2", "rule": "plain gradient"},
    "probes": {"number": "4", "shape": "(6, 9, 3)"},
    "odd {topic}\n": {"odd: 'key'": "<b>ä</b>", "": "x" * 9000},
    "sinks": {"names": "TensorBoardSink"},
}


def make_alert(severity="alert", evidence=True):
    picture = np.full((8, 12, 3), 90, np.uint8) if evidence else None
    places = {"region": (0, 0, 2, 2), "probe_indices": (0, 2)}
    return Alert(
        severity=severity,
        detector="stationary",
        epoch=1,
        since_epoch=0,
        class_index=1,
        accuracy_loss=0.3,
        loss_interval=(0.2, 0.4),
        adoption=0.5,
        control=0.1,
        num_pairs=30,
        num_donors=5,
        message="Epoch 2: to recognise <b> the model relies on a patch.\nLook at *probe* 0.",
        evidence=picture,
        **places,
    )


def make_reports():
    """The baseline, an epoch with findings, one inside an epoch, and what comes at the end."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(4, 6, 9, 3)).astype(np.float32)
    probes = ProbeSet(images, [0, 1, 0, 1])
    logits = rng.normal(size=(4, 2)).astype(np.float32)
    predictions = Predictions(logits, 1 / (1 + np.exp(-logits)))
    maps = Heatmaps("grad_cam", rng.uniform(size=(4, 3, 4)).astype(np.float32), (6, 9))
    picture = rng.integers(0, 255, (20, 30, 3), np.uint8)
    strip = "saliency/grad_cam/filmstrip"
    full = EpochReport(
        Moment(-1, is_baseline=True),
        probes,
        predictions,
        {"grad_cam": maps},
        {"grad_cam": {"entropy": np.float32([1, 2, np.nan, 3])}},
        {"grad_cam_drift": 0.0},
        scalars={"saliency/grad_cam/entropy": 2.0},
        pictures={"saliency/grad_cam/overlays": picture},
    )
    inside = Moment(2, batch=3, batches_trained=7, place=1.5)
    yield full
    yield dataclasses.replace(
        full,
        moment=Moment(1),
        metrics={0: {"loss": 1.5}, 1: {"loss": float("nan")}},
        scalars={"saliency/grad_cam/entropy": 1.0, "saliency/a {odd}: tag.x\n": 1e-30},
        pictures={"saliency/grad_cam/overlays": picture, strip: picture, "saliency/ä?/x": picture},
        filmstrips=frozenset([strip]),
        findings=(make_alert(), make_alert("suspect", evidence=False)),
        texts={"saliency/summary": "1 alert."},
    )
    yield dataclasses.replace(
        full,
        moment=inside,
        scalars={"saliency/grad_cam/batch_entropy": 1.5},
        pictures={"saliency/grad_cam/batch_overlays": picture},
        num_earlier_findings=2,
    )
    yield EpochReport(
        Moment(2), probes, predictions, pictures={strip: picture}, filmstrips=frozenset([strip])
    )
    yield EpochReport(Moment(3), probes, predictions)


def in_background(function, *arguments):
    """Calls a function as the callback does, and raises what it raises."""
    errors = []

    def run():
        try:
            function(*arguments)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def check_sink(make_sink, folder):
    """Runs a sink through two runs, and its copies through others.

    Args:
        make_sink: a function that returns a new sink.
        folder: an empty `Path` to write to.
    """
    sink = make_sink()
    assert isinstance(sink, Sink)
    assert all(issubclass(kind, Exception) for kind in sink.tries_again)
    for number in (1, 2):  # after `close`, `open` may follow
        run_dir = folder / f"saliency_{number}"
        run_dir.mkdir(parents=True)
        sink.check()
        sink.open(str(run_dir), copy.deepcopy(SETTINGS))
        for report in make_reports():
            before = pickle.dumps((report.scalars, report.pictures, report.statistics))
            in_background(sink.write, report)
            after = pickle.dumps((report.scalars, report.pictures, report.statistics))
            assert after == before, "a report is read by all sinks, and must not be changed"
            if number == 1:
                again = [copy.deepcopy(sink), pickle.loads(pickle.dumps(sink))]
        in_background(sink.close)
        in_background(sink.close)  # after a failure it is closed twice
    for number, copied in enumerate(again, 3):
        run_dir = folder / f"saliency_{number}"
        run_dir.mkdir()
        copied.check()
        copied.open(str(run_dir), SETTINGS)
        in_background(copied.write, next(make_reports()))
        in_background(copied.close)
    unused = make_sink()
    unused.check()
    unused.open(str(folder / "saliency_1"), {})
    in_background(unused.close)  # nothing was written
