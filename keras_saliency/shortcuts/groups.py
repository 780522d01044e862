"""Gaps between groups: does the model serve one of them worse?"""

import numpy as np

from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.swaps import wilson_bounds
from keras_saliency.shortcuts.untested import Untested

MIN_PROBES = 8  # of a group in a class
MIN_GAP = 0.2


class GroupGap:
    """Compares the accuracy of the groups of each class.

    Nothing is swapped: the gap itself is what harms. It is proven where the better group's
    lower bound (Wilson, 95 %) exceeds the upper bound of the worse one, with a gap of at least 0.2.

    Args:
        probes: `ProbeSet` with `groups`.
        task: `ClassLabels`.
        streaks: `Streaks`.
    """

    name = "groups"

    def __init__(self, probes, task, streaks):
        self._probes, self._task, self._streaks = probes, task, streaks
        self._groups = np.asarray(probes.groups)

    def look(self, is_said, classes, epoch) -> list[Finding]:
        """Returns what is new, from what the model says of each probe, bool (n, k)."""
        found = []
        for c in classes:
            gap = self._largest_gap(is_said, c)
            severity = self._streaks.update((self.name, c), epoch, gap is not None)
            if severity is not None:
                found.append(self._finding(c, epoch, severity, *gap))
        return found

    def too_few(self, classes) -> list[Untested]:
        """Returns the classes with fewer than two groups that can be compared."""
        few = []
        for c in classes:
            groups = self._groups[self._task.has_class[:, c]]
            counts = {str(g): int((groups == g).sum()) for g in np.unique(groups)}
            if sum(count >= MIN_PROBES for count in counts.values()) < 2:
                name = self._probes.class_text(c)
                text = (
                    f'groups of class "{name}" (numbers of probes: {counts}, '
                    f"needed: {MIN_PROBES} in each of two groups)"
                )
                few.append(Untested(name, "too few", text))
        return few

    def _largest_gap(self, is_said, c):
        has = self._task.has_class[:, c]
        members = [np.flatnonzero(has & (self._groups == g)) for g in np.unique(self._groups[has])]
        members = [m for m in members if len(m) >= MIN_PROBES]
        if len(members) < 2:
            return None
        members.sort(key=lambda m: is_said[m, c].mean())
        worse, better = members[0], members[-1]
        low, high = is_said[worse, c].mean(), is_said[better, c].mean()
        is_certain = wilson_bounds(high, len(better))[0] > wilson_bounds(low, len(worse))[1]
        return (worse, better, low, high) if is_certain and high - low >= MIN_GAP else None

    def _finding(self, c, epoch, severity, worse, better, low, high):
        since = self._streaks.since((self.name, c))
        of_worse, of_better = self._groups[worse[0]], self._groups[better[0]]
        return Finding(
            severity=severity,
            detector=self.name,
            epoch=epoch,
            since_epoch=since,
            message=(
                f'Epoch {epoch + 1}: class "{self._probes.class_text(c)}" is recognised on '
                f'{round(low * len(worse))} of {len(worse)} probes of group "{of_worse}", and on '
                f'{round(high * len(better))} of {len(better)} of group "{of_better}" '
                f"(since epoch {since + 1}). Look at the overlays of both groups. This does not "
                "see why: another cue, too few training images of the group, or harder ones."
            ),
            class_index=c,
            adoption=float(1 - low),
            control=float(1 - high),
            num_pairs=len(worse) + len(better),
            num_donors=len(worse),
            probe_indices=tuple(int(i) for i in worse),
        )
