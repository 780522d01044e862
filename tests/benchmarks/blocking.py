"""How long the training waits, over what must be computed, as two Markdown tables.

    python tests/benchmarks/blocking.py --table epoch_end
    python tests/benchmarks/blocking.py --table graph

Without `--table` both are printed.

Table "epoch_end": the callback's `on_epoch_end`, and the same concrete function called directly
(the probes in, the maps out as NumPy arrays). The background thread is idle when either begins, as
after any epoch that lasts longer than drawing, and the graph is warm. What the search for shortcuts
adds is in `checks.py`.

Table "graph": `ModelGraph.attribute`, and a hand-written `tf.function` with as many passes, on the
same images.

Both of a pair run in turns in one process. Figures are medians, the ratio is the median of the
ratios of neighbouring runs.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import tempfile
import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback

APPLICATIONS = ["VGG16", "ResNet50", "MobileNetV2", "EfficientNetB0"]
TWO = ["grad_cam", "vanilla_gradients"]
THREE = [*TWO, "deconvnet"]
PASSES = [  # model, methods, backward passes that they need
    ("VGG16", THREE, 2),
    ("ResNet50", THREE, 2),
    ("MobileNetV2", TWO, 1),
    ("EfficientNetB0", TWO, 1),
]


def application(name, **options):
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(96, 96, 3), classes=10, **options), (96, 96, 3)


def tiny_network():
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


def direct_run(callback, weights):
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


def hand_written(model, num_backward_passes, images):
    """One forward pass, and backward passes from as many classes, to the image."""

    @tf.function
    def passes(images):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(images)
            logits = model(images, training=False)
            scores = [tf.reduce_sum(logits[:, c]) for c in range(num_backward_passes)]
        return [tape.gradient(score, images) for score in scores]

    return lambda: [gradient.numpy() for gradient in passes(images)]


def alternate(ours, theirs, num_runs, prepare=lambda: None):
    """Seconds of each, in turns, after two runs that are not counted."""
    seconds = []
    for _ in range(num_runs + 2):
        pair = []
        for run in (ours, theirs):
            prepare()
            start = time.perf_counter()
            run()
            pair.append(time.perf_counter() - start)
        seconds.append(pair)
    return seconds[2:]


def measure_epoch_end(model, shape, num_probes, method, num_runs):
    """Seconds of (an epoch's end, the bare graph), in turns."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (num_probes, *shape)).astype(np.float32)
    labels = np.arange(num_probes) % 10
    with tempfile.TemporaryDirectory() as folder:
        callback = SaliencyCallback(
            ProbeSet(images, labels), folder, method, chunk_size=min(num_probes, 32), detectors=None
        )
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        bare, epochs = (
            direct_run(callback, np.eye(10, dtype=np.float32)[labels]),
            iter(range(10**6)),
        )

        def prepare():
            _ = callback.history  # waits for the background thread
            bare()

        seconds = alternate(
            lambda: callback.on_epoch_end(next(epochs), {}), bare, num_runs, prepare
        )
        callback.on_train_end()
    return seconds


def print_epoch_end(num_runs):
    print_head(["model", "methods", "probes", "epoch's end, ms", "bare graph, ms", "ratio"])
    cases = [(tiny_network, "tiny network", 64, 10 * num_runs)]
    for name in APPLICATIONS:
        for num_probes in (16, 64):
            cases.append((partial(application, name), name, num_probes, num_runs))
    for make, name, num_probes, runs in cases:
        model, shape = make()
        seconds = measure_epoch_end(model, shape, num_probes, "grad_cam", runs)
        size = f"{num_probes} × {shape[0]}×{shape[1]}"
        print_row([name, "grad_cam", size, *figures(seconds, ".1f")])
        keras.backend.clear_session()


def print_graph(num_runs):
    print_head(["model", "methods", "passes by hand", "ours, ms", "by hand, ms", "ratio"])
    images = np.random.default_rng(0).uniform(0, 255, (16, 96, 96, 3)).astype(np.float32)
    for name, methods, num_backward_passes in PASSES:
        model, shape = application(name)  # with the softmax that a user's model has
        graph = ModelGraph(model, methods, image_shape=shape, chunk_size=16)
        bare, _ = application(name, classifier_activation=None)
        bare.set_weights(model.get_weights())
        by_hand = hand_written(bare, num_backward_passes, tf.constant(images))
        seconds = alternate(partial(graph.attribute, images, 1), by_hand, num_runs)
        passes = f"1 forward, {num_backward_passes} backward"
        print_row([name, ", ".join(methods), passes, *figures(seconds, ".0f")])
        keras.backend.clear_session()


def figures(seconds, digits):
    """Cells with milliseconds of each, and their ratio."""
    ours, theirs = (1000 * statistics.median(s) for s in zip(*seconds, strict=True))
    ratio = statistics.median(a / b for a, b in seconds)
    return [format(ours, digits), format(theirs, digits), f"{ratio:.2f}"]


def print_row(cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def print_head(cells):
    print_row(cells)
    print("|" + "---|" * len(cells), flush=True)


TABLES = {"epoch_end": (print_epoch_end, 9), "graph": (print_graph, 15)}  # with runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    for i, table in enumerate(options.table):
        show, num_runs = TABLES[table]
        if i:
            print()
        show(options.runs or num_runs)


if __name__ == "__main__":
    main()
