"""Runs that go on: the same directory, history, references and filmstrips."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import SHAPE, small_cnn
from helpers.training import compiled, fit

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.history import History
from keras_saliency.methods import VanillaGradients
from keras_saliency.rendering import decode_picture

METHODS = ["grad_cam", "deconvnet"]


def train(callback, data, model, first, epochs):
    """Epochs of a fit that depends on nothing but the model's weights."""
    fit(callback, data, model, epochs=epochs, initial_epoch=first, shuffle=False)


def model_of(seed=5):
    keras.utils.set_random_seed(seed)
    model = small_cnn()
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def filmstrips(run_dir):
    pictures = events_of(run_dir)["saliency/deconvnet/filmstrip"]
    return {step: decode_picture(parts[2]) for step, _, parts in pictures}


def test_a_run_in_two_processes_is_the_run_in_one(tmp_path, data, probes):
    whole = SaliencyCallback(probes, tmp_path / "whole", METHODS)
    train(whole, data, model_of(), 0, 5)
    model = model_of()
    train(SaliencyCallback(probes, tmp_path / "parts", METHODS), data, model, 0, 3)
    # Another instance, as in a process that was begun anew.
    again = SaliencyCallback(probes, tmp_path / "parts", METHODS)
    train(again, data, model, 3, 5)
    assert again.run_dir == str(tmp_path / "parts" / "saliency")
    assert again.history.epochs == whole.history.epochs == [-1, 0, 1, 2, 3, 4]
    for method in METHODS:
        for name, values in whole.history[method].items():
            np.testing.assert_allclose(
                again.history[method][name], values, atol=1e-4, rtol=1e-3, err_msg=name
            )
    one, two = (filmstrips(c.run_dir)[4].astype(int) for c in (whole, again))
    assert one.shape == two.shape and np.abs(one - two).mean() < 3
    steps = [s for s, _, _ in events_of(again.run_dir)["saliency/grad_cam/overlays"]]
    assert steps == [-1, 0, 1, 2, 3, 4]


class OwnGradients(VanillaGradients):
    """A user's method of gradients."""

    name = "own_gradients"


def test_maps_of_a_users_gradients_are_smoothed_as_those_of_ours_are(tmp_path, data, probes):
    methods = ["vanilla_gradients", OwnGradients()]
    model = model_of()
    train(SaliencyCallback(probes, tmp_path, methods), data, model, 0, 2)
    again = SaliencyCallback(probes, tmp_path, methods)  # compares with maps read from history
    train(again, data, model, 2, 4)
    assert again.history.epochs == [-1, 0, 1, 2, 3]
    ours, own = (again.history[name] for name in ("vanilla_gradients", "own_gradients"))
    assert "rank_correlation_previous" in ours
    for name, values in ours.items():
        np.testing.assert_array_equal(own[name], values, err_msg=name)


def test_maps_that_are_not_grainy_are_not_smoothed(tmp_path, data, probes, monkeypatch):
    monkeypatch.setattr(OwnGradients, "is_grainy", False)
    callback = SaliencyCallback(probes, tmp_path, ["vanilla_gradients", OwnGradients()])
    train(callback, data, model_of(), 0, 1)
    ours, own = (callback.history[name] for name in ("vanilla_gradients", "own_gradients"))
    assert np.all(own["gini"][1] > ours["gini"][1]), "smoothing spreads mass"


def test_an_epoch_that_is_missing_is_observed_before_the_next(tmp_path, data, probes):
    model = model_of()
    first = SaliencyCallback(probes, tmp_path)
    train(first, data, model, 0, 3)
    path = tmp_path / "saliency" / "history" / "epoch_00002.npz"
    path.unlink()  # it was in the worker when the process was killed
    again = SaliencyCallback(probes, tmp_path)
    train(again, data, model, 3, 4)
    assert again.history.epochs == [-1, 0, 1, 2, 3] and path.exists()
    np.testing.assert_allclose(
        again.history.heatmaps("grad_cam", 2), first.history.heatmaps("grad_cam", 2), atol=1e-5
    )


