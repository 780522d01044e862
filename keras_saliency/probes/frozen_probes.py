"""`FrozenProbes`: the content of a probe set, which nothing can change."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from keras_saliency.probes.arrays import frozen
from keras_saliency.probes.immutable import Immutable
from keras_saliency.probes.labels import are_targets
from keras_saliency.probes.other_inputs import OtherInputs
from keras_saliency.probes.preprocess import apply_preprocess
from keras_saliency.probes.swap_images import SwapImages

if TYPE_CHECKING:
    from keras_saliency.probes.found_objects import FoundObjects

Self = TypeVar("Self", bound="FrozenProbes")


class FrozenProbes(Immutable):
    """The content of a probe set.

    Attributes:
        images: array (n, H, W, C).
        pixel_dtype: dtype that the images had, and `preprocess` is given. That of `images`, but
            for `for_swaps`, whose images are stored as uint8 where that is lossless.
        model_inputs: what the model is given; `images` without `preprocess`.
        other_inputs: `OtherInputs` that it is given as well, or None.
        labels: int64 array (n,), float32 array (n,) of the targets of a regression, or None.
        multi_hot: float32 array (n, k) of zeros and ones, or None. Set when
            the labels are multi-hot; `labels` is None then.
        object_masks: bool array (n, H, W), as given, or None.
        finds_objects: whether the program is to find the objects itself, for swaps only.
        groups: array (n,) of text, or None.
        names: tuple of n strings.
        class_names: tuple of strings, or None.
        display_images: uint8 array (n, H, W, 3), or None.
        display_channels: tuple of channel numbers, or None.
        preprocess: the function, or None.
        cue_map: float32 array (H, W) in [0, 1], or None. How much of each
            pixel's variance lies between the classes (eta squared), over up
            to 600 labelled images that `from_dataset` has seen; None where
            that was fewer than 20 images or 2 classes, and without
            `from_dataset`.
        class_counts: {class: number of images} of the dataset or folder that the probes were
            chosen from; None where that is unknown, and with multi-hot labels.
    """

    images: np.ndarray
    pixel_dtype: np.dtype
    other_inputs: OtherInputs | None
    labels: np.ndarray | None
    multi_hot: np.ndarray | None
    object_masks: np.ndarray | None
    finds_objects: bool
    groups: np.ndarray | None
    names: tuple[str, ...]
    class_names: tuple[str, ...] | None
    display_images: np.ndarray | None
    display_channels: tuple[int, ...] | None
    preprocess: Callable[[np.ndarray], Any] | None
    cue_map: np.ndarray | None
    class_counts: dict[int, int] | None
    _swaps: "FrozenProbes | None"

    @property
    def class_labels(self) -> np.ndarray | None:
        """The labels if they are class numbers, int64 (n,); None for float targets, too."""
        return None if self.has_targets else self.labels

    @property
    def known_classes(self) -> np.ndarray | None:
        """`class_labels`, or `multi_hot` where the labels are that; None without classes."""
        return self.class_labels if self.multi_hot is None else self.multi_hot

    @property
    def has_targets(self) -> bool:
        """Whether the labels are the targets of a regression."""
        return self.labels is not None and are_targets(self.labels)

    @property
    def for_swaps(self: Self) -> Self:
        """The images that swaps use, a `ProbeSet` that starts with these probes.

        The probes themselves, unless `from_dataset` or `from_directory` kept more labelled
        images: up to 600 and 200 MB, the same number of each class as far as there are as many.
        They are no part of the fingerprint. Their `model_inputs` are made when first asked for.
        """
        return cast(Self, self if self._swaps is None else self._swaps)

    @cached_property
    def found_objects(self) -> "FoundObjects | None":
        """The objects that the program finds in the images; None unless `finds_objects`.

        They are for swaps only: statistics use `object_masks`.
        """
        if not self.finds_objects:
            return None
        from keras_saliency.probes.found_objects import find_objects  # loads OpenCV

        return find_objects(self.images, self.known_classes)

    @cached_property
    def model_inputs(self) -> np.ndarray:
        """What the model is given, (n, …); `images` without `preprocess`."""
        is_same = self.preprocess is None and self.images.dtype == self.pixel_dtype
        return self.images if is_same else self.prepare(self.images)

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
            images: array-like (m, H, W, C), in the range of `images`. What has their dtype
                becomes `pixel_dtype` first.
        """
        if self.images.dtype != self.pixel_dtype and getattr(images, "dtype", "") == (
            self.images.dtype
        ):
            images = images.astype(self.pixel_dtype)
        return apply_preprocess(self.preprocess, images, self.images.ndim)

    def with_preprocess(self: Self, preprocess: Callable[[np.ndarray], Any]) -> Self:
        """Returns the same probes with another `preprocess`."""
        copy = object.__new__(type(self))
        copy._set(**vars(self) | {"preprocess": preprocess})
        for made in ("model_inputs", "fingerprint"):
            vars(copy).pop(made, None)
        if self._swaps is not None:
            copy._set(_swaps=self._swaps.with_preprocess(preprocess))
        return copy

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
        labels = self.class_labels
        if labels is not None and labels.max() > max(num_classes - 1, 1):
            wrong = f"label {labels.max()} at index {labels.argmax()}"
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
        if self.labels is not None and self.has_targets:
            return f"{self.labels[index]:.4g}"
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
            num_classes = len(np.unique(self.labels))
            parts.append("targets" if self.has_targets else f"labels of {num_classes} classes")
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

    def _keep_for_swaps(self, kept: SwapImages | None) -> None:
        """Makes `for_swaps` of the probes and further images."""
        if kept is None:
            return
        masks = kept.object_masks
        if masks is None and self.object_masks is not None:  # one box for all
            masks = np.broadcast_to(self.object_masks[0], kept.images.shape[:-1])
        swaps = object.__new__(type(self))
        swaps._set(
            images=kept.images,
            pixel_dtype=self.pixel_dtype,
            object_masks=masks,
            finds_objects=self.finds_objects,
            groups=None,
            names=kept.all_names(self.names),
            class_names=self.class_names,
            display_images=None,
            display_channels=self.display_channels,
            preprocess=self.preprocess,
            cue_map=self.cue_map,
            class_counts=None,
            other_inputs=None,
            _swaps=None,
        )
        swaps._set_labels(kept.rows)
        self._set(_swaps=swaps)

    def _set_labels(self, rows: np.ndarray | None) -> None:
        is_multi_hot = rows is not None and rows.ndim == 2
        self._set(
            labels=None if rows is None or is_multi_hot else frozen(rows),
            multi_hot=None if rows is None or not is_multi_hot else frozen(rows),
        )
