"""Scenes of images with a tag, and models that read it."""

import numpy as np

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import Pairs

SIZE = (16, 24)
CODES = np.array([0.1, 0.5, 0.9])
TAG = (slice(2, 5), slice(3, 7))  # rows 2 to 4, columns 3 to 6


def reads(values):
    """Logits that say the class whose code is nearest to each value."""
    return -10 * np.abs(np.asarray(values)[:, None] - CODES)


def reads_tag(images):
    return reads(images[:, TAG[0], TAG[1]].mean(axis=(1, 2, 3)))


def tagged(rng, num=30, **more):
    """Noise with a tag that holds the class."""
    images = rng.uniform(0.3, 0.7, size=(num, *SIZE, 3)).astype(np.float32)
    labels = np.arange(num) % 3
    images[:, TAG[0], TAG[1]] = CODES[labels][:, None, None, None]
    return ProbeSet(images, labels, **more)


def pairs_of(*pairs):
    """`Pairs` of (donor, recipient, class, is_own), or of (donor, recipient)."""
    ends = np.array([(*pair, 0, 0)[:4] for pair in pairs]).reshape(-1, 4)
    return Pairs(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3].astype(bool))


def slow_grown(mask, side):
    """A pixel is true where any pixel at most `side` away, in rows and in columns, is."""
    found = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        found[max(0, y - side) : y + side + 1, max(0, x - side) : x + side + 1] = True
    return found
