"""What checks for shortcuts cost, as Markdown tables.

    python tests/benchmarks/checks.py --table checks
    python tests/benchmarks/checks.py --table passes
    python tests/benchmarks/checks.py --table trainings

Table "checks": a check with all detectors, and the network's own forward passes of as many images,
in turns in one process. Figures are medians, the ratio is the median of the ratios of neighbouring
runs. The model is not trained. Its answers are replaced: before a swap by the labels, and after it
by the recipient's label, so that nothing is found, or by a random class, so that most detectors go
on to the end (the worst case).

Table "passes": forward passes of 300 images that a check takes, over 20 checks in which nothing is
found, the last one complete.

Table "trainings": processor time of whole trainings, each in a process of its own, in turns:
without the callback, with `detectors=None`, and as it is by default. The data are noise with a
square whose texture tells the class, without a shortcut.

`--models`, `--sizes` and `--probes` choose rows.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
from keras import layers

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback
from keras_saliency.records import Moment, Predictions
from keras_saliency.shortcuts import NOTHING_LEGITIMATE, Battery, Examiner
from keras_saliency.shortcuts.swaps import ClassLabels

NUM_CLASSES, PASS, NUM_CHECKS = 6, 300, 20
TRAININGS = {"long": (6000, 10, 10), "short": (240, 2, 5)}  # images, classes, epochs
WATCHED = ("nothing", "maps", "default")


def small_cnn(shape, num_classes=10):
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(8, 3, strides=1 if shape[0] < 64 else 2, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(num_classes),
        ]
    )


def make_model(name, size):
    if name == "small CNN":
        return small_cnn((size, size, 3))
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(size, size, 3), classes=10)


class Answers:
    """The model's forward pass, whose time counts, with other answers.

    Args:
        graph: `ModelGraph`.
        logits: array (n, k) of the probes, which recipients keep; None draws at random.
    """

    def __init__(self, graph, logits):
        self._graph, self._logits, self._rng = graph, logits, np.random.default_rng(0)
        self.methods = graph.methods
        self.num_images = 0

    def predict(self, images, rows):
        self.num_images += len(images)
        shape = self._graph.predict(images, rows).logits.shape
        drawn = self._rng.normal(size=shape).astype(np.float32)
        logits = drawn if self._logits is None else self._logits[rows]
        return Predictions(logits, logits)


class Checked:
    """A model and all that checks it."""

    def __init__(self, model, size, num_probes, is_kept):
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 255, (num_probes, size, size, 3), dtype=np.uint8)
        labels = np.arange(num_probes) % NUM_CLASSES
        probes = ProbeSet(self.images, labels)
        self.graph = ModelGraph(model, "grad_cam", image_shape=self.images.shape[1:])
        _, self.heatmaps = self.graph.attribute(probes.model_inputs, labels)
        logits = 9 * np.eye(10, dtype=np.float32)[labels]
        self.said = Predictions(logits, logits)
        self.answers = Answers(self.graph, logits if is_kept else None)
        self.examiner = Examiner(Battery(), NOTHING_LEGITIMATE, probes, ClassLabels.of(probes, 10))

    def check(self, epoch, is_complete=True):
        """Returns how many images went through the model, and the seconds."""
        before, began = self.answers.num_images, time.perf_counter()
        moment = Moment(epoch)
        self.examiner.check(self.answers, self.said, self.heatmaps, moment, is_complete)
        return self.answers.num_images - before, time.perf_counter() - began

    def pass_bare(self, num_images):
        """Returns the seconds of forward passes of as many images."""
        many = np.resize(self.images, (num_images, *self.images.shape[1:])).astype(np.float32)
        began = time.perf_counter()
        self.graph.predict(many)
        return time.perf_counter() - began


def print_checks(options):
    print("| model | images | probes | found | images swapped | a check, s | bare, s | ratio |")
    print("|" + "---|" * 8)
    for name, size, num, is_kept in itertools.product(
        options.models, options.sizes, options.probes, (True, False)
    ):
        if name != "small CNN" and size < 96:
            continue  # applications need 32 pixels
        checked = Checked(make_model(name, size), size, num, is_kept)
        runs = []
        for epoch in range(options.runs + 1):
            num_images, seconds = checked.check(epoch)
            runs.append((num_images, seconds, checked.pass_bare(num_images)))
        swapped, seconds, bare = (statistics.median(x) for x in zip(*runs[1:], strict=True))
        ratio = statistics.median(a / b for _, a, b in runs[1:])
        found = "nothing" if is_kept else "by chance"
        print(
            f"| {name} | {size}×{size} | {num} | {found} | {swapped:.0f} | {seconds:.2f} "
            f"| {bare:.2f} | {ratio:.2f} |",
            flush=True,
        )
        keras.backend.clear_session()


def print_passes(options):
    print("| probes | forward passes of 300 images |\n|---|---|")
    for num in options.probes:
        checked = Checked(small_cnn((28, 28, 3)), 28, num, is_kept=True)
        last = NUM_CHECKS - 1
        images = [checked.check(epoch, epoch == last)[0] for epoch in range(NUM_CHECKS)]
        print(f"| {num} | {statistics.mean(images) / PASS:.1f} |", flush=True)


def draw(num, num_classes, seed):
    rng = np.random.default_rng(seed)
    textures = np.random.default_rng(5).integers(0, 2, (num_classes, 12, 12))
    images = rng.integers(0, 60, (num, 28, 28, 1), dtype=np.uint8)
    labels = np.arange(num) % num_classes
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(2, 14, 2)
        image[y : y + 12, x : x + 12, 0] = 60 + 150 * textures[label]
    return images, labels


def train(kind, watched):
    """Trains once, and prints the processor seconds of `fit` and the summary's last line."""
    num, num_classes, epochs = TRAININGS[kind]
    keras.utils.set_random_seed(0)
    model = small_cnn((28, 28, 1), num_classes)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callbacks = []
    if watched != "nothing":
        detectors = "default" if watched == "default" else None
        probes = ProbeSet.from_dataset(draw(300, num_classes, 1), per_class=10)
        folder = tempfile.mkdtemp()
        callbacks = [SaliencyCallback(probes, folder, detectors=detectors)]
    began = time.process_time()
    model.fit(
        *draw(num, num_classes, 0), epochs=epochs, batch_size=32, verbose=0, callbacks=callbacks
    )
    print(time.process_time() - began)
    for callback in callbacks:
        print(callback.summary().splitlines()[-1])


def print_trainings(options):
    print("| training | watched | processor time, s | over nothing |\n|---|---|---|---|")
    for kind in TRAININGS:
        seconds = {watched: [] for watched in WATCHED}
        for _, watched in itertools.product(range(options.runs), WATCHED):
            command = [sys.executable, __file__, "--train", kind, watched]
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            seconds[watched].append(float(lines.splitlines()[0]))
        for watched, times in seconds.items():
            pairs = zip(times, seconds["nothing"], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            print(
                f"| {kind} | {watched} | {statistics.median(times):.1f} | {ratio:.2f} |",
                flush=True,
            )


TABLES = {"checks": print_checks, "passes": print_passes, "trainings": print_trainings}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", choices=TABLES, nargs="*", default=list(TABLES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", nargs="*", default=["small CNN", "MobileNetV2", "ResNet50"])
    parser.add_argument("--sizes", nargs="*", type=int, default=[28, 96, 224])
    parser.add_argument("--probes", nargs="*", type=int, default=[60, 200])
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(*options.train)
        return
    for name in options.table:
        TABLES[name](options)


if __name__ == "__main__":
    main()
