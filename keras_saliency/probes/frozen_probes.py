"""`FrozenProbes`: the content of a probe set, which nothing can change."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from keras_saliency.probes.arrays import frozen
from keras_saliency.probes.other_inputs import OtherInputs
from keras_saliency.probes.preprocess import apply_preprocess


class FrozenProbes:
    """The content of a probe set; see `ProbeSet`."""

    images: np.ndarray
    model_inputs: np.ndarray
    other_inputs: OtherInputs | None
    labels: np.ndarray | None
    multi_hot: np.ndarray | None
    object_masks: np.ndarray | None
    groups: np.ndarray | None
    names: tuple[str, ...]
    class_names: tuple[str, ...] | None
    display_images: np.ndarray | None
    display_channels: tuple[int, ...] | None
    preprocess: Callable[[np.ndarray], Any] | None
    cue_map: np.ndarray | None

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of images, labels, masks, groups and model inputs: equal if these are."""
        parts = {
            "images": self.images,
            "labels": self.labels,
            "multi_hot": self.multi_hot,
            "object_masks": self.object_masks,
            "groups": self.groups,
            "model_inputs": None if self.preprocess is None else self.model_inputs,
        }
        if self.other_inputs is not None:
            names = (f"input {key}" for key in self.other_inputs.keys)
            parts |= dict(zip(names, self.other_inputs.arrays, strict=False))
        digest = hashlib.sha256()
        for name, array in parts.items():
            if array is not None:
                digest.update(f"{name} {array.shape} {array.dtype.str} ".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def num_probes(self) -> int:
        """How many probes there are."""
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of `images`; the model may be given another, see `model_inputs`.

        (length, C) for signals, (D, H, W, C) for volumes.
        """
        return tuple(int(side) for side in self.images.shape[1:])

    def require_images(self, asker: str) -> None:
        """Refuses signals and volumes.

        Raises:
            ValueError: if the probes are no images (n, H, W, C).
        """
        if self.images.ndim != 4:
            raise ValueError(
                f"{asker} takes images (n, H, W, C) so far. Received: {self.images.shape}. Use "
                "keras_saliency.explain for signals and volumes."
            )

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Returns the model's input for these images; see `apply_preprocess`.

        Args:
            images: array-like (m, H, W, C), in the range of `images`.
        """
        return apply_preprocess(self.preprocess, images, self.images.ndim)

    def drawn(self, images: np.ndarray) -> np.ndarray:
        """Returns the channels of images (m, H, W, C) that are drawn, (m, H, W, C')."""
        channels = self.display_channels
        return images if channels is None else images[..., list(channels)]

    def check_num_classes(self, num_classes: int) -> None:
        """Refuses a model for which the labels are out of range.

        Args:
            num_classes: k, the number of the model's logits; 1 for a one-unit
                head, whose classes are 0 and 1.

        Raises:
            ValueError: if a label is not a class of the model, or `multi_hot`
                is not k wide.
        """
        wrong = ""
        if self.multi_hot is not None and self.multi_hot.shape[1] != num_classes:
            wrong = f"multi-hot labels of {self.multi_hot.shape[1]} classes"
        if self.labels is not None and self.labels.max() > max(num_classes - 1, 1):
            wrong = f"label {self.labels.max()} at index {self.labels.argmax()}"
        if wrong:
            head = (
                "a one-unit head (classes 0 and 1)" if num_classes == 1 else f"{num_classes} logits"
            )
            raise ValueError(
                f"labels out of range for the model. Received: {wrong}, for a model with {head}. "
                "Pass the class numbers that the model was trained with."
            )

    def class_text(self, class_index: int | np.integer) -> str:
        """Returns the name of a class, or its number without one."""
        if self.class_names is not None and 0 <= class_index < len(self.class_names):
            return self.class_names[int(class_index)]
        return str(int(class_index))

    def label_text(self, index: int) -> str:
        """Returns the label of a probe as text, multi-hot classes joined; "" without label."""
        if self.labels is not None:
            return self.class_text(self.labels[index])
        if self.multi_hot is not None:
            return ", ".join(self.class_text(c) for c in np.flatnonzero(self.multi_hot[index]))
        return ""

    def __len__(self) -> int:
        return self.num_probes

    def __repr__(self) -> str:
        parts = [f"{len(self)} probes", f"images {self.image_shape} {self.images.dtype}"]
        if self.labels is not None:
            parts.append(f"labels of {len(np.unique(self.labels))} classes")
        if self.multi_hot is not None:
            parts.append(f"multi-hot labels of {self.multi_hot.shape[1]} classes")
        if self.other_inputs is not None:
            parts.append(f"inputs {self.other_inputs.described()}")
        optional = (
            *("object_masks", "groups", "display_images", "display_channels"),
            *("preprocess", "cue_map"),
        )
        parts += [name for name in optional if getattr(self, name) is not None]
        return f"ProbeSet({', '.join(parts)})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"ProbeSet is immutable, so {name} cannot be set. Make a new ProbeSet."
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(
            f"ProbeSet is immutable, so {name} cannot be deleted. Make a new ProbeSet."
        )

    def __copy__(self) -> "FrozenProbes":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "FrozenProbes":
        return self

    def _set(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def _set_labels(self, rows: np.ndarray | None) -> None:
        is_multi_hot = rows is not None and rows.ndim == 2
        self._set(
            labels=None if rows is None or is_multi_hot else frozen(rows),
            multi_hot=None if rows is None or not is_multi_hot else frozen(rows),
        )
