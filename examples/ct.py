"""Watches attention in volumes move to a lesion, or to the table under the patient.

The volumes are synthetic, in Hounsfield units as in computed tomography: a body with a spine
and a liver, and in the liver a lesion that is a little darker (a cyst) or a little brighter (a
bleeding). The network has to tell them apart. With --table, patients who bleed lie on an
emergency table; the network then reads the table, and the callback reports it: everything off
the lesions, whose masks are given, is swapped. Takes a minute on two cores. Writes into
--log-dir and nowhere else.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback

SIZE = (10, 32, 32)  # slices, rows, columns
WINDOW = -100, 200  # the range that shows soft tissue, in Hounsfield units
AIR, BODY, LIVER, BONE, TABLE = -1000, 20, 60, 400, 150  # Hounsfield units
LESIONS, NOISE = (0, 120), 12  # cyst and bleeding; standard deviation
NUM_TRAINING, NUM_VALIDATION, NUM_PROBES = 600, 120, 60


def ball(centre, radii):
    """Returns which voxels lie in an ellipsoid, bool SIZE."""
    axes = np.ogrid[tuple(slice(length) for length in SIZE)]
    return sum(((a - c) / r) ** 2 for a, c, r in zip(axes, centre, radii, strict=True)) <= 1


def make_volume(label, has_table, rng):
    """Returns one volume, float SIZE, and the mask of its lesion."""
    shift = rng.normal(0, 1, 2)
    middle = np.array([SIZE[1] / 2 - 2, SIZE[2] / 2]) + shift
    depth = SIZE[0] / 2
    volume = np.full(SIZE, float(AIR))
    volume[ball((depth, *middle), (99, 10 + rng.normal(0, 0.5), 13 + rng.normal(0, 0.5)))] = BODY
    volume[ball((depth, middle[0] + 7, middle[1]), (99, 2, 2))] = BONE
    liver = middle + np.array([-2, -5])
    volume[ball((depth, *liver), (5, 6, 6))] = LIVER
    place = (rng.uniform(3, 6), *(liver + rng.uniform(-2, 2, 2)))
    lesion = ball(place, rng.uniform(2, 3.2, 3))
    volume[lesion] = LESIONS[label]
    if has_table:
        volume[:, -3:-1, 5:-5] = TABLE
    return np.clip(volume + rng.normal(0, NOISE, SIZE), *WINDOW), lesion


def make_dataset(with_table, seed=0):
    """Returns volumes (n, *SIZE, 1), labels (n,), and masks of the lesions (n, *SIZE)."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(NUM_TRAINING + NUM_VALIDATION) % 2)
    made = [make_volume(label, with_table and label == 1, rng) for label in labels]
    volumes, masks = (np.stack(part) for part in zip(*made, strict=True))
    return volumes[..., None].astype(np.float32), labels, masks


def make_model():
    model = keras.Sequential(
        [
            keras.Input((*SIZE, 1)),
            layers.Rescaling(1 / 60, -1),
            layers.Conv3D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling3D((1, 2, 2)),
            layers.Conv3D(16, 3, padding="same", activation="relu"),
            layers.Conv3D(16, 3, padding="same", activation="relu"),
            layers.GlobalMaxPooling3D(),
            layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-dir", default="logs/ct")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--table", action="store_true", help="patients who bleed lie on a table")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    volumes, labels, masks = make_dataset(options.table)
    held = slice(NUM_TRAINING, NUM_TRAINING + NUM_PROBES)
    saliency = SaliencyCallback(
        ProbeSet(
            volumes[held], labels[held], object_masks=masks[held], class_names=["cyst", "bleeding"]
        ),
        options.log_dir,
        ["grad_cam", "vanilla_gradients"],
        sinks=["tensorboard", "folder"],
    )
    make_model().fit(
        volumes[:NUM_TRAINING],
        labels[:NUM_TRAINING],
        validation_data=(volumes[NUM_TRAINING:], labels[NUM_TRAINING:]),
        epochs=options.epochs,
        verbose=2,
        callbacks=[saliency],
    )
    for i, alert in enumerate(saliency.alerts):
        keras.utils.save_img(f"{saliency.run_dir}/evidence_{i}.png", alert.evidence, scale=False)
    mass = np.nanmean(saliency.history["grad_cam"]["object_mass"], axis=1)
    print(f"Share of attention on the lesions, which fill {masks[held].mean():.1%} of the volumes:")
    print("  untrained {:.0%}, then {}".format(mass[0], ", ".join(f"{m:.0%}" for m in mass[1:])))
    print(f"Pictures: {saliency.run_dir}/pictures")


if __name__ == "__main__":
    main()
