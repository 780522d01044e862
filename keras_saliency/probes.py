"""`ProbeSet`: the images that are watched."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from keras_saliency.probe_sources import (
    check_finite,
    check_length,
    choose_from_dataset,
    choose_from_directory,
    is_dataset,
    one_hot_to_classes,
    read_array,
    read_labels,
    read_pixels,
)


class ProbeSet:
    """A fixed collection of labelled images, validated once and then immutable.

    Heatmaps of different epochs can be compared only because they are always
    made from these same images. Take them from validation data.

    Args:
        images: array-like (n, H, W, C), any finite range. Integers keep their
            dtype, all else becomes float32.
        labels: class numbers (n,) or (n, 1), or one-hot or multi-hot rows of
            zeros and ones (n, k), k > 1; one-hot if each row holds exactly one
            1. None for images without labels.
        object_masks: where the object is: masks (n, H, W) or (n, H, W, 1) of
            zeros and ones, or whole-number boxes (n, 4) = (y0, x0, y1, x1) in
            pixels, half-open. The number of axes decides which it is.
        groups: anything hashable for each probe, such as a patient or a
            camera, kept as text.
        names: one string for each probe. Defaults to "probe 0", "probe 1", …
        class_names: one string for each class, no two alike.
        display_images: uint8 array, RGB (n, H, W, 3) or gray (n, H, W) or
            (n, H, W, 1), drawn instead of `images`.
        preprocess: function that turns images (n, H, W, C) into the model's
            input, also of four axes. Called once here, on a copy.

    Attributes:
        images: array (n, H, W, C).
        model_inputs: what the model is given; `images` without `preprocess`.
        labels: int64 array (n,), or None.
        multi_hot: float32 array (n, k) of zeros and ones, or None. Set when
            the labels are multi-hot; `labels` is None then.
        object_masks: bool array (n, H, W), or None.
        groups: array (n,) of text, or None.
        names: tuple of n strings.
        class_names: tuple of strings, or None.
        display_images: uint8 array (n, H, W, 3), or None.
        preprocess: the function, or None.
        cue_map: float32 array (H, W) in [0, 1], or None. How much of each
            pixel's variance lies between the classes (eta squared), over up
            to 600 labelled images that `from_dataset` has seen; None where
            that was fewer than 20 images or 2 classes, and without
            `from_dataset`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument does not fit, or `preprocess` fails.
    """

    images: np.ndarray
    model_inputs: np.ndarray
    labels: np.ndarray | None
    multi_hot: np.ndarray | None
    object_masks: np.ndarray | None
    groups: np.ndarray | None
    names: tuple[str, ...]
    class_names: tuple[str, ...] | None
    display_images: np.ndarray | None
    preprocess: Callable[[np.ndarray], Any] | None
    cue_map: np.ndarray | None

    def __init__(
        self,
        images,
        labels=None,
        *,
        object_masks=None,
        groups=None,
        names=None,
        class_names=None,
        display_images=None,
        preprocess=None,
    ):
        pixels = _frozen(read_pixels("images", images))
        check_finite("images", pixels)
        rows = None if labels is None else one_hot_to_classes(read_labels(labels, pixels.shape))
        if class_names is not None:
            class_names = _check_class_names(class_names)
            if rows is not None:
                _check_named(rows, len(class_names))
        if names is None:
            names = [f"probe {i}" for i in range(len(pixels))]
        if preprocess is not None and not callable(preprocess):
            raise TypeError(
                "preprocess must be a function from images to model input, or None. "
                f"Received: {type(preprocess).__name__}."
            )
        self._set(
            images=pixels,
            object_masks=None if object_masks is None else _read_masks(object_masks, pixels.shape),
            groups=None if groups is None else _read_groups(groups, pixels.shape),
            names=_check_names(names, pixels.shape),
            class_names=class_names,
            display_images=None
            if display_images is None
            else _read_display(display_images, pixels.shape),
            preprocess=preprocess,
            cue_map=None,
        )
        self._set_labels(rows)
        self._set(model_inputs=pixels if preprocess is None else self.prepare(pixels))

    @classmethod
    def from_dataset(
        cls,
        dataset,
        *,
        per_class=10,
        max_probes=200,
        classes=None,
        seed=0,
        class_names=None,
        preprocess=None,
    ) -> "ProbeSet":
        """Chooses probes for each class from a dataset, by content.

        The whole dataset is read once, and images are chosen by a hash of
        their pixels: shuffling the dataset changes neither the choice nor its
        order, while random augmentation in it would. Only chosen images are
        held in memory. Images that are there twice count once.

        Pass validation data: reading a `tf.data` training set that reshuffles
        itself moves its later order, and so changes the training.

        Args:
            dataset: `tf.data.Dataset`, batched or not, `keras.utils.PyDataset`
                or a tuple, of images, (images, labels) or (images, labels,
                weights).
            per_class: how many probes of each class; of a class with fewer,
                all. A multi-hot probe is a candidate for each of its classes,
                and those without any are one more class. Without labels,
                this many in all.
            max_probes: how many in all at most: `per_class` is reduced evenly,
                with a notice. With more classes than that, one probe each
                of some of them.
            classes: class numbers to choose from. None for all.
            seed: int; another seed chooses other images.
            class_names: see `ProbeSet`. Defaults to `dataset.class_names` if
                there is one.
            preprocess: see `ProbeSet`.

        Returns:
            `ProbeSet`, sorted by class, with a `cue_map`.

        Raises:
            TypeError: if `dataset` is of no known kind.
            ValueError: if it is infinite or empty, or its content does not fit.
        """
        chosen = choose_from_dataset(
            dataset, per_class=per_class, max_probes=max_probes, classes=classes, seed=seed
        )
        if class_names is None:
            class_names = getattr(dataset, "class_names", None)
        probes = cls(chosen.images, chosen.labels, class_names=class_names, preprocess=preprocess)
        # The rows chosen from a multi-hot dataset may happen to look one-hot.
        probes._set_labels(chosen.labels)
        probes._set(cue_map=None if chosen.cue_map is None else _frozen(chosen.cue_map))
        return probes

    @classmethod
    def from_directory(
        cls, path, *, image_size, per_class=10, seed=0, mask_dir=None, preprocess=None
    ) -> "ProbeSet":
        """Chooses probes for each class from a folder of class folders.

        Files, classes and pixels are those of
        `keras.utils.image_dataset_from_directory(path, image_size=image_size)`:
        class folders in alphanumeric order, float32 RGB in 0 … 255, resized
        bilinearly. Images are chosen by a hash of their file.

        Args:
            path: folder with one folder for each class, holding .bmp, .gif
                (the first frame), .jpeg, .jpg or .png files. Hidden files are
                passed over.
            image_size: (H, W).
            per_class: how many probes of each class; of a class with fewer,
                all.
            seed: int; another seed chooses other images.
            mask_dir: folder with the same class folders, and in them for
                each image a .png, .bmp or .gif file of the same name but for
                the ending; a nonzero pixel belongs to the object.
            preprocess: see `ProbeSet`.

        Returns:
            `ProbeSet` with names "class/filename", sorted by class.

        Raises:
            ValueError: if a folder, image or mask is missing or cannot be
                read; the sentence names it.
        """
        chosen = choose_from_directory(
            path, image_size=image_size, per_class=per_class, seed=seed, mask_dir=mask_dir
        )
        return cls(
            chosen.images,
            chosen.labels,
            object_masks=chosen.object_masks,
            names=chosen.names,
            class_names=chosen.class_names,
            preprocess=preprocess,
        )

    @classmethod
    def of(cls, probes) -> "ProbeSet":
        """Returns a `ProbeSet` as it is; makes one of (images, labels) or an array of images."""
        if isinstance(probes, ProbeSet):
            return probes
        if isinstance(probes, tuple) and len(probes) == 2:
            return cls(*probes)
        if hasattr(probes, "__array__"):
            return cls(probes)
        fix = (
            "Use ProbeSet.from_dataset(dataset)."
            if is_dataset(probes)
            else "Pass ProbeSet(images, labels)."
        )
        length = f" of {len(probes)}" if isinstance(probes, (tuple, list)) else ""
        raise TypeError(
            "probes must be a ProbeSet, a tuple (images, labels) or an array of images. "
            f"Received: {type(probes).__name__}{length}. {fix}"
        )

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
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of `images`; the model may be given another, see `model_inputs`."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def prepare(self, images) -> np.ndarray:
        """Returns what the model is to be given for these images.

        Args:
            images: array-like (m, H, W, C), in the range of `images`.

        Returns:
            Array (m, …) of four axes: `preprocess(images)`, or the images
            themselves without `preprocess`. Integers keep their dtype, all
            else is float32.

        Raises:
            ValueError: if `preprocess` fails, or what it returns is no m
                finite images.
        """
        pixels = read_pixels("images", images)
        if self.preprocess is None:
            return _frozen(pixels)
        try:
            result = self.preprocess(pixels.copy())
        except Exception as error:
            raise ValueError(
                f"preprocess failed on images of shape {pixels.shape}, dtype {pixels.dtype}. "
                f"Received: {type(error).__name__}: {error}. It must turn such an array into the "
                "model's input."
            ) from error
        inputs = read_pixels("preprocess(images)", result)
        check_length("preprocess(images)", inputs.shape, pixels.shape, "model input")
        check_finite("preprocess(images)", inputs)
        return _frozen(inputs)

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

    def class_text(self, class_index) -> str:
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
        optional = ("object_masks", "groups", "display_images", "preprocess", "cue_map")
        parts += [name for name in optional if getattr(self, name) is not None]
        return f"ProbeSet({', '.join(parts)})"

    def __setattr__(self, name, value):
        raise AttributeError(
            f"ProbeSet is immutable, so {name} cannot be set. Make a new ProbeSet."
        )

    def __delattr__(self, name):
        raise AttributeError(
            f"ProbeSet is immutable, so {name} cannot be deleted. Make a new ProbeSet."
        )

    def __copy__(self) -> "ProbeSet":
        return self

    def __deepcopy__(self, memo) -> "ProbeSet":
        return self

    def _set(self, **attributes) -> None:
        self.__dict__.update(attributes)

    def _set_labels(self, rows: np.ndarray | None) -> None:
        is_multi_hot = rows is not None and rows.ndim == 2
        self._set(
            labels=None if rows is None or is_multi_hot else _frozen(rows),
            multi_hot=_frozen(rows) if is_multi_hot else None,
        )


def _frozen(array) -> np.ndarray:
    """A read-only copy."""
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy


def _read_masks(object_masks, images_shape) -> np.ndarray:
    array = read_array("object_masks", object_masks)
    num_probes, height, width, _ = images_shape
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    is_boxes = array.ndim == 2 and array.shape[1] == 4
    if not is_boxes and (array.ndim != 3 or array.shape[1:] != (height, width)):
        raise ValueError(
            "object_masks must be masks (n, H, W) or boxes (n, 4) = (y0, x0, y1, x1). Received: "
            f"shape {array.shape} for images.shape={images_shape}. Pass masks of the images' size, "
            "or boxes."
        )
    check_length("object_masks", array.shape, images_shape, "mask or box")
    if is_boxes:
        return _boxes_to_masks(array, height, width)
    wrong = ((array != 0) & (array != 1)).any(axis=(1, 2))
    if wrong.any():
        index = int(wrong.argmax())
        raise ValueError(
            f"object_masks must be bool or zeros and ones. Received: values {array[index].min()} … "
            f"{array[index].max()} at index {index}. Pass object_masks > 0."
        )
    masks = array.astype(bool)
    empty = ~masks.any(axis=(1, 2))
    if empty.any():
        raise ValueError(
            "object_masks must mark an object for each probe. Received: a mask without an object "
            f"for {empty.sum()} of {num_probes} probes, first at index {empty.argmax()}. Mark the "
            "object, or leave these probes out."
        )
    return _frozen(masks)


def _boxes_to_masks(boxes, height, width) -> np.ndarray:
    y0, x0, y1, x1 = boxes.T
    whole = np.isfinite(boxes).all(axis=1) & (boxes == np.floor(boxes)).all(axis=1)
    fits = (y0 >= 0) & (x0 >= 0) & (y1 > y0) & (x1 > x0) & (y1 <= height) & (x1 <= width)
    wrong = ~(whole & fits)
    if wrong.any():
        index = int(wrong.argmax())
        raise ValueError(
            "object_masks as boxes must be (y0, x0, y1, x1) in whole pixels, half-open, with 0 <= "
            f"y0 < y1 <= {height} and 0 <= x0 < x1 <= {width}. Received: "
            f"{tuple(boxes[index].tolist())} at index {index}. Clip the box to the image, and "
            "check the order of its numbers."
        )
    masks = np.zeros((len(boxes), height, width), bool)
    for mask, (top, left, bottom, right) in zip(masks, boxes.astype(np.int64), strict=True):
        mask[top:bottom, left:right] = True
    return _frozen(masks)


def _as_list(argument, values, expected) -> list:
    if isinstance(values, (str, bytes, set, frozenset, dict)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be {expected}. Received: {values!r}. Pass a list.")
    return list(values)


def _check_count(argument, values, images_shape, word) -> None:
    if len(values) != images_shape[0]:
        raise ValueError(
            f"{argument} has {len(values)} entries but images has {images_shape[0]}. Received: "
            f"len({argument})={len(values)}, images.shape={images_shape}. Pass one {word} for each "
            "probe."
        )


def _read_groups(groups, images_shape) -> np.ndarray:
    if hasattr(groups, "__array__"):
        groups = np.asarray(groups).tolist()
    groups = _as_list("groups", groups, "a list of one group for each probe")
    _check_count("groups", groups, images_shape, "group")
    for index, group in enumerate(groups):
        try:
            hash(group)
        except TypeError as error:
            raise TypeError(
                f"groups must be hashable. Received: {group!r} at index {index}. "
                "Pass one string or number for each probe."
            ) from error
    return _frozen([g.decode(errors="replace") if isinstance(g, bytes) else str(g) for g in groups])


def _check_strings(argument, values) -> tuple[str, ...]:
    values = _as_list(argument, values, "a list of strings")
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise TypeError(
                f"{argument} must be strings. Received: {value!r} at index {index}. Pass str(…)."
            )
    return tuple(str(value) for value in values)


def _check_names(names, images_shape) -> tuple[str, ...]:
    names = _check_strings("names", names)
    _check_count("names", names, images_shape, "name")
    return names


def _check_class_names(class_names) -> tuple[str, ...]:
    class_names = _check_strings("class_names", class_names)
    twice = [name for i, name in enumerate(class_names) if name in class_names[:i]]
    if twice or not class_names:
        received = f'"{twice[0]}" twice' if twice else "an empty list"
        raise ValueError(
            f"class_names must be different strings. Received: {received}. Name each class once."
        )
    return class_names


def _check_named(rows, num_names) -> None:
    """Refuses labels that `class_names` does not name."""
    if rows.ndim == 2 and rows.shape[1] != num_names:
        raise ValueError(
            f"class_names has {num_names} entries but labels has {rows.shape[1]} classes. "
            f"Received: labels.shape={rows.shape}. Pass one name for each class."
        )
    if rows.ndim == 1 and rows.max() >= num_names:
        raise ValueError(
            f"labels must be below the number of class_names. Received: label {rows.max()} at "
            f"index {rows.argmax()}, with {num_names} class_names. Pass one name for each class."
        )


def _read_display(display_images, images_shape) -> np.ndarray:
    array = read_array("display_images", display_images)
    if array.dtype != np.uint8:
        raise TypeError(
            f"display_images must be uint8, in 0 … 255. Received: dtype {array.dtype}. "
            "Pass display_images.astype(np.uint8)."
        )
    if array.ndim == 3:
        array = array[..., None]
    expected = images_shape[:3]
    if array.ndim != 4 or array.shape[:3] != expected or array.shape[3] not in (1, 3):
        raise ValueError(
            f"display_images must be RGB {(*expected, 3)} or gray {expected}, to match images. "
            f"Received: shape {np.shape(display_images)}. Resize them to the images' size."
        )
    return _frozen(np.broadcast_to(array, (*expected, 3)))
