"""A training that is killed again and again; run by test_kills.py in a process of its own.

    python killed_training.py FOLDER NUM_KILLS NUM_EPOCHS

TensorFlow is imported once; each training is a fork of this process, so that a kill costs a
second and not ten. After each kill the log directory is copied to FOLDER/after_<kill>.
Prints a JSON line for each kill: the epochs that had ended.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback

METHODS = ["grad_cam", "vanilla_gradients"]


class Checkpoint(keras.callbacks.Callback):
    """Weights and epoch in one file, written whole; tells how far the training is."""

    def __init__(self, path, pipe):
        super().__init__()
        self.path, self.pipe = path, pipe

    def on_epoch_end(self, epoch, logs=None):
        os.write(self.pipe, b"%d\n" % epoch)
        unfinished = self.path.with_suffix(".unfinished.npz")
        np.savez(unfinished, *[v.numpy() for v in self.model.variables], epoch=epoch)
        os.replace(unfinished, self.path)


def train(folder, num_epochs, pipe):
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(64, 12, 10, 3)).astype(np.float32)
    labels = rng.integers(0, 3, 64)
    model = keras.Sequential(
        [
            layers.Input((12, 10, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    path, first = folder / "weights.npz", 0
    if path.exists():
        with np.load(path) as saved:
            first = int(saved["epoch"]) + 1
            for i, variable in enumerate(model.variables):
                variable.assign(saved[f"arr_{i}"])
    callback = SaliencyCallback(
        ProbeSet(images[:5], labels[:5]), str(folder / "logs"), METHODS, num_drawn=2
    )
    model.fit(
        images,
        labels,
        epochs=num_epochs,
        initial_epoch=first,
        batch_size=16,
        verbose=0,
        callbacks=[callback, Checkpoint(path, pipe)],
    )


def fork(folder, num_epochs):
    """Begins a training in a fork; returns its process and the end of a pipe."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.close(reading)
            train(folder, num_epochs, writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    return process, os.fdopen(reading)


def main(folder, num_kills, num_epochs):
    random.seed(0)
    for kill in range(num_kills):
        process, pipe = fork(folder, 10**6)
        ended = []
        for line in pipe:  # killed at a random moment after its first epochs
            ended.append(int(line))
            if len(ended) == 1:
                until = time.monotonic() + random.uniform(0.0, 0.5)
            if time.monotonic() >= until:
                break
        time.sleep(random.uniform(0, 0.05))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        ended += [int(line) for line in pipe.read().split()]
        shutil.copytree(folder / "logs", folder / f"after_{kill}")
        print(json.dumps({"ended": ended}), flush=True)
    if num_epochs:
        process, pipe = fork(folder, num_epochs + max(ended))
        pipe.read()
        print(json.dumps({"code": os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}))


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
