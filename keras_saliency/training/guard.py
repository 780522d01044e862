"""`Guard`: contains a failure of ours, so that it never becomes a failure of the training."""

import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from keras_saliency._utils.notify import notify

FAILURES_BEFORE_OFF = 3
_Errors = tuple[type[BaseException], ...]


class Guard:
    """Runs the parts of the callback and answers for their failures.

    A part that fails is reported once in a warning, with the traceback in the
    log "keras_saliency"; after 3 failures in a row it is switched off, and the
    other parts go on. `KeyboardInterrupt` and `SystemExit` pass through.

    As a context, since what is guarded is then called without anything between:

        with guard("drawing") as is_on:
            if is_on:
                pictures = album.draw(report)

    Args:
        on_error: "warn" contains failures; "raise" lets them through.
    """

    def __init__(self, on_error: str = "warn"):
        if on_error not in ("warn", "raise"):
            raise ValueError(f'on_error must be "warn" or "raise". Received: {on_error!r}.')
        self.on_error = on_error
        self._failures: dict[str, int] = {}
        self._reported: set[str] = set()
        self._away: set[str] = set()

    def __call__(self, part: str, *, passing: _Errors = (), tries_again: _Errors = ()) -> "_Part":
        """Returns the context of a part; it yields whether the part is still switched on.

        Args:
            part: what it is called in messages.
            passing: types of exceptions that are let through.
            tries_again: types of exceptions that never switch the part off: a full disk may
                have room again. They are reported once each time they begin and end.
        """
        return _Part(self, part, passing, tries_again)

    def run(self, part: str, function: Callable, *arguments: Any, tries_again: _Errors = ()) -> Any:
        """Returns `function(*arguments)`; None where it failed or `part` is switched off."""
        with self(part, tries_again=tries_again) as is_on:
            if is_on:
                return function(*arguments)
        return None

    def run_statistic(self, name: str, function: Callable, *arguments: Any) -> Any:
        """Runs one statistic as a part of its own."""
        return self.run(f"the statistic {name}", function, *arguments)

    def is_on(self, part: str) -> bool:
        """Whether a part has not been switched off."""
        return self._failures.get(part, 0) < FAILURES_BEFORE_OFF

    def note_success(self, part: str) -> None:
        """Notes that a part has worked."""
        self._failures[part] = 0
        if part in self._away:
            self._away.discard(part)
            notify(f"keras_saliency: {part} works again.")

    def note_failure(self, part: str, error: BaseException, tries_again: _Errors) -> None:
        """Notes and reports that a part has failed."""
        with contextlib.suppress(Exception):  # of an error that cannot be printed
            logging.getLogger("keras_saliency").error("%s failed", part, exc_info=error)
        if isinstance(error, tries_again):
            self._report_away(part, error)
        else:
            self._report(part, error)

    def _report_away(self, part: str, error: BaseException) -> None:
        if part not in self._away:
            self._away.add(part)
            notify(
                f"keras_saliency: {part} failed and is left out: {_described(error)}. "
                "It is tried again at every observation. The training is not affected."
            )

    def _report(self, part: str, error: BaseException) -> None:
        self._failures[part] = self._failures.get(part, 0) + 1
        if part not in self._reported:
            self._reported.add(part)
            notify(
                f"keras_saliency: {part} failed and is left out: {_described(error)}. "
                'The training is not affected. The traceback is in the log "keras_saliency".'
            )
        if self._failures[part] == FAILURES_BEFORE_OFF:
            notify(
                f"keras_saliency: {part} failed {FAILURES_BEFORE_OFF} times in a row and is "
                "switched off."
            )


class _Part:
    """The context in which one part runs once. A class: it is also thrown at by StopIteration."""

    def __init__(self, guard: Guard, part: str, passing: _Errors, tries_again: _Errors):
        self._guard, self._part = guard, part
        self._passing, self._tries_again = passing, tries_again

    def __enter__(self) -> bool:
        self._is_on = self._guard.is_on(self._part)
        return self._is_on

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is None:
            if self._is_on:
                self._guard.note_success(self._part)
            return False
        is_exit = isinstance(error, KeyboardInterrupt | SystemExit)
        if is_exit or self._guard.on_error == "raise" or isinstance(error, self._passing):
            return False
        self._guard.note_failure(self._part, error, self._tries_again)
        return True


def _described(error: BaseException) -> str:
    """The error's kind and the first line of its message; TensorFlow's go on for pages."""
    try:
        lines = str(error).strip().splitlines() or [""]
    except Exception:  # the user's own class
        lines = [""]
    return f"{type(error).__name__}: {lines[0][:200]}".rstrip(" .:")
