"""Edits of pixels: something of each donor is put into its recipient. Pure functions on arrays.

All take recipients and donors of raw pixels, (m, H, W, C), pair by pair, and return float32
(m, H, W, C). Signals (m, length, C) and volumes (m, D, H, W, C) are edited alike: "size" is
(length,), (H, W) or (D, H, W), and a mask has that shape. Values may leave the range of the
pixels; `ValueRange.clip` puts them back.
"""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.boxes import box_slices
from keras_saliency.shortcuts.swaps import filters

RING_SHARE = 0.1  # of the shorter side, as in the statistic `border_enrichment`


def ring_mask(*size: int) -> np.ndarray:
    """Returns the outer ring, max(1, round(0.1 of the shortest side)) pixels wide, bool (H, W).

    Of a signal these are its two ends, of a volume its shell.
    """
    return ~_inner_mask(size, [_ring_width(size)] * len(size))


def next_ring_mask(*size: int) -> np.ndarray:
    """Returns the ring just inside the outer one, wide enough to have the same area.

    Of equal width it would be smaller, and a texture that fills the image would depend on it less.
    """
    width, area = _ring_width(size), ring_mask(*size).sum()
    inside = _inner_mask(size, [width] * len(size))
    for end in range(2 * width, min(size) // 2 + 1):
        ring = inside & ~_inner_mask(size, [end] * len(size))
        if ring.sum() >= area:
            return ring
    return inside


def _ring_width(size: Sequence[int]) -> int:
    return max(1, round(RING_SHARE * min(size)))


def middle_mask(*size: int) -> np.ndarray:
    """Returns the middle of the image, three fifths of each side, bool (H, W)."""
    return _inner_mask(size, [round(length / 5) for length in size])


def _inner_mask(size: Sequence[int], margins: Sequence[int]) -> np.ndarray:
    mask = np.zeros(size, bool)
    ends = [length - margin for length, margin in zip(size, margins, strict=True)]
    mask[box_slices([*margins, *ends])] = True
    return mask


def swap_pixels(recipients: np.ndarray, donors: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Puts the donors' pixels where `masks`, bool (H, W) or (m, H, W), is true."""
    masks = np.asarray(masks)[..., None]
    return np.where(masks, donors, recipients).astype(np.float32, copy=False)


def gains(images: np.ndarray, low: np.ndarray, share: float) -> np.ndarray:
    """Returns the quantile of each channel above `low`, (C,), float32 (n, C)."""
    axes = _space(images.ndim)
    return (np.quantile(images, share, axis=axes) - low).astype(np.float32)


def exchange_gains(
    recipients: np.ndarray, own: np.ndarray, lent: np.ndarray, low: np.ndarray
) -> np.ndarray:
    """Scales each channel about `low`, (C,), so that its gain is the donor's.

    What it sees: brightness, tint. A channel that is nearly all at `low` stays as it is.

    Args:
        recipients: (m, H, W, C).
        own: the recipients' `gains`, (m, C).
        lent: the donors' `gains`, (m, C).
        low: the least value of each channel, (C,).
    """
    is_dark = own <= 1e-6 * np.abs(own).max(initial=1e-12)
    ratios = np.divide(lent, own, out=np.ones_like(own), where=~is_dark)
    ratios = ratios.reshape(len(own), *[1] * len(_space(recipients.ndim)), -1)
    return ((recipients - low) * ratios + low).astype(np.float32)


def _space(num_axes: int) -> tuple[int, ...]:
    return tuple(range(1, num_axes - 1))


def grow(masks: np.ndarray, num_pixels: int) -> np.ndarray:
    """Returns masks, bool (m, H, W), grown by some pixels to each side, corners included."""
    return filters.box_any(masks, range(1, masks.ndim), num_pixels)


def mean_where(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Returns each pixel's mean over the images (n, H, W, C) in which its mask (n, H, W) is true.

    Where that is in fewer than two, the mean of all such pixels.
    """
    weights = masks[..., None].astype(np.float32)
    counts = weights.sum(axis=0)
    sums = (images * weights).sum(axis=0)
    axes = tuple(range(sums.ndim - 1))
    overall = sums.sum(axis=axes) / np.maximum(1, counts.sum(axis=axes))
    return np.where(counts < 2, overall, sums / np.maximum(1, counts)).astype(np.float32)


def without_smooth(picture: np.ndarray) -> np.ndarray:
    """Returns a picture (H, W, C) less itself blurred with a deviation of an eighth of its side."""
    *size, _ = picture.shape
    return picture - filters.gaussian(picture, range(len(size)), min(size) / 8)


def shift_by(recipients: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Adds a picture to each recipient, (m, H, W, C): a class's mean less that of its own.

    What it sees: whatever all images of a class share at one place, even where it is
    translucent or weak; what varies from image to image averages out.
    """
    return np.add(recipients, differences, dtype=np.float32)
