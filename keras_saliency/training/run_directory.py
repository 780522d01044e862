"""Which directory a run writes to: a new one, or that of the earlier run that it goes on with."""

import os
import re
import uuid
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from keras_saliency._utils.arguments import is_remote, shown
from keras_saliency._utils.files import TROUBLE, remove_if_empty
from keras_saliency._utils.notify import notify
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.history import History, RunFiles, read_identity
from keras_saliency.history.run_files import history_dir
from keras_saliency.records import Alert
from keras_saliency.training.album import Album
from keras_saliency.training.guard import Guard
from keras_saliency.training.ownership import Owner, claim, release

_NUMBER = r"(?:_([1-9]\d{0,8}))?"


@dataclass(frozen=True)
class Place:
    """Where runs of one name go.

    Attributes:
        log_dir: the log directory.
        name: the first run's name, a relative path such as "saliency" or "fold_3/saliency".
        only: the one run directory that may be gone on with; "" for none, None for any.
    """

    log_dir: str
    name: str
    only: str | None = None

    def numbered(self, number: int) -> str:
        """Returns the directory of the run with a number, from 1: saliency, saliency_2, ..."""
        name = self.name if number == 1 else f"{self.name}_{number}"
        return tf.io.gfile.join(self.log_dir, name)


@dataclass(frozen=True)
class Earlier:
    """What a run may go on with.

    Attributes:
        run: the finished `Run` of the same callback, or None.
        only: the one run directory that may be gone on with; "" for none, None for any.
    """

    run: Any = None
    only: str | None = None


ANY_RUN = Earlier()


def run_dirs(place: Place) -> list[str]:
    """Returns the directories of the runs of a name: saliency, saliency_2, ..., the last first."""
    above, _, last = place.name.rpartition("/")
    folder = tf.io.gfile.join(place.log_dir, above) if above else place.log_dir
    if not tf.io.gfile.isdir(folder):
        return []
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]
    matches = [re.fullmatch(re.escape(last) + _NUMBER, name) for name in names]
    numbers = sorted((int(m[1] or 1) for m in matches if m), reverse=True)
    found = [place.numbered(number) for number in numbers]
    return [run_dir for run_dir in found if place.only in (None, run_dir)]


def claim_new(place: Place, owner: Owner) -> str:
    """Claims the first of LOG_DIR/saliency, saliency_2, ... that holds nothing yet."""
    number = 1
    while True:
        run_dir = place.numbered(number)
        if _is_free(run_dir) and claim(run_dir, owner):
            if _begin(run_dir):
                return run_dir
            release(run_dir, owner)
        number += 1


def _is_free(run_dir: str) -> bool:
    if not tf.io.gfile.exists(run_dir):
        return True
    return tf.io.gfile.isdir(run_dir) and not tf.io.gfile.listdir(run_dir)


def _begin(run_dir: str) -> bool:
    """Makes the run's history folder, in one step where the file system can.

    So two programs that begin at the same time do not take the same directory.
    """
    folder = history_dir(run_dir)
    if is_remote(run_dir):
        tf.io.gfile.makedirs(folder)
        return True
    try:
        os.makedirs(run_dir, exist_ok=True)
        os.mkdir(folder)
    except FileExistsError:
        return False
    return True


def check_writable(log_dir: str) -> None:
    """Refuses a log directory that cannot be written to, and leaves nothing behind.

    Raises:
        ValueError: if a file stands in its place or above it, or a probe file cannot be written.
    """
    existing = log_dir
    missing = []
    while existing and not tf.io.gfile.exists(existing):
        parent = existing.rstrip("/").rpartition("/")[0]
        missing.append(existing)
        if not parent or parent.endswith((":", "/")):
            break
        existing = parent
    if tf.io.gfile.exists(existing) and not tf.io.gfile.isdir(existing):
        raise ValueError(
            f"log_dir must be a directory. Received: log_dir={shown(log_dir)}, "
            f"but {shown(existing)} is a "
            "file. Pass another directory or move the file."
        )
    try:
        tf.io.gfile.makedirs(log_dir)
        trial = tf.io.gfile.join(log_dir, f".keras_saliency_{uuid.uuid4().hex}")
        with tf.io.gfile.GFile(trial, "w") as file:
            file.write("x")
        tf.io.gfile.remove(trial)
    except TROUBLE as error:
        raise ValueError(
            f"log_dir cannot be written to. Received: log_dir={shown(log_dir)} "
            f"({type(error).__name__}: {error}). Pass a directory that this process may write to."
        ) from error
    finally:
        for directory in missing:  # the deepest first
            remove_if_empty(directory)


