"""Checks of plain arguments that several packages take."""

from typing import Any

import numpy as np


def check_int(argument: str, value: Any, lowest: int = 1) -> int:
    """Returns `value` as an int; refuses what is not an int of at least `lowest`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
        raise ValueError(f"{argument} must be an int of at least {lowest}. Received: {value!r}.")
    return int(value)


def shown(value: Any, limit: int = 80) -> str:
    """Returns a value's repr for an error message, without its middle where it is too long."""
    try:
        text = f'"{repr(value)[1:-1]}"' if isinstance(value, str) else repr(value)
    except Exception as error:  # the user's own class, or an int of too many digits
        text = f"{type(value).__name__} without a repr ({type(error).__name__})"
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} ... {text[-limit // 2 :]}"


def check_names(argument: str, names: Any) -> tuple[str, ...]:
    """Returns names as a tuple without repetitions; a single one counts as a list of it."""
    listed = [names] if isinstance(names, str) else names
    is_list = isinstance(listed, list | tuple)
    if not is_list or not all(isinstance(name, str) and name for name in listed):
        raise TypeError(f"{argument} must be a list of names. Received: {shown(names)}.")
    return tuple(dict.fromkeys(listed))


def is_remote(path: str) -> bool:
    """Whether a path belongs to a file system of TensorFlow's, such as gs:// or ram://."""
    return "://" in path
