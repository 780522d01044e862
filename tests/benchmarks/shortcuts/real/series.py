"""Grey pictures of series of numbers: outlines of leaves, and voices.

| name | what | classes | from |
|---|---|---|---|
| leaves | outlines of leaves of three trees, filled, on paper, 40×40 | 3 | PyPI's sktime |
| voices | two vowels, said by nine men: cepstra over time, 32×32 | 9 | PyPI's sktime |

The leaves have masks. A leaf, and a recording, is for training or for validation.
"""

import cv2
import numpy as np
from real.sources import pypi

TREES = 0, 3, 4  # of the data set's six: the other leaves look like these
LEAF_TURNS = 12  # pictures of a leaf
FINE = 4  # a leaf is drawn as much larger
VOICE_CUTS = 4  # pictures of a recording
SHORTEST = 0.8  # of a recording, what is seen


def leaves(size=40):
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for number, (channels, tree) in enumerate(_read("OSULeaf")):
        if tree not in TREES:
            continue
        for _ in range(LEAF_TURNS):
            share = _outline(channels[0], size, rng)
            leaf, paper = rng.uniform(10, 90), rng.uniform(180, 255)
            images.append(np.rint(share * leaf + (1 - share) * paper).astype(np.uint8))
            masks.append(share > 0.5)
            labels.append(TREES.index(tree))
            kept.append(number % 4 == 0)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def _outline(distances, size, rng):
    """Draws a leaf from its outline's distances to the middle, float32 (size, size), 0 … 1."""
    distances = 0.25 + (distances - distances.min()) / np.ptp(distances)
    angles = 2 * np.pi * np.arange(len(distances)) / len(distances) + rng.uniform(-0.25, 0.25)
    points = np.stack([np.sin(angles), -np.cos(angles)], axis=1) * distances[:, None]
    low, high = points.min(0), points.max(0)
    side = FINE * size
    points = (points - (low + high) / 2) * (rng.uniform(0.68, 0.86) * side / (high - low).max())
    points += side / 2 + rng.uniform(-0.06, 0.06, 2) * side
    drawn = np.zeros((side, side), np.uint8)
    cv2.fillPoly(drawn, [np.rint(16 * points).astype(np.int32)], 255, cv2.LINE_8, 4)
    return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def voices(size=32):
    rng = np.random.default_rng(0)
    recordings = list(_read("JapaneseVowels"))
    every = np.concatenate([channels for channels, _ in recordings], axis=1)
    low, high = (np.quantile(every, share, axis=1)[:, None] for share in (0.01, 0.99))
    images, labels, kept = [], [], []
    for number, (channels, label) in enumerate(recordings):
        grey = (255 * (channels - low) / (high - low)).clip(0, 255).astype(np.uint8)
        for _ in range(VOICE_CUTS):
            length = round(grey.shape[1] * rng.uniform(SHORTEST, 1))
            first = rng.integers(grey.shape[1] - length + 1)
            seen = np.ascontiguousarray(grey[::-1, first : first + length])
            images.append(cv2.resize(seen, (size, size), interpolation=cv2.INTER_LINEAR))
            labels.append(label)
            kept.append(number % 4 == 0)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _read(name):
    """Yields each series of a data set, float32 (channels, time), and its label, from 0 on."""
    folder = pypi("sktime") / "datasets/data" / name
    for part in ("TRAIN", "TEST"):
        lines = (folder / f"{name}_{part}.ts").read_text().splitlines()
        for line in lines[lines.index("@data") + 1 :]:
            *channels, label = line.split(":")
            rows = [np.array(channel.split(","), np.float32) for channel in channels]
            yield np.stack(rows), int(float(label)) - 1