def test_an_epoch_that_is_trained_again_replaces_its_entry(tmp_path, data, probes):
    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 4)
    again = SaliencyCallback(probes, tmp_path)
    before = History.load(tmp_path / "saliency" / "history" / "epoch_00003.npz")
    train(again, data, model, 2, 4)
    assert again.history.epochs == [-1, 0, 1, 2, 3]
    after = History.load(tmp_path / "saliency" / "history" / "epoch_00003.npz")
    assert not np.array_equal(before.heatmaps("grad_cam", 3), after.heatmaps("grad_cam", 3))
    # Epoch 2 is compared with epoch 1, not with the old epoch 3.
    from keras_saliency.statistics.drift import drift

    maps = [
        tf.image.resize(again.history.heatmaps("grad_cam", e)[..., None], SHAPE[:2])[..., 0].numpy()
        for e in (2, 1)
    ]
    np.testing.assert_allclose(
        again.history["grad_cam"]["drift_previous"][3], drift(*maps), atol=1e-5
    )


@pytest.mark.parametrize("what", ["probes", "methods", "target"])
def test_what_cannot_be_compared_begins_beside_the_old_and_says_so(tmp_path, data, probes, what):
    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 2)
    others = {
        "probes": SaliencyCallback(ProbeSet(data[0][1:7], data[1][1:7]), tmp_path),
        "methods": SaliencyCallback(probes, tmp_path, METHODS),
        "target": SaliencyCallback(probes, tmp_path, target="predicted"),
    }
    with pytest.warns(UserWarning, match=f"saliency has other {what}.* A new one is begun"):
        train(others[what], data, model, 2, 4)
    assert others[what].run_dir == str(tmp_path / "saliency_2")
    assert others[what].history.epochs == [1, 2, 3]  # the baseline is the state it began with
    assert others[what].history.entries[1].is_baseline
    again = SaliencyCallback(probes, tmp_path)  # the old one can still be continued
    train(again, data, model, 4, 5)
    assert again.history.epochs == [-1, 0, 1, 3, 4]


def test_a_resumed_run_that_was_itself_begun_late_keeps_its_start(tmp_path, data, probes):
    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 5, 7)
    again = SaliencyCallback(probes, tmp_path)
    train(again, data, model, 7, 8)
    assert again.history.epochs == [4, 5, 6, 7]
    assert np.isfinite(again.history["grad_cam"]["drift_start"][3]).any()
    assert "drift_first" in again.history["grad_cam"]


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_backup_and_restore_continues_the_run(tmp_path, data, probes):
    for stop in (2, 4, None):
        callback = SaliencyCallback(probes, tmp_path / "logs")
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        callbacks = [backup, callback, *([Interrupt(stop)] if stop else [])]
        model = compiled(small_cnn())
        if stop is None:
            fit(callbacks, data, model, epochs=6)
        else:
            with pytest.raises(KeyboardInterrupt):
                fit(callbacks, data, model, epochs=6)
    assert callback.history.epochs == [-1, 0, 1, 2, 3, 4, 5]
    assert [p.name for p in (tmp_path / "logs").iterdir()] == ["saliency"]
    steps = [s for s, _, _ in events_of(callback.run_dir)["saliency/grad_cam/overlays"]]
    assert steps == [-1, 0, 1, 2, 3, 4, 5]
    drift = callback.history["grad_cam"]["drift_previous"]
    assert np.isfinite(drift[1:]).any(axis=1).all()


def test_logs_go_on_with_the_last_value(tmp_path, data, probes):
    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 3)
    again = SaliencyCallback(probes, tmp_path, epoch_freq=5)
    history = model.fit(*data, epochs=4, initial_epoch=3, verbose=0, callbacks=[again])
    last = np.nanmean(again.history["grad_cam"]["drift_previous"][3])
    np.testing.assert_allclose(history.history["grad_cam_drift"], [last], rtol=1e-5)


def test_a_broken_file_loses_its_epoch_and_no_other(tmp_path, data, probes):
    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 3)
    folder = tmp_path / "saliency" / "history"
    (folder / "epoch_00000.npz").write_bytes(b"half")
    (folder / "epoch_00001.npz.abc.unfinished").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    again = SaliencyCallback(probes, tmp_path)
    with pytest.warns(UserWarning, match="an epoch of .* is lost: .*epoch_00000.npz"):
        train(again, data, model, 3, 4)
    assert again.history.epochs == [-1, 1, 2, 3]
    assert sorted(p.name for p in folder.iterdir())[-1] == "notes.txt"
    assert not list(folder.glob("*.unfinished"))


