"""How the user's `preprocess` turns raw pixels into the model's input."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_saliency.probes.arrays import check_finite, check_length, frozen, read_pixels


def check_preprocess(preprocess: object) -> None:
    """Refuses what is neither a function nor None."""
    if preprocess is not None and not callable(preprocess):
        raise TypeError(
            "preprocess must be a function from images to model input, or None. "
            f"Received: {type(preprocess).__name__}."
        )


def apply_preprocess(
    preprocess: Callable[[np.ndarray], Any] | None, images: np.ndarray, num_axes: int
) -> np.ndarray:
    """Returns the model's input for some images, frozen.

    Args:
        preprocess: the user's function, or None. It is given a copy.
        images: array-like (m, H, W, C), raw pixels.
        num_axes: how many axes the images must have, 4 for (m, H, W, C).

    Returns:
        Array (m, …) of as many axes: `preprocess(images)`, or the images themselves without
        `preprocess`. Integers keep their dtype, everything else is float32.

    Raises:
        ValueError: if `preprocess` fails, or does not return m finite images.
    """
    pixels = read_pixels("images", images, (num_axes,), len(images))
    if preprocess is None:
        return frozen(pixels)
    try:
        result = preprocess(pixels.copy())
    except Exception as error:
        raise ValueError(
            f"preprocess failed on images of shape {pixels.shape}, dtype {pixels.dtype}. "
            f"Received: {type(error).__name__}: {error}. It must turn such an array into the "
            "model's input."
        ) from error
    inputs = read_pixels("preprocess(images)", result, (num_axes,), len(pixels))
    check_length("preprocess(images)", inputs, pixels.shape, "model input")
    check_finite("preprocess(images)", inputs)
    return frozen(inputs)
