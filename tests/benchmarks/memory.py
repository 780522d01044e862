"""Memory against the number of probes of 224x224, as a Markdown table.

    python tests/benchmarks/memory.py
    python tests/benchmarks/memory.py --fits 20
    python tests/benchmarks/memory.py --checks 500

Each row is a process of its own: MobileNetV2, baseline and two epochs. "Peak" is the largest
resident set, less that with model and probes made and nothing observed; the first row is the
footprint of one chunk. Heatmaps are float32 at native size, of one epoch.

With `--fits`: what each additional `fit` in one process adds to the resident set, with and without
the callback, after `clear_session` and a collection of garbage. Half of the fits are warming up.

With `--checks`: the resident set while one model is checked for shortcuts again and again, with 60
probes of 96x96 in which nothing is found.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import gc
import subprocess
import sys
import tempfile
import threading
import time

import keras
import numpy as np
from checks import Checked, make_model
from growth import resident_megabytes

from keras_saliency import ProbeSet, SaliencyCallback

SIZE = 224


class Peak(threading.Thread):
    """Watches the resident set until it is stopped."""

    def __init__(self):
        super().__init__(daemon=True)
        self.megabytes, self.is_over = 0.0, False

    def run(self):
        while not self.is_over:
            self.megabytes = max(self.megabytes, resident_megabytes())
            time.sleep(0.02)


def measure(num_probes, method):
    rng = np.random.default_rng(0)
    model = keras.applications.MobileNetV2(
        weights=None, input_shape=(SIZE, SIZE, 3), classes=10, name="mobilenet"
    )
    images = rng.integers(0, 255, (num_probes, SIZE, SIZE, 3), dtype=np.uint8)
    probes = ProbeSet(images, np.arange(num_probes) % 10)
    del images
    before, peak = resident_megabytes(), Peak()
    peak.start()
    with tempfile.TemporaryDirectory() as folder:
        callback = SaliencyCallback(probes, folder, method, detectors=None)
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        for epoch in range(2):
            callback.on_epoch_end(epoch, {})
            heatmaps = callback.history.heatmaps(method, epoch).nbytes / 1e6
        callback.on_train_end()
    peak.is_over = True
    print(f"| {method} | {num_probes} | {heatmaps:.0f} | {peak.megabytes - before:.0f} |")


def make_small_model():
    layers = [keras.layers.Conv2D(16, 3, activation="relu") for _ in range(3)]
    ends = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers, *ends])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def measure_fits(num_fits, is_watched):
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(128, 32, 32, 3)).astype(np.float32)
    labels = np.arange(128) % 4
    probes = ProbeSet(images[:24], labels[:24])
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(num_fits):
            callbacks = [SaliencyCallback(probes, folder)] if is_watched else []
            make_small_model().fit(images, labels, epochs=2, verbose=0, callbacks=callbacks)
            del callbacks
            keras.backend.clear_session()
            gc.collect()
            sizes.append(resident_megabytes())
    late = sizes[num_fits // 2 :]
    slope = np.polyfit(np.arange(len(late)), late, 1)[0]
    print(f"| {'SaliencyCallback' if is_watched else 'none'} | {slope:.1f} |", flush=True)


def measure_checks(num_checks):
    checked = Checked(make_model("tiny network", 96), 96, 60, is_kept=True)
    print("| checks | resident set, MB |")
    print("|---|---|")
    step = num_checks // 5
    for epoch in range(num_checks):
        checked.check(epoch)
        if (epoch + 1) % step == 0:
            print(f"| {epoch + 1} | {resident_megabytes():.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probes", type=int, nargs="+", default=[32, 500, 2000])
    parser.add_argument("--method", help="measure one number of probes in this process")
    parser.add_argument("--fits", type=int, help="measure so many fits in one process instead")
    parser.add_argument("--checks", type=int, help="measure so many checks instead")
    parser.add_argument("--callback", choices=("yes", "no"), help="with --fits: in this process")
    arguments = parser.parse_args()
    if arguments.callback:
        measure_fits(arguments.fits, arguments.callback == "yes")
        return
    if arguments.checks:
        measure_checks(arguments.checks)
        return
    if arguments.fits:
        print("| callback | each additional fit adds, MB |")
        print("|---|---|", flush=True)
        for choice in ("no", "yes"):
            command = [sys.executable, __file__, "--fits", str(arguments.fits)]
            subprocess.run([*command, "--callback", choice], check=True)
        return
    if arguments.method:
        measure(arguments.probes[0], arguments.method)
        return
    print("| method | probes | heatmaps, MB | peak, MB |")
    print("|---|---|---|---|", flush=True)
    for method in ("grad_cam", "vanilla_gradients"):
        for num_probes in arguments.probes:
            command = [sys.executable, __file__, "--method", method, "--probes", str(num_probes)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
