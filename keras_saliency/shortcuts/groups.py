"""Gaps between groups: does the model serve one of them worse?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.coverage import Untested
from keras_saliency.shortcuts.messages import describe_gap
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT, Streaks
from keras_saliency.shortcuts.swaps import ClassLabels, wilson_bounds
from keras_saliency.shortcuts.verdict import ALERT, SUSPECT, Severity, Verdict

MIN_PROBES = 8  # of a group in a class
MIN_GAP = 0.2
_NEWS: dict[int, Severity] = {1: SUSPECT, NUM_FOR_ALERT: ALERT}  # by the length of a streak


@short_repr
class Group(NamedTuple):
    """The probes of one group in one class.

    Attributes:
        name: of the group.
        members: int (m,), indices of the probes.
        num_right: how many of them the model is right about.
    """

    name: str
    members: np.ndarray
    num_right: int

    @property
    def share(self) -> float:
        """Share of the probes that the model is right about, in [0, 1]."""
        return self.num_right / len(self.members)


@short_repr
class Gap(NamedTuple):
    """The groups of a class that are served worst and best."""

    worse: Group
    better: Group


class GroupGap:
    """Compares the accuracy of the groups of each class.

    Nothing is swapped: the gap itself is what harms. It is proven where the better group's
    lower bound (Wilson, 95 %) exceeds the upper bound of the worse one, with a gap of at least 0.2.

    Args:
        probes: `ProbeSet` with `groups`.
        class_labels: their `ClassLabels`.
        streaks: `Streaks`, where those of the classes are kept.
    """

    name = "groups"

    def __init__(self, probes: ProbeSet, class_labels: ClassLabels, streaks: Streaks):
        self._probes, self._class_labels, self._streaks = probes, class_labels, streaks
        self._groups = np.asarray(probes.groups)

    def check(self, is_said: np.ndarray, classes: Sequence[int], epoch: int) -> list[Alert]:
        """Returns what is new, from what the model says of each probe, bool (n, k)."""
        alerts = []
        for c in classes:
            key, gap = (self.name, c), self._largest_gap(is_said, c)
            severity = _NEWS.get(self._streaks.update(key, epoch, gap is not None))
            if gap is not None and severity is not None:
                alerts.append(
                    self._alert(c, gap, Verdict(severity, epoch, self._streaks.since(key)))
                )
        return alerts

    def too_few(self, classes: Sequence[int]) -> list[Untested]:
        """Returns the classes with fewer than two groups that can be compared."""
        few = []
        for c in classes:
            groups = self._groups[self._class_labels.has_class[:, c]]
            counts = {str(g): int((groups == g).sum()) for g in np.unique(groups)}
            if sum(count >= MIN_PROBES for count in counts.values()) < 2:
                name = self._probes.class_text(c)
                text = (
                    f'groups of class "{name}" (numbers of probes: {counts}, '
                    f"needed: {MIN_PROBES} in each of two groups)"
                )
                few.append(Untested(name, "too few", text))
        return few

    def _largest_gap(self, is_said: np.ndarray, c: int) -> Gap | None:
        has = self._class_labels.has_class[:, c]
        groups = []
        for name in np.unique(self._groups[has]):
            members = np.flatnonzero(has & (self._groups == name))
            if len(members) >= MIN_PROBES:
                groups.append(Group(str(name), members, int(is_said[members, c].sum())))
        if len(groups) < 2:
            return None
        groups.sort(key=lambda group: group.share)
        worse, better = groups[0], groups[-1]
        lower_bound, _ = wilson_bounds(better.share, len(better.members))
        _, upper_bound = wilson_bounds(worse.share, len(worse.members))
        is_proven = lower_bound > upper_bound and better.share - worse.share >= MIN_GAP
        return Gap(worse, better) if is_proven else None

    def _alert(self, c: int, gap: Gap, verdict: Verdict) -> Alert:
        worse, better = gap.worse, gap.better
        return Alert(
            severity=verdict.severity,
            detector=self.name,
            epoch=verdict.epoch,
            since_epoch=verdict.since_epoch,
            class_index=c,
            accuracy_loss=None,
            loss_interval=None,
            adoption=1 - worse.share,
            control=1 - better.share,
            num_pairs=len(worse.members) + len(better.members),
            num_donors=len(worse.members),
            region=None,
            probe_indices=tuple(worse.members.tolist()),
            message=describe_gap(gap, self._probes.class_text(c), verdict),
        )
