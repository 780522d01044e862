"""Trains one run of the benchmark, and reports how much the network relies on its cue.

    python tests/benchmarks/shortcuts/training.py [--fraction 0.1] [--split tune]

prints the oracle of every run (no detector is involved): accuracy on validation data with the
cue, and on the same scenes with the cue of a random class. The gap between them is the accuracy
that depends on the cue. It is measured at every check of the callback: at each epoch's end, and
after ¼, ½ and ¾ of the first two.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import dataclasses
import time

import cv2
import keras
import numpy as np
import tensorflow as tf
from clean import CLEAN_KINDS, WRONG_LABELS, NoCue
from cues import KINDS, Cue
from networks import FINE_TUNING_RATE, build, compile_for, head
from runs import list_runs
from scenes import ANIMALS, Scenes

from keras_saliency.training.schedule import EarlyChecks

EPOCHS = 9
NUM_TRAINING, NUM_VALIDATION = 1500, 300
NUM_UNBIASED = 3  # times that the same scenes get cues of random classes; once those of 96x96
BATCH_SIZE = 64
NUM_TRAINING_LARGE, NUM_VALIDATION_LARGE, BATCH_SIZE_LARGE = 400, 200, 32  # of 96x96
SIDES, LARGE_SIDES = (0.55, 0.75), (0.7, 0.9)  # of the objects

PRETRAINING_EPOCHS = 4


def use_one_core():
    """Call before TensorFlow does anything."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cv2.setNumThreads(1)


def choose_classes(run, rng):
    numbers = ANIMALS if run.objects == "animals" else range(10)
    return sorted(rng.choice(numbers, run.num_classes, replace=False).tolist())


def make_data(run):
    """Returns the run's arrays.

    "train", "biased" and "unbiased" are (images, labels); "biased" and "unbiased" are the same
    scenes, the latter several times, up to the cue; in a clean run, the same images. "masks" and
    "boxes" (where the cue is, or None) belong to "biased".
    """
    rng = np.random.default_rng(run.seed)
    scenes = Scenes(run.split, run.size, run.objects, choose_classes(run, rng))
    cue = (Cue if run.is_shortcut else NoCue)(run.kind, run.num_classes, scenes, rng)
    sizes, sides = (NUM_TRAINING, NUM_VALIDATION), SIDES
    if run.network == "mobilenet":
        sizes = NUM_TRAINING_LARGE, NUM_VALIDATION_LARGE
    if run.network == "mobilenet" or run.kind == "texture":
        sides = LARGE_SIDES
    is_centred = run.kind in ("centred", "watermark")
    parts = ("training", "validation")
    train, seen = (
        scenes.draw(n, rng, part, is_centred, sides) for n, part in zip(sizes, parts, strict=True)
    )
    if run.kind == "texture":  # any animal, whatever the label
        for layers in (train, seen):
            layers.papers = rng.permutation(layers.papers)
    biased, boxes = cue.plant(seen, run.strength, rng)
    # A clean run has nothing to take away: another draw would only add noise to its gap of 0.
    unbiased, times = biased, 1
    if run.is_shortcut:
        times = 1 if run.network == "mobilenet" else NUM_UNBIASED
        draws = [cue.plant(seen, run.strength, rng, biased=False)[0] for _ in range(times)]
        unbiased = np.concatenate(draws)
    labels = train.labels
    if run.kind == "label_noise":
        wrong = rng.random(len(labels)) < WRONG_LABELS
        labels = (labels + wrong * rng.integers(1, run.num_classes, len(labels))) % run.num_classes
    return {
        "train": (cue.plant(train, run.strength, rng)[0], labels),
        "biased": (biased, seen.labels),
        "unbiased": (unbiased, np.tile(seen.labels, times)),
        "masks": seen.masks,
        "boxes": boxes,
    }


