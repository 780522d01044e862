"""From model input back to a picture: known pixel ranges are undone for drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.notify import notify
from keras_saliency.rendering.checks import check_numbers


@dataclass(frozen=True)
class _DisplayRange:
    """A preprocessing that is recognised by the values it leaves.

    Attributes:
        name: how a notice calls it.
        low, high: what black and white become, one number or one per channel.
        slack: how far resizing may overshoot either end.
        min_highest: the set's largest value must reach this; a set that stays
            below belongs to some smaller range.
        is_bgr: the channels are stored as B, G, R.
        is_known: whether it is a preprocessing; else it was made to fit the images.
    """

    name: str
    low: float | tuple[float, float, float]
    high: float | tuple[float, float, float]
    slack: float
    min_highest: float = -np.inf
    is_bgr: bool = False
    is_known: bool = True

    def fits(self, lows: np.ndarray, highs: np.ndarray) -> bool:
        """Whether channels with these smallest and largest values may be of this range."""
        if isinstance(self.low, tuple) and len(lows) != 3:
            return False
        return bool(
            (lows >= np.asarray(self.low) - self.slack).all()
            and (highs <= np.asarray(self.high) + self.slack).all()
            and highs.max() >= self.min_highest
        )


_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_CAFFE_MEAN = np.array([103.939, 116.779, 123.68])

# The first that fits is taken, so the order is from narrow to wide.
_KNOWN = (
    _DisplayRange("0…1", 0, 1, slack=0.02),
    _DisplayRange("−0.5…0.5", -0.5, 0.5, slack=0.01),
    _DisplayRange("−1…1", -1, 1, slack=0.02),
    _DisplayRange(
        "ImageNet mean and deviation",
        tuple(-_MEAN / _DEVIATION),
        tuple((1 - _MEAN) / _DEVIATION),
        slack=0.05,
    ),
    _DisplayRange("0…255", 0, 255, slack=5, min_highest=64),
    _DisplayRange(
        "Caffe BGR minus ImageNet mean",
        tuple(-_CAFFE_MEAN),
        tuple(255 - _CAFFE_MEAN),
        slack=5,
        min_highest=16,
        is_bgr=True,
    ),
)
_BYTES = _DisplayRange("0…255", 0, 255, slack=0)


def displayable(
    images: np.ndarray,
    display_images: np.ndarray | None = None,
    drawn: slice | np.ndarray | Sequence[int] = slice(None),
    *,
    tells: bool = True,
) -> np.ndarray:
    """Returns probes as pictures that can be looked at.

    Undoes the preprocessings that it knows: 0…1, −0.5…0.5, −1…1, 0…255,
    ImageNet mean and deviation, and Caffe's (B, G, R minus the ImageNet mean,
    as in Keras's VGG16 and ResNet50). The range is judged over the whole set.
    Any other is stretched from its smallest to its largest value, with one
    notice.

    Args:
        images: array (n, H, W, C), any finite range. One channel is drawn in
            grey, of two the first, of three as R, G, B, of more the first
            three, stretched.
        display_images: array (n, H', W', C'), drawn instead of `images`.
        drawn: indices of those that are returned. Defaults to all.
        tells: whether an unknown range is worth a notice: not where there was one before, nor
            for volumes, whose units are seldom a picture's.

    Returns:
        uint8 RGB array (n, H, W, 3), or (n, H', W', 3), of those drawn. A stretched set of
        one single value is middle grey.

    Raises:
        ValueError: not four axes, no pixels, pixels that are not finite, or
            numbers of images that differ.
    """
    if display_images is not None:
        if len(display_images) != len(images):
            raise ValueError(
                f"display_images has {len(display_images)} entries but images has {len(images)}. "
                f"Received: display_images.shape={np.shape(display_images)}, "
                f"images.shape={np.shape(images)}. Pass one for each probe."
            )
        images = display_images
    images = np.asarray(images)
    rule = _judge(images)
    if tells and not rule.is_known:
        notify(
            "The pixel range of the probes is none of the known ones; "
            f"for drawing they are {rule.name}. Pass display_images to choose what is drawn."
        )
    channels = _drawn_channels(images.shape[3])
    low, high = np.asarray(rule.low, np.float64), np.asarray(rule.high, np.float64)
    images = images[drawn]
    pictures = np.empty((*images.shape[:3], 3), np.uint8)
    for picture, image in zip(pictures, images, strict=True):
        pixels = image[..., :channels].astype(np.float64)
        # Halves, because the span of finite numbers may be infinite.
        span = high / 2 - low / 2
        unit = (pixels / 2 - low / 2) / span if np.all(span > 0) else np.full(pixels.shape, 0.5)
        levels = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
        picture[...] = levels[..., ::-1] if rule.is_bgr else levels
    return pictures


def displayable_volumes(volumes: np.ndarray, drawn: np.ndarray | Sequence[int]) -> np.ndarray:
    """Returns some volumes (n, D, H, W, C) as pictures, uint8 RGB (m, D, H, W, 3).

    As `displayable`, judged over the whole set, but without a notice.
    """
    depth = volumes.shape[1]
    slices = (np.asarray(drawn)[:, None] * depth + np.arange(depth)).ravel()
    flat = displayable(volumes.reshape(-1, *volumes.shape[2:]), drawn=slices, tells=False)
    return flat.reshape(-1, *volumes.shape[1:4], 3)


def describe_range(images: np.ndarray) -> str:
    """Names the pixel range by which `displayable` draws these images.

    Args:
        images: array (n, H, W, C).

    Returns:
        A known range's name, such as "0…255", or "stretched from 0…4095".
    """
    return _judge(np.asarray(images)).name


def has_bgr_channels(images: np.ndarray) -> bool:
    """Returns whether the images look as if stored B, G, R (Caffe's preprocessing).

    Args:
        images: array (n, H, W, C).
    """
    return _judge(np.asarray(images)).is_bgr


def _drawn_channels(num_channels: int) -> int:
    return 1 if num_channels < 3 else 3


def _judge(images: np.ndarray) -> _DisplayRange:
    images = check_numbers("images", images, "(n, H, W, C)")
    drawn = images[..., : _drawn_channels(images.shape[3])]
    lows = drawn.min(axis=(0, 1, 2)).astype(np.float64)
    highs = drawn.max(axis=(0, 1, 2)).astype(np.float64)
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        raise ValueError("images hold NaN or infinity, which cannot be drawn. Repair these probes.")
    if images.shape[3] <= 3:
        if images.dtype == np.uint8 and highs.max() > 1:
            return _BYTES
        for rule in _KNOWN:
            if rule.fits(lows, highs):
                return rule
    low, high = float(lows.min()), float(highs.max())
    which = " by their first three channels" if images.shape[3] > 3 else ""
    name = f"stretched from {low:g}…{high:g}{which}"
    return _DisplayRange(name, low, high, slack=0, is_known=False)
