"""Together with the callbacks that people have in their `model.fit` already."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import small_cnn
from helpers.training import compiled, fit

from keras_saliency import ProbeSet, SaliencyCallback


@pytest.fixture
def data(rng):
    return rng.uniform(size=(40, 18, 14, 3)).astype(np.float32), rng.integers(0, 4, 40)


@pytest.fixture
def saliency(tmp_path, data):
    return SaliencyCallback(ProbeSet(data[0][:6], data[1][:6]), tmp_path / "logs", on_error="raise")


@pytest.mark.parametrize("update_freq", [1, "batch", "epoch"])
@pytest.mark.parametrize("first", [True, False])
def test_tensorboard_keeps_its_curves_and_drops_none_of_ours(
    saliency, data, tmp_path, update_freq, first
):
    board = keras.callbacks.TensorBoard(tmp_path / "logs", update_freq=update_freq)
    callbacks = [saliency, board] if first else [board, saliency]
    fit(callbacks, data, epochs=3, validation_split=0.2)
    ours = events_of(tmp_path / "logs" / "saliency")
    assert [s for s, _, _ in ours["saliency/grad_cam/drift_previous"]] == [0, 1, 2]
    train = events_of(tmp_path / "logs" / "train")
    assert [s for s, _, _ in train["epoch_loss"]] == [0, 1, 2]
    assert not any(tag.startswith("saliency") for tag in train)
    assert "epoch_loss" in events_of(tmp_path / "logs" / "validation")


def test_early_stopping_can_monitor_drift(saliency, data):
    stop = keras.callbacks.EarlyStopping("grad_cam_drift", mode="max", min_delta=10, patience=2)
    history = fit([saliency, stop], data, epochs=9)
    assert len(history.epoch) == 3
    assert saliency.history.epochs == [-1, 0, 1, 2]
    assert "saliency/grad_cam/filmstrip" in events_of(saliency.run_dir)


def test_model_checkpoint_saves_what_it_would_have_saved(saliency, data, tmp_path):
    path = tmp_path / "best.keras"
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, monitor="grad_cam_drift", mode="max", save_best_only=True
    )
    model = compiled(small_cnn())
    fit([saliency, checkpoint], data, model)
    loaded = keras.models.load_model(path)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]


def test_csv_logger_has_a_column_from_the_first_row(saliency, data, tmp_path):
    fit([saliency, keras.callbacks.CSVLogger(tmp_path / "log.csv")], data, epochs=3)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and all(float(row["grad_cam_drift"]) > 0 for row in rows)


def test_reduce_lr_on_plateau_can_monitor_drift(saliency, data):
    plateau = keras.callbacks.ReduceLROnPlateau(
        "grad_cam_drift", mode="max", min_delta=10, patience=1
    )
    model = compiled(small_cnn())
    before = float(model.optimizer.learning_rate)
    fit([saliency, plateau], data, model, epochs=3)
    assert float(model.optimizer.learning_rate) < before


class Interrupt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_backup_and_restore_begins_with_the_restored_weights(saliency, data, tmp_path):
    backup = tmp_path / "backup"
    model = compiled(small_cnn())
    with pytest.raises(KeyboardInterrupt):
        fit(
            [keras.callbacks.BackupAndRestore(backup), saliency, Interrupt()], data, model, epochs=3
        )
    reference = small_cnn()
    reference.set_weights(model.get_weights())

    again = SaliencyCallback(saliency.probes, tmp_path / "again", on_error="raise")
    model = compiled(small_cnn())
    fit([keras.callbacks.BackupAndRestore(backup), again], data, model, epochs=3)
    first = again.history.epochs[0]
    before = saliency.history.heatmaps("grad_cam", first)
    np.testing.assert_allclose(again.history.heatmaps("grad_cam", first), before, atol=1e-4)
    assert again.history.epochs[-1] == 2


def test_swap_ema_weights_are_seen_as_validation_sees_them(saliency, data):
    model = small_cnn()
    optimizer = keras.optimizers.Adam(use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    fit([swap, saliency], data, model, epochs=3)
    assert saliency.history.epochs == [-1, 0, 1, 2]
    assert np.isfinite(saliency.history["grad_cam"]["drift_previous"][-1]).any()


def test_a_leaked_switch_of_another_thread_or_callback_does_not_silence_us(saliency, data):
    with tf.summary.record_if(False):
        fit(saliency, data)
    assert "saliency/grad_cam/overlays" in events_of(saliency.run_dir)
