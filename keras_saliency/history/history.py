"""`History`, as it is asked."""

import os
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from keras_saliency.history import archive, run_files
from keras_saliency.history import export as tables
from keras_saliency.history.entry import Entry
from keras_saliency.statistics.summary import class_means, split_by_outcome

_OUTCOMES = ("stayed", "corrected", "flipped")


class History(Mapping):
    """Statistics, predictions and heatmaps of all probes, by epoch.

    `history[method][statistic]` is a float32 array (num_epochs, n), NaN where
    undefined. To be written by one thread; in others, each reading sees whole epochs.

    Args:
        labels: int (n,), for class means and outcomes. Defaults to None.
        names: str (n,), the probes' names. Defaults to None, "0", "1", ...
        class_names: list of str. Defaults to None.

    Attributes:
        num_probes: n; None until it is known from labels, names or the first epoch.

    Raises:
        ValueError: if labels and names are not of one length.
    """

    def __init__(self, *, labels=None, names=None, class_names=None):
        self.labels = None if labels is None else np.array(labels, np.int64)
        self.names = None if names is None else [str(name) for name in names]
        self.class_names = None if class_names is None else [str(name) for name in class_names]
        self._entries: dict[int, Entry] = {}
        self._native_sizes: dict[str, tuple[int, ...]] = {}
        lengths = {len(x) for x in (self.labels, self.names) if x is not None}
        if len(lengths) > 1:
            raise ValueError(
                f"labels and names have {sorted(lengths)} entries. Pass one of each for each probe."
            )
        self.num_probes: int | None = lengths.pop() if lengths else None

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
        """How long the training waited at each epoch, where it was told."""
        return [e.seconds for e in self._entries.values()]

    def __getitem__(self, method: str) -> "MethodSeries":
        _check_known("method", method, self.methods)
        return MethodSeries(self, method)

    def __iter__(self) -> Iterator[str]:
        return iter(self.methods)

    def __len__(self) -> int:
        return len(self.methods)

    def __eq__(self, other) -> bool:
        """Whether both hold the same numbers, NaN equal to NaN."""
        if not isinstance(other, History):
            return NotImplemented
        mine, theirs = archive.to_arrays(self), archive.to_arrays(other)
        return mine.keys() == theirs.keys() and all(
            np.array_equal(mine[k], theirs[k], equal_nan=mine[k].dtype.kind == "f") for k in mine
        )

    def __repr__(self) -> str:
        return f"History(epochs={self.epochs}, methods={self.methods})"

    def append(self, epoch, predictions, statistics, heatmaps, seconds=None, is_baseline=False):
        """Stores one epoch; an epoch that exists is replaced.

        Args:
            epoch: int, 0-based, -1 for the baseline.
            predictions: (classes int (n,), confidence float (n,)).
            statistics: {method: {statistic: float (n,)}}.
            heatmaps: {method: float (n, h, w)}, un-normalised, native size, or
                `StoredMaps`.
            seconds: how long the training waited. Defaults to None.
            is_baseline: whether this is the model before its first epoch.

        Raises:
            ValueError: if a length is not n, or a method's native size changes.
            Nothing is stored then.
        """
        entry = Entry.make(predictions, statistics, heatmaps, seconds, is_baseline)
        self.insert(epoch, entry)

    def insert(self, epoch, entry: Entry):
        """Stores an `Entry`, as `append` does."""
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < -1:
            raise ValueError(f"epoch must be an int of at least -1. Received: {epoch!r}.")
        num_probes = self.num_probes if self.num_probes is not None else len(entry.classes)
        entry.check(num_probes)
        sizes = {method: shape[1:] for method, shape in entry.map_shapes.items()}
        for method, size in sizes.items():
            if self._native_sizes.get(method, size) != size:
                raise ValueError(
                    f"heatmaps of {method!r} were {self._native_sizes[method]} in earlier epochs. "
                    f"Received: {size} in epoch {epoch}. A run keeps one native size for each "
                    "method; start a new run for another model or layer."
                )
        self.num_probes = num_probes
        self._native_sizes |= sizes
        # A new dict, so that a reader in another thread sees whole epochs in order.
        self._entries = dict(sorted({**self._entries, int(epoch): entry}.items()))

    def remove(self, epoch: int) -> None:
        """Forgets an epoch; one that is not there is none to forget."""
        self._entries = {e: entry for e, entry in self._entries.items() if e != epoch}

    def heatmaps(self, method: str, epoch: int) -> np.ndarray:
        """Returns a method's un-normalised heatmaps, float32 (n, h, w), native size.

        They are kept as float16 of map / maximum, with the maximum as float32: a value
        is off by at most 1/2048 of itself, or by 3e-8 of its map's maximum.
        A map that was not finite is all NaN.

        Raises:
            KeyError: if there are none of this method and epoch.
        """
        held = [e for e, entry in self._entries.items() if method in entry.heatmaps]
        _check_known(f"epoch with heatmaps of {method!r}", epoch, held)
        return self._entries[epoch].heatmaps[method].restore()

    def class_means(self, method: str, statistic: str) -> dict[int, np.ndarray]:
        """Returns {class: mean over its defined probes, float32 (num_epochs,)}.

        Raises:
            ValueError: if the history has no labels.
        """
        if self.labels is None:
            raise ValueError("This history has no labels, so it has no class means.")
        return class_means(self[method][statistic], self.labels)

    def splits(self, method: str, statistic: str) -> dict[str, np.ndarray]:
        """Returns means by what became of the predictions since the epoch before.

        Returns:
            {"stayed", "corrected", "flipped": float32 (num_epochs,)}, as
            `split_by_outcome` defines them; NaN in the first epoch.
        """
        values, predictions = self[method][statistic], self.predictions
        series = {k: np.full(len(values), np.nan, np.float32) for k in _OUTCOMES}
        for i in range(1, len(values)):
            split = split_by_outcome(values[i], predictions[i - 1], predictions[i], self.labels)
            for outcome, mean in split.items():
                series[outcome][i] = mean
        return series

    def to_dict(self) -> dict:
        """Returns everything but the heatmaps as plain Python, None for NaN, fit for JSON.

        Keys: epochs, seconds, labels, names, class_names, predictions and
        confidence (num_epochs lists of n), statistics (by method, by statistic:
        num_epochs lists of n).
        """
        return tables.to_dict(self)

    def to_dataframe(self):
        """Returns all statistics as a long pandas DataFrame.

        Columns: epoch, method, statistic, probe (its index), name, value.

        Raises:
            ImportError: if pandas is not installed.
        """
        return tables.to_dataframe(self)

    def save(self, path):
        """Writes everything to a .npz file, at once or not at all.

        Args:
            path: where to, as it is (no suffix is added); or a file opened
                for writing bytes.
        """
        archive.save(archive.to_arrays(self), path)

    @classmethod
    def load(cls, path) -> "History":
        """Reads what `save` wrote; `load(path) == history`, bit for bit.

        Nothing in the file is executed (no pickle).

        Args:
            path: where from; or a run's directory, such as "logs/saliency"; or a file
                opened for reading bytes.

        Raises:
            ValueError: if the file is broken, or no history.
            FileNotFoundError: if there is no file.
        """
        if isinstance(path, str | os.PathLike) and tf.io.gfile.isdir(os.fspath(path)):
            return run_files.load_run(os.fspath(path), cls)
        return archive.load(path, cls)

    @property
    def entries(self) -> dict[int, Entry]:
        """The entries by epoch, ascending; not to be changed."""
        return self._entries

    def _stack(self, rows, dtype):
        return np.array(rows, dtype).reshape(len(rows), self.num_probes or 0)


class MethodSeries(Mapping):
    """One method's statistics: float32 (num_epochs, n), stacked when asked for."""

    def __init__(self, history: History, method: str):
        self._history = history
        self._method = method

    def __getitem__(self, statistic: str) -> np.ndarray:
        _check_known(f"statistic of {self._method!r}", statistic, list(self))
        entries = self._history.entries.values()
        missing = np.full(self._history.num_probes or 0, np.nan, np.float32)
        found = [e.statistics.get(self._method, {}).get(statistic, missing) for e in entries]
        return np.stack(found)

    def __iter__(self) -> Iterator[str]:
        entries = self._history.entries.values()
        return iter(dict.fromkeys(s for e in entries for s in e.statistics.get(self._method, {})))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _check_known(what, value, known):
    if value not in known:
        listed = ", ".join(repr(k) for k in known) or "none"
        raise KeyError(f"This history has no {what} {value!r}. Known: {listed}.")
