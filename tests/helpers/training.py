"""Trainings of the small network, and what is done in their midst."""

import threading

import keras
import numpy as np
import pytest
from helpers.networks import small_cnn

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import Sink


def compiled(model, optimizer="sgd"):
    """With Adam the bare `fit` takes twice as long, for the graph that makes its slots."""
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(callbacks, data, model=None, epochs=2, **options):
    model = model or compiled(small_cnn())
    callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
    return model.fit(*data, epochs=epochs, batch_size=16, verbose=0, callbacks=callbacks, **options)


OURS = {"grad_cam_drift", "vanilla_gradients_drift", "shortcut_loss"}  # in `logs`


class At(keras.callbacks.Callback):
    """Does something at the begin of epochs, once the worker has nothing left to do."""

    def __init__(self, saliency, **actions):
        super().__init__()
        self.saliency, self.actions = saliency, {int(k[1:]): v for k, v in actions.items()}

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self.actions:
            _ = self.saliency.history
            self.actions[epoch]()


def refused(data, message, *args, model=None, error=ValueError, **options):
    """The callback must refuse before the first training step."""
    model = model or compiled(small_cnn())
    before = [np.array(w) for w in model.weights]
    with pytest.raises(error, match=message):
        fit(SaliencyCallback(*args, **options), data, model)
    for a, b in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(a, b)


class Recorder(Sink):
    """Keeps what it is given, and where."""

    def open(self, run_dir, settings):
        self.reports, self.threads, self.gate = [], set(), threading.Event()
        self.gate.set()

    def write(self, report):
        self.gate.wait(20)
        self.reports.append(report)
        self.threads.add(threading.current_thread().name)
