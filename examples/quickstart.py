"""Trains a small CNN and watches its attention move onto the objects.

The task: which animal is it? Every image is a real animal silhouette, cut out
of coloured paper and laid somewhere on a real photograph. So we know exactly
where the object is, and can measure how much of the attention lies on it.

Both kinds of image ship inside PyPI packages (nothing is downloaded at run
time): `animal-shape-mnist` and `scikit-image`. Takes about half a minute on
two cores. Writes into --log-dir and nowhere else.
"""

import argparse
import gzip
import importlib.util
import os
import pickle
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import keras
import numpy as np
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback

SIZE = 64  # pixels, height and width of an image
NUM_VALIDATION = 500
ANIMALS = {1: "bird", 2: "cat", 5: "elephant", 6: "giraffe", 7: "horse"}
PHOTOGRAPHS = ["astronaut", "brick", "coffee", "grass", "gravel", "hubble", "motorcycle_left", "rocket"]
METHODS = ["grad_cam", "vanilla_gradients", "deconvnet"]


def folder_of(package, pip_name):
    """Returns where a package keeps its files, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        sys.exit(
            f"The images of this example ship inside the package {pip_name}, which is not "
            "installed. Run: python -m pip install animal-shape-mnist scikit-image"
        )
    return Path(next(iter(spec.submodule_search_locations)))


class ArraysOnly(pickle.Unpickler):
    """A pickle can run any code, so this one admits NumPy arrays and no more."""

    admitted = {  # noqa: RUF012
        "_reconstruct": np.empty(0).__reduce__()[0],
        "dtype": np.dtype,
        "ndarray": np.ndarray,
    }

    def find_class(self, module, name):
        if module.startswith("numpy") and name in self.admitted:
            return self.admitted[name]
        raise pickle.UnpicklingError(f"expected an array only, found {module}.{name}")


def load_silhouettes():
    """Returns uint8 (n, 28, 28), 255 = animal, and labels (n,) as in ANIMALS."""
    folder = folder_of("animal_shape_mnist", "animal-shape-mnist")
    arrays = []
    for part in ("data", "label"):
        with gzip.open(next(folder.rglob(f"animal_{part}_*.gz"))) as file:
            arrays.append(ArraysOnly(file).load())
    silhouettes, labels = arrays
    wanted = np.isin(labels, list(ANIMALS))
    return silhouettes[wanted], np.searchsorted(list(ANIMALS), labels[wanted])


def load_photographs():
    folder = folder_of("skimage", "scikit-image") / "data"
    files = [file for name in PHOTOGRAPHS for file in sorted(folder.glob(f"{name}*.*g"))]
    return [cv2.imread(str(file))[..., ::-1] for file in files]


def compose(silhouette, photographs, rng):
    """Returns an image, uint8 (SIZE, SIZE, 3), and its object mask, bool (SIZE, SIZE)."""
    photograph = photographs[rng.integers(len(photographs))]
    side = rng.integers(SIZE, min(4 * SIZE, *photograph.shape[:2]) + 1)
    top, left = (rng.integers(length - side + 1) for length in photograph.shape[:2])
    crop = np.ascontiguousarray(photograph[top : top + side, left : left + side])
    # A little darker, so that the paper stands out.
    scene = 0.55 * cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA)

    side = rng.integers(SIZE // 2, 7 * SIZE // 10)
    top, left = rng.integers(SIZE - side + 1, size=2)
    silhouette = silhouette[:, :: rng.choice([-1, 1])]
    paper = np.zeros((SIZE, SIZE, 1), np.float32)
    paper[top : top + side, left : left + side, 0] = cv2.resize(
        np.ascontiguousarray(silhouette), (side, side), interpolation=cv2.INTER_LINEAR
    )
    paper /= 255
    colour = cv2.cvtColor(np.uint8([[[rng.integers(180), 120, 255]]]), cv2.COLOR_HSV2RGB)
    return (scene * (1 - paper) + colour * paper).astype(np.uint8), paper[..., 0] > 0.25


def make_dataset(seed=0):
    """Returns images (n, SIZE, SIZE, 3), labels (n,) and object masks, shuffled."""
    rng = np.random.default_rng(seed)
    silhouettes, labels = load_silhouettes()
    photographs = load_photographs()
    order = rng.permutation(len(labels))
    pairs = [compose(silhouette, photographs, rng) for silhouette in silhouettes[order]]
    images, masks = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    return images, labels[order], masks


def make_model(num_steps):
    stack = [keras.Input((SIZE, SIZE, 3)), layers.Rescaling(1 / 255)]
    for width, kernel, stride, pooled in [(16, 5, 2, True), (32, 3, 1, True), (64, 3, 1, False)] + [
        (64, 3, 1, False)
    ]:
        stack += [
            layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]
        # Max-pooling is also what makes DeconvNet depend on the image.
        stack += [layers.MaxPooling2D()] if pooled else []
    stack += [layers.GlobalAveragePooling2D(), layers.Dense(len(ANIMALS))]
    model = keras.Sequential(stack)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, num_steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
