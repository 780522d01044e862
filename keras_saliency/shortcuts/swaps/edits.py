"""Edits of pixels: something of each donor is put into its recipient. Pure functions.

What changes images (m, H, W, C) takes and returns float32 tensors, in a compiled graph; what is
computed once for each image, or for a scene, takes and returns arrays. Signals (m, length, C) and
volumes (m, D, H, W, C) are edited alike: "size" is (length,), (H, W) or (D, H, W), and a mask has
that shape. Values may leave the range of the pixels; `Bank.clipped` puts them back.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

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


def swap_pixels(recipients: tf.Tensor, donors: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """Puts the donors' pixels where `masks`, bool (H, W) or (m, H, W), is true."""
    return tf.where(masks[..., None], donors, recipients)


def swap_boxes(recipients: tf.Tensor, donors: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Puts the donors' pixels into boxes (m, 4).

    In rows of values, not of pixels: an inner loop over few channels takes XLA twice as long.
    """
    *size, num_channels = recipients.shape[1:]
    rows = [*size[:-1], size[-1] * num_channels]
    places = boxes * ([*[1] * (len(size) - 1), num_channels] * 2)
    lent, own = (tf.reshape(images, [-1, *rows]) for images in (donors, recipients))
    edited = tf.where(inside_boxes(places, rows), lent, own)
    return tf.reshape(edited, [-1, *size, num_channels])


def inside_boxes(boxes: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Returns bool (m, H, W), true in the boxes (m, 4): starts, then ends."""
    num_axes = len(size)
    inside = tf.ones([1] * (1 + num_axes), bool)
    for axis, length in enumerate(size):
        place = tf.range(length, dtype=boxes.dtype)
        is_in = (place >= boxes[:, axis, None]) & (place < boxes[:, num_axes + axis, None])
        inside &= tf.reshape(is_in, [-1, *(length if a == axis else 1 for a in range(num_axes))])
    return inside


def gains(images: np.ndarray, low: np.ndarray, share: float) -> np.ndarray:
    """Returns the quantile of each channel above `low`, (C,), float32 (n, C)."""
    axes = tuple(range(1, images.ndim - 1))
    return (np.quantile(images, share, axis=axes) - low).astype(np.float32)


def ratios_of_gains(own: np.ndarray, lent: np.ndarray) -> np.ndarray:
    """Returns by what each channel is to be scaled so that its gain is the donor's, (m, C).

    Of a channel that is nearly all at its least value that is 1.
    """
    is_dark = own <= 1e-6 * np.abs(own).max(initial=1e-12)
    return np.divide(lent, own, out=np.ones_like(own), where=~is_dark)


def scale_channels(images: tf.Tensor, ratios: tf.Tensor, low: np.ndarray) -> tf.Tensor:
    """Scales the channels of images (m, H, W, C) by ratios (m, C) about `low`, (C,).

    What it sees: brightness, tint.
    """
    return (images - low) * _of_channels(ratios, images) + low


def shift_channels(images: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Adds (m, C) to the channels of images (m, H, W, C).

    What it sees: a colour cast.
    """
    return images + _of_channels(shifts, images)


def _of_channels(numbers: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Numbers (m, C) in the shape of images, (m, 1, 1, C)."""
    return tf.reshape(numbers, [-1, *[1] * (images.shape.rank - 2), images.shape[-1]])


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
