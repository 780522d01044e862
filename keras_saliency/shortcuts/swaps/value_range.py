"""`ValueRange`: the values that pixels may have, so that an edited probe is still an image."""

from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet

_KNOWN = ((0, 1), (-0.5, 0.5), (-1, 1), (0, 255))


@short_repr
@dataclass(frozen=True, eq=False)
class ValueRange:
    """The least and the largest value of each channel.

    Attributes:
        low: float (C,).
        high: float (C,).
        dtype: of the pixels; whole numbers are rounded.
    """

    low: np.ndarray
    high: np.ndarray
    dtype: np.dtype

    @classmethod
    def of(cls, probes: ProbeSet, given: tuple[float, float] | None = None) -> "ValueRange":
        """Infers the range of the images of a probe set, or takes what is given.

        Bytes are 0 … 255; else the narrowest of 0 … 1, ±0.5, ±1 and 0 … 255 that holds all
        pixels; else each channel's own least and largest value.

        Raises:
            ValueError: if a given range does not hold all pixels, which edits would clip.
        """
        images, dtype = probes.images, probes.pixel_dtype
        axes = tuple(range(images.ndim - 1))
        lows, highs = (f(images, axis=axes).astype(np.float64) for f in (np.min, np.max))
        if given is not None:
            if lows.min() < given[0] or highs.max() > given[1]:
                raise ValueError(
                    f"value_range must hold all pixels of the probes, which lie in "
                    f"[{lows.min():g}, {highs.max():g}]. Received: {given}."
                )
            lows, highs = (np.full(lows.shape, float(end)) for end in given)
        elif dtype == np.uint8:
            lows, highs = np.zeros_like(lows), np.full_like(highs, 255)
        else:
            for low, high in _KNOWN:
                if lows.min() >= low and highs.max() <= high:
                    lows, highs = np.full_like(lows, low), np.full_like(highs, high)
                    break
        return cls(lows, highs, dtype)

    def clip(self, images: np.ndarray) -> np.ndarray:
        """Returns edited images (m, H, W, C) within the range, in the probes' dtype."""
        ends = (end.astype(np.float32) for end in (self.low, self.high))
        # A number clips several times as fast as one for each channel.
        low, high = (end[0] if (end == end[0]).all() else end for end in ends)
        clipped = np.clip(images, low, high)
        if self.dtype.kind in "iu":
            clipped = np.rint(clipped)
        return clipped.astype(self.dtype)
