"""`Judge`: what is reported of the proofs of one check after the other."""

from collections.abc import Sequence

from keras_saliency.probes import ProbeSet
from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.finding import Finding, finding_of_trial
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT, Streaks, Told
from keras_saliency.shortcuts.swaps import Scene
from keras_saliency.shortcuts.telling import explains, may_be_object, most_telling, shows_same
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.verdict import ALERT, SUSPECT, Verdict


class Judge:
    """Makes one finding of each cue, which several detectors may see, at several checks.

    Args:
        detectors: all `SwapDetector`s, in their order.
        probes: `ProbeSet` of the images that are watched.

    Attributes:
        streaks: `Streaks` of checks in a row, by detector.
    """

    def __init__(self, detectors: Sequence[SwapDetector], probes: ProbeSet):
        self._names, self._probes = [detector.name for detector in detectors], probes
        self.streaks, self._told = Streaks(), Told()
        self._proven_before: list[Trial] = []  # for the first time, at the check before
        self._is_held = False  # an alert, since something may say more

    def new_findings(self, scene: Scene, trials: Sequence[Trial], epoch: int) -> list[Finding]:
        """Notes a check, and returns the one finding that is new, if any."""
        proven = {t.detector.name: t for t in trials if t.is_proven}
        for name in self._names:
            self.streaks.update(name, epoch, name in proven)
        self._told.forget_what_is_over(proven)
        lasting = [t for n, t in proven.items() if self.streaks.length(n) >= NUM_FOR_ALERT]
        all_proven = list(proven.values())
        sure = [t for t in all_proven if not may_be_object(t, all_proven)]
        new, sure = [t for t in sure if t not in lasting], [t for t in sure if t in lasting]
        before, self._proven_before = self._proven_before, new
        best = most_telling(sure) if sure else None
        # What would say more, and was proven now or just before, gets a second check.
        if best is not None and self.streaks.length(best.detector.name) == NUM_FOR_ALERT:
            new = new + before
        self._is_held = best is not None and any(explains(t, best) for t in new)
        if best is not None and not self._is_held:
            return self._report(scene, sure, Verdict(ALERT, epoch, epoch))
        unsure = [t for t in all_proven if t in lasting or not t.proposal.may_be_object]
        return self._report(scene, unsure, Verdict(SUSPECT, epoch, epoch)) if unsure else []

    def is_pending(self, trials: Sequence[Trial]) -> bool:
        """Whether something is proven, and not part of the object, that was no alert yet."""
        proven = [t for t in trials if t.is_proven]
        return self._is_held or any(
            self.streaks.length(t.detector.name) < NUM_FOR_ALERT
            and not self._told.has(t.detector.name, ALERT)
            and not may_be_object(t, proven)
            for t in proven
        )

    def is_untold(self, trials: Sequence[Trial]) -> bool:
        """Whether something is proven for the first time that the user has not been told of."""
        names = [t.detector.name for t in trials if t.is_proven]
        new = [name for name in names if self.streaks.length(name) < NUM_FOR_ALERT]
        return not all(self._told.has(name, SUSPECT) for name in new)

    def break_streaks(self) -> None:
        """Notes a check in which nothing could be tested."""
        self.streaks.clear()
        self._proven_before, self._is_held = [], False

    def _report(self, scene: Scene, trials: list[Trial], verdict: Verdict) -> list[Finding]:
        """Reports the most telling of some trials, unless the user knows what it shows."""
        chosen = most_telling(trials)
        names = [t.detector.name for t in trials]
        known = [t for t in trials if self._told.has(t.detector.name, verdict.severity)]
        is_known = any(t is chosen or shows_same(t, chosen) for t in known)
        self._told.add([chosen.detector.name] if is_known else names, verdict.severity)
        if is_known:
            return []
        name = chosen.detector.name
        verdict = verdict._replace(since_epoch=self.streaks.since(name))
        others = [other for other in names if other != name]
        return [finding_of_trial(scene, self._probes, chosen, verdict, others)]