@short_repr
@dataclass(frozen=True)
class RunState:
    """Where a run writes, and what it knows of its earlier parts.

    Attributes:
        run_dir: the run's directory, which the run owns.
        identity: what makes its epochs comparable, as plain JSON: probes, methods, target.
        files: `RunFiles` in it.
        history: `History`.
        album: `Album`.
        findings: `Alert`s of its earlier epochs.
        is_resumed: whether it goes on with an earlier run.
    """

    run_dir: str
    identity: dict[str, Any]
    files: RunFiles
    history: History
    album: Album
    findings: tuple[Alert, ...] = ()
    is_resumed: bool = False


def begin_run(
    place: Place, owner: Owner, identity: dict, history: History, album: Album
) -> RunState:
    """Returns the `RunState` of a new run in the first free directory."""
    run_dir = claim_new(place, owner)
    return RunState(run_dir, identity, RunFiles(run_dir, identity), history, album)


def take_over(
    earlier: RunState, findings: list[Alert], owner: Owner, identity: dict, epoch: int
) -> RunState | None:
    """Goes on with a run of the same callback.

    Args:
        earlier: its `RunState`.
        findings: all that it has found.
        owner: what writes from now on.
        identity: that of the new run.
        epoch: the first epoch, 0-based.

    Returns:
        `RunState`; None where it is another run, has no history, or is still being written.
    """
    if not earlier.history or earlier.identity != identity or not claim(earlier.run_dir, owner):
        return None
    earlier.album.cut(epoch)
    return RunState(
        earlier.run_dir,
        identity,
        earlier.files,
        earlier.history,
        earlier.album,
        tuple(f for f in findings if f.epoch < epoch),
        is_resumed=True,
    )


def find_run(
    place: Place,
    owner: Owner,
    identity: dict,
    epoch: int,
    history: History,
    album: Album,
    guard: Guard,
) -> RunState | None:
    """Goes on with the newest run of the name that has the same identity.

    Args:
        place: `Place` of the runs.
        owner: what writes from now on.
        identity: that of the new run.
        epoch: the first epoch, 0-based.
        history: an empty `History`, which is filled with the epochs of the run.
        album: a new `Album`, to which the run's filmstrips are restored.
        guard: `Guard`; filmstrips that cannot be restored are left out.

    Returns:
        `RunState`; None, with a notice that says why, where no run can be continued.
    """
    others = []
    for run_dir in run_dirs(place):
        theirs = read_identity(run_dir)
        if theirs == identity and claim(run_dir, owner):
            files = RunFiles(run_dir, identity)
            files.clean()
            columns, findings, complaints = files.read(history)
            earlier = [column for e, *column in columns if e < epoch]
            guard.run("earlier filmstrips", album.restore, earlier)
            for complaint in complaints:
                notify(f"keras_saliency: an epoch of {run_dir} is lost: {complaint}")
            kept = tuple(f for f in findings if f.epoch < epoch)
            return RunState(run_dir, identity, files, history, album, kept, is_resumed=True)
        if theirs is not None:
            others.append(_difference(run_dir, theirs, identity))
    if others:
        notify(
            f"keras_saliency: training goes on at epoch {epoch + 1}, but no run in "
            f"{place.log_dir} can be continued: {'; '.join(others)}. A new one is begun beside."
        )
    return None


def end_run(run_dir: str, owner: Owner, log_dir: str) -> None:
    """Releases a run's directory; where nothing was written, the folders above it go, too."""
    release(run_dir, owner)
    folder = run_dir.rpartition("/")[0]
    while len(folder) > len(log_dir.rstrip("/")):
        remove_if_empty(folder)
        folder = folder.rpartition("/")[0]


def _difference(run_dir: str, theirs: dict, ours: dict) -> str:
    keys = [key for key in ours if theirs.get(key) != ours[key]]
    return f"{run_dir} has other {' and '.join(keys) or 'writers at this moment'}"
