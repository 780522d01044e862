"""A part that fails is reported and left out; the training goes on."""

import warnings

import keras
import numpy as np
import pytest
from helpers.events import epochs_of, events_of
from helpers.networks import draw_data, small_cnn
from helpers.training import compiled, fit

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import FolderSink


def test_a_failing_sink_does_not_end_the_training(tmp_path, data, probes):
    class Broken(FolderSink):
        def write(self, report):
            raise OSError("no space left")

    with pytest.warns(UserWarning, match="Broken failed and is left out: OSError: no space left"):
        history = fit(
            SaliencyCallback(probes, tmp_path, sinks=[Broken(), "tensorboard"]), data, epochs=5
        )
    assert len(history.history["grad_cam_drift"]) == 5
    assert len(events_of(tmp_path / "saliency")["saliency/grad_cam/overlays"]) == 6
    with pytest.raises(OSError, match="no space left"):
        fit(SaliencyCallback(probes, tmp_path, sinks=Broken(), on_error="raise"), data)


@pytest.fixture(scope="module")
def weights_of_a_training_alone():
    return weights_after(draw_data(np.random.default_rng(7)), [])


def weights_after(data, callbacks, epochs=5):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = compiled(small_cnn())
    fit(callbacks, data, model, epochs=epochs)
    return [np.array(w) for w in model.weights]


class Fails:
    """A part that always fails, and counts how often it is asked."""

    def __init__(self, error=None):
        self.calls, self.error = 0, error or RuntimeError("broken")

    def __call__(self, *args, **kwargs):
        self.calls += 1
        raise self.error


PARTS = {
    "observing": ("keras_saliency.attribution.model_graph.ModelGraph.attribute", {"epochs": []}),
    "the statistic gini": ("gini", {"missing": "gini"}),
    "drawing": ("keras_saliency.training.album.Album.draw", {}),
    "TensorBoardSink": ("keras_saliency.sinks.TensorBoardSink.write", {"events": False}),
    "history": ("keras_saliency.history.History.append", {"epochs": []}),
    "health of the maps": ("keras_saliency.training.health.Health.check_maps", {}),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_is_reported_once_and_switched_off_and_the_rest_goes_on(
    tmp_path, data, probes, monkeypatch, caplog, part, weights_of_a_training_alone
):
    from keras_saliency.statistics import STATISTICS

    target, consequences = PARTS[part]
    fails = Fails()
    if "." in target:
        monkeypatch.setattr(target, fails)
    else:
        import dataclasses

        broken = dataclasses.replace(STATISTICS[target], measure=fails)
        monkeypatch.setitem(STATISTICS, target, broken)
    callback = SaliencyCallback(probes, tmp_path, detectors=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        weights = weights_after(data, [callback])
    words = [str(w.message) for w in caught]
    assert sum(f"{part} failed and is left out: RuntimeError: broken" in w for w in words) == 1
    assert sum(f"{part} failed 3 times in a row and is switched off" in w for w in words) == 1
    assert fails.calls == 3
    assert "Traceback" in caplog.text
    for a, b in zip(weights_of_a_training_alone, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert callback.history.epochs == consequences.get("epochs", [-1, 0, 1, 2, 3, 4])
    if "missing" in consequences:
        assert consequences["missing"] not in callback.history["grad_cam"]
        assert "entropy" in callback.history["grad_cam"]
    has_events = "saliency/grad_cam/gini" in events_of(callback.run_dir)
    assert has_events is (part not in ("TensorBoardSink", "observing", "the statistic gini"))


def test_a_part_that_recovers_is_not_switched_off(tmp_path, data, probes):
    class Moody(FolderSink):
        calls = 0

        def write(self, report):
            self.calls += 1
            if self.calls % 3:
                raise RuntimeError("not now")

    sink = Moody()
    with pytest.warns(UserWarning, match="Moody failed and is left out: RuntimeError: not now"):
        fit(SaliencyCallback(probes, tmp_path, sinks=sink), data, epochs=8)
    assert sink.calls == 10  # the baseline, 8 epochs, the summary


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_exits_are_never_swallowed(tmp_path, data, probes, monkeypatch, error):
    monkeypatch.setattr(
        "keras_saliency.attribution.model_graph.ModelGraph.attribute", Fails(error())
    )
    with pytest.raises(error):
        fit(SaliencyCallback(probes, tmp_path), data)


class Odd(BaseException):
    def __str__(self):
        raise RuntimeError("no words")


def test_odd_exceptions_of_a_sink_are_contained(tmp_path, data, probes):
    class Sink(FolderSink):
        def write(self, report):
            raise Odd

    callback = SaliencyCallback(probes, tmp_path, sinks=[Sink(), "tensorboard"])
    with pytest.warns(UserWarning, match="Sink failed and is left out: Odd"):
        fit(callback, data, epochs=3)
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert epochs_of(callback.run_dir) == [0, 1, 2]


class Flaky(FolderSink):
    """One of two sinks of one class, of which one fails."""

    def __init__(self, fails):
        super().__init__()
        self.fails, self.calls = fails, 0

    def write(self, report):
        self.calls += 1
        if self.fails:
            raise RuntimeError("broken")


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_sinks_of_one_class_answer_each_for_its_own_failures(tmp_path, data, probes, order):
    sinks = [Flaky(fails) for fails in order]
    name = "Flaky" if order[0] else "Flaky 2"
    with pytest.warns(UserWarning, match=f"{name} failed 3 times in a row"):
        fit(SaliencyCallback(probes, tmp_path, sinks=sinks, detectors=None), data, epochs=5)
    calls = {sink.fails: sink.calls for sink in sinks}
    assert calls == {True: 3, False: 6}, "baseline and five epochs"
