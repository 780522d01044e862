"""Trains a small CNN and watches its attention move onto the objects.

The task is to name an animal. Every image is a real animal silhouette, cut out of coloured
paper and placed at random on a real photograph. The place of the object is therefore known,
and the share of attention that lies on it can be measured.

Both kinds of images ship inside PyPI packages, `animal-shape-mnist` and `scikit-image`, so
nothing is downloaded at run time. Takes about half a minute on two cores. Writes into
--log-dir and nowhere else.
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
NUM_TRAINING, NUM_VALIDATION = 3200, 500
BATCH_SIZE = 64
ANIMALS = {1: "bird", 2: "cat", 5: "elephant", 6: "giraffe", 7: "horse"}
PHOTOGRAPHS = [
    "astronaut",
    "brick",
    "coffee",
    "grass",
    "gravel",
    "hubble",
    "motorcycle_left",
    "rocket",
]
METHODS = ["grad_cam", "vanilla_gradients", "deconvnet"]
FEATURE_LAYERS = ["relu_2", "relu_4"]  # the images that excite their channels are drawn, too


def folder_of(package, pip_name):
    """Returns the folder of a package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        sys.exit(
            f"The images of this example ship inside the package {pip_name}, which is not "
            "installed. Run: python -m pip install animal-shape-mnist scikit-image"
        )
    return Path(next(iter(spec.submodule_search_locations)))


class ArraysOnly(pickle.Unpickler):
    """Reads NumPy arrays and refuses everything else, since a pickle can run any code."""

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
    order = rng.permutation(len(labels))[: NUM_TRAINING + NUM_VALIDATION]
    pairs = [compose(silhouette, photographs, rng) for silhouette in silhouettes[order]]
    images, masks = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    return images, labels[order], masks


def make_model(num_steps):
    def convolution(number, width, size=3, stride=1):
        return [
            layers.Conv2D(width, size, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(name=f"relu_{number}"),
        ]

    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255),
            *convolution(1, 16, size=5, stride=2),
            layers.MaxPooling2D(),  # makes DeconvNet depend on the image
            *convolution(2, 32),
            layers.MaxPooling2D(),
            *convolution(3, 64),
            *convolution(4, 64),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(ANIMALS)),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(4e-3, num_steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def choose_probes(images, labels, masks, per_class=4):
    """Returns probes from validation data, equally many of each class."""
    chosen = np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in range(len(ANIMALS))])
    return ProbeSet(
        images[chosen],
        labels[chosen],
        object_masks=masks[chosen],
        class_names=list(ANIMALS.values()),
    )


def tell(saliency, log_dir):
    """Prints what attention did, and where to look at it."""
    history = saliency.history
    print("\nAttention on the animals (share of the heatmap that lies on the silhouette):")
    for method in history.methods:
        mass = np.nanmean(history[method]["object_mass"], axis=1)
        drift = np.nanmean(history[method]["drift_start"][-1])
        print(
            f"  {method:18} untrained {mass[0]:4.0%}   epoch 1 {mass[1]:4.0%}   "
            f"last epoch {mass[-1]:4.0%}   drift since the start {drift:.2f}"
        )
    area = saliency.probes.object_masks.mean()
    print(f"  (the silhouettes cover {area:.0%} of the images: a blind map would have that share)")
    drift = history["grad_cam"]["drift_start"][-1]
    for i in np.argsort(-np.nan_to_num(drift))[:3]:
        label = saliency.probes.label_text(i)
        print(
            f"  Grad-CAM moved most on {saliency.probes.names[i]} ({label}): drift {drift[i]:.2f}"
        )
    print(f"\nPictures: {saliency.run_dir}/pictures (begin with grad_cam_filmstrip.png)")
    print(f"TensorBoard: {tensorboard_command()} --logdir {log_dir}")


def tensorboard_command():
    """Returns the command that starts the TensorBoard of this environment."""
    beside = Path(sys.executable).with_name("tensorboard")
    return os.path.relpath(beside) if beside.exists() else "tensorboard"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-dir", default="logs/quickstart")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    images, labels, masks = make_dataset()
    train = images[NUM_VALIDATION:], labels[NUM_VALIDATION:]
    validation = images[:NUM_VALIDATION], labels[:NUM_VALIDATION]
    probes = choose_probes(*validation, masks[:NUM_VALIDATION])
    saliency = SaliencyCallback(
        probes,
        options.log_dir,
        METHODS,
        sinks=["tensorboard", "folder"],
        feature_layers=FEATURE_LAYERS,
    )
    print(f"{len(train[0])} images of {', '.join(ANIMALS.values())}; {probes}")
    num_steps = options.epochs * -(-len(train[0]) // BATCH_SIZE)
    make_model(num_steps).fit(
        *train,
        batch_size=BATCH_SIZE,
        epochs=options.epochs,
        validation_data=validation,
        callbacks=[saliency, keras.callbacks.TensorBoard(options.log_dir)],
    )
    tell(saliency, options.log_dir)


if __name__ == "__main__":
    main()
