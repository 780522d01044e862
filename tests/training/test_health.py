"""Trainings that diverge, saturate or show nothing are reported and not crashed on."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import SHAPE, small_cnn
from helpers.training import compiled, fit

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.history import History
from keras_saliency.records import Moment, Predictions
from keras_saliency.training.health import Health

ALMOST_ONE = np.nextafter(np.float32(1), np.float32(0))  # what some processors make of it


def test_dead_maps_leave_finite_logs_and_one_warning(tmp_path, data, probes):
    model = small_cnn()
    model.layers[-1].kernel.assign(0 * model.layers[-1].kernel)
    model.trainable = False
    with pytest.warns(UserWarning, match="6 of 6 heatmaps are all zero") as caught:
        history = fit(SaliencyCallback(probes, tmp_path), data, compiled(model), epochs=3).history
    assert history["grad_cam_drift"] == [0.0, 0.0, 0.0]
    assert sum("all zero" in str(w.message) for w in caught) == 1
    empty = events_of(tmp_path / "saliency")["saliency/grad_cam/empty_fraction"]
    assert [float(v) for _, _, v in empty] == [1.0] * 4


@pytest.mark.filterwarnings("error::UserWarning")
def test_nothing_of_ours_ends_a_training_where_warnings_are_errors(tmp_path, data, probes):
    model = small_cnn()
    model.layers[-1].kernel.assign(0 * model.layers[-1].kernel)
    model.layers[-1].trainable = False
    fit(SaliencyCallback(probes, tmp_path), data, compiled(model))


class Poison(keras.callbacks.Callback):
    """Spoils the weights of the last layer before an epoch ends."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def on_train_batch_end(self, batch, logs=None):
        kernel = self.model.layers[-1].kernel
        kernel.assign(kernel * self.value if np.isfinite(self.value) else kernel + self.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, r"Epoch 1: the training has diverged: .* NaN or infinite for 6 of 6.*/kernel"),
        (np.inf, r"Epoch 1: the training has diverged"),
        (1e6, r"Epoch \d: the softmax is saturated"),
        (0.0, r"6 of 6 heatmaps are all zero"),
    ],
)
def test_a_training_that_diverges_is_reported_and_not_crashed_on(
    tmp_path, data, probes, value, words
):
    callback = SaliencyCallback(probes, tmp_path, ["grad_cam", "vanilla_gradients"])
    poison = Poison(value)
    model = compiled(small_cnn())
    model.layers[-1].trainable = value != 0
    with pytest.warns(UserWarning, match=words) as caught:
        history = fit([poison, callback], data, compiled(model), epochs=3).history
    told = [str(w.message) for w in caught if "has diverged:" in str(w.message)]
    assert len(told) <= 1
    assert np.isfinite(history["grad_cam_drift"]).all()
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert History.load(callback.run_dir) == callback.history


@pytest.mark.parametrize(
    ("confidence", "is_saturated"), [(1, True), (ALMOST_ONE, True), (1 - 1e-6, False)]
)
def test_a_softmax_may_be_saturated_just_below_one(confidence, is_saturated):
    probes = ProbeSet(np.zeros((4, *SHAPE), np.float32), labels=[1, 1, 1, 1])
    predictions = Predictions(
        logits=np.tile(np.float32([900, 0]), (4, 1)),
        probabilities=np.tile(np.float32([confidence, 0]), (4, 1)),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Health(probes).check_model(None, predictions, Moment(epoch=0))
    assert any("saturated" in str(w.message) for w in caught) == is_saturated


def test_a_certain_model_that_is_right_is_not_accused(tmp_path, rng):
    labels = np.arange(40) % 2
    images = rng.uniform(size=(40, *SHAPE)).astype(np.float32) * 0.1 + labels[:, None, None, None]
    model = keras.Sequential(
        [keras.layers.Input(SHAPE), keras.layers.Conv2D(1, 3, use_bias=False),
         keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2), keras.layers.Softmax()]
    )  # fmt: skip
    model.layers[0].kernel.assign(tf.fill(model.layers[0].kernel.shape, 1.0))
    model.layers[2].kernel.assign([[-1000.0, 1000.0]])
    model.layers[2].bias.assign([15000.0, -15000.0])
    model.trainable = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(SaliencyCallback((images[:8], labels[:8]), tmp_path), (images, labels), compiled(model))
    assert model.predict(images[:8], verbose=0).max(axis=1).min() >= ALMOST_ONE
    assert not any("saturated" in str(w.message) for w in caught)
