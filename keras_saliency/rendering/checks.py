"""Checks of numbers before they are drawn."""

import numpy as np
from numpy.typing import ArrayLike


def check_numbers(argument: str, values: ArrayLike, axes: str) -> np.ndarray:
    """Returns numbers as an array; refuses another rank, no numbers, and none of them.

    Args:
        argument: what to call `values` in errors.
        values: array of bools, integers or floats.
        axes: such as "(h, w)"; as many as there must be.

    Raises:
        ValueError: if `values` does not fit.
    """
    array = np.asarray(values)
    if array.ndim != axes.count(",") + 1 or not array.size or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{argument} must have the shape {axes} and hold real numbers. "
            f"Received: {array.dtype} of shape {array.shape}. Pass a NumPy array of floats."
        )
    return array
