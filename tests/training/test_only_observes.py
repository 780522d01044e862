"""The callback only observes: a training is the same bit for bit with it and without."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import SHAPE
from helpers.training import OURS, compiled, fit
from keras import layers

from keras_saliency import SaliencyCallback


class Snapshot(keras.callbacks.Callback):
    """Everything that a training leaves behind, bit for bit."""

    def on_train_end(self, logs=None):
        self.state = {
            "model": [np.array(v) for v in self.model.variables],
            "optimizer": [np.array(v) for v in self.model.optimizer.variables],
            "numpy": np.random.get_state()[1],
            "python": random.getstate(),
            "draws": [tf.random.uniform((3,)).numpy(), np.array(keras.random.normal((3,)))],
        }


class MonteCarlo(keras.Model):
    """Unbuilt until its first call, and drawing in every call, inside a tf.function if `hidden`."""

    def __init__(self, hidden):
        super().__init__()
        self.convolution, self.dropout = layers.Conv2D(4, 3), layers.Dropout(0.5)
        self.pool, self.head = layers.GlobalAveragePooling2D(), layers.Dense(4)
        self.softmax = layers.Softmax()
        self.noise = tf.random.Generator.from_seed(1)
        self.draw = tf.function(self.drop) if hidden else self.drop

    def drop(self, x):
        x = x + 0.1 * self.noise.normal(tf.shape(x))
        return self.dropout(x, training=True)

    def call(self, x):
        return self.softmax(self.head(self.draw(self.pool(self.convolution(x)))))


def restless(built=True):
    parts = [
        layers.RandomFlip(),
        layers.RandomTranslation(0.1, 0.1),
        layers.Conv2D(4, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Dropout(0.4),
        layers.Flatten(),
        layers.Dense(4, activation="softmax"),
    ]
    return keras.Sequential(([layers.Input(SHAPE)] if built else []) + parts)


MODELS = {
    "built": lambda: restless(True),
    "unbuilt": lambda: restless(False),
    "drawing": lambda: MonteCarlo(False),
    "drawing_in_a_function": lambda: called(MonteCarlo(True)),
}


def called(model):
    # Unbuilt, such a model depends on who traces its tf.function first; in Keras alone
    # its dropout then never changes.
    model(np.zeros((1, *SHAPE), np.float32))
    return model


@pytest.mark.slow
@pytest.mark.versions
@pytest.mark.parametrize("model", MODELS)
def test_the_training_is_the_same_bit_for_bit(tmp_path, data, probes, model):
    states, histories = [], []
    methods = ["grad_cam", "vanilla_gradients"]
    for callbacks in ([], [SaliencyCallback(probes, tmp_path, methods, on_error="raise")]):
        keras.backend.clear_session()
        keras.utils.set_random_seed(11)
        snapshot = Snapshot()
        history = fit(
            [*callbacks, snapshot],
            data,
            compiled(MODELS[model](), "adam"),
            epochs=3,
            validation_split=0.2,
        )
        histories.append({k: v for k, v in history.history.items() if k not in OURS})
        states.append(snapshot.state)
    assert histories[0] == histories[1]
    for key, without in states[0].items():
        for a, b in zip(without, states[1][key], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=key)
