"""`EpochStore`: the epochs of a run, in order and of the same probes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from keras_saliency.history.drift_on_access import DriftOnAccess, is_comparable
from keras_saliency.history.entry import Entry
from keras_saliency.statistics.measures import drift_names


class EpochStore:
    """Holds an `Entry` for each epoch; refuses one that does not match the earlier ones.

    To be written by one thread; in others, each reading sees whole epochs.

    Args:
        labels: int (n,), multi-hot (n, k), or None.
        names: str (n,), the probes' names, or None.
        class_names: list of str, or None.

    Attributes:
        num_probes: n; None until it is known from labels, names or the first epoch.

    Raises:
        ValueError: if labels and names are not of one length.
    """

    def __init__(
        self,
        *,
        labels: ArrayLike | None = None,
        names: Iterable[str] | None = None,
        class_names: Iterable[str] | None = None,
    ):
        self.labels = None if labels is None else np.array(labels, np.int64)
        self.names = None if names is None else [str(name) for name in names]
        self.class_names = None if class_names is None else [str(name) for name in class_names]
        self._entries: dict[int, Entry] = {}
        self._map_sizes: dict[str, tuple[int, ...]] = {}
        self._drifts = DriftOnAccess()
        lengths = {len(x) for x in (self.labels, self.names) if x is not None}
        if len(lengths) > 1:
            raise ValueError(
                f"labels and names have {sorted(lengths)} entries. Pass one of each for each probe."
            )
        self.num_probes: int | None = lengths.pop() if lengths else None

    @property
    def entries(self) -> dict[int, Entry]:
        """The entries by epoch, ascending; not to be changed."""
        return self._entries

    @property
    def epochs(self) -> list[int]:
        """The epochs measured, ascending; -1 is the baseline of a new run."""
        return list(self._entries)

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in the order in which they came."""
        entries = self._entries.values()
        return list(dict.fromkeys(m for e in entries for m in (*e.statistics, *e.heatmaps)))

    @property
    def predictions(self) -> np.ndarray:
        """Predicted class of each probe, int64 (num_epochs, n)."""
        return self._stack([e.classes for e in self._entries.values()], np.int64)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float32 (num_epochs, n)."""
        return self._stack([e.confidence for e in self._entries.values()], np.float32)

    @property
    def seconds(self) -> list[float | None]:
        """How long the training waited at each epoch, where that is known."""
        return [e.seconds for e in self._entries.values()]

    def stored_statistics(self, method: str) -> list[str]:
        """Names of the statistics that observations have computed, in the order they came in."""
        entries = self._entries.values()
        return list(dict.fromkeys(s for e in entries for s in e.statistics.get(method, {})))

    def statistics_of(self, method: str) -> list[str]:
        """Names of a method's statistics: those stored, and drifts computed on access."""
        later = drift_names() if is_comparable(self._entries, method) else []
        return list(dict.fromkeys([*self.stored_statistics(method), *later]))

    def series(self, method: str, *statistics: str) -> list[np.ndarray]:
        """Returns statistics, float32 (num_epochs, n) each; NaN in epochs without them.

        Drifts that no observation has computed are computed from the maps that are kept. Several at
        once take less time than one after the other.
        """
        entries = self._entries
        later = self._drifts.compute(entries, method, statistics)
        missing = np.full(self.num_probes or 0, np.nan, np.float32)

        def row(epoch: int, statistic: str) -> np.ndarray:
            stored = entries[epoch].statistics.get(method, {})
            return stored.get(statistic, later.get((epoch, statistic), missing))

        return [np.stack([row(e, statistic) for e in entries]) for statistic in statistics]

    def map_size(self, method: str) -> tuple[int, ...] | None:
        """Returns the size (h, w) of a method's heatmaps, None where there are none."""
        return self._map_sizes.get(method)

    def insert(self, epoch: int, entry: Entry) -> None:
        """Stores one epoch; an epoch that exists is replaced.

        Raises:
            ValueError: if a length is not n, or the size of a method's heatmaps changes.
            Nothing is stored then.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < -1:
            raise ValueError(f"epoch must be an int of at least -1. Received: {epoch!r}.")
        num_probes = self.num_probes if self.num_probes is not None else len(entry.classes)
        entry.check(num_probes)
        sizes = {method: shape[1:] for method, shape in entry.map_shapes.items()}
        for method, size in sizes.items():
            if self._map_sizes.get(method, size) != size:
                raise ValueError(
                    f"heatmaps of {method!r} were {self._map_sizes[method]} in earlier epochs. "
                    f"Received: {size} in epoch {epoch}. A run keeps one size for each "
                    "method; start a new run for another model or layer."
                )
        self.num_probes = num_probes
        self._map_sizes |= sizes
        # A new dict, so that a reader in another thread sees whole epochs in order.
        self._entries = dict(sorted({**self._entries, int(epoch): entry}.items()))

    def remove(self, epoch: int) -> None:
        """Forgets an epoch, if it is there."""
        self._entries = {e: entry for e, entry in self._entries.items() if e != epoch}

    def _stack(self, rows: Sequence[Any], dtype: DTypeLike) -> np.ndarray:
        return np.array(rows, dtype).reshape(len(rows), self.num_probes or 0)
