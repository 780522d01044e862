"""`Scene`: all that swaps need to know of the probes at one moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.shortcuts.swaps.class_labels import ClassLabels
from keras_saliency.shortcuts.swaps.edits import grow
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.value_range import ValueRange

if TYPE_CHECKING:
    from keras_saliency.attribution.model_graph import ModelGraph

RIM_SHARE = 1 / 32  # of the shorter side


@dataclass(frozen=True, eq=False)
class Scene:
    """The probes as raw pixels, and what the model makes of them.

    Of signals (n, length, C) and volumes (n, D, H, W, C), (length,) or (D, H, W) stands for (H, W).

    Attributes:
        pixels: float32 (n, H, W, C).
        class_labels: `ClassLabels`.
        is_said: bool (n, k), which classes the model says each probe has.
        attention: float32 (n, H, W), unit mass, NaN where a map is all zero.
        masks: bool (n, H, W), the objects, or None.
        predict: function from edited pixels (m, H, W, C), and ints (m,) that say of which probes
            they are, to logits (m, k).
        value_range: `ValueRange` of the probes.
        spared: bool (H, W), places where nothing is lent because the user calls them
            legitimate, or None.
        fills_frame: whether the user calls colour or texture legitimate.
        kept: what scenes of the same probes share, see `once`.
    """

    pixels: np.ndarray
    class_labels: ClassLabels
    is_said: np.ndarray
    attention: np.ndarray
    masks: np.ndarray | None
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray]
    value_range: ValueRange
    spared: np.ndarray | None = None
    fills_frame: bool = False
    kept: dict = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        probes: ProbeSet,
        class_labels: ClassLabels,
        value_range: ValueRange,
        graph: "ModelGraph",
        is_said: np.ndarray,
        attention: np.ndarray | None = None,
        **more: Any,
    ) -> "Scene":
        """Makes a scene of probes and a graph.

        Args:
            probes: `ProbeSet`.
            class_labels: their `ClassLabels`.
            value_range: their `ValueRange`.
            graph: `ModelGraph`.
            is_said: see `Scene`.
            attention: see `Scene`. Defaults to None, the same everywhere.
            **more: other attributes of `Scene`.
        """

        def predict(pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return graph.predict(probes.prepare(value_range.clip(pixels)), rows).logits

        if attention is None:
            shape = probes.images.shape[:-1]
            attention = np.full(shape, 1 / np.prod(shape[1:]), np.float32)
        pixels, masks = probes.images.astype(np.float32), probes.object_masks
        return cls(pixels, class_labels, is_said, attention, masks, predict, value_range, **more)

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
        return self.once(_objects_and_rims)

    @property
    def size(self) -> tuple[int, ...]:
        """(H, W); for signals (length,), for volumes (D, H, W)."""
        return self.pixels.shape[1:-1]

    def edited(self, edit: Callable[[Pairs], np.ndarray], pairs: Pairs) -> np.ndarray:
        """Returns the recipients after `edit(pairs)`, but for what is spared, (m, H, W, C)."""
        images = edit(pairs)
        if self.spared is not None:
            images[:, self.spared] = self.pixels[pairs.recipients][:, self.spared]
        return images


def _objects_and_rims(scene: Scene) -> np.ndarray:
    if scene.masks is None:
        raise ValueError("this swap needs object_masks")
    return grow(scene.masks, max(1, round(RIM_SHARE * min(scene.size))))
