"""One output of a notebook, updated in place."""

import importlib.util
import sys
from typing import Any

from keras_saliency.cards import EpochView
from keras_saliency.records import Alert, EpochReport
from keras_saliency.sinks.sink import Settings, Sink

_FIRST = EpochView("before training", note="The first maps are being computed.")


class NotebookSink(Sink):
    """Shows the overlays of the drawn probes, drift so far, and the findings below the cell.

    It is one output, and each report takes the place of the one before. In a notebook it is
    chosen by default. It is silent with `verbose=0`, and where no notebook is.

    Raises:
        ImportError: if IPython, which each notebook has, is missing.
    """

    of_a_run = ("_handle", "_view")
    is_display = True
    _handle: Any = None
    _view = _FIRST

    def __init__(self) -> None:
        if importlib.util.find_spec("IPython") is None:
            raise ImportError(
                'sinks="notebook" needs IPython, which is not installed. Install it: '
                "pip install ipython"
            )

    def open(self, run_dir: str, settings: Settings) -> None:
        self._handle, self._view = None, _FIRST
        if is_in_notebook():
            from IPython.display import display

            # Now, since this thread knows the cell: later ones come from the background thread.
            self._handle = display(self._bundle(), raw=True, display_id=True)

    def write(self, report: EpochReport) -> None:
        if self._handle is None:
            return
        self._view = _continued(self._view, report)
        self._handle.update(self._bundle(), raw=True)

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None and self._view is _FIRST:  # nothing came, as after a refusal
            handle.update({"text/html": "", "text/plain": ""}, raw=True)

    def _bundle(self) -> dict[str, str]:
        view = self._view
        return {"text/html": view._repr_html_(), "text/plain": repr(view)}


def is_in_notebook() -> bool:
    """Whether this process runs the cells of a notebook. Imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _continued(view: EpochView, report: EpochReport) -> EpochView:
    """Returns the view after a report; what a report lacks stays as it was."""
    pictures = {
        method: report.pictures[tag]
        for method in report.heatmaps
        for kind in ("overlays", "batch_overlays")
        if (tag := f"saliency/{method}/{kind}") in report.pictures
    }
    drift = {method: list(curve) for method, curve in view.drift.items()}
    for method in report.heatmaps:
        value = report.scalars.get(f"saliency/{method}/drift_previous")
        if value is not None and report.moment.is_end:
            drift.setdefault(method, []).append((report.epoch, value))
    findings: tuple[Alert, ...] = (*view.findings, *report.findings)
    when = report.when if pictures else view.when
    return EpochView(when, pictures or view.pictures, drift, findings, note=report.tested)
