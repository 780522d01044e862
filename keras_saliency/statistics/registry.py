"""One epoch's `Attention`, prepared once, and the registry of statistics."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from keras_saliency._utils.resize import resize
from keras_saliency.records import Heatmaps
from keras_saliency.statistics.maps import Maps, divide_by_sum


def unit_mass(heatmaps) -> np.ndarray:
    """Returns each heatmap divided by its sum: where attention lies, not how much there is.

    Args:
        heatmaps: array (n, h, w), non-negative, any scale.

    Returns:
        float32 array (n, h, w), each map with sum 1; all NaN for a map that
        is all zero (as `Heatmaps.empty` defines it) or not finite.

    Raises:
        ValueError: if the array is not (n, h, w), or holds negative values.
    """
    return Maps.of(heatmaps).unit


@dataclass(frozen=True, eq=False)
class Attention:
    """One method's maps in one epoch, prepared once for all statistics.

    Grainy maps, those of gradient methods, are smoothed by a Gaussian of 1 px; Grad-CAM's
    are not. Maps at image size are made when they are first asked for, and
    kept, with their ranks: about 9 bytes for each pixel of each probe. `Recording`
    makes them of as many probes at once as memory should hold.

    Attributes:
        method: name of the method.
        native: `Maps` at the method's own size (n, h, w).
        image_size: (H, W) of the probes; (length,) of signals, (D, H, W) of volumes.
    """

    method: str
    native: Maps
    image_size: tuple[int, ...]

    @classmethod
    def from_heatmaps(cls, heatmaps: Heatmaps) -> "Attention":
        """Prepares one method's heatmaps."""
        native = Maps.from_record(heatmaps)
        return cls.from_maps(heatmaps.method, native, heatmaps.image_size, heatmaps.is_grainy)

    @classmethod
    def from_maps(
        cls, method: str, native: Maps, image_size: tuple[int, ...], is_grainy: bool
    ) -> "Attention":
        """Prepares one method's maps at native size."""
        if is_grainy:
            native = native.smoothed()
        return cls(method, native, image_size)

    @functools.cached_property
    def image(self) -> Maps:
        """`Maps` at image size (n, H, W), resized linearly."""
        sizes = self.native.unit.shape[1:]
        if sizes == tuple(self.image_size):
            return self.native
        resized = resize(self.native.unit, self.image_size)
        unit = divide_by_sum(resized, self.native.undefined)
        cell = tuple(side / s for side, s in zip(self.image_size, sizes, strict=True))
        return Maps(unit, self.native.empty, self.native.magnitude, cell)


@dataclass(frozen=True)
class Statistic:
    """An entry of the registry.

    Attributes:
        name: the statistic's name in history and in tags.
        measure: the function, (heatmaps or `Attention`, probes) -> (n,).
        resolution: "native" or "image", the size of the maps it looks at.
        needs: attributes of the probes, or arguments of `compute`, without
            which it is absent.
        of_set: whether a probe's value depends on the other probes' maps.
        num_axes: how many axes a map must have at least.
        worse: which direction is worse, "low", "high" or None.
    """

    name: str
    measure: Callable[..., np.ndarray]
    resolution: str
    needs: tuple[str, ...]
    of_set: bool
    worse: str | None
    num_axes: int = 1


def probes_at(probes, indices):
    """Returns what statistics ask of the probes, for some of them."""

    def some(name):
        values = getattr(probes, name, None)
        return None if values is None else np.asarray(values)[indices]

    return SimpleNamespace(
        labels=some("labels"),
        object_masks=some("object_masks"),
        groups=some("groups"),
        cue_map=getattr(probes, "cue_map", None),
    )


STATISTICS: dict[str, Statistic] = {}
# What `compute` is given beside the probes; all other needs are attributes of the probes.
COMPUTE_ARGUMENTS = frozenset({"others", "predictions"})


def statistic(name, *, resolution="image", needs=(), of_set=False, worse=None, num_axes=1):
    """Registers a formula as the statistic `name`.

    The formula receives `Maps`, then the probes if it needs anything of them, then
    what else it needs by keyword. The caller may pass `Maps`, an `Attention`
    or a plain array (n, h, w), and probes to every statistic, and gets float32.
    A statistic of a set takes maps by `maps.take(indices)`, never all at once,
    since they may be more than memory should hold.
    """
    needs = (needs,) if isinstance(needs, str) else tuple(needs or ())
    needs_probes = not COMPUTE_ARGUMENTS.issuperset(needs)

    def register(formula):
        @functools.wraps(formula)
        def measure(heatmaps, probes=None, **given):
            if isinstance(heatmaps, Attention):
                heatmaps = getattr(heatmaps, resolution)
            maps = heatmaps if hasattr(heatmaps, "comparable") else Maps.of(heatmaps)
            known = (probes,) if needs_probes else ()
            return np.asarray(formula(maps, *known, **given), np.float32)

        STATISTICS[name] = Statistic(name, measure, resolution, needs, of_set, worse, num_axes)
        return measure

    return register
