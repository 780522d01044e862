"""Flat backgrounds: where most of an image's outer ring has one colour."""

import functools
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.opencv import cv2, in_fours
from keras_saliency._utils.short_repr import short_repr

FLAT_SHARE = 0.6  # of the ring's pixels
FLAT_LEVELS = 12  # grey levels
NOISY_LEVELS = 3  # deviation of the ground above which the image is smoothed
SMOOTHINGS = (1, 3, 5)  # pixels
MAX_SIDE = 96  # pixels; larger images are reduced
RING_SHARE = 0.1  # of the shorter side
FRAME_SHARE = 0.2  # of the shorter side: the widest frame
FRAME_FLAT_SHARE = 0.95  # of each of its rings
PAGE_SHARE = 0.3  # of all images that must have a page's colour as their ground


def grey_levels(images: np.ndarray) -> np.ndarray:
    """Returns images as grey levels, 1/255 of the range that all of them have.

    Args:
        images: array (n, H, W, C), any dtype and range, finite.

    Returns:
        uint8 array (n, h, w, C), reduced to at most 96 pixels a side.
    """
    low, high = float(images.min()), float(images.max())
    scale = 255 / (high - low or 1)
    num, height, width, channels = images.shape
    shrink = min(1, MAX_SIDE / max(height, width))
    size = [max(1, round(shrink * side)) for side in (height, width)]
    levels = np.empty((num, *size, channels), np.uint8)
    for image, place in zip(images, levels, strict=True):
        pixels = image.astype(np.float32)
        if shrink < 1:
            parts = [
                cv2.resize(some, size[::-1], interpolation=cv2.INTER_AREA)
                for some in in_fours(pixels)
            ]
            pixels = np.dstack(parts)
        place[...] = np.rint((pixels.reshape(place.shape) - low) * scale).clip(0, 255)
    return levels


@short_repr
@dataclass(frozen=True, eq=False)
class Ground:
    """The background of one image.

    Attributes:
        colour: float32 (C,), grey levels.
        flat_share: the share of the ring that has this colour.
        frame: pixels by which a frame around the image is wide; 0 without one.
        smoothing: pixels over which noise has to be averaged.
        noise: deviation of the ring from the colour after that, in grey levels.
    """

    colour: np.ndarray
    flat_share: float
    frame: int = 0
    smoothing: int = 1
    noise: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Whether most of the ring has this colour."""
        return self.flat_share >= FLAT_SHARE


def find_grounds(levels: np.ndarray) -> list[Ground]:
    """Returns the background of each image (h, w, C) in grey levels.

    A ring of one colour around another colour may be a frame around a page, or the ground around
    an object that fills the image. It is a frame where the inner colour is a usual ground; else
    the image has no flat ground.
    """
    pages = [find_page(image) for image in levels]
    plain = [ground_of(image) for image in levels]
    usual = np.stack([p if f else g.colour for (f, p), g in zip(pages, plain, strict=True)])
    grounds = []
    for image, (frame, page), ground in zip(levels, pages, plain, strict=True):
        if not frame:
            grounds.append(ground)
        elif (~differs(usual, page)).mean() >= PAGE_SHARE:
            grounds.append(ground_of(image[frame:-frame, frame:-frame], frame))
        else:
            grounds.append(Ground(ground.colour, 0.0))
    return grounds


def ground_of(image: np.ndarray, frame: int = 0) -> Ground:
    """Returns the background of an image (h, w, C) in grey levels, as its outer ring has it."""
    thickness = max(1, round(RING_SHARE * min(image.shape[:2])))
    best = Ground(image[0, 0], -1.0)
    for smoothing in SMOOTHINGS:
        pixels = ring_of(smoothed(image, smoothing), thickness)
        colour = np.median(pixels, axis=0)
        is_flat = ~differs(pixels, colour)
        deviations = np.abs(pixels[is_flat] - colour)
        noise = 1.4826 * float(np.median(deviations, axis=0).max()) if is_flat.any() else 0.0
        ground = Ground(colour, float(is_flat.mean()), frame, smoothing, noise)
        if ground.flat_share > best.flat_share:
            best = ground
        if noise <= NOISY_LEVELS:
            break
    return best


def find_page(image: np.ndarray) -> tuple[int, np.ndarray]:
    """Returns how wide a frame around an image (h, w, C) may be, 0 for none; and what is inside.

    The latter is the colour at the corners inside the frame, NaN where they differ.
    """
    outer = np.median(ring_of(image, 1), axis=0)
    for depth in range(1 + int(FRAME_SHARE * min(image.shape[:2]))):
        share = differs(ring_of(image, 1, depth), outer).mean()
        if share <= 1 - FRAME_FLAT_SHARE:
            continue
        # Around an object that fills the image, the corners still show the ground.
        if depth and share >= FLAT_SHARE and differs(corners_of(image, depth), outer).sum() >= 3:
            inner = np.median(corners_of(image, depth + 1), axis=0)
            is_soft = differs(corners_of(image, depth), inner).sum() >= 3  # half frame, half page
            is_one = (~differs(corners_of(image, depth + 1), inner)).sum() >= 3
            return depth + is_soft, inner if is_one else np.full_like(inner, np.nan)
        break
    return 0, outer


def differs(pixels: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Returns where pixels (…, C) are not of a colour (C,), in any channel; bool (…).

    NaN is no colour, and differs from all.
    """
    return ~(distances(pixels, colour) <= FLAT_LEVELS)


def distances(pixels: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Returns how far pixels (…, C) are from a colour (…, C), in the channel that differs most."""
    channels = range(np.shape(pixels)[-1])
    # Ten times as fast as `max` over an axis this short.
    return functools.reduce(
        np.maximum, (np.abs(pixels[..., c] - np.float32(colour[..., c])) for c in channels)
    )


def smoothed(image: np.ndarray, pixels: int) -> np.ndarray:
    """Returns an image (H, W, C) averaged over squares so many pixels wide, float32."""
    image = image.astype(np.float32)
    if pixels == 1:
        return image
    return cv2.blur(image, (pixels, pixels)).reshape(image.shape)  # it drops an axis of length 1


def ring_of(image: np.ndarray, thickness: int, depth: int = 0) -> np.ndarray:
    """Returns the pixels (m, C) of the ring, so many pixels wide, at a depth of an image."""
    height, width, channels = image.shape
    image = image[depth : height - depth, depth : width - depth]
    inner = slice(thickness, -thickness)
    sides = image[inner, :thickness], image[inner, -thickness:]
    parts = (image[:thickness], image[-thickness:], *sides)
    return np.concatenate([part.reshape(-1, channels) for part in parts]).astype(np.float32)


def corners_of(image: np.ndarray, depth: int) -> np.ndarray:
    """Returns the four corner pixels (4, C) at a depth of an image (h, w, C), float32."""
    ends = depth, -1 - depth
    return np.stack([image[y, x] for y in ends for x in ends]).astype(np.float32)
