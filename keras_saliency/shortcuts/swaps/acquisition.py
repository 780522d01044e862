"""How images were acquired: levels of noise, sharpness, compression and gain, and ladders.

A level is a number that says how strong a property is in one image. A ladder is versions of an
image that differ in this property and keep the rest. But for `gain_level`, images here are
float32 (H, W, C) in grey levels, 0 … 255, at least `MIN_SIDE` pixels on each side.
"""

import zlib
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.shortcuts.swaps.compression import (
    BLOCK,
    compression_level,
    level_of_quality,
    recompress,
    uncompress,
)

MIN_SIDE = 8  # pixels
MEASURED_SIDE = 128  # pixels of the middle, in which levels of larger images are measured
MIN_SHARE = 0.05  # of the variance of ranks, that lies between classes

_ADDED_NOISE = (2, 3.5, 5.5, 8, 12, 17, 24, 34)  # deviations, grey levels
_DENOISING = (1.5, 3, 6)  # of the bilateral filter, in deviations of the image's noise
_BLURS = (0.35, 0.5, 0.65, 0.8, 1.0, 1.3, 1.8)  # deviations, pixels
_SHARPENING = (0.5, 1, 2, 4)  # amounts of unsharp masking
_QUALITIES = (88, 76, 62, 48, 36, 26, 18, 12, 8, 5)

Level = Callable[[np.ndarray], float]
Version = Callable[[np.ndarray], np.ndarray]


class Ladder(NamedTuple):
    """How a property is measured, and the versions of an image that differ in it.

    Attributes:
        level: function from an image to its level.
        versions: functions from an image to a version, the first to the image itself.
        known_levels: the levels that versions have by construction, whatever the image, or None
            where they are measured; one for each version after the first.
        channels: of images that the ladder is for; empty where it is for any.
    """

    level: Level
    versions: tuple[Version, ...]
    known_levels: tuple[float, ...] | None = None
    channels: tuple[int, ...] = ()

    def levels(self, image: np.ndarray) -> np.ndarray:
        """Returns the levels of an image's versions, float32 (v,)."""
        if self.known_levels is not None:
            return np.array([self.level(image), *self.known_levels], np.float32)
        return np.array([self.level(version(image)) for version in self.versions], np.float32)


def noise_level(image: np.ndarray) -> float:
    """Returns the noise of an image, log2(1 + deviation in grey levels).

    Where the image is smoothest, what differs from its neighbours is noise. See
    `noise_deviation`.
    """
    return float(np.log2(1 + noise_deviation(image)))


