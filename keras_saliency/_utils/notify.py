"""Notices to the user, which point at the user's own line and never end a training."""

import contextlib
import logging
import sys
import sysconfig
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

_LOGGER = logging.getLogger("keras_saliency")
_OURS = str(Path(__file__).parents[1])
_STANDARD_LIBRARY = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib")})
_INSTALLED = ("site-packages", "dist-packages")
_ENGINES = {"keras_saliency", "keras", "tf_keras", "tensorflow"}


class Line(NamedTuple):
    """A line of code that a warning points at.

    Attributes:
        file: its file.
        number: its number, from 1.
        module: the module's name.
        registry: where Python notes which warnings the module has had.
    """

    file: str
    number: int
    module: str
    registry: dict[Any, Any]


_told = threading.local()  # `line`: of the code for which this thread runs


class _Bar:
    """Whether Keras's progress bar is on the line of the terminal."""

    is_drawn = False


def notify(message: str) -> None:
    """Warns the user; logs instead where warnings are errors, since no notice may end a fit."""
    try:
        warn(message)
    except Warning:
        _LOGGER.warning(message)


def warn(message: str) -> None:
    """Warns the user at the line of the user's code that has led here.

    Raises:
        UserWarning: where warnings are errors.
    """
    line = users_line()
    if _Bar.is_drawn:
        _Bar.is_drawn = False
        with contextlib.suppress(Exception):  # a stdout that is closed, or someone's own
            sys.stdout.write("\n")
            sys.stdout.flush()
    warnings.warn_explicit(message, UserWarning, line.file, line.number, line.module, line.registry)


def note_bar(is_drawn: bool) -> None:
    """Notes whether Keras's progress bar is on the line, so that a warning begins a new one."""
    _Bar.is_drawn = is_drawn


def users_line() -> Line:
    """Returns the innermost line that is neither of a library nor of Python.

    Where all are, as in a package that is installed, the innermost that is not ours, of an engine
    or of Python; in a background thread, the line that `pointing_at` names.
    """
    installed: Line | None = None
    outermost = frame = sys._getframe(1)
    # One by one: a list of frames would keep itself alive, and with it all that `fit` holds.
    while frame is not None:
        if not _is_behind_the_scenes(frame):
            if not any(name in frame.f_code.co_filename for name in _INSTALLED):
                return _line_of(frame)
            installed = installed or _line_of(frame)
        outermost, frame = frame, frame.f_back  # type: ignore[assignment]
    return installed or getattr(_told, "line", None) or _line_of(outermost)


@contextlib.contextmanager
def pointing_at(line: Line) -> Iterator[None]:
    """Lets the warnings of this thread point at a line, where no code of the user is running."""
    _told.line = line
    try:
        yield
    finally:
        _told.line = None


def _is_behind_the_scenes(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if module in _ENGINES or file.startswith((_OURS, "<frozen ")):
        return True
    is_installed = any(name in file for name in _INSTALLED)
    return file.startswith(_STANDARD_LIBRARY) and not is_installed


def _line_of(frame: FrameType) -> Line:
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    return Line(frame.f_code.co_filename, frame.f_lineno, names.get("__name__", ""), registry)
