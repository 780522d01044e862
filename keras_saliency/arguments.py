"""Checks of plain arguments that several rooms take."""

import numpy as np


def check_positive_int(argument: str, value) -> int:
    """Returns `value` as an int; refuses what is not an int >= 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{argument} must be an int of at least 1. Received: {value!r}.")
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
