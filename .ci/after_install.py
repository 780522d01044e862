"""A first user with nothing but the wheel: trains, reads the history, writes the report."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

import keras_saliency

rng = np.random.default_rng(7)
images, labels = rng.uniform(size=(32, 16, 16, 3)).astype("float32"), np.arange(32) % 2
maps = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]
model = keras.Sequential([keras.Input((16, 16, 3)), *maps, keras.layers.Dense(2)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
probes = keras_saliency.ProbeSet(images[:8], labels[:8])
saliency = keras_saliency.SaliencyCallback(probes, log_dir="logs", on_error="raise")
model.fit(images, labels, epochs=2, callbacks=[saliency], verbose=0)
assert saliency.history.epochs == [-1, 0, 1]
assert saliency.history.heatmaps("grad_cam", 1).shape[0] == 8
report = [sys.executable, "-m", "keras_saliency", "report", "logs", "-o", "report.html"]
subprocess.run(report, check=True)
assert Path("report.html").read_text().startswith("<!DOCTYPE html>")
assert keras_saliency.__version__ == version("keras_saliency")
print(f"keras_saliency {keras_saliency.__version__} from {Path(keras_saliency.__file__).parent}")
