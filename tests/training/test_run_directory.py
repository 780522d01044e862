"""Whose directory a run writes into, and when it is made."""

import os
import threading
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from helpers.events import epochs_of, events_of
from helpers.networks import SHAPE, small_cnn
from helpers.training import compiled, fit, refused

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.history import History
from keras_saliency.methods import GradCAM
from keras_saliency.training.run_directory import Place, claim_new, end_run


def test_the_same_instance_serves_two_fits(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    model = compiled(small_cnn())
    fit(callback, data, model)
    assert callback.run_dir == str(tmp_path / "saliency")
    fit(callback, data, model, epochs=3)
    assert callback.run_dir == str(tmp_path / "saliency_2")
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert events_of(callback.run_dir)["saliency/grad_cam/overlays"][-1][0] == 2


def test_wrong_probes_for_the_model_leave_nothing_behind(tmp_path, data, rng):
    logs = tmp_path / "new" / "logs"
    wrong_size = ProbeSet(rng.uniform(size=(4, 9, 9, 3)), [0, 1, 2, 3])
    refused(data, r"\(9, 9, 3\) do not fit the model", wrong_size, logs)
    wrong_labels = ProbeSet(rng.uniform(size=(4, *SHAPE)), [0, 1, 2, 4])
    refused(data, "labels out of range for the model", wrong_labels, logs)
    right = ProbeSet(rng.uniform(size=(4, *SHAPE)), [0, 1, 2, 3])
    refused(data, "does not have", right, logs, GradCAM(layer="conv_7"))
    refused(data, r"target must lie in 0 \.\.\. 3", right, logs, target=7)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_log_directory(tmp_path, data, probes):
    (tmp_path / "logs").write_text("a file")
    refused(data, "log_dir must be a directory", probes, tmp_path / "logs")
    refused(data, "log_dir must be a directory", probes, tmp_path / "logs" / "deeper")


def test_an_unwritable_log_directory(data, probes):
    refused(data, "log_dir cannot be written to", probes, "/proc/keras_saliency")


def test_a_run_is_never_written_over(tmp_path, data, probes):
    for expected in ("saliency", "saliency_2", "saliency_3"):
        callback = SaliencyCallback(probes, tmp_path)
        fit(callback, data, epochs=1)
        assert Path(callback.run_dir).name == expected


def test_a_file_system_of_tensorflows_is_written_and_read(data, probes):
    log_dir = f"ram://keras_saliency_test_{os.getpid()}/logs"
    model = compiled(small_cnn())
    fit(SaliencyCallback(probes, log_dir, sinks=["tensorboard", "folder"]), data, model, epochs=2)
    again = SaliencyCallback(probes, log_dir)
    fit(again, data, model, epochs=4, initial_epoch=2)
    assert again.run_dir == f"{log_dir}/saliency"
    assert again.history.epochs == [-1, 0, 1, 2, 3]
    assert again.history.heatmaps("grad_cam", 0).shape[0] == 6
    assert History.load(again.run_dir) == again.history
    names = tf.io.gfile.listdir(again.run_dir)
    assert any(name.startswith("events") for name in names)
    assert "grad_cam_filmstrip.png" in tf.io.gfile.listdir(f"{again.run_dir}/pictures")
    fit(SaliencyCallback(probes, log_dir), data, model, epochs=1)
    assert tf.io.gfile.exists(f"{log_dir}/saliency_2/history/epoch_00000.npz")


def test_two_callbacks_in_one_fit_write_beside_each_other(tmp_path, data, probes):
    one, two = (SaliencyCallback(probes, tmp_path) for _ in range(2))
    fit([one, two], data, epochs=2)
    assert [c.run_dir for c in (one, two)] == [
        str(tmp_path / n) for n in ("saliency", "saliency_2")
    ]
    assert one.history == two.history or one.history.epochs == two.history.epochs
    for callback in (one, two):
        assert epochs_of(callback.run_dir) == [0, 1]


def test_a_run_stays_where_it_is_when_the_program_changes_its_directory(
    tmp_path, data, probes, monkeypatch
):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    class Moves(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            monkeypatch.chdir(tmp_path / "there")

    callback = SaliencyCallback(probes, "logs")
    fit([callback, Moves()], data, epochs=3)
    assert callback.run_dir == "logs/saliency"
    assert History.load(tmp_path / "here" / "logs" / "saliency") == callback.history
    assert not list((tmp_path / "there").iterdir())


def test_a_run_may_be_named_and_nested(tmp_path, data, probes):
    model = compiled(small_cnn())
    for expected in ("fold_3/saliency", "fold_3/saliency_2"):
        callback = SaliencyCallback(probes, tmp_path, run_name="fold_3/saliency", detectors=None)
        fit(callback, data, model, epochs=1)
        assert callback.run_dir == str(tmp_path / expected)
        assert History.load(callback.run_dir).epochs == [-1, 0]
        assert epochs_of(callback.run_dir) == [0]
    other = SaliencyCallback(probes, tmp_path, run_name="fold_4/saliency", detectors=None)
    fit(other, data, model, epochs=2, initial_epoch=1)  # no run of that name: not fold 3's
    assert other.run_dir == str(tmp_path / "fold_4" / "saliency")
    again = SaliencyCallback(probes, tmp_path, run_name="fold_3/saliency", detectors=None)
    fit(again, data, model, epochs=2, initial_epoch=1)
    assert again.run_dir == str(tmp_path / "fold_3" / "saliency_2")
    assert again.history.epochs == [-1, 0, 1]


def test_run_names_that_lead_elsewhere_are_refused(tmp_path, probes):
    for name in ("", "/a", "a/", "a//b", "..", "a/../b", "./a", " "):
        with pytest.raises(ValueError, match="a path below log_dir"):
            SaliencyCallback(probes, tmp_path, run_name=name)
    for name in ("a\\b", "c:a", "a\0b", "a\nb", "\ud800", "a" * 201):
        with pytest.raises(ValueError, match="what the name of a folder cannot"):
            SaliencyCallback(probes, tmp_path, run_name=name)
    for name in ("train", "fold_1/validation", "saliency/history"):
        with pytest.raises(ValueError, match="that Keras or a run itself writes to"):
            SaliencyCallback(probes, tmp_path, run_name=name)
    with pytest.raises(TypeError, match="run_name must be a string"):
        SaliencyCallback(probes, tmp_path, run_name=3)


def test_a_nested_run_that_never_began_leaves_no_folder(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, run_name="a/b/saliency", detectors=None)
    (tmp_path / "a" / "kept").mkdir(parents=True)
    owner = threading.local()  # anything that has attributes and can be referred to weakly
    owner.thread, owner.fit = 0, None
    place = Place(str(tmp_path), callback.run_name)
    run_dir = claim_new(place, owner)
    assert run_dir == str(tmp_path / "a" / "b" / "saliency")
    end_run(run_dir, owner, place.log_dir)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept"]
