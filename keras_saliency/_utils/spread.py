"""A few of many, spread evenly."""

import numpy as np


def spread_evenly(length: int, most: int) -> np.ndarray:
    """Returns some of the numbers 0 ... length - 1, the first and the last among them.

    Probes are often sorted by class, and so are shown evenly spread over the set.

    Args:
        length: how many there are to choose from.
        most: how many to choose. All are chosen where there are fewer. A single one is 0.

    Returns:
        int array, ascending, without repetitions.
    """
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(int))
