"""One epoch's `Attention`, prepared once, and the registry of statistics: `@statistic`."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency._utils.resize import resize
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.records import Heatmaps
from keras_saliency.statistics.maps import Maps, divide_by_sum


def unit_mass(heatmaps: Maps | ArrayLike) -> np.ndarray:
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


@short_repr
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
        image_size: (H, W) of the probes; (length,) for signals, (D, H, W) for volumes.
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
        unit = divide_by_sum(resized, self.native.undefined, out=resized)
        cell = cell_of(sizes, self.image_size)
        return Maps(unit, self.native.empty, self.native.magnitude, cell)


def cell_of(size: tuple[int, ...], image_size: tuple[int, ...]) -> tuple[float, ...]:
    """Returns `Maps.cell` of maps of one size that are resized to another one."""
    if size == tuple(image_size):
        return ()
    return tuple(side / s for side, s in zip(image_size, size, strict=True))


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


class MapSet(Protocol):
    """The maps of all probes, as a statistic of a set takes them: see `map_sets`."""

    @property
    def empty(self) -> np.ndarray:
        """Which maps are all zero, bool (n,)."""

    @property
    def undefined(self) -> np.ndarray:
        """Which maps are all zero or not finite, bool (n,)."""

    @property
    def comparable(self) -> np.ndarray:
        """Which maps point anywhere: neither undefined nor constant, bool (n,)."""

    @property
    def num_pixels(self) -> int:
        """Pixels of one map."""

    def take(self, indices: np.ndarray) -> Maps:
        """Returns the maps of some probes."""


class Probes(Protocol):
    """What statistics may ask of the probes; each is None where it is not known."""

    @property
    def labels(self) -> np.ndarray | None:
        """Classes, int (n,)."""

    @property
    def object_masks(self) -> np.ndarray | None:
        """Which pixels belong to the object, bool (n, H, W)."""

    @property
    def groups(self) -> np.ndarray | None:
        """Groups, str (n,)."""

    @property
    def cue_map(self) -> np.ndarray | None:
        """How well each pixel alone predicts the class, float (H, W); one for all probes."""


@short_repr
@dataclass(frozen=True, eq=False)
class SomeProbes:
    """`Probes` of a chunk."""

    labels: np.ndarray | None
    object_masks: np.ndarray | None
    groups: np.ndarray | None
    cue_map: np.ndarray | None


def probes_at(probes: Probes, indices: np.ndarray) -> SomeProbes:
    """Returns what statistics ask of the probes, for some of them."""

    def some(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else np.asarray(values)[indices]

    return SomeProbes(
        some(probes.labels), some(probes.object_masks), some(probes.groups), probes.cue_map
    )


STATISTICS: dict[str, Statistic] = {}
# What a statistic may need from the probes, and what else it may need from the epoch.
PROBES_HAVE = frozenset({"labels", "object_masks", "groups", "cue_map"})
EPOCHS_HAVE = frozenset({"others", "predictions"})

Measured: TypeAlias = Attention | MapSet | np.ndarray


def statistic(
    name: str,
    *,
    resolution: str = "image",
    needs: str | Sequence[str] = (),
    of_set: bool = False,
    worse: str | None = None,
    num_axes: int = 1,
) -> Callable[[Callable[..., ArrayLike]], Callable[..., np.ndarray]]:
    """Registers a formula as the statistic `name`; see `Statistic` for the arguments.

    The formula receives `Maps`, then the probes if it needs anything of them, then
    what else it needs by keyword. The caller may pass `Maps`, an `Attention`
    or a plain array (n, h, w), and probes to every statistic, and gets float32.
    A statistic of a set takes maps by `maps.take(indices)`, never all at once,
    since they may be more than memory should hold.

    Raises:
        ValueError: if `needs` names what neither probes nor epochs have.
    """
    needed = (needs,) if isinstance(needs, str) else tuple(needs)
    unknown = [need for need in needed if need not in PROBES_HAVE | EPOCHS_HAVE]
    if unknown:
        raise ValueError(
            f"needs of the statistic {name!r} holds {unknown[0]!r}. "
            f"Pass some of: {', '.join(map(repr, sorted(PROBES_HAVE | EPOCHS_HAVE)))}."
        )
    needs_probes = not EPOCHS_HAVE.issuperset(needed)

    def register(formula: Callable[..., ArrayLike]) -> Callable[..., np.ndarray]:
        @functools.wraps(formula)
        def measure(heatmaps: Measured, probes: Probes | None = None, **given: Any) -> np.ndarray:
            maps = _maps_of(heatmaps, resolution)
            known = (probes,) if needs_probes else ()
            values = np.asarray(formula(maps, *known, **given), np.float32)
            if values.shape != maps.empty.shape:
                raise ValueError(
                    f"the statistic {name!r} must return one number for each probe, "
                    f"{maps.empty.shape}. Received: shape {values.shape}."
                )
            return values

        STATISTICS[name] = Statistic(name, measure, resolution, needed, of_set, worse, num_axes)
        return measure

    return register


def _maps_of(heatmaps: Measured, resolution: str) -> MapSet:
    if isinstance(heatmaps, Attention):
        return getattr(heatmaps, resolution)
    if hasattr(heatmaps, "num_pixels"):
        return cast(MapSet, heatmaps)
    return Maps.of(heatmaps)
