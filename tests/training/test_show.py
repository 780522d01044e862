"""What a notebook shows of a callback: an epoch, the findings, the report."""

import copy
import pickle

import keras
import numpy as np
import pytest
from helpers.tagged_training import draw, network, probes_of
from helpers.training import Recorder, fit

from keras_saliency import SaliencyCallback
from keras_saliency.__main__ import main

METHODS = ["hires_cam", "vanilla_gradients"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    keras.utils.set_random_seed(3)
    model = network()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    recorder = Recorder()
    log_dir = tmp_path_factory.mktemp("logs")
    options = {"detectors": ["stationary"], "sinks": ["tensorboard", recorder], "max_overhead": 1.0}
    callback = SaliencyCallback(probes_of(), log_dir, METHODS, **options)
    fit(callback, draw(240, 1), model)
    callback.sinks = "tensorboard"  # the recorder cannot be copied
    return callback, recorder.reports


def test_an_epoch_is_shown_as_the_sinks_were_given_it(watched):
    callback, reports = watched
    for report in reports[:3]:
        view = callback.show(report.epoch)
        assert view.when == report.when and list(view.pictures) == METHODS
        for method in ("hires_cam", "vanilla_gradients"):
            sent = report.pictures[f"saliency/{method}/overlays"].astype(int)
            assert view.pictures[method].shape == sent.shape
            assert np.abs(view.pictures[method] - sent).max() <= 3  # maps are kept as float16
    last = {m: callback.show().pictures[m] for m in METHODS}
    assert callback.show().when == "epoch 2"
    assert any((last[m] != callback.show(0).pictures[m]).any() for m in METHODS)


def test_drift_and_findings_are_those_up_to_the_epoch(watched):
    callback, reports = watched
    sent = [r.scalars["saliency/hires_cam/drift_previous"] for r in reports[1:3]]
    for epoch, number in ((-1, 0), (0, 1), (1, 2)):
        view = callback.show(epoch, "hires_cam")
        assert list(view.pictures) == list(view.drift) == ["hires_cam"]
        assert [e for e, _ in view.drift["hires_cam"]] == list(range(number))
        np.testing.assert_allclose(
            [v for _, v in view.drift["hires_cam"]], sent[:number], rtol=1e-5
        )
        assert list(view.findings) == [f for f in callback.findings if f.epoch <= epoch]
    assert "data:image/jpeg" in callback.show()._repr_html_()
    assert len(repr(callback.show())) < 300


def test_what_cannot_be_shown_is_refused(watched, tmp_path):
    callback, _ = watched
    with pytest.raises(KeyError, match=r"no epoch 7.*-1, 0, 1"):
        callback.show(7)
    with pytest.raises(KeyError, match="no method 'nonsense'"):
        callback.show(method="nonsense")
    unused = SaliencyCallback(probes_of(), tmp_path)
    with pytest.raises(ValueError, match="observed no epoch"):
        unused.show()
    with pytest.raises(ValueError, match="was not run"):
        unused.save_report(tmp_path / "report.html")
    with pytest.raises(ValueError, match="HTML file"):
        callback.save_report(tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_callback_that_was_not_used_does_not_read_as_all_clean(tmp_path):
    unused = SaliencyCallback(probes_of(), tmp_path)
    assert unused.alerts == [] and "was not run" in repr(unused.alerts)
    assert "was not run" in unused.alerts._repr_html_()


@pytest.mark.parametrize("way", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_a_copy_shows_the_same(watched, way):
    callback, again = watched[0], way(watched[0])
    for mine, theirs in zip(
        callback.show().pictures.values(), again.show().pictures.values(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert repr(again.alerts) == repr(callback.alerts)
    assert again.alerts._repr_html_() == callback.alerts._repr_html_()


def test_the_report_is_what_the_command_line_writes(watched, tmp_path):
    callback, _ = watched
    saved = callback.save_report(tmp_path / "new" / "mine.html")
    command = ["report", callback.log_dir, "--run-name", "saliency", "-o", f"{tmp_path}/its.html"]
    assert main(command) == 0
    content = (tmp_path / "new" / "mine.html").read_text()
    assert content == (tmp_path / "its.html").read_text() == saved.page
    assert saved.num_bytes == (tmp_path / "new" / "mine.html").stat().st_size
    assert saved.path == str(tmp_path / "new" / "mine.html")
