"""A loop of one's own, `evaluate`, `predict`, and what ends a `fit` early."""

import keras
import numpy as np
import pytest
from helpers.events import epochs_of
from helpers.networks import small_cnn
from helpers.training import compiled, fit

from keras_saliency import SaliencyCallback
from keras_saliency.history import History


def test_one_instance_in_fit_evaluate_and_predict(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    model = compiled(small_cnn())
    model.evaluate(*data, verbose=0, callbacks=[callback])
    model.predict(data[0], verbose=0, callbacks=[callback])
    assert callback.history.epochs == [] and not list(tmp_path.iterdir())
    fit(callback, data, model, epochs=2)
    model.evaluate(*data, verbose=0, callbacks=[callback])
    model.predict(data[0], verbose=0, callbacks=[callback])
    assert callback.history.epochs == [-1, 0, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["saliency"]


def test_a_training_that_others_stop(tmp_path, data, probes):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    callback = SaliencyCallback(probes, tmp_path)
    fit([Stop(), callback], data, epochs=9)
    assert callback.history.epochs == [-1, 0, 1] and epochs_of(callback.run_dir) == [0, 1]


def test_a_fit_that_ends_in_an_error_leaves_its_callback_and_directory_usable(
    tmp_path, data, probes
):
    class Bug(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError

    callback, model = SaliencyCallback(probes, tmp_path), compiled(small_cnn())
    with pytest.raises(ZeroDivisionError):
        fit([callback, Bug()], data, model)
    assert callback.history.epochs == [-1, 0]
    fit(callback, data, model, epochs=3, initial_epoch=1)
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["saliency"]
    assert epochs_of(callback.run_dir) == [0, 1, 2]


def test_a_loop_of_ones_own_may_change_its_model(tmp_path, probes):
    callback = SaliencyCallback(probes, tmp_path)
    reports = [callback.observe(small_cnn(), epoch) for epoch in (0, 1)]
    callback.close()
    assert [r.epoch for r in reports] == [0, 1]
    assert callback.history.epochs == [0, 1]


@pytest.mark.parametrize("epoch", [np.int64(2), np.int32(2)])
def test_epochs_of_a_loop_may_be_numbers_of_numpy(tmp_path, probes, epoch):
    callback = SaliencyCallback(probes, tmp_path)
    model = small_cnn()
    for number in (np.int64(-1), 0, epoch, 3):
        callback.observe(model, number)
    callback.close()
    assert History.load(callback.run_dir).epochs == [-1, 0, 2, 3]
    with pytest.raises(ValueError, match="epoch must be an int of at least -1"):
        callback.observe(model, 4.0)


def test_a_model_that_was_never_compiled_is_observed_with_batch_freq_too(tmp_path, probes):
    callback = SaliencyCallback(probes, tmp_path, batch_freq=2)
    for epoch in (-1, 3):
        assert callback.observe(small_cnn(), epoch).epoch == epoch
    callback.close()
