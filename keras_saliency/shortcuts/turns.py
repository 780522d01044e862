"""`Turns`: detectors that were silent for long take turns over the checks."""

from collections.abc import Callable, Sequence

from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.trial import Trial

NUM_SILENT = 3  # checks in a row, after which a detector rests
CYCLE = 3  # checks, of which it then takes part in one

Attempt = Callable[[SwapDetector], Trial | None]


class Turns:
    """Which detectors take part in a check.

    Args:
        detectors: `SwapDetector`s.
    """

    def __init__(self, detectors: Sequence[SwapDetector]):
        self._silent = {detector.name: 0 for detector in detectors}
        self._num_checks = 0

    def take(
        self,
        detectors: Sequence[SwapDetector],
        attempt: Attempt,
        *,
        is_complete: bool,
        is_counted: bool,
    ) -> list[Trial]:
        """Returns the trials of a check, in the order of the detectors.

        Where one of them proves something all are tried, since findings are judged together.

        Args:
            detectors: those given before.
            attempt: function that tries one; None where nothing is suspicious.
            is_complete: whether all take part.
            is_counted: whether this check counts as one in which a detector was silent.
        """
        rests = set() if is_complete else self._resting()
        trials = {d.name: attempt(d) for d in detectors if d.name not in rests}
        if any(trial is not None and trial.is_proven for trial in trials.values()):
            trials |= {d.name: attempt(d) for d in detectors if d.name in rests}
        if is_counted:
            self._num_checks += 1
            for name, trial in trials.items():
                is_silent = trial is None or not (trial.is_proven or trial.is_undecided)
                self._silent[name] = self._silent[name] + 1 if is_silent else 0
        found = (trials.get(detector.name) for detector in detectors)
        return [trial for trial in found if trial is not None]

    def _resting(self) -> set[str]:
        return {
            name
            for place, (name, times) in enumerate(self._silent.items())
            if times >= NUM_SILENT and (place + self._num_checks) % CYCLE
        }
