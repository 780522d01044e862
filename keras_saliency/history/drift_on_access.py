"""`DriftOnAccess`: drifts that no observation has computed, from the maps that a history keeps."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_saliency._utils.files import TROUBLE
from keras_saliency._utils.notify import notify
from keras_saliency.history.entry import Entry, MapComparison
from keras_saliency.statistics import Recording, compute_all, drift_names, reference_epochs
from keras_saliency.statistics.registry import SomeProbes

Entries = Mapping[int, Entry]
_Found = tuple[Entry, Entry, np.ndarray]  # the epoch, the one it is compared with, the row
_NO_PROBES = SomeProbes(None, None, None, None)


def is_comparable(entries: Entries, method: str) -> bool:
    """Whether it is known how a method's maps are compared, be they kept or not."""
    return any(method in entry.comparisons for entry in entries.values())


class DriftOnAccess:
    """Computes drifts when they are asked for, and remembers them.

    They are what an observation would have computed, if the maps are kept at the size that they
    have. Reduced maps are compared at the size at which they are kept.
    """

    def __init__(self) -> None:
        # An epoch that was trained again has another entry, so that its rows are computed again.
        self._rows: dict[tuple[str, int, str], _Found] = {}

    def compute(
        self, entries: Entries, method: str, names: Sequence[str]
    ) -> dict[tuple[int, str], np.ndarray]:
        """Returns the rows, float32 (n,), by epoch and name, that entries lack and maps allow.

        Args:
            entries: by epoch, ascending.
            method: name of the method.
            names: of statistics; those that are no drifts are left out.
        """
        asked = [name for name in drift_names() if name in names]
        baselines = {epoch for epoch, entry in entries.items() if entry.is_baseline}
        maps = _KeptRecordings(entries, method)
        found: dict[tuple[int, str], np.ndarray] = {}
        for epoch, entry in entries.items() if asked else ():
            if method not in entry.comparisons or method not in entry.heatmaps:
                continue
            chosen = reference_epochs(epoch, entries, baselines)
            new: dict[str, int] = {}  # the epoch that each is compared with
            for name in asked:
                other = chosen.get(name.rpartition("_")[2])
                if name in entry.statistics.get(method, {}) or other is None:
                    continue
                known = self._rows.get((method, epoch, name))
                if known and known[0] is entry and known[1] is entries[other]:
                    found[epoch, name] = known[2]
                elif method in entries[other].heatmaps:
                    new[name] = other
            for name, row in maps.compare(epoch, new).items():
                found[epoch, name] = row
                self._rows[method, epoch, name] = entry, entries[new[name]], row
        maps.report_gone()
        return found


class _KeptRecordings:
    """One method's kept maps as `Recording`s, each held for as long as epochs in turn need it."""

    def __init__(self, entries: Entries, method: str):
        self._entries = entries
        self._method = method
        self._recordings: dict[int, Recording | None] = {}
        self._gone: set[int] = set()

    def compare(self, epoch: int, others: Mapping[str, int]) -> dict[str, np.ndarray]:
        """Returns drifts of an epoch, float32 (n,), by name.

        Args:
            epoch: which one.
            others: the epoch to compare with by the drift's name.
        """
        if not others:
            return {}
        comparison = self._entries[epoch].comparisons[self._method]
        wanted = {epoch, *others.values()}
        self._recordings = {e: r for e, r in self._recordings.items() if e in wanted}
        for e in wanted - self._recordings.keys():
            self._recordings[e] = self._read(e, comparison)
        now = self._recordings[epoch]
        if now is None:
            return {}
        references: dict[str, dict[str, Recording]] = {}
        for name, other in others.items():
            then = self._recordings[other]
            if then is not None:
                references[name.rpartition("_")[2]] = {self._method: then}
        return compute_all({self._method: now}, _NO_PROBES, None, references, only=others)[
            self._method
        ]

    def report_gone(self) -> None:
        if self._gone:
            notify(
                f"keras_saliency: heatmaps of the epochs {sorted(self._gone)} are no longer on "
                "disk, so drifts that were not computed before are NaN."
            )

    def _read(self, epoch: int, comparison: MapComparison) -> Recording | None:
        try:
            stored = self._entries[epoch].heatmaps[self._method]
        except (ValueError, *TROUBLE):
            self._gone.add(epoch)
            return None
        return Recording(self._method, stored, comparison.size, comparison.is_grainy)
