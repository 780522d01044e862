"""The report of one run, written from Python."""

import os

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.files import written_whole
from keras_saliency.cards import SavedReport


def save_report(log_dir: str, run_dir: str | None, path: str | os.PathLike[str]) -> SavedReport:
    """Writes the report of a run.

    Args:
        log_dir: the directory that `tensorboard --logdir` takes.
        run_dir: that of the run, inside of it; None where nothing was run.
        path: where to.

    Raises:
        ValueError: if the path is not that of an HTML file, or there is nothing to report.
    """
    path = os.fspath(path)
    if not path.lower().endswith((".html", ".htm")):
        raise ValueError(f'A report is an HTML file. Received: "{path}". Pass "report.html".')
    if run_dir is None:
        raise ValueError(
            "There is nothing to report, since the callback was not run. Pass it to fit, or call "
            "observe."
        )
    # Here, since TensorBoard's reader takes a while to import.
    from keras_saliency.tab.report import build_report

    run = os.path.relpath(run_dir, log_dir).replace(os.sep, "/")
    page = build_report(log_dir, runs=[run])
    with written_whole(path) as file:
        file.write(page.encode())
    return SavedReport(path if is_remote(path) else os.path.abspath(path), page)
