"""How long a check for shortcuts makes the training wait, over forward passes, as a Markdown table.

    python tests/benchmarks/checks_cost.py

A check with all detectors (with and without masks, 60 probes of 6 classes) and one forward pass of
300 images run in turns in one process. Figures are medians. The model is not trained. Its answers
are replaced: before a swap by the labels, and after it either

- by the recipient's label: nothing is adopted, and no control runs (the tests alone), or
- by a random class: most detectors exceed their bounds and run their controls (the worst case).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import itertools
import statistics
import time

import keras
import numpy as np
from blocking import application, small_cnn

from keras_saliency import ModelGraph, ProbeSet
from keras_saliency.records import Moment, Predictions
from keras_saliency.shortcuts import NOTHING_LEGITIMATE, Battery, Examiner
from keras_saliency.shortcuts.swaps import ClassLabels

NUM_PROBES, NUM_CLASSES, PASS = 60, 6, 300
MORE_OF_SMALL = 10  # times as many runs of the small network: its milliseconds vary most


class Answers:
    """The model's forward pass, whose time counts, with other answers.

    Args:
        graph: `ModelGraph`.
        logits: array (n, k) of the probes, which recipients keep; None draws at random.
    """

    def __init__(self, graph, logits):
        self._graph, self._logits, self._rng = graph, logits, np.random.default_rng(0)
        self.methods = graph.methods

    def predict(self, images, rows):
        shape = self._graph.predict(images, rows).logits.shape
        drawn = self._rng.normal(size=shape).astype(np.float32)
        logits = drawn if self._logits is None else self._logits[rows]
        return Predictions(logits, logits)


def measure(model, shape, has_masks, is_kept, num_runs):
    """Seconds of (a check, a forward pass of 300 images), after one that is not counted."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (NUM_PROBES, *shape), dtype=np.uint8)
    labels = np.arange(NUM_PROBES) % NUM_CLASSES
    masks = np.zeros((NUM_PROBES, *shape[:2]), bool)
    masks[:, shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = True
    probes = ProbeSet(images, labels, object_masks=masks if has_masks else None)
    graph = ModelGraph(model, "grad_cam", image_shape=shape, chunk_size=30)
    _, heatmaps = graph.attribute(probes.model_inputs, labels)
    logits = 9 * np.eye(10, dtype=np.float32)[labels]
    examiner = Examiner(Battery(), NOTHING_LEGITIMATE, probes, ClassLabels.of(probes, 10))
    answers, many = Answers(graph, logits if is_kept else None), np.resize(images, (PASS, *shape))
    seconds = []
    for epoch in range(num_runs + 1):
        begin = time.perf_counter()
        examiner.check(answers, Predictions(logits, logits), heatmaps, Moment(epoch))
        between = time.perf_counter()
        graph.predict(many)
        seconds.append((between - begin, time.perf_counter() - between))
    return seconds[1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    num_runs = parser.parse_args().runs
    print("| model | images | masks | adopted | a check, s | forward pass of 300, s | ratio |")
    print("|---|---|---|---|---|---|---|")
    makers = {"small CNN": small_cnn}
    for name in ("MobileNetV2", "ResNet50"):
        makers[name] = lambda name=name: application(name)
    for name, make in makers.items():
        for has_masks, is_kept in itertools.product((False, True), (True, False)):
            model, shape = make()
            times = MORE_OF_SMALL if name == "small CNN" else 1
            pairs = measure(model, shape, has_masks, is_kept, times * num_runs)
            check, forward = (statistics.median(s) for s in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            cells = [name, f"{shape[0]}×{shape[1]}", "yes" if has_masks else "no"]
            cells.append("nothing" if is_kept else "by chance")
            cells += [f"{check:.2f}", f"{forward:.2f}", f"{ratio:.1f}"]
            print(f"| {' | '.join(cells)} |", flush=True)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
