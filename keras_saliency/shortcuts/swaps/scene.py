"""`Scene`: all that swaps need to know of the probes at one moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_saliency.shortcuts.swaps.class_labels import ClassLabels
from keras_saliency.shortcuts.swaps.edits import grow
from keras_saliency.shortcuts.swaps.value_range import ValueRange

RIM_SHARE = 1 / 32  # of the shorter side


@dataclass(frozen=True, eq=False)
class Scene:
    """The probes as raw pixels, and what the model makes of them.

    Of signals (n, length, C) and volumes (n, D, H, W, C), (length,) or (D, H, W) stands for (H, W).

    Attributes:
        pixels: float32 (n, H, W, C).
        task: `ClassLabels`.
        is_said: bool (n, k), which classes the model says each probe has.
        attention: float32 (n, H, W), unit mass, NaN where a map is all zero.
        masks: bool (n, H, W), the objects, or None.
        predict: function from edited pixels (m, H, W, C), and ints (m,) that say of which probes
            they are, to logits (m, k).
        pixel_range: `ValueRange` of the probes.
        spared: bool (H, W), places where nothing is lent because the user calls them
            legitimate, or None.
        fills_frame: whether the user calls colour or texture legitimate.
        kept: what scenes of the same probes share, see `once`.
    """

    pixels: np.ndarray
    task: ClassLabels
    is_said: np.ndarray
    attention: np.ndarray
    masks: np.ndarray | None
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray]
    pixel_range: ValueRange
    spared: np.ndarray | None = None
    fills_frame: bool = False
    kept: dict = field(default_factory=dict)

    @classmethod
    def of(cls, probes, task, pixel_range, graph, is_said, attention=None, **more) -> "Scene":
        """Makes a scene of a `ProbeSet` and a `ModelGraph`; attention is even where not given."""

        def predict(pixels, rows):
            return graph.predict(probes.prepare(pixel_range.clip(pixels)), rows).logits

        if attention is None:
            shape = probes.images.shape[:-1]
            attention = np.full(shape, 1 / np.prod(shape[1:]), np.float32)
        pixels, masks = probes.images.astype(np.float32), probes.object_masks
        return cls(pixels, task, is_said, attention, masks, predict, pixel_range, **more)

    def once(self, function: Callable[["Scene"], Any]) -> Any:
        """Returns what a function makes of pixels, masks and labels, which no training changes."""
        if function not in self.kept:
            self.kept[function] = function(self)
        return self.kept[function]

    @property
    def objects(self) -> np.ndarray:
        """The masks, where a swap cannot be without them, and a rim around each, bool (n, H, W).

        Just outside of a mask the object goes on: its soft edge, and what the mask misses. Lent
        with the background, that would give its outline away.
        """
        if self.masks is None:
            raise ValueError("this swap needs object_masks")
        return self.once(_objects_and_rims)

    @property
    def size(self) -> tuple[int, ...]:
        """(H, W); of signals (length,), of volumes (D, H, W)."""
        return self.pixels.shape[1:-1]

    def edited(self, edit, pairs) -> np.ndarray:
        """Returns the recipients after `edit(pairs)`, but for what is spared, (m, H, W, C)."""
        images = edit(pairs)
        if self.spared is not None:
            images[:, self.spared] = self.pixels[pairs.recipients][:, self.spared]
        return images


def _objects_and_rims(scene):
    return grow(scene.masks, max(1, round(RIM_SHARE * min(scene.size))))