def test_heatmaps_of_past_epochs_are_on_disk_and_read_when_asked_for(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    fit(callback, data, epochs=3)
    from keras_saliency.history.entry import MapsOnDisk

    entries = callback.history.entries
    assert all(isinstance(entry.heatmaps, MapsOnDisk) for entry in entries.values())
    codes = entries[1].heatmaps["grad_cam"].codes
    assert codes.dtype == np.float16 and codes.shape[1:] == (6, 4)
    alone = History.load(tmp_path / "saliency" / "history" / "epoch_00001.npz")
    assert alone.epochs == [1] and alone.names == list(probes.names)
    np.testing.assert_array_equal(
        alone.heatmaps("grad_cam", 1), callback.history.heatmaps("grad_cam", 1)
    )
    file = tmp_path / "whole.npz"
    callback.history.save(file)
    assert History.load(file) == callback.history
    assert History.load(callback.run_dir) == callback.history


def test_columns_of_another_size_are_left_out_and_not_decoded(tmp_path, data, probes, monkeypatch):
    from keras_saliency.training import album

    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 2)
    decoded = []
    monkeypatch.setattr(album, "decode_picture", lambda content: decoded.append(content))
    again = SaliencyCallback(probes, tmp_path, num_drawn=3)
    train(again, data, model, 2, 3)
    assert not decoded and again.history.epochs == [-1, 0, 1, 2]


def test_epochs_of_an_abandoned_branch_are_no_references(tmp_path, data, probes):
    from keras_saliency.statistics.drift import drift

    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 6)
    again = SaliencyCallback(probes, tmp_path, epoch_freq=2)
    train(again, data, model, 3, 7)
    assert again.history.epochs == [-1, 0, 1, 2, 4, 6], "3 and 5 were trained again, not observed"
    assert History.load(again.run_dir) == again.history
    maps = [
        tf.image.resize(again.history.heatmaps("grad_cam", e)[..., None], SHAPE[:2])[..., 0].numpy()
        for e in (6, 4)
    ]
    np.testing.assert_allclose(
        again.history["grad_cam"]["drift_previous"][-1], drift(*maps), atol=1e-5
    )


def test_a_foreign_or_damaged_epoch_is_left_out_and_never_ends_a_fit(tmp_path, data, probes):
    model = model_of()
    train(SaliencyCallback(probes, tmp_path), data, model, 0, 3)
    other = SaliencyCallback(ProbeSet(data[0][1:7], data[1][1:7]), tmp_path / "other")
    train(other, data, model_of(), 0, 3)
    folder = tmp_path / "saliency" / "history"
    foreign = tmp_path / "other" / "saliency" / "history" / "epoch_00001.npz"
    (folder / "epoch_00001.npz").write_bytes(foreign.read_bytes())
    path = folder / "epoch_00000.npz"
    arrays = dict(np.load(path))
    arrays["column_0"] = arrays["column_0"][:700]
    np.savez(path, **arrays)
    with pytest.warns(UserWarning, match="epoch_00001.npz .*it is of another run"):
        again = SaliencyCallback(probes, tmp_path)
        train(again, data, model, 3, 4)
    assert again.history.epochs == [-1, 0, 2, 3]


def test_another_architecture_begins_a_run_of_its_own(tmp_path, data, probes):
    train(SaliencyCallback(probes, tmp_path), data, model_of(), 0, 2)
    larger = keras.Sequential(
        [keras.layers.Input(SHAPE), keras.layers.Conv2D(3, 3, activation="relu"),
         keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4, activation="softmax")]
    )  # fmt: skip
    callback = SaliencyCallback(probes, tmp_path)
    with pytest.warns(UserWarning, match="has other map sizes"):
        train(callback, data, compiled(larger), 2, 4)
    assert callback.history.epochs == [1, 2, 3]


def test_what_has_vanished_from_disk_does_not_keep_the_rest_from_being_saved(
    tmp_path, data, probes
):
    callback = SaliencyCallback(probes, tmp_path / "logs")
    fit(callback, data, epochs=2)
    (tmp_path / "logs" / "saliency" / "history" / "epoch_00000.npz").unlink()
    with pytest.warns(UserWarning, match=r"heatmaps of the epochs \[0\] are no longer on disk"):
        callback.history.save(tmp_path / "saved.npz")
    saved = History.load(tmp_path / "saved.npz")
    assert saved.epochs == [-1, 0, 1] and "gini" in saved["grad_cam"]
    assert saved.heatmaps("grad_cam", 1).shape[0] == 6