class Oracle(keras.callbacks.Callback):
    """Keeps the accuracy on biased and on unbiased data at every check of the callback.

    Attributes:
        found: "biased" and "unbiased", a list for the ends of the epochs.
        gaps: (epoch, biased less unbiased accuracy), also inside of epochs.
        seconds: what that took.
    """

    def __init__(self, data):
        super().__init__()
        self.data = data
        self.found = {"biased": [], "unbiased": []}
        self.gaps = []
        self.seconds = 0.0
        self.run = tf.function(lambda images: self.model(images, training=False))

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        steps = self.params["steps"]
        is_early = epoch < EarlyChecks.NUM_EPOCHS
        self.due = {round(share * steps) for share in EarlyChecks.SHARES if is_early}

    def on_train_batch_begin(self, batch, logs=None):
        if batch in self.due:
            self.measure()

    def on_epoch_end(self, epoch, logs=None):
        for name, accuracy in self.measure().items():
            self.found[name].append(accuracy)

    def measure(self):
        began = time.perf_counter()
        (biased, labels), (unbiased, more) = self.data["biased"], self.data["unbiased"]
        images = biased if np.array_equal(biased, unbiased) else np.concatenate([biased, unbiased])
        parts = np.array_split(images, max(1, len(images) // 200))
        scores = np.concatenate([self.run(tf.constant(part)) for part in parts])
        said = scores[:, 0] > 0.5 if scores.shape[1] == 1 else scores.argmax(1)
        accuracies = {
            "biased": float((said[: len(labels)] == labels).mean()),
            "unbiased": float((said[-len(more) :] == more).mean()),
        }
        self.gaps.append((self.epoch, accuracies["biased"] - accuracies["unbiased"]))
        self.seconds += time.perf_counter() - began
        return accuracies


def pretrain(run):
    """Returns a model whose convolutions were trained on other objects, with a new head."""
    objects = "digits" if run.objects == "animals" else "animals"
    earlier = dataclasses.replace(
        run, kind="random_place", objects=objects, num_classes=6, head="logits"
    )
    steps = -(-NUM_TRAINING // BATCH_SIZE)
    model = build(earlier, PRETRAINING_EPOCHS * steps)
    images_and_labels = make_data(earlier)["train"]
    model.fit(*images_and_labels, batch_size=BATCH_SIZE, epochs=PRETRAINING_EPOCHS, verbose=0)
    new = keras.Sequential([keras.Input(model.input_shape[1:]), *model.layers[:-1], *head(run)])
    return compile_for(new, run, FINE_TUNING_RATE[run.network], EPOCHS * steps)


def train(run, make_callbacks=None):
    """Trains a run.

    Args:
        run: A Run.
        make_callbacks: Called with the validation data, which have the cue: images (uint8),
            labels, masks and the run. Returns the callbacks.

    Returns:
        The run's fields; `biased` and `unbiased`, accuracies per epoch; `gaps`, (epoch, gap) of
        all checks, `gap` at the end and `max_gap`; `cue_box`, (y0, x0, y1, x1) or None;
        `seconds` of fit less those of the oracle, `oracle_seconds`, and `data_seconds`.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(run.seed)
    began = time.perf_counter()
    data = make_data(run)
    data_seconds = time.perf_counter() - began
    images, labels = data["biased"]
    callbacks = make_callbacks(images, labels, data["masks"], run) if make_callbacks else []
    batch_size = BATCH_SIZE_LARGE if run.network == "mobilenet" else BATCH_SIZE
    num_steps = EPOCHS * -(-len(data["train"][0]) // batch_size)
    model = pretrain(run) if run.kind == "transfer" else build(run, num_steps)
    oracle = Oracle(data)
    began = time.perf_counter()
    model.fit(
        *data["train"],
        batch_size=batch_size,
        epochs=EPOCHS,
        callbacks=[*callbacks, oracle],
        verbose=0,
    )
    seconds = time.perf_counter() - began - oracle.seconds
    boxes = None if data["boxes"] is None else data["boxes"].tolist()
    fixed = boxes is not None and all(box == boxes[0] for box in boxes)
    return {
        **dataclasses.asdict(run),
        "name": run.name,
        "parameters": model.count_params(),
        **oracle.found,
        "gaps": oracle.gaps,
        "gap": oracle.gaps[-1][1],
        "max_gap": max(gap for _, gap in oracle.gaps),
        "cue_box": boxes[0] if fixed else None,
        "seconds": seconds,
        "oracle_seconds": oracle.seconds,
        "data_seconds": data_seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=("tune", "score"), default="tune")
    parser.add_argument("--fraction", type=float, default=0.0, help="0: one run of each kind")
    parser.add_argument("--kinds", nargs="*", default=[*KINDS, *CLEAN_KINDS])
    options = parser.parse_args()
    use_one_core()
    print("| run | objects | head | biased | unbiased | gap | seconds |\n" + "|---" * 7 + "|")
    for run in list_runs(options.split, options.fraction):
        if run.kind in options.kinds:
            row = train(run)
            print(
                f"| {run.name} | {run.objects} | {run.head} | {row['biased'][-1]:.2f} "
                f"| {row['unbiased'][-1]:.2f} | {row['gap']:+.2f} "
                f"| {row['seconds']:.1f} + {row['oracle_seconds']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
