"""Labels: class numbers, one-hot rows, multi-hot rows, and targets of a regression."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.probes.arrays import check_length, read_array


def count_rows(labels: object) -> int | None:
    """Returns how many labels there are, before they are read; None where that is unknown."""
    shape = getattr(labels, "shape", None)
    if shape is not None:
        return shape[0] if len(shape) and isinstance(shape[0], int) else None
    return len(labels) if isinstance(labels, list | tuple) else None


def check_one_output(labels: object, num_images: int | None) -> None:
    """Refuses the labels of several outputs, which must not be stacked to one array.

    Args:
        labels: labels as the user or a dataset gives them.
        num_images: n. In a list or tuple, parts of this length are taken for the labels of one
            output each, other parts for one row each. None: all are outputs.

    Raises:
        TypeError: if they are several, or a dict.
    """
    if isinstance(labels, Mapping):
        keys = list(labels)
    elif isinstance(labels, list | tuple):
        keys = list(range(len(labels)))
        # A nested list of n times n numbers is a matrix; and of one row, both readings are one.
        is_square = isinstance(labels, list) and not any(hasattr(p, "shape") for p in labels)
        is_square = len(labels) == num_images and (is_square or num_images == 1)
        if num_images is not None and (
            is_square or not any(_shape(part)[:1] == (num_images,) for part in labels)
        ):
            return
    else:
        return
    first = f"[{keys[0]!r}]" if keys else "[0]"
    raise TypeError(
        "labels must be one array, those of one output. Received: the labels of several outputs, "
        f"a {type(labels).__name__} of {len(keys)} ({shown(keys)}). Choose one of them, for "
        f"example labels{first}; map a dataset: dataset.map(lambda x, y: (x, y{first})), or with "
        f"weights dataset.map(lambda x, y, w: (x, y{first}))."
    )


def read_labels(
    labels: object, images_shape: tuple[int, ...], *, takes_targets: bool = False
) -> np.ndarray:
    """Reads class numbers, or rows of zeros and ones.

    Args:
        labels: array-like of whole numbers (n,) or (n, 1), or of zeros and
            ones (n, k), k > 1.
        images_shape: (n, H, W, C).
        takes_targets: whether floats (n,) that cannot be class numbers are read as the targets
            of a regression.

    Returns:
        int64 array (n,), or float32 array (n, k) of zeros and ones; float32 array (n,) of targets.

    Raises:
        TypeError: if `labels` does not hold numbers, or those of several outputs.
        ValueError: if a value is NaN, negative, fractional or, in (n, k),
            anything but 0 and 1; if the shape does not fit.
    """
    check_one_output(labels, images_shape[0])
    array = read_array("labels", labels)
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"labels must have shape (n,), or (n, k) if one-hot or multi-hot. Received: shape "
            f"{array.shape}. Pass one label for each probe."
        )
    check_length("labels", array, images_shape, "label")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = _first(~np.isfinite(array))
        raise ValueError(
            f"labels must not be NaN or infinite. Received: {array[where]} at index {where[0]}. "
            "Leave probes without a label out, or pass labels=None."
        )
    if array.ndim == 2:
        wrong = (array != 0) & (array != 1)
        if wrong.any():
            where = _first(wrong)
            raise ValueError(
                f"labels of shape {array.shape} must be one-hot or multi-hot, all zeros and ones. "
                f"Received: {array[where]} at index {where[0]}. Pass class numbers (n,), "
                "for soft labels labels.argmax(axis=1)."
            )
        return array.astype(np.float32)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)  # a float16 cannot be compared with 2**31
        if takes_targets and ((array != np.floor(array)) | (array < 0)).any():
            return array.astype(np.float32)
    for wrong, rule in (
        (array != np.floor(array), "whole numbers"),
        (array < 0, "class numbers from 0 on"),
        (array >= 2**31, "class numbers below 2**31"),
    ):
        if wrong.any():
            index = int(wrong.argmax())
            raise ValueError(
                f"labels must be {rule}. Received: {array[index]} at index {index}. "
                "Pass one class number for each probe. The targets of a regression go through "
                "ProbeSet.from_dataset((images, targets))."
            )
    return array.astype(np.int64)


def are_targets(rows: np.ndarray) -> bool:
    """Whether labels that were read are the targets of a regression, float (n,)."""
    return rows.ndim == 1 and rows.dtype.kind == "f"


def one_hot_to_classes(rows: np.ndarray) -> np.ndarray:
    """Turns rows with exactly one 1 each into int64 classes; else the rows as they are."""
    if rows.ndim == 2 and (rows.sum(axis=1) == 1).all():
        return rows.argmax(axis=1).astype(np.int64)
    return rows


def check_named(rows: np.ndarray, num_names: int) -> None:
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


def _shape(part: Any) -> tuple[int, ...]:
    """Returns the shape of an array; for a list, its length; () for a number."""
    shape = getattr(part, "shape", None)
    if shape is not None:
        return tuple(shape)
    return (len(part),) if isinstance(part, list | tuple | Mapping) else ()


def _first(wrong: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(wrong)[0])
