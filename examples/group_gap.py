"""Finds a group of images that a CNN handles badly, which validation accuracy hides.

The task is to name an animal, as in quickstart.py. The pictures come from two scanners. A made
almost all of them. B, which is dark, noisy and blue, made a few. Overall validation accuracy
is that of scanner A, so nobody would notice how badly the patients of scanner B fare.

The probes come from both scanners, equally many from each, and `ProbeSet(..., groups=...)`
names the scanner of each probe. The callback compares the accuracy of the groups within each
class. Nothing is downloaded (see quickstart.py). Takes about half a minute on two cores.
Writes into --log-dir and nowhere else.
"""

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from catch_a_shortcut import CLASS_NAMES, say, show_warning
from quickstart import (
    ANIMALS,
    BATCH_SIZE,
    NUM_VALIDATION,
    make_dataset,
    make_model,
    tensorboard_command,
)

from keras_saliency import ProbeSet, SaliencyCallback

B_SHARE = 0.04  # share of the images from scanner B
PROBES_PER_GROUP = 20  # in each class


def scan_with_b(images, rng):
    """Returns images as scanner B sees them: dark, of low contrast, bluish and noisy."""
    dim = images * np.float32([0.35, 0.4, 0.55]) + np.float32([5, 5, 30])
    return np.clip(dim + rng.normal(0, 12, images.shape), 0, 255).astype(np.uint8)


def choose_probes(scenes, labels, rng):
    """Returns probes of both scanners, equally many of each in each class."""
    of_class = [np.flatnonzero(labels == c) for c in range(len(ANIMALS))]
    from_a = np.concatenate([some[:PROBES_PER_GROUP] for some in of_class])
    from_b = np.concatenate([some[PROBES_PER_GROUP : 2 * PROBES_PER_GROUP] for some in of_class])
    return ProbeSet(
        np.concatenate([scenes[from_a], scan_with_b(scenes[from_b], rng)]),
        np.concatenate([labels[from_a], labels[from_b]]),
        groups=["A"] * len(from_a) + ["B"] * len(from_b),
        class_names=CLASS_NAMES,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-dir", default="logs/group_gap", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    warnings.showwarning = show_warning

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    scenes, labels, _ = make_dataset()
    images, is_from_b = scenes.copy(), rng.random(len(scenes)) < B_SHARE
    images[is_from_b] = scan_with_b(scenes[is_from_b], rng)
    validation = images[:NUM_VALIDATION], labels[:NUM_VALIDATION]
    probes = choose_probes(scenes[:NUM_VALIDATION], labels[:NUM_VALIDATION], rng)
    saliency = SaliencyCallback(probes, str(options.log_dir))
    model = make_model(options.epochs * -(-len(images[NUM_VALIDATION:]) // BATCH_SIZE))
    history = model.fit(
        images[NUM_VALIDATION:],
        labels[NUM_VALIDATION:],
        batch_size=BATCH_SIZE,
        epochs=options.epochs,
        validation_data=validation,
        callbacks=[saliency, keras.callbacks.TensorBoard(str(options.log_dir))],
        verbose=2,
    )
    said = model.predict(probes.images, verbose=0).argmax(axis=1)
    print(f"\nValidation accuracy: {history.history['val_accuracy'][-1]:.0%}")
    for group in "AB":
        of_group = np.asarray(probes.groups) == group
        accuracy = (said == probes.labels)[of_group].mean()
        print(f"  on probes of scanner {group}: {accuracy:.0%}")
    for alert in saliency.alerts:
        say(f"\n{alert.message}")
    print(f"\nTensorBoard: {tensorboard_command()} --logdir {options.log_dir}")


if __name__ == "__main__":
    main()
