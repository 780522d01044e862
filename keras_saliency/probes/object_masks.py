"""`object_masks` as users pass them, masks or boxes, read as masks."""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.boxes import BOXES, UNITS, box_masks, check_box, frame_text, lie_inside
from keras_saliency.probes.arrays import check_length, frozen, read_array

_SIZES = {1: "length", 2: "H, W", 3: "D, H, W"}


def is_left_open(object_masks: object) -> bool:
    """Whether no mask or box is given: "auto" or None.

    Raises:
        TypeError: if it is another text.
    """
    if isinstance(object_masks, str) and object_masks != "auto":
        raise TypeError(
            'object_masks must hold real numbers, masks or boxes, or be "auto" or None. Received: '
            f"{shown(object_masks)}. Leave it out to let the program find objects for swaps."
        )
    return object_masks is None or isinstance(object_masks, str)


def check_one_box(object_masks: object, mask_dir: object = None) -> None:
    """Refuses several masks or boxes, which cannot be matched with probes not yet chosen.

    Raises:
        TypeError: if it is no array of real numbers.
        ValueError: if it is more than one box, or there is a `mask_dir` as well.
    """
    if is_left_open(object_masks):
        return
    if mask_dir is not None:
        raise ValueError(
            "mask_dir and object_masks cannot be given together. Received: object_masks="
            f"{shown(object_masks)}. Leave one of them out."
        )
    array = read_array("object_masks", object_masks)
    if array.ndim != 1:
        raise ValueError(
            'object_masks must be "auto", None or one box for all images, (y0, x0, y1, x1). '
            f"Received: shape {array.shape}. Pass single masks in mask_dir= of from_directory, or "
            "in ProbeSet(images, labels, object_masks=...)."
        )


def read_masks(object_masks: object, images_shape: tuple[int, ...]) -> np.ndarray:
    """Reads masks or boxes, one object for each probe, or one box for all.

    Args:
        object_masks: masks (n, H, W) or (n, H, W, 1) of zeros and ones, or boxes (n, 4) =
            (y0, x0, y1, x1); (n, 2) = (start, end) for signals, (n, 6) =
            (z0, y0, x0, z1, y1, x1) for volumes. A single box is that of all probes.
        images_shape: (n, H, W, C); (n, length, C) for signals, (n, D, H, W, C) for volumes.

    Returns:
        bool array (n, H, W), read-only.

    Raises:
        TypeError: if it is no array of real numbers.
        ValueError: if its shape fits neither, or a mask or box marks no object.
    """
    array = read_array("object_masks", object_masks)
    num_probes, *size, _ = images_shape
    num_axes = len(size)
    if array.ndim == 1:
        box = check_box("object_masks", array.tolist(), size)
        return frozen(np.repeat(box_masks([box], size), num_probes, axis=0))
    if array.ndim == len(images_shape) and array.shape[-1] == 1:
        array = array[..., 0]
    is_masks = array.shape[1:] == tuple(size)
    if not is_masks and array.shape[1:] != (2 * num_axes,):
        raise ValueError(
            f"object_masks must be masks (n, {_SIZES[num_axes]}) or boxes (n, {2 * num_axes}) = "
            f"{BOXES[num_axes]}. Received: shape {array.shape} for images.shape={images_shape}. "
            "Pass masks of the images' size, or boxes."
        )
    check_length("object_masks", array, images_shape, "mask or box")
    if not is_masks:
        _check_boxes(array, size)
        return frozen(box_masks(array, size))
    inside = tuple(range(1, array.ndim))
    wrong = ((array != 0) & (array != 1)).any(axis=inside)
    if wrong.any():
        index = int(wrong.argmax())
        raise ValueError(
            f"object_masks must be bool or zeros and ones. Received: values {array[index].min()} … "
            f"{array[index].max()} at index {index}. Pass object_masks > 0."
        )
    masks = array.astype(bool)
    empty = ~masks.any(axis=inside)
    if empty.any():
        raise ValueError(
            "object_masks must mark an object for each probe. Received: a mask without an object "
            f"for {empty.sum()} of {num_probes} probes, first at index {empty.argmax()}. Mark the "
            "object, or leave these probes out."
        )
    return frozen(masks)


def _check_boxes(boxes: np.ndarray, size: Sequence[int]) -> None:
    wrong = ~lie_inside(boxes, size)
    if wrong.any():
        index = int(wrong.argmax())
        num_axes = len(size)
        raise ValueError(
            f"object_masks as boxes must be {BOXES[num_axes]} in whole {UNITS[num_axes]}, "
            f"half-open, not empty and inside the {frame_text(size)}. Received: "
            f"{tuple(boxes[index].tolist())} at index {index}. Clip the box, and check the order "
            "of its numbers."
        )
