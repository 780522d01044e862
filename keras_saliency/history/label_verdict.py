"""Which probes' labels are probably wrong, judged by the probabilities of all epochs."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.files import TROUBLE
from keras_saliency.history.entry import Entry
from keras_saliency.history.store import EpochStore
from keras_saliency.records import LabelIssue
from keras_saliency.statistics import find_label_issues, least_accuracy

_MOST_NAMED = 3  # probes in a sentence


class LabelVerdict(NamedTuple):
    """What is known about the labels of a run.

    Attributes:
        issues: `LabelIssue`s, the least probable label first.
        reason: why labels could not be judged, as a clause; "" where they were.
        accuracy: the share of labels that the model agrees with, in its mean over the epochs.
        num_probes: how many labels were judged.
    """

    issues: tuple[LabelIssue, ...] = ()
    reason: str = ""
    accuracy: float = 0.0
    num_probes: int = 0

    def sentence(self) -> str:
        """Returns the verdict as one line."""
        if self.reason:
            return f"Labels: not judged, since {self.reason}."
        agrees = f"The model agrees with {self.accuracy:.0%} of the labels."
        if not self.issues:
            return f"Labels: none of {self.num_probes} probes seems to be labelled wrong. {agrees}"
        named = ", ".join(str(issue.probe_index) for issue in self.issues[:_MOST_NAMED])
        those = f"{len(self.issues)} of {self.num_probes} probes may be labelled wrong"
        order = ", the most suspicious first" if self.issues[1:] else ""
        return (
            f"Labels: {those}, or the model errs{order}: {named}"
            f"{', …' if self.issues[_MOST_NAMED:] else ''}. {agrees} "
            "callback.label_issues() lists them."
        )


class LabelJudge:
    """Judges the labels of a growing history; each epoch's probabilities are read once."""

    def __init__(self) -> None:
        self._added: dict[int, np.ndarray] = {}  # the predictions by which an epoch is known again
        self._sum: np.ndarray | None = None

    def judge(self, store: EpochStore) -> LabelVerdict:
        """Returns the verdict on all epochs that were trained; the untrained model has no say."""
        labels = store.labels
        if labels is None:
            reason = "the probes have no labels, or the targets of a regression"
            return LabelVerdict(reason=reason)
        if labels.ndim == 2:
            return LabelVerdict(reason="the probes have several labels each")
        trained = {e: entry for e, entry in store.entries.items() if not entry.is_baseline}
        if not trained:
            return LabelVerdict(reason="no epoch was observed yet")
        means = self._mean(trained)
        if means is None:
            return LabelVerdict(reason="the history holds no probabilities of classes")
        accuracy = float((means.argmax(axis=1) == labels).mean())
        least = least_accuracy(means.shape[1])
        if accuracy < least:
            return LabelVerdict(
                reason=f"the model agrees with {accuracy:.0%} of the labels, and at least "
                f"{least:.0%} are needed"
            )
        rows, suggested = find_label_issues(labels, means)
        issues = tuple(
            LabelIssue(
                probe_index=int(row),
                name=str(row) if store.names is None else store.names[row],
                label=int(labels[row]),
                suggested=int(other),
                probability=float(means[row, labels[row]]),
            )
            for row, other in zip(rows, suggested, strict=True)
        )
        return LabelVerdict(issues, accuracy=accuracy, num_probes=len(labels))

    def _mean(self, trained: Mapping[int, Entry]) -> np.ndarray | None:
        """The mean over epochs, float64 (n, k).

        Epochs without probabilities, or that cannot be read, are left out. An epoch that was
        trained again, or forgotten, makes it begin anew.
        """
        is_known = all(e in trained and trained[e].classes is c for e, c in self._added.items())
        added, total = (dict(self._added), self._sum) if is_known else ({}, None)
        for epoch, entry in trained.items():
            if epoch in added or entry.probabilities is None:
                continue
            try:
                rows = entry.probabilities().astype(np.float64)
            except (ValueError, *TROUBLE):
                continue
            if np.isfinite(rows).all() and (total is None or rows.shape == total.shape):
                total = rows if total is None else total + rows
                added[epoch] = entry.classes
        self._added, self._sum = added, total
        return None if total is None else total / len(added)
