"""Maps resized to another size, and values laid alongside maps."""

import numpy as np


def alongside(values: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Returns one value for each map, (n,), in a shape that goes with the maps', (n, 1, ...)."""
    return values.reshape(-1, *[1] * (maps.ndim - 1))


def _resize(maps, size):
    """Resizes (n, ...) linearly along each axis, pixels' centres at halves, edges repeated."""
    for axis, length in enumerate(size, 1):
        old = maps.shape[axis]
        place = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
        low = np.floor(place).astype(int)
        share = (place - low).astype(np.float32).reshape(-1, *[1] * (maps.ndim - axis - 1))
        high = np.minimum(low + 1, old - 1)
        maps = maps.take(low, axis) * (1 - share) + maps.take(high, axis) * share
    return maps
