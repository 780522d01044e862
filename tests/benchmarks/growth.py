"""Cost against the number of probes and of epochs, as Markdown tables.

    python tests/benchmarks/growth.py

Time of an epoch's end, of the background work that follows it, and the process's resident set.
Epoch ends are observed one after the other, with an idle background thread before each.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import tempfile
import time

import keras
import numpy as np
from blocking import tiny_network

from keras_saliency import ProbeSet, SaliencyCallback

METHODS = ["grad_cam", "vanilla_gradients"]


def resident_megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def begin(model, probes, folder):
    callback = SaliencyCallback(probes, folder, METHODS, detectors=None)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    _ = callback.history
    return callback


def observe(callback, epoch):
    """Seconds of an epoch's end, and of the background work that follows it."""
    kernel = callback.model.layers[0].kernel
    kernel.assign(kernel * 1.001)
    start = time.perf_counter()
    callback.on_epoch_end(epoch, {})
    middle = time.perf_counter()
    _ = callback.history
    return middle - start, time.perf_counter() - middle


def against_probes(model, shape, num_runs):
    print("| probes | epoch's end, ms | per probe, ms | work behind it, ms | per probe, ms |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for num_probes in (8, 32, 128, 512):
        images = rng.uniform(size=(num_probes, *shape)).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            callback = begin(model, ProbeSet(images, np.arange(num_probes) % 10), folder)
            seconds = [observe(callback, epoch) for epoch in range(num_runs + 2)][2:]
            callback.on_train_end()
        ends, behind = (1000 * statistics.median(s) for s in zip(*seconds, strict=True))
        cells = [f"{ends:.1f}", f"{ends / num_probes:.3f}"]
        cells += [f"{behind:.0f}", f"{behind / num_probes:.2f}"]
        print(f"| {num_probes} | {' | '.join(cells)} |", flush=True)


def against_epochs(model, shape, num_epochs):
    print("| epochs | epoch's end, ms | work behind it, ms | resident set, MB |")
    print("|---|---|---|---|")
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(64, *shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        callback = begin(model, ProbeSet(images, np.arange(64) % 10), folder)
        step = num_epochs // 5
        for first in range(0, num_epochs, step):
            seconds = [observe(callback, epoch) for epoch in range(first, first + step)]
            ends, behind = (1000 * statistics.median(s) for s in zip(*seconds, strict=True))
            size = f"{resident_megabytes():.0f}"
            print(
                f"| {first + 1} – {first + step} | {ends:.1f} | {behind:.0f} | {size} |", flush=True
            )
        callback.on_train_end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=500)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    model, shape = tiny_network()
    against_probes(model, shape, arguments.runs)
    print()
    against_epochs(model, shape, arguments.epochs)


if __name__ == "__main__":
    main()
