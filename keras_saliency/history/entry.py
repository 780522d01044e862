"""`Entry`: what one epoch left behind, as it is stored."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.records import StoredMaps


class MapComparison(NamedTuple):
    """How a method's kept maps are compared between epochs.

    Attributes:
        size: (H, W) to which they are resized: the image's, or, for maps that are kept at a
            smaller size than they have, the size at which they are kept.
        is_grainy: whether they are smoothed first, as `Method.is_grainy` says.
    """

    size: tuple[int, ...]
    is_grainy: bool


@short_repr
@dataclass(frozen=True)
class Entry:
    """One epoch of a history.

    Attributes:
        classes: predicted classes, int64 (n,).
        confidence: probability of the predicted class, float32 (n,).
        statistics: {method: {statistic: float32 (n,)}}.
        heatmaps: {method: `StoredMaps`}; those of an epoch on disk are read when they are
            asked for.
        seconds: how long the training waited, or None.
        is_baseline: whether this is the model before its first epoch.
        probabilities: function that returns the probability of each class, float16 (n, k); of an
            epoch on disk it reads them. None where they are not known.
        comparisons: {method: `MapComparison`}; empty in runs of older versions, which computed all
            drifts at once.
    """

    classes: np.ndarray
    confidence: np.ndarray
    statistics: dict[str, dict[str, np.ndarray]]
    heatmaps: Mapping[str, StoredMaps]
    seconds: float | None = None
    is_baseline: bool = False
    probabilities: Callable[[], np.ndarray] | None = None
    comparisons: Mapping[str, MapComparison] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        predictions: tuple[np.ndarray, np.ndarray],
        statistics: Mapping[str, Mapping[str, np.ndarray]],
        heatmaps: Mapping[str, np.ndarray | StoredMaps],
        seconds: float | None = None,
        is_baseline: bool = False,
        probabilities: np.ndarray | None = None,
        comparisons: Mapping[str, MapComparison] | None = None,
    ) -> "Entry":
        """Makes an entry of copies, with the heatmaps encoded; see `History.append`."""
        classes, confidence = predictions
        return cls(
            np.array(classes, np.int64),
            np.array(confidence, np.float32),
            {m: {s: np.array(v, np.float32) for s, v in n.items()} for m, n in statistics.items()},
            {
                method: maps if isinstance(maps, StoredMaps) else StoredMaps.of(maps)
                for method, maps in heatmaps.items()
            },
            None if seconds is None else float(seconds),
            bool(is_baseline),
            None if probabilities is None else held(np.array(probabilities, np.float16)),
            dict(comparisons or {}),
        )

    @property
    def map_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape (n, h, w) of each method's heatmaps; those on disk are not read for it."""
        if isinstance(self.heatmaps, MapsOnDisk):
            return self.heatmaps.shapes
        return {method: maps.codes.shape for method, maps in self.heatmaps.items()}

    def check(self, num_probes: int) -> None:
        """Raises ValueError where an array does not have one entry for each probe."""
        parts = {"classes": (self.classes, 1), "confidence": (self.confidence, 1)}
        for method, numbers in self.statistics.items():
            parts |= {f"statistics[{method!r}][{s!r}]": (v, 1) for s, v in numbers.items()}
        shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
            name: (array.shape, (rank,)) for name, (array, rank) in parts.items()
        }
        # (n, l) for signals, (n, d, h, w) for volumes.
        shapes |= {f"heatmaps[{m!r}]": (s, (3, 2, 4)) for m, s in self.map_shapes.items()}
        if not isinstance(self.heatmaps, MapsOnDisk):
            shapes |= {f"scales of {m!r}": (x.scales.shape, (1,)) for m, x in self.heatmaps.items()}
        for name, (shape, ranks) in shapes.items():
            if len(shape) not in ranks or shape[0] != num_probes:
                expected = f"({num_probes},)" if ranks == (1,) else f"({num_probes}, h, w)"
                raise ValueError(
                    f"{name} must have shape {expected}. Received: {shape}. "
                    "Pass one for each probe, of the same probes in every epoch."
                )
        for method, (_, *map_size) in self.map_shapes.items():
            size = self.comparisons[method].size if method in self.comparisons else map_size
            if len(size) != len(map_size):
                raise ValueError(
                    f"heatmaps[{method!r}] are {tuple(map_size)}, so they cannot be compared at "
                    f"the size {tuple(size)}."
                )


def held(array: np.ndarray) -> Callable[[], np.ndarray]:
    """Returns a function that returns an array that is in memory."""
    return lambda: array


class MapsOnDisk(Mapping[str, StoredMaps]):
    """The heatmaps of an epoch, read from its file when they are asked for.

    Args:
        shapes: {method: (n, h, w)}.
        read: function from a method's name to its `StoredMaps`.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]], read: Callable[[str], StoredMaps]):
        self.shapes = {method: tuple(shape) for method, shape in shapes.items()}
        self._read = read

    def __contains__(self, method: object) -> bool:
        return method in self.shapes  # without reading

    def __getitem__(self, method: str) -> StoredMaps:
        if method not in self.shapes:
            raise KeyError(method)
        return self._read(method)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)
