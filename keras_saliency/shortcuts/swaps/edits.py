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
_FLAT = 1e-6  # a channel that varies less than this share of its size is constant

Statistics = tuple[np.ndarray, np.ndarray]  # each channel's mean and standard deviation


def ring_mask(*size: int) -> np.ndarray:
    """Returns the outer ring, max(1, round(0.1 of the shortest side)) pixels wide, bool (H, W).

    Of a signal these are its two ends, of a volume its shell.
    """
    return ~_inner_mask(size, [max(1, round(RING_SHARE * min(size)))] * len(size))


def centre_mask(*size: int) -> np.ndarray:
    """Returns a rectangle in the middle of the ring's area, nearly, bool (H, W)."""
    scale = ring_mask(*size).mean() ** (1 / len(size))
    mask = np.zeros(size, bool)
    sides = [round(scale * length) for length in size]
    starts = [(length - side) // 2 for length, side in zip(size, sides, strict=True)]
    mask[box_slices([*starts, *(a + b for a, b in zip(starts, sides, strict=True))])] = True
    return mask


def middle_mask(*size: int) -> np.ndarray:
    """Returns the middle of the image, three fifths of each side, bool (H, W)."""
    return _inner_mask(size, [round(length / 5) for length in size])


def surroundings_mask(*size: int) -> np.ndarray:
    """Returns all but the middle half of each side (of an image, a quarter), bool (H, W)."""
    return ~_inner_mask(size, [round(length / 4) for length in size])


def _inner_mask(size: Sequence[int], margins: Sequence[int]) -> np.ndarray:
    mask = np.zeros(size, bool)
    ends = [length - margin for length, margin in zip(size, margins, strict=True)]
    mask[box_slices([*margins, *ends])] = True
    return mask


def swap_pixels(recipients: np.ndarray, donors: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Puts the donors' pixels where `masks`, bool (H, W) or (m, H, W), is true."""
    masks = np.asarray(masks)[..., None]
    return np.where(masks, donors, recipients).astype(np.float32, copy=False)


def swap_ring(recipients: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Puts the donor's outer ring around the recipient: tags at the edge, frames."""
    return swap_pixels(recipients, donors, ring_mask(*np.shape(recipients)[1:-1]))


def swap_statistics(recipients: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Gives the recipient each channel's mean and standard deviation of the donor.

    What it sees: tint, brightness, contrast. A constant channel takes the mean only.
    """
    return exchange_statistics(recipients, statistics(recipients), statistics(donors))


def statistics(images: np.ndarray) -> Statistics:
    """Returns each channel's mean and standard deviation, float64 (n, 1, 1, C) each."""
    axes = _space(np.ndim(images))
    images = np.asarray(images, np.float64)
    return images.mean(axis=axes, keepdims=True), images.std(axis=axes, keepdims=True)


def exchange_statistics(recipients: np.ndarray, own: Statistics, lent: Statistics) -> np.ndarray:
    """Is `swap_statistics` of recipients (m, H, W, C), given their `statistics` and the donors'."""
    (mean, deviation), (donor_mean, donor_deviation) = own, lent
    is_flat = deviation <= _FLAT * np.maximum(np.abs(mean), np.abs(donor_mean))
    ratio = np.divide(donor_deviation, deviation, out=np.ones_like(mean), where=~is_flat)
    shift = donor_mean - mean * ratio
    recipients = np.asarray(recipients, np.float32)
    return recipients * ratio.astype(np.float32) + shift.astype(np.float32)


def swap_amplitude(recipients: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Gives the recipient the donor's Fourier amplitudes and leaves its phases.

    What it sees: patterns and textures all over the image. In clean networks it moves
    predictions as well, because the amplitudes hold something of the object's shape.
    """
    of_both = spectra(np.concatenate([recipients, donors]))
    first, second = np.split(np.arange(len(of_both)), 2)
    return exchange_amplitudes(of_both, first, second, np.shape(recipients)[1:-1])


def spectra(images: np.ndarray) -> np.ndarray:
    """Returns Fourier spectra of images (n, H, W, C), complex (n, H, W // 2 + 1, C)."""
    return np.fft.rfftn(np.asarray(images, np.float32), axes=_space(np.ndim(images)))


def exchange_amplitudes(
    of_images: np.ndarray, recipients: np.ndarray, donors: np.ndarray, size: Sequence[int]
) -> np.ndarray:
    """Is `swap_amplitude` of some of the images whose `spectra` are given, int (m,) and (m,).

    `size` is their (H, W), which spectra do not tell.
    """
    amplitudes = np.abs(of_images)
    own = amplitudes[recipients]
    ratio = np.divide(amplitudes[donors], own, out=np.ones_like(own), where=own > 0)
    edited = np.fft.irfftn(of_images[recipients] * ratio, size, axes=_space(of_images.ndim))
    return edited.astype(np.float32)


def _space(num_axes: int) -> tuple[int, ...]:
    return tuple(range(1, num_axes - 1))


def swap_background(
    recipients: np.ndarray,
    donors: np.ndarray,
    recipient_masks: np.ndarray,
    holes: np.ndarray,
    fill: np.ndarray | None = None,
) -> np.ndarray:
    """Puts the donor's pixels off the recipient's object.

    What it sees: any cue off the object. In holes, bool (m, H, W), where the donors' objects
    are, it puts those of `fill`, (m, H, W, C); the recipient's own where none is given.
    """
    lent = swap_pixels(donors, recipients if fill is None else fill, holes)
    return swap_pixels(lent, recipients, recipient_masks)


def complete(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Fills holes, bool (m, H, W), of images with what surrounds them, float32 (m, H, W, C).

    With the mean of all that is known of an image, in whose place come means over windows of a
    half, a fourth, an eighth and a sixteenth of the shortest side, each as far as its window is
    known. Where nothing is known of an image it stays as it is.
    """
    images = np.asarray(images, np.float32)
    is_known = ~holes
    filled = mean_inside(images, is_known)
    for part in (2, 4, 8, 16):
        means, known = mean_around(images, is_known, max(3, min(holes.shape[1:]) // part))
        filled = known * means + (1 - known) * filled
    is_filled = holes & is_known.any(axis=_space(images.ndim), keepdims=True)
    return np.where(is_filled[..., None], filled, images)


def fineness(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Returns how much of what varies inside of masks, bool (n, H, W), is fine, (n,).

    The mean square of what differs from its surroundings, a window of a sixteenth of the
    shortest side, over the variance; infinite where a mask is empty.
    """
    images = np.asarray(images, np.float32)
    axes = _space(images.ndim)
    around, _ = mean_around(images, masks, max(3, round(min(masks.shape[1:]) / 16)))

    def energy(of: np.ndarray) -> np.ndarray:
        return (of**2 * masks[..., None]).sum(axis=(*axes, -1), dtype=np.float64)

    fine, all_of_it = energy(images - around), energy(images - mean_inside(images, masks))
    share = np.divide(fine, all_of_it, out=np.zeros_like(fine), where=all_of_it > 0)
    return np.where(masks.any(axis=axes), share, np.inf)


def mean_inside(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Returns each channel's mean inside of masks, bool (n, H, W), (n, 1, 1, C); 0 of nothing."""
    axes = _space(images.ndim)
    counts = np.maximum(1, masks.sum(axis=axes, keepdims=True))[..., None]
    sums = (images * masks[..., None]).sum(axis=axes, keepdims=True, dtype=np.float64)
    return (sums / counts).astype(np.float32)


def mean_around(images: np.ndarray, masks: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns means over windows of what lies in masks, and which share of a window does.

    (m, H, W, C) and (m, H, W, 1); a mean is 0 where its window holds nothing.
    """
    axes = _space(images.ndim)
    shares = filters.box_mean(masks[..., None].astype(np.float32), axes, size)
    sums = filters.box_mean(images * masks[..., None], axes, size)
    is_any = shares > 0.5 / size ** len(axes)  # less is nothing, but for rounding
    means = np.divide(sums, shares, out=np.zeros_like(sums), where=is_any)
    return means, np.where(is_any, shares, 0)


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


def common_share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns how much of the mean of two pictures (H, W, C) both have, 0 … 1, (H, W, 1).

    Twice the covariance of the two over the variance of their mean, around each pixel: 0
    where they are independent, 1 where at least half of the variance is of both.
    """
    *size, _ = first.shape
    window = max(3, round(min(size) / 8))

    def around(picture: np.ndarray) -> np.ndarray:
        return filters.box_mean(picture.sum(axis=-1), range(len(size)), window)

    covariance, variance = around(first * second), around(((first + second) / 2) ** 2)
    share = np.divide(covariance, variance, out=np.zeros_like(variance), where=variance > 0)
    return np.clip(2 * share, 0, 1)[..., None]


def shift_by(recipients: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Adds a picture to each recipient, (m, H, W, C): a class's mean less that of its own.

    What it sees: whatever all images of a class share at one place, even where it is
    translucent or weak; what varies from image to image averages out.
    """
    return np.add(recipients, differences, dtype=np.float32)
