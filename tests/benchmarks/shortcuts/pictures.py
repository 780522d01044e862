"""Colours and small pictures that tell classes apart."""

import string

import cv2
import numpy as np


def palette(n, rng):
    """Returns n vivid colours, evenly spaced in hue, in random order: float32 (n, 3)."""
    hues = (rng.integers(180) + np.arange(n) * 180 / n) % 180
    hsv = np.stack([hues, np.full(n, 230), np.full(n, 240)], -1).astype(np.uint8)
    return rng.permutation(cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]).astype(np.float32)


def glyphs(n, shape, rng):
    """Returns n unlike patterns of 0 and 1, each with half its pixels set: (n, *shape)."""
    area = shape[0] * shape[1]
    found = [rng.permutation(np.arange(area) % 2)]
    while len(found) < n:
        candidates = [rng.permutation(np.arange(area) % 2) for _ in range(20)]
        found.append(max(candidates, key=lambda c: min(np.sum(c != f) for f in found)))
    return np.reshape(found, (n, *shape)).astype(np.float32)


def enlarge(pictures, height, width):
    """Resizes (n, h, w, 3), keeping pixels square and sharp."""
    nearest = cv2.INTER_NEAREST
    return np.stack([cv2.resize(p, (width, height), interpolation=nearest) for p in pictures])


def letters_in(side, n, rng):
    """Returns n different letters, 1 where there is ink: float32 (n, side, side, 1)."""
    big = np.zeros((n, 120, 120), np.uint8)
    for picture, letter in zip(
        big, rng.choice(list(string.ascii_uppercase), n, replace=False), strict=True
    ):
        font = cv2.FONT_HERSHEY_SIMPLEX, 4.4
        (width, height), _ = cv2.getTextSize(letter, *font, 16)
        corner = (120 - width) // 2, (120 + height) // 2
        cv2.putText(picture, letter, corner, *font, 255, 16, cv2.LINE_AA)
    small = [cv2.resize(b, (side, side), interpolation=cv2.INTER_AREA) for b in big]
    return np.stack(small)[..., None].astype(np.float32) / 255
