"""How well objects are found in real images, and how much of planted cues the masks hide.

    python tests/benchmarks/found_objects.py --split score

needs the packages of `shortcuts/real/sources.py`, see there. Of each data set up to 600
validation images are searched, clean and with each kind of cue. The columns:

* sure: share of images whose object is sure, in all and in the worst and best class;
* kept: share of the true object that the mask holds, in the mean of the sure images, and in the
  worst class; the true object is the package's mask, or what is not black;
* hidden: share of the cue's pixels that the mask holds, in the mean of the sure images;
* told: how well a random forest tells the class by what the masks leave of the sure images:
  0 is chance, 1 is always. What it tells in clean data, a clean network could be accused of.
  Beside it, in brackets, the same with the true masks: as much as can be told of a cue.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict

sys.path.insert(0, str(Path(__file__).parent / "shortcuts"))
from real import data
from real.cues import KINDS, TAGS, Cue

from keras_saliency.probes.found_objects import find_objects

SPLITS = {
    "tune": ("digits", "silhouettes", "icons", "sprites"),
    "score": ("mnist", "fashion", "emoji", "stamps"),
    "none": ("textures", "satellite", "faces", "photographs", "tissue"),  # hardly any is sure
}
VARIANTS = {  # of the cues of the shortcut benchmark: kind, settings
    **{kind: (kind, {}) for kind in KINDS},
    "corner_tag, 4 inside": ("corner_tag", {"gap": 4}),
    "class_tag, 4 inside": ("class_tag", {"gap": 4}),
    "frame, 3 wide": ("frame", {"strength": 2.0}),
}
WHOLE_IMAGE = ("pattern", "brightness", "tint", "jpeg", "noise", "blur")  # nothing to hide
NUM_IMAGES = 600
FIDELITY = 0.95


def read(name):
    """Returns images, labels and true masks (or None) of a data set."""
    _, _, images, labels, masks = data.load(name)
    images, labels = images[:NUM_IMAGES], labels[:NUM_IMAGES]
    if masks is not None:
        return images, labels, masks[:NUM_IMAGES]
    return images, labels, (images > 12).any(axis=-1)  # on black


def plant(images, labels, variant):
    """Returns images with a cue."""
    kind, settings = VARIANTS[variant]
    rng = np.random.default_rng([len(images), *map(ord, kind)])
    strength = settings.get("strength", 1.0)
    cue = Cue(kind, labels.max() + 1, images.shape[1:], strength=strength, rng=rng)
    if kind in TAGS and cue.box and "gap" in settings:
        size, gap = np.subtract(cue.box[2:], cue.box[:2]), settings["gap"]
        cue.box = (gap, gap, *(gap + size))
    whose = cue.assign(labels, FIDELITY, rng)
    return cue.plant(images, whose, rng)


def told(images, labels, masks, truth):
    """Returns how well the class is told outside of masks, 0 … 1 from chance to always."""
    grounds = [np.median(i[~t], axis=0) for i, t in zip(images, truth, strict=True)]
    left = np.abs(images - np.stack(grounds)[:, None, None])
    left = np.where(masks[..., None], 0, left).reshape(len(images), -1)
    counts = np.bincount(labels)
    usable = counts[labels] >= 10
    if len(np.unique(labels[usable])) < 2:
        return np.nan
    left, labels = left[usable], labels[usable]
    forest = RandomForestClassifier(60, max_features=0.2, class_weight="balanced", random_state=0)
    said = cross_val_predict(forest, left, labels, cv=3)
    right = np.mean([(said == c)[labels == c].mean() for c in np.unique(labels)])
    chance = 1 / len(np.unique(labels))
    return (right - chance) / (1 - chance)


def mean_share(part, whole):
    """Returns the mean, over images that have any of it, of how much of a whole is in a part."""
    sizes = whole.sum(axis=(1, 2))
    shares = (part & whole).sum(axis=(1, 2))[sizes > 0] / sizes[sizes > 0]
    return shares.mean() if len(shares) else np.nan


def measure(name, variant):
    """Returns the numbers of one row."""
    images, labels, truth = read(name)
    clean, is_cue = images, np.zeros(truth.shape, bool)
    if variant:
        images = plant(clean, labels, variant)
        if VARIANTS[variant][0] not in WHOLE_IMAGE:
            is_cue = (np.abs(images - clean.astype(float)) > 12).any(axis=-1)
    began = time.perf_counter()
    found = find_objects(images, labels)
    seconds = time.perf_counter() - began
    sure, classes = found.is_sure, np.unique(labels)
    by_class = [sure[labels == c].mean() for c in classes]
    row = [f"{sure.mean():.2f} ({min(by_class):.2f} … {max(by_class):.2f})"]
    if sure.any():
        masks, real, left = found.masks[sure], truth[sure], labels[sure]
        kept = [mean_share(masks[left == c], real[left == c]) for c in np.unique(left)]
        row += [f"{mean_share(masks, real):.3f} ({np.nanmin(kept):.2f})"]
        row += [f"{mean_share(masks, is_cue[sure]):.2f}"]
        tells = [told(images[sure], left, m, real) for m in (masks, real & ~is_cue[sure])]
        row += ["{:.2f} ({:.2f})".format(*tells)]
    return [*row, *["–"] * (4 - len(row)), f"{seconds:.2f}"]


def main():
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="tune")
    parser.add_argument("--data", nargs="*")
    parser.add_argument("--cues", nargs="*")
    options = parser.parse_args()
    print("| data | cue | sure (by class) | kept (worst) | hidden | told (true) | seconds |")
    print("|---|---|---|---|---|---|---|")
    cues = options.cues or ("", *VARIANTS) if options.split != "none" else ("",)
    for name in options.data or SPLITS[options.split]:
        for variant in cues:
            if variant != "tint" or read(name)[0].shape[-1] > 1:
                print("|", " | ".join([name, variant or "clean", *measure(name, variant)]), "|")


if __name__ == "__main__":
    main()
