"""`findings`: what all runs below a directory have found, from their files."""

import os
from collections.abc import Iterator

import tensorflow as tf

from keras_saliency._utils.arguments import is_remote, shown
from keras_saliency._utils.files import TROUBLE
from keras_saliency._utils.notify import notify
from keras_saliency.history.run_files import read_epochs, read_findings_of
from keras_saliency.records import Alert
from keras_saliency.tab.folders import folders_below
from keras_saliency.tab.run_names import natural


def findings(log_dir: str | os.PathLike[str]) -> dict[str, list[Alert]]:
    """Returns the findings of every run below a directory, by the run's name.

    A tuner, a cross-validation or several programs leave many runs; their callbacks are often
    copies, or gone. Here their findings are read from their files. An empty list says that a run
    has found nothing, not that it has no shortcut: see `SaliencyCallback.summary`.

    Args:
        log_dir: the directory that the callbacks were given, or one above it.

    Returns:
        {run name: `Alert`s of all severities, in their order}. Names are paths relative to
        `log_dir`, as TensorBoard shows them, in natural order: fold_2 before fold_10. A run that
        cannot be read at all is left out, and an epoch that cannot be read has no findings; each
        is reported. `evidence` is None in runs of versions that did not keep it.

    Raises:
        ValueError: if there is no such directory.
    """
    top = os.fsdecode(log_dir)
    if not tf.io.gfile.isdir(top):
        raise ValueError(
            f"log_dir must be a directory. Received: {shown(top)}, which does not exist. Pass "
            "what SaliencyCallback(log_dir=...) was given."
        )
    found = {}
    for name, run_dir in sorted(_runs(top), key=lambda run: natural(run[0])):
        epochs, of_run, complaints = read_epochs(run_dir), [], []
        for epoch in epochs:
            try:
                of_run += read_findings_of(run_dir, epoch)
            except (ValueError, *TROUBLE) as error:
                complaints.append(str(error))
        if complaints:
            lost = f"{len(complaints)} of {len(epochs)} epochs of {run_dir} cannot be read"
            notify(f"keras_saliency: {lost}, so their findings are missing: {complaints[0]}")
        if len(complaints) < len(epochs):
            found[name] = of_run
    return found


def _runs(top: str) -> Iterator[tuple[str, str]]:
    """Returns (name, directory) of all runs below a directory."""
    if is_remote(top):
        start = len(top.rstrip("/"))
        paths = [folder.rstrip("/") for folder, _, _ in tf.io.gfile.walk(top)]
        folders = [(path[start:].strip("/") or ".", path) for path in paths]
    else:
        found, left_out = folders_below(top)
        folders = [(folder.name, folder.path) for folder in found]
        if left_out:
            notify(
                "keras_saliency: findings in folders whose names are not UTF-8 are left out: "
                f"{', '.join(map(shown, left_out))}"
            )
    for name, path in folders:
        if read_epochs(path):
            yield name, path
