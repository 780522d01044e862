"""How images were acquired: levels of noise, sharpness and compression.

A level is a number that says how strong a property is in one image. Images here are float32
(n, H, W, C) in grey levels, 0 … 255, with at least `MIN_SIDE` pixels on each side and at most
`MAX_CHANNELS` channels.
"""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.shortcuts.swaps.compression import BLOCK, compression_level

MIN_SIDE = 8  # pixels
MIN_CORNER = 12  # pixels: of fewer, sharpness says too little
MAX_CHANNELS = 4
MEASURED_SIDE = 96  # pixels of the middle, in which levels of larger images are measured
MIN_SHARE = 0.05  # of the variance of ranks, that lies between classes
AT_ONCE = 32  # images, as channels of one: OpenCV takes up to 128


def noise_level(images: np.ndarray) -> np.ndarray:
    """Returns the noise of images (n, H, W, C), log2(1 + deviation in grey levels), (n,).

    Where an image is smoothest, what differs from its neighbours is noise. See
    `noise_deviation`.
    """
    return np.log2(1 + noise_deviation(images))


def noise_deviation(images: np.ndarray) -> np.ndarray:
    """Estimates the deviation of images' noise, in grey levels, float32 (n,).

    From what the mask (1 −2 1) × (1 −2 1) leaves of an image (Immerkær, Fast noise variance
    estimation, 1996), in the quarter of its small blocks whose blurred slopes are least: the
    median over those blocks, since elsewhere the mask answers to texture.
    """
    return _in_parts(_noise_deviation, images)


