"""Checks of plain arguments that several rooms take."""

import numpy as np


def check_positive_int(argument: str, value) -> int:
    """Returns `value` as an int; refuses what is not an int >= 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{argument} must be an int of at least 1. Received: {value!r}.")
    return int(value)


class Refusal(ValueError):
    """What cannot be had honestly, found out only when the model was run."""
