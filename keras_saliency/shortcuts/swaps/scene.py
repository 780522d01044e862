"""`Scene`: all that swaps need to know of the images at one moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.probes.found_objects import RIM_SHARE
from keras_saliency.shortcuts.swaps.bank import Bank, tensor_preprocess
from keras_saliency.shortcuts.swaps.class_labels import ClassLabels
from keras_saliency.shortcuts.swaps.edits import grow
from keras_saliency.shortcuts.swaps.value_range import ValueRange

if TYPE_CHECKING:
    from keras_saliency.attribution.model_graph import ModelGraph

LEAST_FREE = 0.1  # of the images: objects that leave less, such as icons, cannot be spared


@short_repr
@dataclass(frozen=True, eq=False)
class Objects:
    """What swaps spare.

    Attributes:
        masks: bool (n, H, W), the objects and a rim around each. Just outside a mask, the
            object goes on: its soft edge, and what the mask misses.
        is_known: bool (n,), where the object is known for sure. Only these images take part in
            swaps that have to spare it.
        are_given: whether the user says where they are. What was found may lack parts of an object.
    """

    masks: np.ndarray
    is_known: np.ndarray
    are_given: bool

    @cached_property
    def leave_room(self) -> bool:
        """Whether there is something beside them, which can be swapped."""
        return bool(self.masks[self.is_known].mean() <= 1 - LEAST_FREE)

    @classmethod
    def of(cls, probes: ProbeSet) -> "Objects | None":
        """Returns the objects of probes, given or found; None where neither can be trusted."""
        if probes.object_masks is not None:
            size = probes.object_masks.shape[1:]
            masks = grow(probes.object_masks, max(1, round(RIM_SHARE * min(size))))
            return cls(masks, np.ones(len(probes), bool), are_given=True)
        found = probes.found_objects
        if found is None or not found.is_usable(probes.known_classes):
            return None
        return cls(found.masks, found.is_sure, are_given=False)


@short_repr
@dataclass(frozen=True, eq=False)
class Scene:
    """The images that are swapped, as raw pixels, and what the model makes of them.

    Of signals (n, length, C) and volumes (n, D, H, W, C), (length,) or (D, H, W) stands for (H, W).

    Attributes:
        probes: `ProbeSet` of all images that are swapped; the first are those that are watched.
        class_labels: `ClassLabels` of all of them.
        objects: `Objects`, or None where they are not known.
        attention: float32 (w, H, W), unit mass, of the w images that are watched; 0 where a
            map is all zero.
        predict_inputs: function from the model's inputs (m, H, W, C), an array or a tensor, and
            ints (m,) that say of which images they are, to logits (m, k).
        value_range: `ValueRange` of the images.
        spared: bool (H, W), places where nothing is lent because the user calls them
            legitimate, or None.
        kept: what scenes of the same images share, see `once`.
    """

    probes: ProbeSet
    class_labels: ClassLabels
    objects: Objects | None
    attention: np.ndarray
    predict_inputs: Callable[[np.ndarray | tf.Tensor, np.ndarray], np.ndarray]
    value_range: ValueRange
    spared: np.ndarray | None = None
    kept: dict = field(default_factory=dict)
    _said: dict[int, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        probes: ProbeSet,
        class_labels: ClassLabels,
        value_range: ValueRange,
        graph: "ModelGraph",
        attention: np.ndarray | None = None,
        **more: Any,
    ) -> "Scene":
        """Makes a scene of images and a graph.

        Args:
            probes: `ProbeSet` of all images that are swapped.
            class_labels: their `ClassLabels`.
            value_range: their `ValueRange`.
            graph: `ModelGraph`.
            attention: see `Scene`, or NaN where a map is all zero. Defaults to None, nowhere.
            **more: other attributes of `Scene`.
        """

        def predict(inputs: np.ndarray | tf.Tensor, rows: np.ndarray) -> np.ndarray:
            return graph.predict(inputs, rows).logits

        if attention is None:
            attention = np.zeros((1, *probes.image_shape[:-1]), np.float32)
        if np.isnan(attention.sum()):
            attention = np.where(np.isnan(attention), np.float32(0), attention)
        kept = more.setdefault("kept", {})
        if Objects not in kept:
            kept[Objects] = Objects.of(probes)
        return cls(probes, class_labels, kept[Objects], attention, predict, value_range, **more)

    def once(self, function: Callable[["Scene"], Any]) -> Any:
        """Returns what a function makes of images, masks and labels, which no training changes."""
        if function not in self.kept:
            self.kept[function] = function(self)
        return self.kept[function]

    @property
    def size(self) -> tuple[int, ...]:
        """(H, W); for signals (length,), for volumes (D, H, W)."""
        return self.probes.image_shape[:-1]

    @property
    def spared_objects(self) -> Objects | None:
        """The objects, if they leave room for swaps that spare them."""
        return self.objects if self.objects is not None and self.objects.leave_room else None

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """Returns the pixels of some images, float32 (m, H, W, C)."""
        return self.probes.images[rows].astype(np.float32)

    def predict(self, pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the logits (m, k) of edited pixels (m, H, W, C) of some images."""
        inputs = self.probes.prepare(self.value_range.clip(pixels))
        return self.predict_inputs(inputs, rows)

    def says(self, rows: np.ndarray) -> np.ndarray:
        """Returns which classes the model says some images have as they are, bool (m, k)."""
        unknown = np.setdiff1d(rows, list(self._said))
        if len(unknown):
            said = self.class_labels.says(self.predict(self.take(unknown), unknown))
            self._said.update(zip(unknown.tolist(), said, strict=True))
        return np.stack([self._said[row] for row in rows.tolist()])

    @property
    def bank(self) -> Bank:
        """The images as tensors."""
        return self.once(_bank_of)


def _bank_of(scene: Scene) -> Bank:
    return Bank(
        tf.constant(scene.probes.images),
        None if scene.objects is None else tf.constant(scene.objects.masks),
        None if scene.spared is None else tf.constant(scene.spared),
        scene.value_range,
        tensor_preprocess(scene.probes),
    )