def _noise_deviation(images: np.ndarray) -> np.ndarray:
    num, height, width, num_channels = images.shape
    side = int(np.clip(min(height, width) // 8, 2, 8))
    slab = np.ascontiguousarray(np.moveaxis(images, 0, 2)).reshape(height, width, -1)
    residual = np.abs(_as_slab(cv2.filter2D(slab, -1, _IMMERKAER)))
    in_blocks, steep = (
        _block_means(of[1:-1, 1:-1], side).reshape(-1, num, num_channels).mean(axis=2)
        for of in (residual, slopes(blurred(slab, 1)))
    )
    number = max(1, len(steep) // 4)
    smoothest = np.argpartition(steep, number - 1, axis=0)[:number]
    chosen = np.take_along_axis(in_blocks, smoothest, axis=0)
    return (np.median(chosen, axis=0) * np.sqrt(np.pi / 2)).astype(np.float32)


def sharpness_level(images: np.ndarray) -> np.ndarray:
    """Returns how steep images' edges are, in octaves, float32 (n,): 1.3 if sharp, 0 if blurred.

    Half of log2 of squared slopes over those of the image blurred by one pixel, at the twentieth
    of the pixels where the latter are largest; contrast cancels. Noise steepens edges as well, so
    what slopes have where the image is smoothest is subtracted.
    """
    return _in_parts(_sharpness_level, images)


def _sharpness_level(images: np.ndarray) -> np.ndarray:
    slab = np.ascontiguousarray(np.moveaxis(images.mean(axis=-1), 0, -1))
    fine, coarse = (
        np.ascontiguousarray(slopes(of).reshape(-1, len(images)).T)
        for of in (slab, blurred(slab, 1))
    )
    number, num_smooth = max(4, fine.shape[1] // 20), fine.shape[1] // 4
    order = np.argpartition(coarse, (num_smooth, -number), axis=1)
    smooth, steep = order[:, :num_smooth], order[:, -number:]
    noise = np.median(np.take_along_axis(fine, smooth, axis=1), axis=1)
    of_fine = np.take_along_axis(fine, steep, axis=1).mean(axis=1)
    of_coarse = np.take_along_axis(coarse, steep, axis=1).mean(axis=1)
    # The 1 keeps flat images, whose slopes are less than a grey level, at 0.
    return np.log2((np.maximum(0, of_fine - noise) + 1) / (of_coarse + 1)) / 2


def compression_levels(images: np.ndarray) -> np.ndarray:
    """Returns each image's `compression_level`, float32 (n,); grey or RGB, in whole levels."""
    return np.array([compression_level(image) for image in images], np.float32)


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
    groupings = _groupings(has_class)
    for groups in groupings:
        num_groups = len(np.unique(groups))
        if num_groups > 1:
            chance = _chi_squared(num_groups - 1, 0.01 / len(groupings)) / (len(levels) - 1)
            if _share_between(levels, groups) > max(MIN_SHARE, chance):
                return True
    return False


def class_share(levels: np.ndarray, has_class: np.ndarray) -> float:
    """Returns the share of the variance of ranks that lies between classes, in [0, 1].

    In a multi-label task, between having a label and not, for the label where it is largest.

    Args:
        levels: float (n,).
        has_class: bool (n, k).
    """
    return max(_share_between(levels, groups) for groups in _groupings(has_class))


def _groupings(has_class: np.ndarray) -> list[np.ndarray]:
    if (has_class.sum(axis=1) == 1).all():
        return [has_class.argmax(axis=1)]
    return list(has_class.T.astype(int))


def _share_between(levels: np.ndarray, groups: np.ndarray) -> float:
    ranks = _ranks(np.asarray(levels, np.float64))
    deviations = ranks - ranks.mean()
    between = np.sum(np.bincount(groups, deviations) ** 2 / np.maximum(1, np.bincount(groups)))
    return float(between / max(np.sum(deviations**2), 1e-12))


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


def _in_parts(level: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    starts = range(0, max(1, len(images)), AT_ONCE)
    return np.concatenate([level(images[start : start + AT_ONCE]) for start in starts])


def slopes(slab: np.ndarray) -> np.ndarray:
    """Returns squared slopes between neighbours, (H, W, C); 0 in the last row and column."""
    slopes = np.zeros_like(slab)
    slopes[:-1, :-1] = (slab[1:, :-1] - slab[:-1, :-1]) ** 2
    slopes[:-1, :-1] += (slab[:-1, 1:] - slab[:-1, :-1]) ** 2
    return slopes


def _block_means(slab: np.ndarray, side: int) -> np.ndarray:
    """Returns the means over whole blocks of (H, W, C), (b, C)."""
    rows, columns = slab.shape[0] // side, slab.shape[1] // side
    cut = slab[: rows * side, : columns * side]
    return cut.reshape(rows, side, columns, side, -1).mean(axis=(1, 3)).reshape(rows * columns, -1)


def blurred(slab: np.ndarray, deviation: float) -> np.ndarray:
    """Returns channels (H, W, C), each blurred, mirrored at the edges."""
    return _as_slab(cv2.GaussianBlur(slab, (0, 0), deviation, borderType=cv2.BORDER_REFLECT))


def _as_slab(filtered: np.ndarray) -> np.ndarray:
    """Returns (H, W, C) where OpenCV has dropped a single channel."""
    return filtered if filtered.ndim == 3 else filtered[..., None]


def middle(image: np.ndarray) -> np.ndarray:
    """Returns the part of an image in which its levels are measured.

    It begins at a multiple of 8 pixels, where JPEG's blocks begin.
    """
    starts = [max(0, length - MEASURED_SIDE) // 2 // BLOCK * BLOCK for length in image.shape[:2]]
    top, left = starts
    return image[top : top + MEASURED_SIDE, left : left + MEASURED_SIDE]


def edge_strips(image: np.ndarray) -> tuple[np.ndarray, ...]:
    """Returns what lies along the four sides of an image (H, W, C), where objects seldom are.

    A quarter of the image each, or 24 pixels of a larger one, and `MIN_SIDE` at least.
    """
    height, width = (_share_of(length, 4, MIN_SIDE) for length in image.shape[:2])
    return image[:height], image[-height:], image[:, :width], image[:, -width:]


def corners(image: np.ndarray, least: int = MIN_CORNER) -> tuple[np.ndarray, ...]:
    """Returns the four corners of an image (H, W, C), a third of its sides, `least` … 32 pixels."""
    height, width = (_share_of(length, 3, least) for length in image.shape[:2])
    upper, lower = image[:height], image[-height:]
    return upper[:, :width], upper[:, -width:], lower[:, :width], lower[:, -width:]


def _share_of(length: int, number: int, least: int) -> int:
    return max(least, round(min(length, MEASURED_SIDE) / number))
