"""Where the object is: masks and boxes."""

import numpy as np

from keras_saliency.probes.arrays import check_length, frozen, read_array


def read_masks(object_masks, images_shape) -> np.ndarray:
    """Reads masks or boxes, one object for each probe; returns a frozen bool array (n, H, W).

    (n, length) for signals, (n, D, H, W) for volumes, which have no boxes.
    """
    array = read_array("object_masks", object_masks)
    num_probes, *size, _ = images_shape
    if array.ndim == len(images_shape) and array.shape[-1] == 1:
        array = array[..., 0]
    is_boxes = array.ndim == 2 and array.shape[1] == 4 and len(size) == 2
    if not is_boxes and array.shape[1:] != tuple(size):
        raise ValueError(
            "object_masks must be masks (n, H, W) or boxes (n, 4) = (y0, x0, y1, x1). Received: "
            f"shape {array.shape} for images.shape={images_shape}. Pass masks of the images' size, "
            "or boxes."
        )
    check_length("object_masks", array, images_shape, "mask or box")
    if is_boxes:
        return _boxes_to_masks(array, *size)
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
    return frozen(masks)
