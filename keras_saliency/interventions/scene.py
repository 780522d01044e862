"""`Scene`: all that swaps need to know of the probes at one moment."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_saliency.interventions.task import Task


@dataclass(frozen=True, eq=False)
class Scene:
    """The probes as raw pixels, and what the model makes of them.

    Attributes:
        pixels: float32 (n, H, W, C).
        task: `Task`.
        is_said: bool (n, k), which classes the model says each probe has.
        attention: float32 (n, H, W), unit mass, NaN where a map is all zero.
        masks: bool (n, H, W), the objects, or None.
        predict: function from edited pixels (m, H, W, C) to logits (m, k).
        spared: bool (H, W), places where nothing is lent because the user calls them
            legitimate, or None.
    """

    pixels: np.ndarray
    task: Task
    is_said: np.ndarray
    attention: np.ndarray
    masks: np.ndarray | None
    predict: Callable[[np.ndarray], np.ndarray]
    spared: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.pixels.shape[1:3]
