"""Contains a failure of ours, so that it never becomes a failure of the training."""

import contextlib
import logging

from keras_saliency._utils.notify import notify

FAILURES_BEFORE_OFF = 3


class Guard:
    """Runs the parts of the callback and answers for their failures.

    A part that fails is reported once in words, with the traceback in the
    log "keras_saliency"; after 3 failures in a row it is switched off, and the
    other parts go on. `KeyboardInterrupt` and `SystemExit` pass through.

    Args:
        on_error: "warn" contains failures; "raise" lets them through.
    """

    def __init__(self, on_error="warn"):
        if on_error not in ("warn", "raise"):
            raise ValueError(f'on_error must be "warn" or "raise". Received: {on_error!r}.')
        self.on_error = on_error
        self._failures: dict[str, int] = {}
        self._reported: set[str] = set()
        self._away: set[str] = set()

    def run(self, part: str, function, *arguments, passing=(), tries_again=()):
        """Returns `function(*arguments)`, or None where it failed or `part` is switched off.

        Args:
            part: what it is called in words.
            function: what is run.
            *arguments: its arguments.
            passing: types of exceptions that are let through.
            tries_again: types of exceptions that never switch the part off: a full disk may
                have room again. They are reported once each time they begin and end.
        """
        if self._failures.get(part, 0) >= FAILURES_BEFORE_OFF:
            return None
        try:
            result = function(*arguments)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a cancelled task of a user's own sink, say
            if self.on_error == "raise" or isinstance(error, passing):
                raise
            with contextlib.suppress(Exception):  # of an error that cannot be told
                logging.getLogger("keras_saliency").error("%s failed", part, exc_info=error)
            if isinstance(error, tries_again):
                self._report_away(part, error)
            else:
                self._report(part, error)
            return None
        self._failures[part] = 0
        if part in self._away:
            self._away.discard(part)
            notify(f"keras_saliency: {part} works again.")
        return result

    def _report_away(self, part, error):
        if part not in self._away:
            self._away.add(part)
            notify(
                f"keras_saliency: {part} failed and is left out: {_in_words(error)}. "
                "It is tried again at every observation. The training is not affected."
            )

    def _report(self, part, error):
        self._failures[part] = self._failures.get(part, 0) + 1
        if part not in self._reported:
            self._reported.add(part)
            notify(
                f"keras_saliency: {part} failed and is left out: {_in_words(error)}. "
                'The training is not affected. The traceback is in the log "keras_saliency".'
            )
        if self._failures[part] == FAILURES_BEFORE_OFF:
            notify(
                f"keras_saliency: {part} failed {FAILURES_BEFORE_OFF} times in a row and is "
                "switched off."
            )


def _in_words(error):
    """The error's kind and the first line of what it says; TensorFlow's go on for pages."""
    try:
        lines = str(error).strip().splitlines() or [""]
    except Exception:  # the user's own class
        lines = [""]
    return f"{type(error).__name__}: {lines[0][:200]}".rstrip(" .:")
