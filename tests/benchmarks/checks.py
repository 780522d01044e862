"""What checks for shortcuts cost, as Markdown tables.

    python tests/benchmarks/checks.py --table checks
    python tests/benchmarks/checks.py --table passes
    python tests/benchmarks/checks.py --table trainings

Table "checks": a check with all detectors, and the network's own forward passes of as many images,
in turns in one process. Figures are medians, a ratio is the median of the ratios of neighbouring
runs, of wall time and of processor time. The first check, which traces, is a column of its own. The
model is not trained. Its answers are replaced: before a swap by the labels, and after it by the
recipient's label, so that nothing is found, or by a random class, so that most detectors go on to
the end (the worst case). "tiny network" has two layers of 8 and 16 channels, "small CNN" three of
32, 64 and 64, as in tutorials.

Table "passes": forward passes of 300 images that a check takes, over 20 checks in which nothing is
found, the last one complete.

Table "trainings": processor time of whole trainings, each in a process of its own, in turns:
without the callback, with `detectors=None`, and as it is by default. Of the last, the processor
time of its checks is in a column, and the ratio over a training with `detectors=None` and these
checks. The data are Fashion-MNIST, fetched once:

    cd tests/benchmarks/shortcuts && python -m real.sources

`--models`, `--sizes`, `--probes` and `--found` choose rows. `--rows FILE` keeps each row that was
measured in a file, and takes those that are there from it.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import itertools
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback
from keras_saliency.records import Moment, Predictions
from keras_saliency.shortcuts import NOTHING_LEGITIMATE, Battery, Examiner
from keras_saliency.shortcuts.swaps import ClassLabels

NUM_CLASSES, PASS, NUM_CHECKS = 6, 300, 20
FOUND = ("nothing", "by chance")
WATCHED = ("nothing", "maps", "default")


def tiny_network(shape, num_classes=10):
    """A forward pass of it takes next to no time, so calls and edits show most."""
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


def small_cnn(shape, num_classes=10):
    """The network of many tutorials."""
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(num_classes),
        ]
    )


def cnn_in_pairs(shape, num_classes=10):
    """The network of other tutorials: two convolutions before each pooling."""
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(num_classes),
        ]
    )


TRAININGS = {  # network, images, classes, epochs
    "a minute": (cnn_in_pairs, 6000, 10, 10),
    "half a minute": (small_cnn, 6000, 10, 10),
    "short": (small_cnn, 240, 2, 5),
}
OWN_MODELS = {"tiny network": tiny_network, "small CNN": small_cnn}
MODELS = [*OWN_MODELS, "MobileNetV2", "ResNet50"]


def make_model(name, size):
    if name in OWN_MODELS:
        return OWN_MODELS[name]((size, size, 3))
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
        """Returns how many images went through the model, and what that took."""
        before, moment = self.answers.num_images, Moment(epoch)
        check = self.examiner.check
        taken = seconds_of(check, self.answers, self.said, self.heatmaps, moment, is_complete)
        return self.answers.num_images - before, taken

    def pass_bare(self, num_images):
        """Returns what forward passes of as many images take."""
        many = np.resize(self.images, (num_images, *self.images.shape[1:])).astype(np.float32)
        return seconds_of(self.graph.predict, many)


class Seconds(NamedTuple):
    """What something took: wall time, and processor time of all threads."""

    wall: float
    processor: float


def seconds_of(function, *arguments):
    began = Seconds(time.perf_counter(), time.process_time())
    function(*arguments)
    return Seconds(time.perf_counter() - began.wall, time.process_time() - began.processor)


def print_checks(options):
    print(
        "| model | images | probes | found | images swapped | the first check, s | a check, s "
        "| bare, s | ratio | of processor time |"
    )
    print("|" + "---|" * 10)
    for case in itertools.product(options.models, options.sizes, options.probes, options.found):
        if case[0] in OWN_MODELS or case[1] >= 96:  # applications need 32 pixels
            options.rows.print(["checks", *case], partial(measure_checks, *case, options.runs))


def measure_checks(name, size, num_probes, found, num_runs):
    checked = Checked(make_model(name, size), size, num_probes, found == "nothing")
    runs = []
    for epoch in range(num_runs + 1):
        num_images, taken = checked.check(epoch)
        runs.append((num_images, taken, checked.pass_bare(num_images)))
    keras.backend.clear_session()
    first, runs = runs[0], runs[1:]
    ratios = [tuple(a / b for a, b in zip(taken, bare, strict=True)) for _, taken, bare in runs]
    wall, processor = (statistics.median(ratio) for ratio in zip(*ratios, strict=True))
    return [
        *(name, f"{size}×{size}", num_probes, found),
        f"{statistics.median(n for n, _, _ in runs):.0f}",
        f"{first[1].wall:.1f}",
        f"{statistics.median(taken.wall for _, taken, _ in runs):.2f}",
        f"{statistics.median(bare.wall for _, _, bare in runs):.2f}",
        *(f"{wall:.2f}", f"{processor:.2f}"),
    ]


def print_passes(options):
    print("| probes | forward passes of 300 images |\n|---|---|")
    for num in options.probes:
        options.rows.print(["passes", num], partial(measure_passes, num))


def measure_passes(num_probes):
    checked = Checked(tiny_network((28, 28, 3)), 28, num_probes, is_kept=True)
    last = NUM_CHECKS - 1
    images = [checked.check(epoch, epoch == last)[0] for epoch in range(NUM_CHECKS)]
    return [num_probes, f"{statistics.mean(images) / PASS:.1f}"]


def fashion(num, num_classes):
    """Images and labels of some classes of Fashion-MNIST, to train on and to watch."""
    sys.path.append(str(pathlib.Path(__file__).parent / "shortcuts"))
    from real.grey import fashion as load

    images, labels, _, is_validation = load()
    learned, watched = (
        np.flatnonzero((labels < num_classes) & (is_validation == is_it))[:count]
        for is_it, count in ((False, num), (True, 300))
    )
    return [(images[some][..., None], labels[some].astype(np.int64)) for some in (learned, watched)]


def train(kind, watched):
    """Trains once, and prints processor seconds: of `fit`, and of the checks in it."""
    make, num, num_classes, epochs = TRAININGS[kind]
    trained_images, watched_images = fashion(num, num_classes)
    keras.utils.set_random_seed(0)
    model = make((28, 28, 1), num_classes)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callbacks, checks, check = [], [], Examiner.check

    def timed(examiner, *arguments):
        began = time.process_time()
        try:
            return check(examiner, *arguments)
        finally:
            checks.append(time.process_time() - began)

    Examiner.check = timed
    if watched != "nothing":
        detectors = "default" if watched == "default" else None
        probes = ProbeSet.from_dataset(watched_images, per_class=10)
        callbacks = [SaliencyCallback(probes, tempfile.mkdtemp(), detectors=detectors)]
    began = time.process_time()
    model.fit(*trained_images, epochs=epochs, batch_size=32, verbose=0, callbacks=callbacks)
    print(time.process_time() - began, sum(checks), len(checks))
    for callback in callbacks:
        print(callback.summary(), file=sys.stderr)


def print_trainings(options):
    print(
        "| training | watched | processor time, s | over nothing "
        "| checks | their processor time, s | over maps and checks |"
    )
    print("|" + "---|" * 7)
    for kind in TRAININGS:
        runs = {watched: [] for watched in WATCHED}
        for i, watched in itertools.product(range(options.runs), WATCHED):
            command = [sys.executable, __file__, "--train", kind, watched]
            row = options.rows.get(["trainings", kind, watched, i], partial(run_alone, command))
            runs[watched].append(row)
        for watched, rows in runs.items():
            whole, checks, num_checks = (statistics.median(x) for x in zip(*rows, strict=True))
            over_nothing = statistics.median(
                a[0] / b[0] for a, b in zip(rows, runs["nothing"], strict=True)
            )
            cells = [kind, watched, f"{whole:.1f}", f"{over_nothing:.2f}", "", "", ""]
            if watched == "default":
                over_parts = statistics.median(
                    a[0] / (b[0] + a[1]) for a, b in zip(rows, runs["maps"], strict=True)
                )
                cells[4:] = f"{num_checks:.0f}", f"{checks:.1f}", f"{over_parts:.2f}"
            print_row(cells)


def run_alone(command):
    """The numbers in the first line that a process prints."""
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [float(number) for number in printed.splitlines()[0].split()]


class Rows:
    """Rows that were measured, kept in a file from one run of the benchmark to the next."""

    def __init__(self, path):
        self._path, self._known = path, {}
        if path is not None and path.exists():
            lines = map(json.loads, path.read_text().splitlines())
            self._known = {json.dumps(key): row for key, row in lines}

    def get(self, key, measure):
        """The row of a key, measured where it is not known."""
        known = json.dumps(key)
        if known not in self._known:
            self._known[known] = measure()
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(json.dumps([key, self._known[known]]) + "\n")
        return self._known[known]

    def print(self, key, measure):
        print_row(self.get(key, measure))


def print_row(cells):
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


TABLES = {"checks": print_checks, "passes": print_passes, "trainings": print_trainings}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", choices=TABLES, nargs="*", default=list(TABLES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument("--sizes", nargs="*", type=int, default=[28, 96, 224])
    parser.add_argument("--probes", nargs="*", type=int, default=[60, 200])
    parser.add_argument("--found", nargs="*", choices=FOUND, default=FOUND)
    parser.add_argument("--rows", type=lambda path: Rows(pathlib.Path(path)), default=Rows(None))
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(*options.train)
        return
    for name in options.table:
        TABLES[name](options)


if __name__ == "__main__":
    main()
