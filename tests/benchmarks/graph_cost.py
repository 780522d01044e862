"""Cost of the compiled graph against a hand-written tf.function, as a Markdown table.

    python tests/benchmarks/graph_cost.py

Both run in turns in one process on the same images; the figures are medians
and the ratio is the median of the ratios of neighbouring runs.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from keras_saliency.attribution.model_graph import ModelGraph

THREE = ["grad_cam", "vanilla_gradients", "deconvnet"]
TWO = ["grad_cam", "vanilla_gradients"]
CASES = [
    ("VGG16", THREE, 2),
    ("ResNet50", THREE, 2),
    ("MobileNetV2", TWO, 1),
    ("EfficientNetB0", TWO, 1),
]


def hand_written(model, num_backward_passes):
    """One forward pass, and backward passes from as many classes, to the image."""

    @tf.function
    def passes(images):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(images)
            logits = model(images, training=False)
            scores = [tf.reduce_sum(logits[:, c]) for c in range(num_backward_passes)]
        return [tape.gradient(score, images) for score in scores]

    return lambda images: [gradient.numpy() for gradient in passes(images)]


def alternate(ours, theirs, num_runs):
    """Seconds of each, in turns, after two runs that are not counted."""
    seconds = []
    for _ in range(num_runs + 2):
        pair = []
        for run in (ours, theirs):
            start = time.perf_counter()
            run()
            pair.append(time.perf_counter() - start)
        seconds.append(pair)
    return seconds[2:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    num_runs = parser.parse_args().runs
    images = np.random.default_rng(0).uniform(0, 255, (16, 96, 96, 3)).astype(np.float32)
    print("| model | methods | passes by hand | ours, ms | by hand, ms | ratio |")
    print("|---|---|---|---|---|---|")
    for name, methods, num_backward_passes in CASES:
        application = getattr(keras.applications, name)
        options = {"weights": None, "input_shape": (96, 96, 3), "classes": 10}
        model = application(**options)  # with the softmax that a user's model has
        graph = ModelGraph(model, methods, image_shape=(96, 96, 3), chunk_size=16)
        bare = application(**options, classifier_activation=None)
        bare.set_weights(model.get_weights())
        by_hand = hand_written(bare, num_backward_passes)
        tensor = tf.constant(images)
        seconds = alternate(partial(graph.attribute, images, 1), partial(by_hand, tensor), num_runs)
        ours, theirs = (1000 * statistics.median(s) for s in zip(*seconds, strict=True))
        ratio = statistics.median(a / b for a, b in seconds)
        passes = f"1 forward, {num_backward_passes} backward"
        cells = [name, ", ".join(methods), passes, f"{ours:.0f}", f"{theirs:.0f}", f"{ratio:.2f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
