"""`Recording`: all maps of a method in an epoch, as stored."""

import functools
import math
from collections.abc import Iterator

import numpy as np

from keras_saliency.records import StoredMaps, all_zero
from keras_saliency.statistics.maps import Maps, chunks, inside
from keras_saliency.statistics.registry import Attention


class Recording:
    """One method's stored maps in one epoch, prepared for some probes at a time.

    Args:
        method: name of the method.
        stored: `StoredMaps` of all probes.
        image_size: (H, W) of the probes; (length,) for signals, (D, H, W) for volumes.
        is_grainy: whether the maps are smoothed, as `Method.is_grainy` says.

    Attributes:
        stored: `StoredMaps` of all probes.
        empty: which maps are all zero, bool (n,).
        non_finite: which maps were not finite, bool (n,).
        num_pixels: H * W, of one map at that size.
    """

    def __init__(
        self,
        method: str,
        stored: StoredMaps,
        image_size: tuple[int, ...],
        is_grainy: bool = False,
    ):
        self.method = method
        self.image_size = image_size
        self.is_grainy = is_grainy
        self.num_pixels = math.prod(image_size)
        self.stored = stored
        self._reduced: dict[tuple[int, ...], Recording] = {}
        self.non_finite = ~np.isfinite(stored.scales)
        axes = inside(stored.codes)
        means = [stored.codes[rows].mean(axis=axes, dtype=np.float64) for rows in self.chunks()]
        self.empty = all_zero(np.concatenate(means) * stored.scales, stored.scales)

    @property
    def size(self) -> tuple[int, ...]:
        """Size (h, w) of the maps."""
        return self.stored.codes.shape[1:]

    def reduced_to(self, size: tuple[int, ...]) -> "Recording":
        """Returns the same with maps of a smaller size, as history keeps them; itself if equal."""
        if size == self.size:
            return self
        if size not in self._reduced:
            stored = StoredMaps.of(self.stored.restore(), size)
            self._reduced[size] = Recording(self.method, stored, self.image_size, self.is_grainy)
        return self._reduced[size]

    def chunks(self) -> Iterator[np.ndarray]:
        """Yields indices of probes, as many at once as memory should hold at image size."""
        return chunks(np.arange(len(self.stored.scales)), self.num_pixels)

    def attention(self, indices: np.ndarray) -> Attention:
        """Prepares some probes' maps."""
        # All without a copy.
        rows = slice(None) if len(indices) == len(self.empty) else indices
        native = self.stored.restore(rows)
        maps = Maps.from_native(self.method, native, self.empty[rows], self.non_finite[rows])
        return Attention.from_maps(self.method, maps, self.image_size, self.is_grainy)

    # The following make it a `MapSet`, as `Maps` at image size are.
    def take(self, indices: np.ndarray) -> Maps:
        """Returns some probes' maps at image size."""
        return self.attention(indices).image

    @property
    def undefined(self) -> np.ndarray:
        """Which maps are all zero or not finite, bool (n,)."""
        return self.empty | self.non_finite

    @functools.cached_property
    def comparable(self) -> np.ndarray:
        """Which maps point anywhere: neither undefined nor constant, bool (n,)."""
        return np.concatenate([self.take(some).comparable for some in self.chunks()])
