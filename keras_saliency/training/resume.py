"""Which earlier run a run goes on with, and what it takes over."""

from dataclasses import dataclass
from typing import Any

from keras_saliency._utils.notify import notify
from keras_saliency.history import History, RunFiles, read_identity
from keras_saliency.records import Alert
from keras_saliency.training.album import Album
from keras_saliency.training.guard import Guard
from keras_saliency.training.run_directory import Owner, claim, claim_new, run_dirs


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
    log_dir: str, owner: Owner, identity: dict, history: History, album: Album
) -> RunState:
    """Returns the `RunState` of a new run in the first free directory."""
    run_dir = claim_new(log_dir, owner)
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
    log_dir: str,
    owner: Owner,
    identity: dict,
    epoch: int,
    history: History,
    album: Album,
    guard: Guard,
) -> RunState | None:
    """Goes on with the newest run in the log directory that has the same identity.

    Args:
        log_dir: the log directory.
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
    for run_dir in run_dirs(log_dir):
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
            f"keras_saliency: training goes on at epoch {epoch + 1}, but no run in {log_dir} "
            f"can be continued: {'; '.join(others)}. A new one is begun beside."
        )
    return None


def _difference(run_dir: str, theirs: dict, ours: dict) -> str:
    keys = [key for key in ours if theirs.get(key) != ours[key]]
    return f"{run_dir} has other {' and '.join(keys) or 'writers at this moment'}"
