"""Edits of pixels: something of each donor is put into its recipient. Pure functions on arrays.

All take recipients and donors of raw pixels, (m, H, W, C), pair by pair, and return float32
(m, H, W, C). Values may leave the range of the pixels; `PixelRange.clip` puts them back.
"""

import numpy as np

from keras_saliency.opencv import cv2

RING_SHARE = 0.1  # of the shorter side, as in the statistic `border_enrichment`
_FLAT = 1e-6  # a channel that varies less than this share of its size is constant


def ring_mask(height: int, width: int) -> np.ndarray:
    """Returns the outer ring, max(1, round(0.1 min(H, W))) pixels wide, bool (H, W)."""
    ring = max(1, round(RING_SHARE * min(height, width)))
    mask = np.ones((height, width), bool)
    mask[ring : height - ring, ring : width - ring] = False
    return mask


def centre_mask(height: int, width: int) -> np.ndarray:
    """Returns a rectangle in the middle of the ring's area, nearly, bool (H, W)."""
    scale = np.sqrt(ring_mask(height, width).mean())
    mask = np.zeros((height, width), bool)
    h, w = round(scale * height), round(scale * width)
    top, left = (height - h) // 2, (width - w) // 2
    mask[top : top + h, left : left + w] = True
    return mask


def middle_mask(height: int, width: int) -> np.ndarray:
    """Returns the middle of the image, three fifths of each side, bool (H, W)."""
    mask = np.zeros((height, width), bool)
    top, left = round(height / 5), round(width / 5)
    mask[top : height - top, left : width - left] = True
    return mask


def surroundings_mask(height: int, width: int) -> np.ndarray:
    """Returns all but the middle quarter of the image, bool (H, W)."""
    mask = np.ones((height, width), bool)
    top, left = round(height / 4), round(width / 4)
    mask[top : height - top, left : width - left] = False
    return mask


def swap_pixels(recipients, donors, masks) -> np.ndarray:
    """Puts the donors' pixels where `masks`, bool (H, W) or (m, H, W), is true."""
    masks = np.asarray(masks)[..., None]
    return np.where(masks, donors, recipients).astype(np.float32)


def swap_ring(recipients, donors) -> np.ndarray:
    """Puts the donor's outer ring around the recipient: tags at the edge, frames."""
    return swap_pixels(recipients, donors, ring_mask(*np.shape(recipients)[1:3]))


def swap_statistics(recipients, donors) -> np.ndarray:
    """Gives the recipient each channel's mean and standard deviation of the donor.

    What it sees: tint, brightness, contrast. A constant channel takes the mean only.
    """
    recipients, donors = np.asarray(recipients, np.float64), np.asarray(donors, np.float64)
    mean, donor_mean = (x.mean(axis=(1, 2), keepdims=True) for x in (recipients, donors))
    deviation, donor_deviation = (x.std(axis=(1, 2), keepdims=True) for x in (recipients, donors))
    is_flat = deviation <= _FLAT * np.maximum(np.abs(mean), np.abs(donor_mean))
    ratio = np.divide(donor_deviation, deviation, out=np.ones_like(mean), where=~is_flat)
    return ((recipients - mean) * ratio + donor_mean).astype(np.float32)


def swap_amplitude(recipients, donors) -> np.ndarray:
    """Gives the recipient the donor's Fourier amplitudes and leaves its phases.

    What it sees: patterns and textures all over the image. In clean networks it moves
    predictions as well, because the amplitudes hold something of the object's shape.
    """
    spectrum = np.fft.rfft2(np.asarray(recipients, np.float32), axes=(1, 2))
    amplitude = np.abs(np.fft.rfft2(np.asarray(donors, np.float32), axes=(1, 2)))
    size = np.abs(spectrum)
    ratio = np.divide(amplitude, size, out=np.ones_like(size), where=size > 0)
    edited = np.fft.irfft2(spectrum * ratio, np.shape(recipients)[1:3], axes=(1, 2))
    return edited.astype(np.float32)


def swap_background(recipients, donors, recipient_masks, donor_masks, holes=False) -> np.ndarray:
    """Puts the donor's pixels wherever neither has its object.

    What it sees: any cue off the object. `holes`, bool (m, H, W), are left alone too.
    """
    return swap_pixels(recipients, donors, ~(recipient_masks | donor_masks | holes))


def box_masks(boxes, size, without=None) -> np.ndarray:
    """Returns which pixels lie in each box, bool (m, H, W).

    Args:
        boxes: int (m, 4) = (y0, x0, y1, x1), half-open, in pixels.
        size: (H, W).
        without: bool (m, H, W), pixels that are left out. Defaults to None.
    """
    masks = np.zeros((len(boxes), *size), bool)
    for mask, (y0, x0, y1, x1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    return masks if without is None else masks & ~without


def grow(masks, num_pixels) -> np.ndarray:
    """Returns masks, bool (m, H, W), grown by some pixels to each side, corners included."""
    kernel = np.ones((2 * num_pixels + 1,) * 2, np.uint8)
    return np.stack([cv2.dilate(mask.astype(np.uint8), kernel) > 0 for mask in masks])


def mean_where(images, masks) -> np.ndarray:
    """Returns each pixel's mean over the images (n, H, W, C) in which its mask (n, H, W) is true.

    Where that is in fewer than two, the mean of all such pixels.
    """
    weights = masks[..., None].astype(np.float32)
    counts = weights.sum(axis=0)
    sums = (images * weights).sum(axis=0)
    overall = sums.sum(axis=(0, 1)) / np.maximum(1, counts.sum(axis=(0, 1)))
    return np.where(counts < 2, overall, sums / np.maximum(1, counts)).astype(np.float32)


def without_smooth(picture) -> np.ndarray:
    """Returns a picture (H, W, C) less itself blurred with a deviation of an eighth of its side."""
    deviation = min(picture.shape[:2]) / 8
    blurred = cv2.GaussianBlur(picture, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)
    return picture - blurred.reshape(picture.shape)


def common_share(first, second) -> np.ndarray:
    """Returns how much of the mean of two pictures (H, W, C) both have, 0 … 1, (H, W, 1).

    Twice the covariance of the two over the variance of their mean, around each pixel: 0
    where they are independent, 1 where at least half of the variance is of both.
    """
    size = max(3, round(min(first.shape[:2]) / 8))

    def around(picture):
        return cv2.blur(picture.sum(axis=-1), (size, size))

    covariance, variance = around(first * second), around(((first + second) / 2) ** 2)
    share = np.divide(covariance, variance, out=np.zeros_like(variance), where=variance > 0)
    return np.clip(2 * share, 0, 1)[..., None]


def shift_by(recipients, differences) -> np.ndarray:
    """Adds a picture to each recipient, (m, H, W, C): a class's mean less that of its own.

    What it sees: whatever all images of a class share at one place, even where it is
    translucent or weak; what varies from image to image averages out.
    """
    return (np.asarray(recipients, np.float32) + differences).astype(np.float32)