def noise_deviation(image: np.ndarray) -> float:
    """Estimates the deviation of an image's noise, in grey levels.

    From what the mask (1 −2 1) × (1 −2 1) leaves of the image (Immerkær, Fast noise variance
    estimation, 1996), in the quarter of its small blocks whose blurred slopes are least: the
    median over those blocks, since elsewhere the mask answers to texture.
    """
    side = int(np.clip(min(image.shape[:2]) // 8, 2, 8))
    residual = np.abs(cv2.filter2D(image, -1, _IMMERKAER).reshape(image.shape)[1:-1, 1:-1])
    slopes = _slopes(_blurred(image, 1)).sum(axis=-1)[1:-1, 1:-1]
    in_blocks, steep = (_block_means(a, side) for a in (residual.mean(axis=-1), slopes))
    smoothest = np.argsort(steep, kind="stable")[: max(1, len(steep) // 4)]
    return float(np.median(in_blocks[smoothest]) * np.sqrt(np.pi / 2))


def sharpness_level(image: np.ndarray) -> float:
    """Returns how steep an image's edges are, in octaves: 1.6 where sharp, 0 where blurred.

    Half of log2 of squared slopes over those of the image blurred by one pixel, at the twentieth
    of the pixels where the latter are largest; contrast cancels. Noise steepens edges as well, so
    what slopes have where the image is smoothest is subtracted.
    """
    grey = image.mean(axis=-1, keepdims=True)
    fine, coarse = (_slopes(a).ravel() for a in (grey, _blurred(grey, 1)))
    number = max(4, fine.size // 20)
    order = np.argsort(coarse, kind="stable")
    noise = np.median(fine[order[: fine.size // 4]])
    steep = max(0.0, float(fine[order[-number:]].mean() - noise))
    # The 1 keeps flat images, whose slopes are less than a grey level, at 0.
    return float(np.log2((steep + 1) / (coarse[order[-number:]].mean() + 1)) / 2)


def gain_level(image: np.ndarray) -> np.ndarray:
    """Returns the 95th percentile of each channel, float32 (C,), in the image's own units.

    Unlike a mean it hardly depends on how much of the image is background.
    """
    return np.quantile(image, 0.95, axis=tuple(range(np.ndim(image) - 1))).astype(np.float32)


def separates(levels: np.ndarray, has_class: np.ndarray) -> bool:
    """Returns whether a property differs between classes: where not, it cannot be a shortcut.

    By the share of the variance of ranks that lies between classes. It must be at least 5 % and
    above what chance reaches once in a hundred (Kruskal-Wallis). In a multi-label task, between
    having a label and not, for any of the labels.

    Args:
        levels: float (n,), or (n, C) where any of C properties may.
        has_class: bool (n, k).
    """
    levels = np.asarray(levels, np.float64)
    if levels.ndim == 2:
        return any(separates(of_one, has_class) for of_one in levels.T)
    if (has_class.sum(axis=1) == 1).all():
        groupings = [has_class.argmax(axis=1)]
    else:
        groupings = list(has_class.T.astype(int))
    return any(_separates(_ranks(levels), groups, len(groupings)) for groups in groupings)


def _separates(ranks: np.ndarray, groups: np.ndarray, num_tests: int) -> bool:
    deviations = ranks - ranks.mean()
    total = np.sum(deviations**2)
    sizes = np.bincount(groups)
    num_groups = int(np.count_nonzero(sizes))
    if total == 0 or num_groups < 2:
        return False
    between = np.sum(np.bincount(groups, deviations) ** 2 / np.maximum(1, sizes))
    by_chance = _chi_squared(num_groups - 1, 0.01 / num_tests) / (len(ranks) - 1)
    return bool(between / total > max(MIN_SHARE, by_chance))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Returns the ranks, the mean of them where values are equal."""
    _, of_value, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[of_value]


def _chi_squared(freedom: int, exceeded: float) -> float:
    """Returns what chi-squared exceeds with this probability (Wilson and Hilferty, 1931)."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + NormalDist().inv_cdf(1 - exceeded) * np.sqrt(part)) ** 3


_SECOND = np.array([1, -2, 1], np.float32)
_IMMERKAER = np.outer(_SECOND, _SECOND) / 6  # noise of deviation 1 keeps deviation 1


def _slopes(image: np.ndarray) -> np.ndarray:
    """Returns squared slopes between neighbours, (H, W, C); 0 in the last row and column."""
    down, right = np.zeros_like(image), np.zeros_like(image)
    down[:-1, :-1] = image[1:, :-1] - image[:-1, :-1]
    right[:-1, :-1] = image[:-1, 1:] - image[:-1, :-1]
    return down**2 + right**2


def _block_means(plane: np.ndarray, side: int) -> np.ndarray:
    rows, columns = (length // side for length in plane.shape)
    cut = plane[: rows * side, : columns * side]
    return cut.reshape(rows, side, columns, side).mean(axis=(1, 3)).ravel()


def _blurred(image: np.ndarray, deviation: float) -> np.ndarray:
    blurred = cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)
    return blurred.reshape(image.shape)  # OpenCV drops a single channel


def _whole(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255)


def _itself(image: np.ndarray) -> np.ndarray:
    return image


def _with_noise(image: np.ndarray, deviation: float) -> np.ndarray:
    """The noise is drawn from the image's own content, so that it is the same at every check."""
    rng = np.random.default_rng(zlib.crc32(_whole(image).astype(np.uint8).tobytes()))
    return _whole(image + deviation * rng.standard_normal(image.shape, np.float32))


def _denoised(image: np.ndarray, strength: float) -> np.ndarray:
    """A bilateral filter leaves edges sharp: a blur would answer for sharpness as well."""
    deviation = strength * noise_deviation(image)
    if deviation < 1:
        return image
    planes = [image] if image.shape[-1] == 3 else np.split(image, image.shape[-1], axis=-1)
    filtered = [cv2.bilateralFilter(p, 5, deviation, 1.5).reshape(p.shape) for p in planes]
    return _whole(np.concatenate(filtered, axis=-1))


def _blurred_version(image: np.ndarray, deviation: float) -> np.ndarray:
    return _whole(_blurred(image, deviation))


def _sharpened(image: np.ndarray, amount: float) -> np.ndarray:
    return _whole(image + amount * (image - _blurred(image, 1.2)))


LADDERS = {
    "noise": Ladder(
        noise_level,
        (
            _itself,
            *(partial(_denoised, strength=s) for s in _DENOISING),
            *(partial(_with_noise, deviation=d) for d in _ADDED_NOISE),
        ),
    ),
    "sharpness": Ladder(
        sharpness_level,
        (
            _itself,
            *(partial(_blurred_version, deviation=d) for d in _BLURS),
            *(partial(_sharpened, amount=a) for a in _SHARPENING),
        ),
    ),
    "compression": Ladder(
        compression_level,
        (_itself, uncompress, *(partial(recompress, quality=q) for q in _QUALITIES)),
        (0.0, *map(level_of_quality, _QUALITIES)),
        (1, 3),
    ),
}


def middle(image: np.ndarray) -> np.ndarray:
    """Returns the part of an image in which its levels are measured.

    It begins at a multiple of 8 pixels, where JPEG's blocks begin.
    """
    starts = [max(0, length - MEASURED_SIDE) // 2 // BLOCK * BLOCK for length in image.shape[:2]]
    top, left = starts
    return image[top : top + MEASURED_SIDE, left : left + MEASURED_SIDE]
