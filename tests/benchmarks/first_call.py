"""What beginning costs: the first call over the model's own, and the import.

    python tests/benchmarks/first_call.py

Each figure is taken in processes of their own, in turns, `--runs` of each; medians. "First
call" is making the graph and running it once (trace and compile), beside the same model's
first `predict` on the same images.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import subprocess
import sys

MODELS = ["VGG16", "ResNet50", "MobileNetV2", "EfficientNetB0"]
FIRST = """
import sys, time
import keras, numpy as np
import keras_saliency.attribution.model_graph
make = getattr(keras.applications, sys.argv[1])
model = make(weights=None, input_shape=(96, 96, 3), classes=10)
images = np.random.default_rng(0).uniform(0, 255, (16, 96, 96, 3)).astype(np.float32)
start = time.perf_counter()
if sys.argv[2] == "ours":
    graph = keras_saliency.attribution.model_graph.ModelGraph(
        model, ["grad_cam"], image_shape=(96, 96, 3), chunk_size=16)
    graph.attribute(images)
else:
    model.predict(images, batch_size=16, verbose=0)
print(time.perf_counter() - start)
"""
IMPORT = """
import sys, time
start = time.perf_counter()
import keras
middle = time.perf_counter()
import keras_saliency
if sys.argv[2] == "used":
    keras_saliency.SaliencyCallback
print(middle - start, time.perf_counter() - middle)
"""


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    num_runs = parser.parse_args().runs
    print("| model | first Grad-CAM, s | first predict, s | ratio |")
    print("|---|---|---|---|")
    for name in MODELS:
        pairs = [[run(FIRST, name, who)[0] for who in ("ours", "predict")] for _ in range(num_runs)]
        ours, predict = (statistics.median(s) for s in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {name} | {ours:.2f} | {predict:.2f} | {ratio:.2f} |", flush=True)
    print()
    print("| import | seconds |")
    print("|---|---|")
    for what in ("only", "used"):
        times = [run(IMPORT, "", what) for _ in range(num_runs)]
        theirs, ours = (statistics.median(s) for s in zip(*times, strict=True))
        if what == "only":
            print(f"| keras | {theirs:.2f} |\n| keras_saliency after it | {ours:.3f} |")
        else:
            print(f"| … and `SaliencyCallback` | {ours:.2f} |")


if __name__ == "__main__":
    main()
