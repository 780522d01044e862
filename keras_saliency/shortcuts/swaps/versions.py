"""Ladders: versions of an image that differ in one property of its acquisition and keep the rest.

Images here are float32 (H, W, C) in grey levels, 0 … 255; so are versions, in whole ones.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.shortcuts.swaps.acquisition import (
    MAX_CHANNELS,
    blurred,
    compression_levels,
    noise_deviation,
    noise_level,
    sharpness_level,
)
from keras_saliency.shortcuts.swaps.compression import level_of_quality, recompress, uncompress

_ADDED_NOISE = (2, 3.5, 5.5, 8, 12, 17, 24, 34)  # deviations, grey levels
_DENOISING = (1.5, 3)  # of the bilateral filter, in deviations of the image's noise
_BLURS = (0.35, 0.5, 0.65, 0.8, 1.0, 1.3, 1.8)  # deviations, pixels
_SHARPENING = (2, 6, 20)  # steps of deconvolution
_QUALITIES = (88, 76, 62, 48, 36, 26, 18, 12, 8, 5, 1)

Level = Callable[[np.ndarray], np.ndarray]
Version = Callable[[np.ndarray], np.ndarray]


class Ladder(NamedTuple):
    """How a property is measured, and the versions of an image that differ in it.

    Attributes:
        level: function from images (n, H, W, C) to their levels, float32 (n,).
        versions: functions from an image (H, W, C) to a version, the first to the image itself.
        known_levels: the levels that versions have by construction, whatever the image, or None
            where they are measured; one for each version after the first.
        channels: numbers of channels that images of this ladder may have.
        is_by_channel: whether versions change each channel by itself, whatever the others hold.
    """

    level: Level
    versions: tuple[Version, ...]
    known_levels: tuple[float, ...] | None = None
    channels: tuple[int, ...] = tuple(range(1, MAX_CHANNELS + 1))
    is_by_channel: bool = False

    def make(self, images: np.ndarray, rung: int) -> np.ndarray:
        """Returns a version of each of some images, (m, H, W, C): 32 at most."""
        version = self.versions[rung]
        if not self.is_by_channel:
            return np.stack([version(image) for image in images])
        num, *size, num_channels = images.shape
        slab = np.ascontiguousarray(np.moveaxis(images, 0, 2)).reshape(*size, -1)
        return np.moveaxis(version(slab).reshape(*size, num, num_channels), 2, 0)

    def levels(self, image: np.ndarray) -> np.ndarray:
        """Returns the levels of an image's versions, float32 (v,)."""
        if self.known_levels is not None:
            return np.array([*self.level(image[None]), *self.known_levels], np.float32)
        return self.level(np.stack([version(image) for version in self.versions]))


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
    deviation = strength * float(noise_deviation(image[None])[0])
    if deviation < 1:
        return image
    planes = [image] if image.shape[-1] == 3 else np.split(image, image.shape[-1], axis=-1)
    filtered = [cv2.bilateralFilter(p, 5, deviation, 1.5).reshape(p.shape) for p in planes]
    return _whole(np.concatenate(filtered, axis=-1))


def _blurred_version(image: np.ndarray, deviation: float) -> np.ndarray:
    return _whole(blurred(image, deviation))


def _sharpened(image: np.ndarray, num_steps: int) -> np.ndarray:
    """Undoes a blur of one pixel, step by step (Richardson, 1972, and Lucy, 1974).

    Unsharp masking, as strong, cost clean networks twice as much accuracy.
    """
    given = image + 1  # the method divides
    found = given
    for _ in range(num_steps):
        found = found * blurred(given / np.maximum(blurred(found, 1), 1), 1)
    return _whole(found - 1)


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
            *(partial(_sharpened, num_steps=n) for n in _SHARPENING),
        ),
        is_by_channel=True,
    ),
    "compression": Ladder(
        compression_levels,
        (_itself, uncompress, *(partial(recompress, quality=q) for q in _QUALITIES)),
        (0.0, *map(level_of_quality, _QUALITIES)),
        (1, 3),
    ),
}
