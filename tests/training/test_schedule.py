"""Which epochs and batches are observed, and what that may cost."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import SHAPE, small_cnn
from helpers.training import Recorder, compiled, fit

from keras_saliency import SaliencyCallback
from keras_saliency.training.budget import Budget
from keras_saliency.training.schedule import BatchCounter


def test_costs_are_scalars(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    began = time.perf_counter()
    fit(callback, data, epochs=3)
    whole = time.perf_counter() - began
    events = events_of(tmp_path / "saliency")
    seconds = [(s, float(v)) for s, _, v in events["saliency/cost/blocking_seconds"]]
    shares = [(s, float(v)) for s, _, v in events["saliency/cost/share_of_epoch"]]
    assert [s for s, _ in seconds] == [-1, 0, 1, 2] and [s for s, _ in shares] == [0, 1, 2]
    assert all(0 < v < whole for _, v in seconds) and all(0 < v < 1 for _, v in shares)
    np.testing.assert_allclose(callback.history.seconds, [v for _, v in seconds], rtol=1e-6)


def test_a_budget_is_kept_over_time():
    budget, clock, spent, seen = Budget(0.05), 0.0, 0.0, 0
    while clock < 1000:
        if budget.allows(clock):
            budget.spend(clock, 2.0)
            clock, spent, seen = clock + 2, spent + 2, seen + 1
        clock += 10  # an epoch
    assert seen > 10 and spent / clock <= 0.05 + 2 / clock
    cheap = Budget(0.05)
    cheap.spend(0, 0.4)
    assert not cheap.allows(7.9) and cheap.allows(8)
    free = Budget(None)
    free.spend(0, 1e9)
    assert free.allows(0)


class Slow(keras.callbacks.Callback):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_batch_begin(self, batch, logs=None):
        time.sleep(self.seconds)


@pytest.mark.slow
def test_epochs_are_thinned_to_the_budget_and_a_line_says_so(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, max_overhead=0.01)
    with pytest.warns(UserWarning, match="more than max_overhead=0.01 allows") as caught:
        history = fit([callback, Slow(0.01)], data, epochs=30).history
    assert sum("max_overhead" in str(w.message) for w in caught) == 1
    observed = callback.history.epochs
    assert observed[:2] == [-1, 0] and len(observed) < 20
    assert len(history["grad_cam_drift"]) == 30
    generous = SaliencyCallback(probes, tmp_path, max_overhead=1.0)
    fit([generous, Slow(0.1)], data, epochs=4)
    assert generous.history.epochs == [-1, 0, 1, 2, 3]


def test_batches_are_seen_inside_epochs_on_an_axis_of_their_own(tmp_path, data, probes):
    recorder = Recorder()
    callback = SaliencyCallback(probes, tmp_path, batch_freq=2, sinks=["tensorboard", recorder])
    images, labels = data
    model = compiled(small_cnn())
    model.fit(images, labels, epochs=2, batch_size=8, verbose=0, callbacks=[callback])
    events = events_of(tmp_path / "saliency")
    # 5 batches an epoch: the 2nd and 4th are seen, and the end.
    assert [s for s, _, _ in events["saliency/grad_cam/batch_overlays"]] == [2, 4, 7, 9]
    assert [s for s, _, _ in events["saliency/grad_cam/batch_gini"]] == [2, 4, 7, 9]
    assert [s for s, _, _ in events["saliency/grad_cam/overlays"]] == [-1, 0, 1]
    assert callback.history.epochs == [-1, 0, 1]
    inside = [(r.when, r.position) for r in recorder.reports if r.batch is not None]
    assert [w for w, _ in inside] == [f"epoch {e}, batch {b}" for e in (1, 2) for b in (2, 4)]
    np.testing.assert_allclose([p for _, p in inside], [-0.6, -0.2, 0.4, 0.8])
    positions = [r.position for r in recorder.reports[:-1]]
    assert positions == sorted(positions)


def test_drift_inside_an_epoch_is_from_the_epoch_before(tmp_path, data, probes):
    recorder = Recorder()
    callback = SaliencyCallback(probes, tmp_path, batch_freq=4, sinks=recorder)
    model = compiled(small_cnn())
    model.fit(*data, epochs=1, batch_size=8, verbose=0, callbacks=[callback])
    start, batch, end = recorder.reports[:3]
    from keras_saliency.statistics.drift import drift

    for report in (batch, end):
        expected = drift(report.heatmaps["grad_cam"].at_image_size(),
                         start.heatmaps["grad_cam"].at_image_size())  # fmt: skip
        np.testing.assert_allclose(
            report.statistics["grad_cam"]["drift_previous"], expected, atol=1e-3
        )


def test_without_batch_freq_no_batch_hook_is_bound(tmp_path, probes):
    default = SaliencyCallback(probes, tmp_path)
    assert "on_train_batch_end" not in vars(default)
    assert getattr(default.on_train_batch_end, "_is_default", False)
    assert not getattr(
        SaliencyCallback(probes, tmp_path, batch_freq=1).on_train_batch_end, "_is_default", False
    )


def test_batches_and_the_budget_go_together(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, batch_freq=1, max_overhead=0.02)
    with pytest.warns(UserWarning, match="not all batches are observed"):
        fit([callback, Slow(0.02)], data, epochs=12)
    events = events_of(tmp_path / "saliency")
    assert 1 <= len(events["saliency/grad_cam/batch_overlays"]) < 12
    assert len(callback.history.epochs) >= 2


@pytest.mark.parametrize("num_batches", [5, None])
def test_batches_are_counted(num_batches):
    counter = BatchCounter(2, num_batches, 0)
    assert [b for b in range(5) if counter.is_due(b)] == [1, 3]
    assert counter.step == 5
    counter.end_epoch()
    assert [b for b in range(5) if counter.is_due(b)] == [1, 3]
    assert counter.step == 10
    for named in ((2, 5, 8, 11), (0, 3, 6, 9)):  # Keras names the last, or the first, of three
        several = BatchCounter(4, 11, 33, at_once=3)
        assert [several.in_epoch for b in named if several.is_due(b)] == [6, 9]
        assert several.step == 44
    positions = [counter.position(1)]
    for batch in range(4):
        counter.is_due(batch)
        positions.append(counter.position(1))
    assert all(0 < p <= 1 for p in positions)


@pytest.mark.parametrize("name", ["batch_freq", "max_overhead"])
@pytest.mark.parametrize("value", [0, -1, True, "a", 1.5, float("nan")])
def test_wrong_schedules_are_refused(tmp_path, probes, name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        SaliencyCallback(probes, tmp_path, **{name: value})


def test_the_work_behind_counts_and_is_not_waited_for():
    budget = Budget(0.1)
    budget.spend(0, 1)
    budget.extend(2)
    assert not budget.allows(29) and budget.allows(30)


@pytest.mark.parametrize("freq", [2, 3])
def test_steps_per_execution_and_epochs_of_unknown_length(tmp_path, data, probes, freq):
    images, labels = data

    def batches():
        for i in range(5):
            yield images[8 * i : 8 * i + 8], labels[8 * i : 8 * i + 8]

    dataset = tf.data.Dataset.from_generator(
        batches,
        output_signature=(
            tf.TensorSpec((None, *SHAPE), tf.float32),
            tf.TensorSpec((None,), tf.int64),
        ),
    )
    model = small_cnn()
    model.compile("adam", "sparse_categorical_crossentropy")
    callback = SaliencyCallback(probes, tmp_path, batch_freq=freq)
    model.fit(dataset, epochs=2, verbose=0, callbacks=[callback])
    model.fit(dataset, epochs=3, initial_epoch=2, verbose=0, callbacks=[callback])
    steps = [s for s, _, _ in events_of(callback.run_dir)["saliency/grad_cam/batch_gini"]]
    assert steps == [5 * e + b for e in range(3) for b in range(freq, 5, freq)]
    assert callback.history.epochs == [-1, 0, 1, 2]


def test_batches_of_an_interrupted_epoch_are_drawn_anew(tmp_path, data, probes):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 8:
                raise KeyboardInterrupt

    callback, model = SaliencyCallback(probes, tmp_path, batch_freq=1), compiled(small_cnn())
    with pytest.raises(KeyboardInterrupt):
        fit([callback, Interrupt()], data, model, epochs=4)
    fit(callback, data, model, epochs=4, initial_epoch=2)
    events = events_of(callback.run_dir)
    assert [s for s, _, _ in events["saliency/grad_cam/overlays"]] == [-1, 0, 1, 2, 3]
    assert callback.history.epochs == [-1, 0, 1, 2, 3]
    assert [s for s, _, _ in events["saliency/grad_cam/filmstrip"]][-1] == 3
