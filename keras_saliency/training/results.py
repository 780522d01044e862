"""`Results`: what can be read from a callback, of its run or of one that a copy was taken of."""

import copy
import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.cards import EpochView, FindingList, SavedReport
from keras_saliency.history import History
from keras_saliency.history.run_files import read_epochs
from keras_saliency.records import Alert, LabelIssue
from keras_saliency.shortcuts.messages import NOTHING_TESTED, nothing_tested
from keras_saliency.training.epoch_views import view_of
from keras_saliency.training.overlay_grids import OverlayGrids
from keras_saliency.training.reports import save_report
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


_NOT_RUN = (
    "this callback was not run. Where a tuner has run copies of it, "
    "keras_saliency.findings(log_dir) has their findings"
)


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
    _is_copy = False

    @property
    def history(self) -> History:
        if self._run is None:
            return self.settings.new_history() if self._record is None else self._record.history
        self._run.settle()
        return self._run.history

    @property
    def findings(self) -> FindingList:
        if self._run is None:
            found = [] if self._record is None else list(self._record.findings)
        else:
            self._run.settle()
            found = list(self._run.search.findings)
        return self._listed(found)

    @property
    def alerts(self) -> FindingList:
        return self._listed([found for found in self.findings if found.severity == "alert"])

    @property
    def run_dir(self) -> str | None:
        if self._run is None:
            return None if self._record is None else self._record.run_dir
        log_dir, run_dir = self.settings.log_dir, self._run.run_dir
        # As it follows from `log_dir`: relative where that is.
        return run_dir if is_remote(log_dir) else os.path.join(log_dir, self._run.name)

    def summary(self) -> str:
        """Returns what was tested for shortcuts, what was found, and what silence does not exclude.

        `fit` prints it at its end, unless `verbose=0`. Where nothing was tested, it says why.
        """
        if self._run is None and self._record is None:
            return nothing_tested(_NOT_RUN if self._is_chief else "the chief of the workers tests")
        if self._run is None:
            assert self._record is not None
            return self._record.summary
        self._run.settle()
        return self._run.summary()

    def label_issues(self) -> list[LabelIssue]:
        """Returns the probes whose label is probably wrong, the least probable label first.

        See `History.label_issues`. Look at them: the model may also be wrong.

        Raises:
            ValueError: if labels cannot be judged: nothing was run, there are none or several of
                each probe, no classes, or the model is not accurate enough.
        """
        return self.history.label_issues()

    def show(self, epoch: int | None = None, method: str | None = None) -> EpochView:
        """Returns an epoch as a notebook shows it: overlays, drift so far, findings so far.

        It is drawn from `history`: maps above 64 pixels a side are shown reduced to that, and
        methods such as DeconvNet by their heatmaps.

        Args:
            epoch: int, 0-based; -1 is the model before training. Defaults to None, the last.
            method: name of a method. Defaults to None, all.

        Raises:
            ValueError: if there is no epoch yet.
            KeyError: if there is no such epoch or method, or no heatmap is kept.
        """
        history, findings = self.history, self.findings
        if self._run is None:
            grids = OverlayGrids(self.settings.probes, self.settings.drawn)
        else:
            grids = self._run.grids
        view = view_of(history, grids, findings, epoch, method)
        return dataclasses.replace(view, note=findings.caution)

    def save_report(self, path: str | os.PathLike[str]) -> SavedReport:
        """Writes the run as one HTML file, which opens without TensorBoard and without a network.

        It is what `python -m keras_saliency report` writes of this run. A notebook shows what is
        returned, and says how large it is.

        Args:
            path: where to, such as "report.html".

        Raises:
            ValueError: if the path is not that of an HTML file, or the run wrote no maps for
                TensorBoard.
        """
        if self._run is not None:
            self._run.settle()
        return save_report(self.settings.log_dir, self.run_dir, path)

    def _listed(self, findings: list[Alert]) -> FindingList:
        said = self.summary()
        cautions = [line for line in said.splitlines() if line.startswith(NOTHING_TESTED)]
        return FindingList(findings, said, " ".join(cautions))

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: settings and results, and nothing that belongs to one process."""
        record = self._record
        if self._run is not None:
            history, findings = copy.copy(self.history), tuple(self.findings)
            record = RunRecord(history, findings, self.run_dir, self.summary())
        kept = {name: value for name, value in vars(self).items() if name not in _OF_A_FIT}
        return {**kept, "_record": record, "_is_copy": True}

    def __repr__(self) -> str:
        """What it is and what it has found, without waiting for the background thread."""
        known: Any = self._record
        if self._run is not None:
            known = RunRecord(self._run.history, tuple(self._run.search.findings), None, "")
        if known is None:
            place = f"log_dir={self.settings.log_dir!r}, run_name={self.settings.run_name!r}"
            return f"<{type(self).__name__}({place}): not run>"
        num_alerts = sum(finding.severity == "alert" for finding in known.findings)
        counts = f"{len(known.history.epochs)} epochs, {num_alerts} alerts"
        return f"<{type(self).__name__} {self.run_dir}: {counts}>"

    def _may_go_on_with(self, epoch: int) -> str | None:
        """Which run on disk one that begins at an epoch may go on with: None any, "" none.

        A tuner trains many copies with the same probes, and gives the later ones the weights of
        earlier ones (Hyperband): each is a run of its own. A copy of a callback that was run
        goes on with that run, unless another copy has done so.
        """
        if not self._is_copy or self._run is not None:
            return None
        run_dir = None if self._record is None else self._record.run_dir
        if run_dir is None or read_epochs(run_dir)[-1:] != [epoch - 1]:
            return ""
        return run_dir if is_remote(run_dir) else os.path.abspath(run_dir)
