"""How many maps are all zero behind `Flatten`, as a Markdown table for docs/methods.md.

    python tests/benchmarks/empty_maps.py

Convolution, pooling, convolution, pooling and `Flatten`, trained on scikit-learn's digits at 28×28
pixels. Maps are of the labels of digits that were not trained on. Takes about a minute.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import warnings

import cv2
import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_saliency import explain

NUM_TRAINED, NUM_EPOCHS, NUM_TRAININGS = 1200, 5, 5
METHODS = ["grad_cam", "hires_cam"]
HEADS = {"`Flatten`, `Dense(10)`": (), "`Flatten`, `Dense(64)`, `Dense(10)`": (64,)}


def digits():
    """Returns images, float32 (n, 28, 28, 1) in [0, 1], and labels (n,)."""
    data = load_digits()
    images = [cv2.resize(i.astype(np.float32), (28, 28)) for i in data.images]
    return np.stack(images)[..., None] / 16, data.target


def network(widths):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            *(layers.Dense(width, activation="relu") for width in widths),
            layers.Dense(10, activation="softmax"),
        ]
    )


def measure(images, labels, widths, seed):
    """Returns the accuracy, and the share of all-zero maps of each method."""
    keras.utils.set_random_seed(seed)
    model = network(widths)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    trained, held_out = slice(NUM_TRAINED), slice(NUM_TRAINED, None)
    model.fit(images[trained], labels[trained], epochs=NUM_EPOCHS, verbose=0)
    _, accuracy = model.evaluate(images[held_out], labels[held_out], verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty maps, which are counted here
        maps = explain(model, images[held_out], labels[held_out], METHODS)
    return accuracy, *((~maps[name].any(axis=(1, 2))).mean() for name in METHODS)


def main():
    images, labels = digits()
    print("| head | accuracy | empty maps, Grad-CAM | empty maps, HiResCAM |\n|---|---|---|---|")
    for head, widths in HEADS.items():
        rows = [measure(images, labels, widths, seed) for seed in range(NUM_TRAININGS)]
        accuracy, *empty = np.mean(rows, axis=0)
        print(f"| {head} | {accuracy:.2f} | {' | '.join(f'{share:.0%}' for share in empty)} |")


if __name__ == "__main__":
    main()
