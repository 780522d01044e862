"""`Results`: what can be read from a callback, of its run or of one that a copy was taken of."""

import copy
import os
from dataclasses import dataclass
from typing import Any

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.history import History
from keras_saliency.records import Alert
from keras_saliency.shortcuts.messages import nothing_tested
from keras_saliency.training.run import Run
from keras_saliency.training.settings import Settings


@short_repr
@dataclass(frozen=True)
class RunRecord:
    """What is left of a run where the run itself is not: in a copy, or in another process.

    Attributes:
        history: `History`.
        findings: `Alert`s of all severities.
        run_dir: where the run is written, as `Results.run_dir`.
        summary: what was tested and found, as text.
    """

    history: History
    findings: tuple[Alert, ...]
    run_dir: str | None
    summary: str


# What a fit, and Keras, set anew; the hook is bound to its instance.
_OF_A_FIT = {"_run", "_schedule", "_is_running", "_is_chief", "_num_workers", "_guard"}
_OF_A_FIT |= {"_last_epoch", "_model", "params", "validation_data", "on_train_batch_end"}


class Results:
    """Reads the results of a callback; each waits for the background thread.

    A mixin for `SaliencyCallback`. It can be copied and pickled at any time, as tuners and
    parallel searches do. The copy knows the results so far, and begins a run of its own in its
    next `fit`; model, threads and files stay with the original.
    """

    settings: Settings
    _run: Run | None  # from the first epoch on
    _is_chief: bool
    _record: RunRecord | None = None  # of a copy, until it has a run

    @property
    def history(self) -> History:
        if self._run is None:
            return self.settings.new_history() if self._record is None else self._record.history
        self._run.settle()
        return self._run.history

    @property
    def findings(self) -> list[Alert]:
        if self._run is None:
            return [] if self._record is None else list(self._record.findings)
        self._run.settle()
        return list(self._run.search.findings)

    @property
    def alerts(self) -> list[Alert]:
        return [finding for finding in self.findings if finding.severity == "alert"]

    @property
    def run_dir(self) -> str | None:
        if self._run is None:
            return None if self._record is None else self._record.run_dir
        log_dir, run_dir = self.settings.log_dir, self._run.run_dir
        # As it follows from `log_dir`: relative where that is.
        return run_dir if is_remote(log_dir) else os.path.join(log_dir, os.path.basename(run_dir))

    def summary(self) -> str:
        """Returns what was tested for shortcuts, what was found, and what silence does not exclude.

        `fit` prints it at its end, unless `verbose=0`. Where nothing was tested, it says why.
        """
        if self._run is None and self._record is None:
            chief = "the callback has not been used in a fit yet"
            return nothing_tested(chief if self._is_chief else "the chief of the workers tests")
        if self._run is None:
            assert self._record is not None
            return self._record.summary
        self._run.settle()
        return self._run.summary()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: settings and results, and nothing that belongs to one process."""
        record = self._record
        if self._run is not None:
            history, findings = copy.copy(self.history), tuple(self.findings)
            record = RunRecord(history, findings, self.run_dir, self.summary())
        kept = {name: value for name, value in vars(self).items() if name not in _OF_A_FIT}
        return {**kept, "_record": record}
