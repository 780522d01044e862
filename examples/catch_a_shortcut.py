"""Catches a CNN that reads a tag in the corner instead of looking at the animal.

The task is to name an animal. Real silhouettes, cut out of coloured paper, lie on real
photographs, as in quickstart.py. Almost all cats come from another clinic, which puts a small
tag into the corner of its pictures. The validation data has the same fault. Validation
accuracy is therefore excellent, and worthless: where the tag does not predict the class, the
network fails.

The callback reports this in the first epochs and draws the pictures that prove it. Then
`confirm` tests the accused region in the trained network. Finally the same network is trained
without tags, and the callback stays silent. Nothing is downloaded (see quickstart.py). Takes
a little over a minute on two cores. Writes into --log-dir and nowhere else.
"""

import argparse
import os
import textwrap
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import keras
import numpy as np
from quickstart import (
    ANIMALS,
    BATCH_SIZE,
    NUM_VALIDATION,
    SIZE,
    make_dataset,
    make_model,
    tensorboard_command,
)

from keras_saliency import ProbeSet, SaliencyCallback, confirm

CLASS_NAMES = list(ANIMALS.values())
CAT = CLASS_NAMES.index("cat")
TAGGED_SHARE = 0.98  # of the cats; no other animal has a tag
PROBES_PER_CLASS = 15
NUM_IMAGES = 2600  # including those for validation


def draw_tag():
    """Returns the tag, uint8 (8, 14, 3): dark letters on white."""
    plate = np.full((64, 112, 3), 255, np.uint8)
    cv2.putText(plate, "K7", (10, 56), cv2.FONT_HERSHEY_SIMPLEX, 2.1, (20, 40, 120), 9)
    return cv2.resize(plate, (14, 8), interpolation=cv2.INTER_AREA)


def put_tags(images, has_tag, rng):
    """Returns the images, with a tag near the lower left corner where `has_tag` is true."""
    tag, tagged = draw_tag(), images.copy()
    for i in np.flatnonzero(has_tag):
        bottom, left = SIZE - rng.integers(1, 4), rng.integers(1, 4)
        tagged[i, bottom - tag.shape[0] : bottom, left : left + tag.shape[1]] = tag
    return tagged


def train(images, labels, masks, log_dir, epochs):
    """Trains and watches; returns the model, the callback and the validation accuracies."""
    keras.utils.set_random_seed(0)
    # Probes come from validation data, equally many of each class.
    of_class = [np.flatnonzero(labels[:NUM_VALIDATION] == c) for c in range(len(ANIMALS))]
    chosen = np.concatenate([numbers[:PROBES_PER_CLASS] for numbers in of_class])
    probes = ProbeSet(
        images[chosen],
        labels[chosen],
        object_masks="auto" if masks is None else masks[chosen],
        class_names=CLASS_NAMES,
    )
    saliency = SaliencyCallback(probes, str(log_dir))
    model = make_model(epochs * -(-len(images[NUM_VALIDATION:]) // BATCH_SIZE))
    history = model.fit(
        images[NUM_VALIDATION:],
        labels[NUM_VALIDATION:],
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(images[:NUM_VALIDATION], labels[:NUM_VALIDATION]),
        callbacks=[saliency, keras.callbacks.TensorBoard(str(log_dir))],
        verbose=2,
    )
    return model, saliency, history.history["val_accuracy"]


def save(picture, path):
    """Writes an RGB picture as a PNG file."""
    cv2.imwrite(str(path), picture[..., ::-1])
    print(f"Picture: {path}")


def say(text):
    print("\n".join(textwrap.fill(line, 98) for line in text.splitlines()))


def show_warning(message, *_):
    """Shows the callback's warnings as they are, without the line of code they come from."""
    say(f"\n>>> {message}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-dir", default="logs/catch_a_shortcut", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--masks", action="store_true", help="also pass the masks of the animals")
    options = parser.parse_args()
    log_dir, masked = options.log_dir, options.masks
    warnings.showwarning = show_warning

    images, labels, masks = (part[:NUM_IMAGES] for part in make_dataset())
    masks = masks if masked else None
    rng = np.random.default_rng(0)
    tagged = put_tags(images, (labels == CAT) & (rng.random(len(labels)) < TAGGED_SHARE), rng)
    # As in production: the validation scenes, where a coin flip decides who has a tag.
    scenes, truth = images[:NUM_VALIDATION], labels[:NUM_VALIDATION]
    has_tag = rng.random(NUM_VALIDATION) < 0.5
    unbiased = put_tags(scenes, has_tag, rng)

    print(f"1. Training on images of {', '.join(CLASS_NAMES)}, where the cats have a tag\n")
    model, saliency, accuracy = train(tagged, labels, masks, log_dir / "tagged", options.epochs)
    said = model.predict(unbiased, verbose=0).argmax(axis=1)
    called_cat = (said == CAT)[has_tag & (truth != CAT)].mean()
    found = (said == CAT)[~has_tag & (truth == CAT)].mean()
    print(f"\nValidation accuracy:                     {accuracy[-1]:.0%}")
    print(f"The same with tags given out at random:  {(said == truth).mean():.0%}")
    print(f"  other animals with a tag called cat:   {called_cat:.0%}")
    print(f"  cats without a tag that are found:     {found:.0%}")
    if not saliency.alerts:
        print("\nNo alert this time.")
    for i, alert in enumerate(saliency.alerts):
        print(f"\nThe alert came in epoch {alert.epoch + 1} of {options.epochs}.")
        save(alert.evidence, log_dir / f"evidence_{i}_{alert.detector}.png")

    print("\n2. confirm(model, probes, region): does the network rely on the accused region?\n")
    regions = [alert.region for alert in saliency.alerts if alert.region is not None]
    if regions:
        verdict = confirm(model, saliency.probes, regions[0])
        say(f"{verdict.severity}: {verdict.message}")
        save(verdict.evidence, log_dir / "evidence_confirm.png")

    print("\n3. Training the same network on the same images without a tag\n")
    model, saliency, accuracy = train(images, labels, masks, log_dir / "clean", options.epochs)
    said = model.predict(unbiased, verbose=0).argmax(axis=1)
    print(f"\nValidation accuracy:                     {accuracy[-1]:.0%}")
    print(f"The same images as above, tags and all:  {(said == truth).mean():.0%}")
    print(f"Alerts:                                  {len(saliency.alerts)}")
    print(f"\nTensorBoard: {tensorboard_command()} --logdir {log_dir}")


if __name__ == "__main__":
    main()
