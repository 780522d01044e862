"""`History`: what a run has measured, by method, statistic and epoch."""

import copy
import io
import os
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import shown
from keras_saliency.history import archive, export, plot, run_files
from keras_saliency.history.entry import Entry, MapComparison
from keras_saliency.history.label_verdict import LabelJudge, LabelVerdict
from keras_saliency.history.store import EpochStore
from keras_saliency.records import LabelIssue, StoredMaps
from keras_saliency.statistics.summary import class_means, split_by_outcome

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_OUTCOMES = ("stayed", "corrected", "flipped")


class History(EpochStore, Mapping[str, "MethodSeries"]):
    """Statistics, predictions and heatmaps of all probes, by epoch.

    `history[method][statistic]` is a float32 array (num_epochs, n), NaN where
    undefined. To be written by one thread; in others, each reading sees whole epochs.

    Observations compute `drift_*` and what `log_keys` names. The other drifts, such as
    `iou_previous`, are computed when they are first asked for, from the maps that are kept. Those
    of reduced maps are of the reduced maps (`history_maps="native"` keeps them whole); NaN where
    no maps are kept.

    Args:
        labels: int (n,), or multi-hot (n, k), for class means and outcomes. Defaults to None.
        names: str (n,), the probes' names. Defaults to None, "0", "1", ...
        class_names: list of str. Defaults to None.

    Attributes:
        num_probes: n; None until it is known from labels, names or the first epoch.

    Raises:
        ValueError: if labels and names are not of one length.
    """

    def __getitem__(self, method: str) -> "MethodSeries":
        _check_known("method", method, self.methods)
        return MethodSeries(self, method)

    def __iter__(self) -> Iterator[str]:
        return iter(self.methods)

    def __len__(self) -> int:
        return len(self.methods)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same numbers, NaN equal to NaN."""
        if not isinstance(other, History):
            return NotImplemented
        mine, theirs = archive.to_arrays(self), archive.to_arrays(other)
        return mine.keys() == theirs.keys() and all(
            np.array_equal(mine[k], theirs[k], equal_nan=mine[k].dtype.kind == "f") for k in mine
        )

    def __repr__(self) -> str:
        return f"History(epochs={shown(self.epochs)}, methods={shown(self.methods)})"

    def __copy__(self) -> "History":
        return self._of(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> "History":
        return copy.copy(self)  # entries are never changed, and maps on disk stay there

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the whole history, maps included, so that it is the same without the files."""
        file = io.BytesIO()
        self.save(file)
        return _from_bytes, (type(self), file.getvalue())

    def append(
        self,
        epoch: int,
        predictions: tuple[np.ndarray, np.ndarray],
        statistics: Mapping[str, Mapping[str, np.ndarray]],
        heatmaps: Mapping[str, np.ndarray | StoredMaps],
        seconds: float | None = None,
        is_baseline: bool = False,
        probabilities: np.ndarray | None = None,
        comparisons: Mapping[str, MapComparison] | None = None,
    ) -> None:
        """Stores one epoch; an epoch that exists is replaced.

        Args:
            epoch: int, 0-based, -1 for the baseline.
            predictions: (classes int (n,), confidence float (n,)).
            statistics: {method: {statistic: float (n,)}}.
            heatmaps: {method: float (n, h, w)}, un-normalised, of one size in all epochs, or
                `StoredMaps`.
            seconds: how long the training waited. Defaults to None.
            is_baseline: whether this is the model before its first epoch.
            probabilities: of each class, float (n, k), as `label_issues` needs them.
            comparisons: {method: `MapComparison`}, which drifts that are computed on access need.

        Raises:
            ValueError: if a length is not n, or the size of a method's heatmaps changes.
            Nothing is stored then.
        """
        more = seconds, is_baseline, probabilities, comparisons
        entry = Entry.make(predictions, statistics, heatmaps, *more)
        self.insert(epoch, entry)

    def heatmaps(self, method: str, epoch: int) -> np.ndarray:
        """Returns a method's un-normalised heatmaps, float32 (n, h, w), at the size that is kept.

        That is their native size up to 64 pixels on the longer side, and 64 above, or what
        `SaliencyCallback(history_maps=...)` says.
        They are kept as float16 of map / maximum, with the maximum as float32: a value
        is off by at most 1/2048 of itself, or by 3e-8 of its map's maximum.
        A map that was not finite is all NaN.

        Raises:
            KeyError: if there are none of this method and epoch, such as in a run with
                history_maps=None.
        """
        held = [e for e, entry in self.entries.items() if method in entry.heatmaps]
        if method in self.methods and not held:
            raise KeyError(
                f"This history has no heatmaps of {method!r}, only statistics. A run keeps none "
                "with history_maps=None. Train with history_maps='reduced' or 'native'."
            )
        _check_known(f"epoch with heatmaps of {method!r}", epoch, held)
        return self.entries[epoch].heatmaps[method].restore()

    def class_means(self, method: str, statistic: str) -> dict[int, np.ndarray]:
        """Returns {class: mean over its defined probes, float32 (num_epochs,)}.

        A multi-hot probe counts for each of its classes.

        Raises:
            ValueError: if the history has no labels.
        """
        if self.labels is None:
            raise ValueError(
                "This history has no labels, or the targets of a regression, so it has no class "
                "means."
            )
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

    def label_issues(self) -> list[LabelIssue]:
        """Returns the probes whose label is probably wrong, the least probable label first.

        The model disagrees with the label over the epochs, and does so as confidently as it
        agrees with the labels of the other class: see `statistics.label_issues`.

        Raises:
            ValueError: if labels cannot be judged: there are no labels or several of each probe, no
                probabilities, or the model is not accurate enough.
        """
        verdict = self.label_verdict()
        if verdict.reason:
            raise ValueError(f"Labels cannot be judged, since {verdict.reason}.")
        return list(verdict.issues)

    def label_verdict(self) -> LabelVerdict:
        """Returns what is known about the labels, as `LabelVerdict`; the reason if nothing is."""
        return self._label_judge.judge(self)

    @cached_property
    def _label_judge(self) -> LabelJudge:
        return LabelJudge()

    def to_dict(self) -> dict[str, Any]:
        """Returns everything but the heatmaps as plain Python, None for NaN, fit for JSON.

        Keys: epochs, seconds, labels, names, class_names, predictions and
        confidence (num_epochs lists of n), statistics (by method, by statistic:
        num_epochs lists of n).
        """
        return export.to_dict(self)

    def to_dataframe(self) -> "pandas.DataFrame":
        """Returns all statistics as a long pandas DataFrame.

        Columns: epoch, method, statistic, probe (its index), name, value.

        Raises:
            ImportError: if pandas is not installed.
        """
        return export.to_dataframe(self)

    def plot(self, statistic: str, *, method: str | None = None, ax: Any = None) -> "Axes":
        """Draws a statistic over the epochs: its mean, and the middle half of the probes as a band.

        Args:
            statistic: its name, such as "drift_start".
            method: name of a method. Defaults to None, all that have the statistic.
            ax: the Matplotlib Axes to draw into. Defaults to None, those of a new figure.

        Returns:
            The Axes, whose x are epochs as in `epochs`: 0-based, and -1 before training.

        Raises:
            ImportError: if Matplotlib is not installed.
            KeyError: if there is no such statistic or method.
            TypeError: if `ax` is no Axes.
        """
        return plot.plot(self, statistic, method, ax)

    def save(self, path: str | os.PathLike[str] | BinaryIO) -> None:
        """Writes everything to a .npz file, at once or not at all.

        Args:
            path: where to, as it is (no suffix is added); or a file opened
                for writing bytes.
        """
        archive.save(archive.to_arrays(self), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | BinaryIO) -> "History":
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
            store = run_files.load_run(os.fspath(path))
        else:
            store = archive.load(path)
        return cls._of(store)

    @classmethod
    def _of(cls, store: EpochStore) -> "History":
        """Returns a history with the entries of a store, which are shared."""
        history = cls(labels=store.labels, names=store.names, class_names=store.class_names)
        for epoch, entry in store.entries.items():
            history.insert(epoch, entry)
        return history


class MethodSeries(Mapping[str, np.ndarray]):
    """One method's statistics: float32 (num_epochs, n), stacked or computed when asked for."""

    def __init__(self, store: EpochStore, method: str):
        self._store = store
        self._method = method

    def __getitem__(self, statistic: str) -> np.ndarray:
        _check_known(f"statistic of {self._method!r}", statistic, list(self))
        [values] = self._store.series(self._method, statistic)
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.statistics_of(self._method))

    def __len__(self) -> int:
        return len(self._store.statistics_of(self._method))

    def __repr__(self) -> str:
        return f"MethodSeries({shown(self._method)}, statistics={shown(list(self), 160)})"


def _from_bytes(cls: type[History], content: bytes) -> History:
    return cls.load(io.BytesIO(content))


def _check_known(what: str, value: str | int, known: Collection[str | int]) -> None:
    if value not in known:
        listed = ", ".join(repr(k) for k in known) or "none"
        raise KeyError(f"This history has no {what} {value!r}. Known: {listed}.")
