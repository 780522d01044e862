"""How many flipped labels `callback.label_issues()` finds on Fashion-MNIST, as a Markdown table.

    python tests/benchmarks/label_issues.py

needs Debian's `dataset-fashion-mnist`: `cd tests/benchmarks/shortcuts && python -m real.sources`
fetches it, with others, and `KERAS_SALIENCY_BENCH_DATA` says where it is. A small CNN is trained on
the training images, and watches validation images, as many of each class, of which 5 % have got
the label of another class at random; in the rows "5 %" so have the training images. Means over
the seeds, each with a network, flips and probes of its own:

* accuracy: on the probes, with their true labels, after the last epoch;
* listed: how many probes `label_issues()` lists;
* precision: which share of them was flipped; recall: which share of the flipped are listed;
* first: which share of the first ones was flipped, as many as were flipped.

What was not flipped and is listed may still be labelled wrong in Fashion-MNIST itself; it counts
as a mistake here.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "shortcuts"))
from real.grey import fashion

from keras_saliency import ProbeSet, SaliencyCallback

SHARE = 0.05
EPOCHS = {4_000: 10, 60_000: 5}  # by the number of training images


def flipped(labels, rng):
    """Labels of which 5 % are those of another class, and which these are."""
    rows = rng.permutation(len(labels))[: round(SHARE * len(labels))]
    found = np.array(labels, np.int64)
    found[rows] = (found[rows] + rng.integers(1, 10, len(rows))) % 10
    return found, found != labels


def make_model():
    layers = [keras.layers.Rescaling(1 / 255)]
    for filters in (32, 64):
        layers += [
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
        ]
    ends = [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu")]
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), *layers, *ends, keras.layers.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def choose(labels, per_class, rng):
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == c))[:per_class] for c in range(10)]
    )


def measure(data, num_training, are_flipped, per_classes, seed):
    """Returns (per_class, accuracy, listed, precision, recall, first) of each probe set."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels, _, is_validation = data
    rows = rng.permutation(np.flatnonzero(~is_validation))[:num_training]
    known = flipped(labels[rows], rng)[0] if are_flipped else labels[rows]
    x_val, y_val = images[is_validation][..., None], labels[is_validation]
    with tempfile.TemporaryDirectory() as folder:
        sets, callbacks = [], []
        for per_class in per_classes:
            chosen = choose(y_val, per_class, rng)
            given, is_wrong = flipped(y_val[chosen], rng)
            sets.append((y_val[chosen], is_wrong))
            probes = ProbeSet(x_val[chosen], given)
            callbacks.append(SaliencyCallback(probes, folder, detectors=None, sinks=[]))
        model, epochs = make_model(), EPOCHS[num_training]
        x = images[rows][..., None].astype(np.float32)
        model.fit(x, known, batch_size=64, epochs=epochs, verbose=0, callbacks=callbacks)
        for per_class, callback, (truth, is_wrong) in zip(
            per_classes, callbacks, sets, strict=True
        ):
            found = [issue.probe_index for issue in callback.label_issues()]
            num_wrong = is_wrong.sum()
            yield (
                per_class,
                (callback.history.predictions[-1] == truth).mean(),
                len(found),
                is_wrong[found].mean() if found else np.nan,
                is_wrong[found].sum() / num_wrong,
                is_wrong[found[:num_wrong]].sum() / num_wrong,
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--training", type=int, nargs="+", default=[4_000], choices=EPOCHS)
    parser.add_argument("--per-class", type=int, nargs="+", default=[10, 20, 50])
    arguments = parser.parse_args()
    data = fashion()
    columns = ["training images, labels flipped", "probes", "accuracy", "listed"]
    columns += ["precision", "recall", "first"]
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for num_training in arguments.training:
        for are_flipped in (False, True):
            rows = np.array(
                [
                    row
                    for seed in range(arguments.seeds)
                    for row in measure(data, num_training, are_flipped, arguments.per_class, seed)
                ]
            )
            for per_class in arguments.per_class:
                numbers = np.nanmean(rows[rows[:, 0] == per_class], axis=0)[1:]
                accuracy, listed, *shares = numbers
                cells = [f"{num_training:,}, {'5 %' if are_flipped else 'none'}", 10 * per_class]
                cells += [f"{accuracy:.0%}", f"{listed:.0f}", *(f"{s:.0%}" for s in shares)]
                print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
