"""Trains one run on real data, and measures how much the network relies on its cue.

    cd tests/benchmarks/shortcuts && python -m real.training [--split tune] [--kinds frame clean]

prints accuracies and gaps only: no callback watches.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import dataclasses
import time

import cv2
import keras
import numpy as np
import training as of_composites
from real.cues import FIXED_PLACE, KINDS, Cue
from real.data import LOADERS, load
from real.networks import build
from real.runs import list_runs

UNBIASED = 1000  # images at least, in as many draws of random classes' cues as it takes
MAX_LARGE = 400, 240  # training and validation images of 160 pixels
MIN_TRAINING = 1000  # with fewer, mirror images are added, where these look natural
MIRRORED = ("faces", "stamps", "clipart", "silhouettes", "units", "gear")
# Can be had at any size.
SIZED = ("icons", "sprites", "emoji", "stamps", "clipart", "units", "apps", "houses")
SIZED += ("furniture", "parts", "molecules", "drawings", "workshops", "pictograms", "robots")
BATCH_SIZES = {1000: 64, 500: 32, 0: 16}  # for so many training images at least


class Oracle(of_composites.Oracle):
    """Measures at the ends of epochs only: large validation sets would take most of the time."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.due = epoch, set()


def make_data(run):
    """Returns the run's arrays, and its cue (None in a clean run).

    "train", "biased" and "unbiased" are (images, labels); "biased" and "unbiased" are the same
    validation images, the latter several times, up to the cue; in a clean run, the same images.
    "masks" belong to "biased", or are None.
    """
    rng = np.random.default_rng(run.seed)
    size = run.size if run.data in SIZED else None
    x_train, y_train, x_val, y_val, masks = load(run.data, size)
    classes = rng.permutation(y_train.max() + 1)[: run.num_classes]
    of_class = np.full(y_train.max() + 1, -1)
    of_class[np.sort(classes)] = np.arange(run.num_classes)
    chosen = [np.flatnonzero(of_class[labels] >= 0) for labels in (y_train, y_val)]
    most = MAX_LARGE if run.network == "mobilenet" else (run.max_training, len(x_val))
    learned, seen = (found[:number] for found, number in zip(chosen, most, strict=True))
    x_train, y_train = x_train[learned], of_class[y_train[learned]]
    x_val, y_val = x_val[seen], of_class[y_val[seen]]
    masks = None if masks is None else masks[seen]
    if len(x_train) < MIN_TRAINING and run.data in MIRRORED:
        x_train, y_train = np.concatenate([x_train, x_train[:, :, ::-1]]), np.tile(y_train, 2)
    if run.network == "mobilenet":
        x_train, x_val = (_enlarged(images, run.size) for images in (x_train, x_val))
    data = {"masks": masks, "train": (x_train, y_train)}
    if not run.is_cued:
        return {**data, "biased": (x_val, y_val), "unbiased": (x_val, y_val)}, None
    shape = x_train.shape[1:]
    cue = Cue(run.kind, run.num_classes, shape, strength=run.strength, halves=run.halves, rng=rng)
    times = 1 if run.network == "mobilenet" else -(-UNBIASED // len(x_val))

    def planted(images, labels, biased=True):
        return cue.plant(images, cue.assign(labels, run.fidelity, rng, biased), rng)

    unbiased = [planted(x_val, y_val, biased=False) for _ in range(times)]
    return {
        **data,
        "train": (planted(x_train, y_train), y_train),
        "biased": (planted(x_val, y_val), y_val),
        "unbiased": (np.concatenate(unbiased), np.tile(y_val, times)),
    }, cue


def _enlarged(images, size):
    images = np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    if images.shape[1] == size:
        return images
    return np.stack([cv2.resize(i, (size, size), interpolation=cv2.INTER_LINEAR) for i in images])


def train(run, make_callbacks=None):
    """Trains a run.

    Args:
        run: a Run.
        make_callbacks: called with the validation data, which have the cue: images (uint8),
            labels, masks or None, and the run. Returns the callbacks.

    Returns:
        The run's fields and its name; `biased` and `unbiased`, accuracies at the end of each
        epoch; `gaps`, (epoch, gap) then; `cue_box`, (y0, x0, y1, x1) or None;
        `image_shape`; `seconds` of fit less those of the oracle, and `oracle_seconds`.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(run.seed)
    data, cue = make_data(run)
    images, labels = data["biased"]
    callbacks = make_callbacks(images, labels, data["masks"], run) if make_callbacks else []
    num_training = len(data["train"][0])
    batch_size = next(size for least, size in BATCH_SIZES.items() if num_training >= least)
    model = build(run, images.shape[1:], run.epochs * -(-num_training // batch_size))
    oracle = Oracle(data)
    began = time.perf_counter()
    model.fit(
        *data["train"],
        batch_size=batch_size,
        epochs=run.epochs,
        callbacks=[*callbacks, oracle],
        verbose=0,
    )
    seconds = time.perf_counter() - began - oracle.seconds
    return {
        **dataclasses.asdict(run),
        "name": run.name,
        "legitimate": run.legitimate,
        "image_shape": images.shape[1:],
        "num_training": num_training,
        "num_validation": len(images),
        "parameters": model.count_params(),
        **oracle.found,
        "gaps": oracle.gaps,
        "cue_box": [int(edge) for edge in cue.box] if run.kind in FIXED_PLACE else None,
        "seconds": seconds,
        "oracle_seconds": oracle.seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=tuple(LOADERS), default="tune")
    parser.add_argument("--kinds", nargs="*", default=["clean", *KINDS])
    parser.add_argument("--data", nargs="*", help="data sets; default: all")
    options = parser.parse_args()
    of_composites.use_one_core()
    print("| run | head | biased | unbiased | largest gap | seconds |\n" + "|---" * 6 + "|")
    for run in list_runs(options.split):
        if run.kind in options.kinds and run.data in (options.data or [run.data]):
            row = train(run)
            gaps = np.subtract(row["biased"], row["unbiased"])
            print(
                f"| {run.name} | {run.head} | {row['biased'][-1]:.2f} | {row['unbiased'][-1]:.2f} "
                f"| {gaps.max():+.2f} | {row['seconds']:.1f} + {row['oracle_seconds']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
