"""`History`: what was measured in every epoch. The only memory between epochs."""

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from keras_saliency.statistics.summary import class_means, split_by_outcome

_FORMAT, _VERSION = "keras_saliency.history", 1


@dataclass(frozen=True)
class _Entry:
    """One epoch. Heatmaps are (codes float16 (n, h, w), scales float32 (n,))."""

    classes: np.ndarray
    confidence: np.ndarray
    statistics: dict[str, dict[str, np.ndarray]]
    heatmaps: dict[str, tuple[np.ndarray, np.ndarray]]
    seconds: float | None


class History(Mapping):
    """Statistics, predictions and heatmaps of all probes, by epoch.

    `history[method][statistic]` is a float32 array (num_epochs, n), NaN where
    undefined. To be written by one thread; reading from others is safe.

    Args:
        labels: int (n,), for class means and outcomes. Defaults to None.
        names: str (n,), the probes' names. Defaults to None, "0", "1", ...
        class_names: list of str. Defaults to None.

    Raises:
        ValueError: if labels and names are not of one length.
    """

    def __init__(self, *, labels=None, names=None, class_names=None):
        self.labels = None if labels is None else np.array(labels, np.int64)
        self.names = None if names is None else [str(name) for name in names]
        self.class_names = None if class_names is None else [str(name) for name in class_names]
        self._entries: dict[int, _Entry] = {}
        lengths = {len(x) for x in (self.labels, self.names) if x is not None}
        if len(lengths) > 1:
            raise ValueError(
                f"labels has {len(labels)} entries but names has {len(names)}. "
                "Pass one of each for each probe."
            )
        self._num_probes = lengths.pop() if lengths else None

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
        """What each epoch's measurement cost, where it was told."""
        return [e.seconds for e in self._entries.values()]

    def __getitem__(self, method: str) -> "MethodSeries":
        _check_known("method", method, self.methods)
        return MethodSeries(self, method)

    def __iter__(self) -> Iterator[str]:
        return iter(self.methods)

    def __len__(self) -> int:
        return len(self.methods)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def append(self, epoch, predictions, statistics, heatmaps, seconds=None):
        """Stores one epoch; an epoch that exists is replaced.

        Args:
            epoch: int, 0-based, -1 for the baseline.
            predictions: (classes int (n,), confidence float (n,)).
            statistics: {method: {statistic: float (n,)}}.
            heatmaps: {method: float (n, h, w)}, un-normalised, native size.
            seconds: what the measurement cost. Defaults to None.

        Raises:
            ValueError: if a length is not n, or a method's native size changes.
            Nothing is stored then.
        """
        maps = {method: _encode(np.asarray(m)) for method, m in heatmaps.items()}
        self._insert(epoch, predictions, statistics, maps, seconds)

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
        codes, scales = self._entries[epoch].heatmaps[method]
        return codes.astype(np.float32) * scales[:, None, None]

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
        """Returns everything but the heatmaps as plain Python, None for NaN, fit for JSON."""
        return {
            "epochs": self.epochs,
            "seconds": self.seconds,
            "labels": None if self.labels is None else self.labels.tolist(),
            "names": self.names,
            "class_names": self.class_names,
            "predictions": self.predictions.tolist(),
            "confidence": _plain(self.confidence),
            "statistics": {m: {s: _plain(v) for s, v in self[m].items()} for m in self},
        }

    def to_dataframe(self):
        """Returns all statistics as a long pandas DataFrame.

        Columns: epoch, method, statistic, probe (its index), name, value.

        Raises:
            ImportError: if pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "History.to_dataframe() needs pandas. Install it (pip install pandas), or use "
                "History.to_dict()."
            ) from error
        num_probes = self._num_probes or 0
        names = self.names or [str(i) for i in range(num_probes)]
        columns = ["epoch", "method", "statistic", "probe", "name", "value"]
        frames = []
        for method, series in self.items():
            for statistic, values in series.items():
                frame = {
                    "epoch": np.repeat(self.epochs, num_probes),
                    "method": method,
                    "statistic": statistic,
                    "probe": np.tile(np.arange(num_probes), len(values)),
                    "name": np.tile(names, len(values)),
                    "value": values.reshape(-1),
                }
                frames.append(pandas.DataFrame(frame, columns=columns))
        if not frames:
            return pandas.DataFrame(columns=columns)
        return pandas.concat(frames, ignore_index=True)
