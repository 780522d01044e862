"""Which directory a run writes to, and who owns it."""

import os
import re
import threading
import uuid
import weakref
from collections.abc import MutableMapping
from typing import Any, Protocol

import tensorflow as tf

from keras_saliency._utils.arguments import is_remote, shown
from keras_saliency._utils.files import TROUBLE, remove_if_empty
from keras_saliency.history.run_files import history_dir

_RUN_NAME = re.compile(r"saliency(?:_([1-9]\d{0,8}))?")
_lock = threading.Lock()


_claimed: MutableMapping[str, Any] = weakref.WeakValueDictionary()  # owner by run directory


class Owner(Protocol):
    """What writes to a run directory.

    Attributes:
        thread: number of the thread that has begun it.
        fit: an object that is the same for all callbacks of one `fit`, or None.
    """

    thread: int
    fit: Any

    def close(self) -> None:
        """Ends the writing, and releases the directory."""


def run_dirs(log_dir: str) -> list[str]:
    """Returns the run directories in a log directory: saliency, saliency_2, ..., the last first."""
    if not tf.io.gfile.isdir(log_dir):
        return []
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(log_dir)]
    numbers = {int(m[1] or 1): name for name in names if (m := _RUN_NAME.fullmatch(name))}
    return [tf.io.gfile.join(log_dir, numbers[number]) for number in sorted(numbers, reverse=True)]


def claim(run_dir: str, owner: Owner) -> bool:
    """Reserves a run directory; False where another one of this process writes there.

    An owner whose `fit` was ended by an error does not know it. But a thread has
    one `fit` at a time, so a newcomer of another `fit` in the same thread closes it.

    Args:
        run_dir: the run's directory.
        owner: `Owner` that asks for it.
    """
    with _lock:
        holder = _claimed.get(run_dir)
    if holder is not None and holder is not owner:
        is_known = holder.fit is not None and owner.fit is not None
        is_over = holder.thread not in {thread.ident for thread in threading.enumerate()}
        is_before = is_known and holder.fit is not owner.fit and holder.thread == owner.thread
        if not (is_over or is_before):
            return False
        holder.close()
    with _lock:
        return _claimed.setdefault(run_dir, owner) is owner


def release(run_dir: str, owner: Owner) -> None:
    """Releases a run directory, and removes it where nothing has been written."""
    with _lock:
        if _claimed.get(run_dir) is not owner:
            return
        del _claimed[run_dir]
    remove_if_empty(history_dir(run_dir))
    remove_if_empty(run_dir)


def claim_new(log_dir: str, owner: Owner) -> str:
    """Claims the first of LOG_DIR/saliency, saliency_2, ... that holds nothing yet."""
    number = 1
    while True:
        name = "saliency" if number == 1 else f"saliency_{number}"
        run_dir = tf.io.gfile.join(log_dir, name)
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
