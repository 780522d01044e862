"""`Maps`: unit-mass maps at one size, with their ranks and hottest pixels."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency._utils.resize import alongside
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.records import Heatmaps

SMOOTHING_SIGMA = 1.0
SMOOTHING_RADIUS = 4
# A constant map comes back from a bilinear resize with this much rounding.
CONSTANT_RANGE = 1e-6
TOP_SHARE = 0.1
# One 224x224 map, so that a block and its temporaries stay in the processor's cache.
_BLOCK_PIXELS = 2**16
# 83 maps of 224x224: with ranks and references some 200 MB.
CHUNK_PIXELS = 2**22


def mean_of_defined(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Returns the mean without the NaN; NaN where nothing else is, and no warning."""
    defined = ~np.isnan(values)
    num_defined = defined.sum(axis=axis)
    total = np.where(defined, values, 0).sum(axis=axis, dtype=np.float64)
    means = np.where(num_defined > 0, total / np.maximum(num_defined, 1), np.nan)
    return means.astype(np.float32)


def chunks(indices: np.ndarray, num_pixels: int) -> Iterator[np.ndarray]:
    """Yields indices of probes, as many at once as memory should hold at image size."""
    size = max(1, CHUNK_PIXELS // max(1, num_pixels))
    return (indices[i : i + size] for i in range(0, len(indices), size))


def blocks(maps: np.ndarray) -> Iterator[slice]:
    """Yields slices of probes, small enough that a block stays in the processor's cache."""
    size = max(1, _BLOCK_PIXELS // max(1, maps[:1].size))
    return (slice(i, i + size) for i in range(0, len(maps), size))


def inside(maps: np.ndarray) -> tuple[int, ...]:
    """Returns the axes of a map: all but the axis of the probes."""
    return tuple(range(1, maps.ndim))


def marginals(unit: np.ndarray) -> list[np.ndarray]:
    """Returns the mass along each axis, float64: of each row (n, h), of each column (n, w)."""
    axes = inside(unit)
    return [unit.sum(axis=tuple(a for a in axes if a != axis)).astype(np.float64) for axis in axes]


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Returns the Jensen-Shannon divergence (base 2) of unit-mass maps (n, H, W), float (n,)."""
    tiny = np.finfo(np.float32).tiny
    middle = np.maximum((p + q) / 2, tiny)
    total = sum((m * np.log2(np.maximum(m / middle, tiny))).sum(axis=inside(m)) for m in (p, q))
    return np.clip(total / 2, 0, 1)


@short_repr
@dataclass(frozen=True, eq=False)
class Maps:
    """Unit-mass maps at one size, with what several statistics need from them.

    Attributes:
        unit: float32 array (n, h, w), each map with sum 1, or all NaN; (n, l) for signals,
            (n, d, h, w) for volumes.
        empty: which maps were all zero, bool (n,).
        magnitude: mean of each un-normalised map, float32 (n,), NaN like `unit`.
        cell: (height, width) of a native pixel in pixels of this size; () for that size itself.
    """

    unit: np.ndarray
    empty: np.ndarray
    magnitude: np.ndarray
    cell: tuple[float, ...] = ()

    @classmethod
    def of(cls, heatmaps: "Maps | ArrayLike") -> "Maps":
        """Makes `Maps` of an array (n, h, w), not smoothed, or passes `Maps` through."""
        if isinstance(heatmaps, Maps):
            return heatmaps
        native = np.asarray(heatmaps, np.float32)
        if native.ndim != 3 or 0 in native.shape[1:]:
            raise ValueError(
                f"heatmaps must be an array (n, h, w). Received: shape {native.shape}. "
                "Pass one map for each probe; for a single map, heatmap[None]."
            )
        return cls.from_record(Heatmaps("heatmaps", native, native.shape[1:]))

    @classmethod
    def from_record(cls, heatmaps: Heatmaps) -> "Maps":
        """Makes `Maps` at native size."""
        return cls.from_native(
            heatmaps.method, heatmaps.native, heatmaps.empty, heatmaps.non_finite
        )

    @classmethod
    def from_native(
        cls, method: str, native: np.ndarray, empty: np.ndarray, non_finite: np.ndarray
    ) -> "Maps":
        """Makes `Maps` at native size, given which are empty and which not finite, bool (n,)."""
        undefined = empty | non_finite
        lowest = native.min(initial=0, where=~alongside(non_finite, native))
        if lowest < 0:
            raise ValueError(
                f"{method}: heatmaps hold negative values. Received: a lowest value of "
                f"{lowest:.3g}. Pass non-negative maps, for example the absolute value of signed "
                "attributions."
            )
        with np.errstate(invalid="ignore"):  # inf - inf, in maps that are undefined anyway
            magnitude = native.mean(axis=inside(native), dtype=np.float64).astype(np.float32)
        magnitude[undefined] = np.nan
        return cls(divide_by_sum(native, undefined), empty, magnitude)

    def smoothed(self) -> "Maps":
        """Returns the maps blurred by a Gaussian of 1 px, which keeps their mass."""
        unit = divide_by_sum(_blur(self.unit), self.undefined)
        return Maps(unit, self.empty, self.magnitude, self.cell)

    @property
    def num_pixels(self) -> int:
        """Pixels of one map."""
        return self.unit[0].size if len(self.unit) else 1

    def take(self, indices: np.ndarray | slice) -> "Maps":
        """Returns the maps of some probes."""
        return Maps(self.unit[indices], self.empty[indices], self.magnitude[indices], self.cell)

    @property
    def undefined(self) -> np.ndarray:
        """Which maps are all zero or not finite, bool (n,)."""
        return np.isnan(self.unit.reshape(len(self.unit), self.num_pixels)[:, 0])

    @functools.cached_property
    def comparable(self) -> np.ndarray:
        """Which maps point anywhere: neither undefined nor constant, bool (n,)."""
        axes = inside(self.unit)
        peak, low = self.unit.max(axis=axes), self.unit.min(axis=axes)
        return peak - low > CONSTANT_RANGE * peak

    @property
    def ranks(self) -> np.ndarray:
        """Rank of each pixel in its map from 0, ties averaged, float32 (n, h, w)."""
        return self._ranking[0]

    @property
    def top(self) -> np.ndarray:
        """The hottest 10 % of pixels, max(1, round(0.1 * h * w)) of them, bool (n, h, w).

        Of equal pixels, the one that comes first in the row-by-row order wins.
        """
        return self._ranking[1]

    @functools.cached_property
    def _ranking(self) -> tuple[np.ndarray, np.ndarray]:
        num_top = max(1, round(TOP_SHARE * self.num_pixels))
        flat = self.unit.reshape(-1, self.num_pixels)
        ranks, top = np.empty(flat.shape, np.float32), np.zeros(flat.shape, bool)
        for one, its_ranks, its_top in zip(flat, ranks, top, strict=True):
            order, ranks_in_order = _rank(one)
            its_ranks[order] = ranks_in_order
            its_top[order[-num_top:]] = True
        return ranks.reshape(self.unit.shape), top.reshape(self.unit.shape)


def divide_by_sum(
    maps: np.ndarray, undefined: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Returns each map with sum 1, and all NaN where `undefined` or all zero.

    In `out`, which may be `maps`: of large maps, a new array costs more than the division.
    """
    with np.errstate(invalid="ignore"):  # inf / NaN
        peak = maps.max(axis=inside(maps))
        peak[undefined | (peak == 0)] = np.nan
        # By the peak first: the sum of large float32 values overflows.
        unit = np.divide(maps, alongside(peak, maps), out=out)
    unit /= alongside(unit.sum(axis=inside(unit), dtype=np.float64).astype(np.float32), unit)
    return np.abs(unit, out=unit)  # -0.0 would rank highest in _rank


def _blur(maps: np.ndarray) -> np.ndarray:
    """Gaussian of 1 px, cut at 4 px, edges mirrored (d c b a | a b c d), so that mass is kept."""
    from keras_saliency._utils.opencv import cv2  # ten times as fast as sums of slices

    if maps.ndim != 3:
        return _blur_along_each_axis(maps)
    size = (2 * SMOOTHING_RADIUS + 1, 2 * SMOOTHING_RADIUS + 1)
    blurred = np.empty_like(maps)
    for i, unit in enumerate(maps):
        cv2.GaussianBlur(unit, size, SMOOTHING_SIGMA, blurred[i], borderType=cv2.BORDER_REFLECT)
    return blurred


def _blur_along_each_axis(maps: np.ndarray) -> np.ndarray:
    offsets = np.arange(-SMOOTHING_RADIUS, SMOOTHING_RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * SMOOTHING_SIGMA**2))
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in inside(maps):
        margins = [(0, 0)] * maps.ndim
        margins[axis] = (SMOOTHING_RADIUS, SMOOTHING_RADIUS)
        padded, length = np.pad(maps, margins, mode="symmetric"), maps.shape[axis]
        taps = (padded.take(range(i, i + length), axis) for i in range(len(weights)))
        maps = sum(weight * tap for weight, tap in zip(weights, taps, strict=True))
    return maps


def _rank(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ascending order of a map's pixels (p,), and the averaged ranks in that order.

    Non-negative floats sort like their bits, so value and index are packed
    into one integer and sorted together: twice as fast as an argsort, and
    ties are settled by the index, the first one highest.
    """
    num_pixels = len(flat)
    keys = flat.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(num_pixels - 1, -1, -1, dtype=np.uint64)
    keys.sort()
    order = num_pixels - 1 - (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    keys >>= np.uint64(32)
    is_new = np.ones(num_pixels, bool)  # the first of a run of equal values
    np.not_equal(keys[1:], keys[:-1], out=is_new[1:])
    starts = np.flatnonzero(is_new)
    lengths = np.diff(starts, append=num_pixels)
    return order, np.repeat((starts + (lengths - 1) / 2).astype(np.float32), lengths)
