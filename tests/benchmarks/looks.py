"""What a look for shortcuts makes the training wait, over forward passes, as a Markdown table.

    python tests/benchmarks/looks.py

A look with all detectors (with and without masks, 60 probes of 6 classes) and one forward pass of
300 images run in turns in one process. The model is not trained: what it says is replaced by
the labels, and after a swap by chance, so that only pooled detectors run controls. Medians.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import time

import keras
import numpy as np
from blocking import application, small_cnn

from keras_saliency import ModelGraph, ProbeSet
from keras_saliency.detectors import NOTHING_LEGITIMATE, Battery
from keras_saliency.records import Predictions

NUM_PROBES, NUM_CLASSES, PASS = 60, 6, 300


class ByChance:
    """The model's forward pass, whose time counts, with logits drawn at random."""

    def __init__(self, graph):
        self._graph, self._rng = graph, np.random.default_rng(0)

    def predict(self, images, rows=None):
        found = self._graph.predict(images, rows)
        logits = self._rng.normal(size=found.logits.shape).astype(np.float32)
        return Predictions(logits, logits)


def measure(model, shape, has_masks, num_runs):
    """Seconds of (a look, a forward pass of 300 images), after one that is not counted."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (NUM_PROBES, *shape), dtype=np.uint8)
    labels = np.arange(NUM_PROBES) % NUM_CLASSES
    masks = np.zeros((NUM_PROBES, *shape[:2]), bool)
    masks[:, shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = True
    probes = ProbeSet(images, labels, object_masks=masks if has_masks else None)
    graph = ModelGraph(model, "grad_cam", image_shape=shape, chunk_size=30)
    _, heatmaps = graph.attribute(probes.model_inputs, labels)
    logits = 9 * np.eye(10, dtype=np.float32)[labels]
    examiner, _ = Battery().begin(probes, 10, NOTHING_LEGITIMATE)
    chance, many = ByChance(graph), np.resize(images, (PASS, *shape))
    seconds = []
    for epoch in range(num_runs + 1):
        begin = time.perf_counter()
        examiner.look(chance, Predictions(logits, logits), heatmaps, epoch, epoch)
        between = time.perf_counter()
        graph.predict(many)
        seconds.append((between - begin, time.perf_counter() - between))
    return seconds[1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    num_runs = parser.parse_args().runs
    print("| model | images | masks | a look, s | forward pass of 300, s | ratio |")
    print("|---|---|---|---|---|---|")
    makers = {"small CNN": small_cnn}
    for name in ("MobileNetV2", "ResNet50"):
        makers[name] = lambda name=name: application(name)
    for name, make in makers.items():
        for has_masks in (False, True):
            model, shape = make()
            pairs = measure(model, shape, has_masks, num_runs)
            look, forward = (statistics.median(s) for s in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            cells = [name, f"{shape[0]}×{shape[1]}", "yes" if has_masks else "no"]
            cells += [f"{look:.2f}", f"{forward:.2f}", f"{ratio:.1f}"]
            print(f"| {' | '.join(cells)} |", flush=True)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
