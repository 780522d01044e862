"""How long an epoch's end makes the training wait, over the bare graph, as a Markdown table.

    python tests/benchmarks/blocking.py

The callback's `on_epoch_end` and the same concrete function called by hand (the probes
in, the maps out as NumPy arrays) run in turns in one process; the worker is idle when either
begins, as after any epoch that lasts longer than drawing, and the graph is warm. What the search
for shortcuts adds is in `looks.py`. Figures are medians, the ratio is the median of the ratios of
neighbouring runs.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback

APPLICATIONS = ["VGG16", "ResNet50", "MobileNetV2", "EfficientNetB0"]


def application(name):
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(96, 96, 3), classes=10), (96, 96, 3)


def small_cnn():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    ), (28, 28, 1)


def by_hand(callback, weights):
    """The callback's graph on all probes, chunk by chunk, without anything around it."""
    graph = callback._run.observer.graph
    images, size = callback.probes.model_inputs, graph.chunk_size

    def run():
        for start in range(0, len(images), size):
            some = slice(start, start + size)
            results = graph._function.concrete(
                tf.constant(images[some]), tf.constant(weights[some])
            )
            for value in results.values():
                value.numpy()

    return run


def measure(model, shape, num_probes, methods, num_runs):
    """Seconds of (an epoch's end, the bare graph), in turns, after two that are not counted."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (num_probes, *shape)).astype(np.float32)
    labels = np.arange(num_probes) % 10
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        callback = SaliencyCallback(
            ProbeSet(images, labels),
            folder,
            methods,
            chunk_size=min(num_probes, 32),
            detectors=None,
        )
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        bare = by_hand(callback, np.eye(10, dtype=np.float32)[labels])
        for epoch in range(num_runs + 2):
            pair = []
            for run in (lambda e=epoch: callback.on_epoch_end(e, {}), bare):
                _ = callback.history  # the worker is done
                bare()
                begin = time.perf_counter()
                run()
                pair.append(time.perf_counter() - begin)
            seconds.append(pair)
        callback.on_train_end()
    return seconds[2:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=9)
    num_runs = parser.parse_args().runs
    print("| model | methods | probes | epoch's end, ms | bare graph, ms | ratio |")
    print("|---|---|---|---|---|---|")
    cases = [(small_cnn, "small CNN", 64, ["grad_cam"], 10 * num_runs)]
    for name in APPLICATIONS:
        for num_probes in (16, 64):
            cases.append((lambda n=name: application(n), name, num_probes, ["grad_cam"], num_runs))
    for make, name, num_probes, methods, runs in cases:
        model, shape = make()
        seconds = measure(model, shape, num_probes, methods, runs)
        ours, bare = (1000 * statistics.median(s) for s in zip(*seconds, strict=True))
        ratio = statistics.median(a / b for a, b in seconds)
        size = f"{num_probes} × {shape[0]}×{shape[1]}"
        cells = [name, ", ".join(methods), size, f"{ours:.1f}", f"{bare:.1f}", f"{ratio:.2f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
