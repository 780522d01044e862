"""Trainings of the small network, and what is done in their midst."""

import keras
from helpers.networks import small_cnn


def compiled(model, optimizer="sgd"):
    """With Adam the bare `fit` takes twice as long, for the graph that makes its slots."""
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(callbacks, data, model=None, epochs=2, **options):
    model = model or compiled(small_cnn())
    callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
    return model.fit(*data, epochs=epochs, batch_size=16, verbose=0, callbacks=callbacks, **options)


OURS = {"grad_cam_drift", "vanilla_gradients_drift", "shortcut_adoption"}  # in `logs`


class At(keras.callbacks.Callback):
    """Does something at the begin of epochs, once the worker has nothing left to do."""

    def __init__(self, saliency, **actions):
        super().__init__()
        self.saliency, self.actions = saliency, {int(k[1:]): v for k, v in actions.items()}

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self.actions:
            _ = self.saliency.history
            self.actions[epoch]()
