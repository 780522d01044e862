"""Processor time of the background thread after each epoch, by part, as a Markdown table.

    python tests/benchmarks/background.py

A tiny network and 100 probes of 224x224, medians over the trained epochs. "Shown" drifts are those
that observations compute by default; for "all", `log_keys` names each of them. "On access" is what
`history.to_dict()` takes the first time, for each epoch.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import functools
import statistics
import tempfile
import time

import keras
import numpy as np
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.statistics import drift_names
from keras_saliency.training import publisher
from keras_saliency.training.album import Album
from keras_saliency.training.background import BackgroundThread

SIZE, NUM_PROBES = 224, 100
PARTS = {  # functions that the thread calls, none of which calls another
    "statistics": [(publisher, "compute_all")],
    "drawing": [(Album, "draw")],
    "history": [(publisher.Publisher, "_record"), (publisher.Publisher, "_write_file")],
    "sinks": [(publisher.Publisher, "_write")],
}


class Clock:
    """Adds up the processor time of the calling thread in some functions."""

    def __init__(self):
        self.seconds = dict.fromkeys([*PARTS, "all"], 0.0)
        self.epochs = []
        for part, places in PARTS.items():
            for owner, name in places:
                setattr(owner, name, self._timed(part, getattr(owner, name)))
        BackgroundThread._run = self._counted(BackgroundThread._run)

    def _timed(self, part, function):
        @functools.wraps(function)
        def timed(*arguments, **options):
            start = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[part] += time.thread_time() - start

        return timed

    def _counted(self, run):
        timed = self._timed("all", run)

        def counted(*arguments):
            self.seconds = dict.fromkeys(self.seconds, 0.0)
            result = timed(*arguments)
            self.epochs.append(self.seconds)
            return result

        return counted


def make_model():
    model = keras.Sequential(
        [
            layers.Input((SIZE, SIZE, 3)),
            layers.Conv2D(8, 3, strides=4, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def measure(clock, methods, log_keys, num_epochs):
    """Medians of each part in seconds, and the seconds of the first `to_dict` for each epoch."""
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(size=(NUM_PROBES, SIZE, SIZE, 3)).astype(np.float32)
    labels = np.arange(NUM_PROBES) % 10
    clock.epochs.clear()
    with tempfile.TemporaryDirectory() as folder:
        options = {"log_keys": log_keys, "detectors": None}
        callback = SaliencyCallback(ProbeSet(images, labels), folder, methods, **options)
        make_model().fit(images, labels, epochs=num_epochs, verbose=0, callbacks=[callback])
        start = time.process_time()
        callback.history.to_dict()
        on_access = (time.process_time() - start) / num_epochs
    trained = clock.epochs[2 : 1 + num_epochs]  # the first two lack references
    parts = [statistics.median(seconds[part] for seconds in trained) for part in clock.seconds]
    return [*parts, on_access]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    clock = Clock()
    names = [f"{part}, s" for part in [*clock.seconds, "on access"]]
    print(f"| methods | drifts | {' | '.join(names)} |")
    print("|---|---|" + "---|" * len(names), flush=True)
    for methods in (["grad_cam"], ["grad_cam", "vanilla_gradients"]):
        for drifts, log_keys in (("shown", ("drift",)), ("all", tuple(drift_names()))):
            seconds = measure(clock, methods, log_keys, options.epochs)
            cells = " | ".join(f"{s:.2f}" for s in seconds)
            print(f"| {', '.join(methods)} | {drifts} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
