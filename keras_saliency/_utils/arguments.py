"""Checks of plain arguments that several rooms take."""

import os

import numpy as np


def check_int(argument: str, value, lowest: int = 1) -> int:
    """Returns `value` as an int; refuses what is not an int of at least `lowest`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
        raise ValueError(f"{argument} must be an int of at least {lowest}. Received: {value!r}.")
    return int(value)


def shown(value, limit: int = 80) -> str:
    """Returns a value's repr for an error message, without its middle where it is too long."""
    try:
        words = f'"{repr(value)[1:-1]}"' if isinstance(value, str) else repr(value)
    except Exception as error:  # the user's own class, or an int of too many digits
        words = f"{type(value).__name__} without a repr ({type(error).__name__})"
    if len(words) <= limit:
        return words
    return f"{words[: limit // 2]} ... {words[-limit // 2 :]}"


class Refusal(ValueError):
    """What cannot be had honestly, found out only when the model was run."""


def check_share(name: str, value) -> float | None:
    """Returns a share of the whole as a float, or None; refuses anything else.

    Raises:
        ValueError: if it is no number above 0 and at most 1.
    """
    if value is None:
        return None
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not 0 < value <= 1:
        raise ValueError(
            f"{name} must be a share, above 0 and at most 1, or None. Received: {value!r}. "
            "Pass 0.05 for 5 %."
        )
    return float(value)


def check_log_dir(log_dir) -> str:
    """Returns a log directory as a string; refuses what can be none."""
    if not isinstance(log_dir, str | os.PathLike) or os.fspath(log_dir) in ("", b""):
        raise TypeError(
            f"log_dir must be a path. Received: {log_dir!r}. Pass a directory such as 'logs'."
        )
    path = os.fsdecode(log_dir)
    is_text = path.encode(errors="replace").decode() == path  # no lone surrogates
    if "\0" in path or len(path) > 4096 or not is_text:
        raise ValueError(f"log_dir is no path that a file system takes. Received: {shown(path)}.")
    return path


def check_names(argument, names) -> tuple[str, ...]:
    """Returns names as a tuple without repetitions; a single one counts as a list of it."""
    listed = [names] if isinstance(names, str) else names
    is_list = isinstance(listed, list | tuple)
    if not is_list or not all(isinstance(name, str) and name for name in listed):
        raise TypeError(f"{argument} must be a list of names. Received: {shown(names)}.")
    return tuple(dict.fromkeys(listed))
