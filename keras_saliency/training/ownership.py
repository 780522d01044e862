"""Who writes to a run directory: one run at a time."""

import threading
import weakref
from collections.abc import MutableMapping
from typing import Any, Protocol

from keras_saliency._utils.files import remove_if_empty
from keras_saliency.history.run_files import history_dir

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
