"""Boxes (starts…, ends…), half-open: of images (y0, x0, y1, x1), and where a map is hottest."""

import numpy as np

from keras_saliency._utils.arguments import shown


def window_sums(maps, *window: int) -> np.ndarray:
    """Returns the sum of each map (…, H, W) over each window (height, width).

    (…, H - height + 1, W - width + 1); of signals and volumes with one or three sides.
    """
    sums = np.asarray(maps, np.float64)
    for axis, side in enumerate(window, -len(window)):
        first = np.moveaxis(sums, axis, 0)
        running = np.concatenate([np.zeros_like(first[:1]), np.cumsum(first, axis=0)])
        sums = np.moveaxis(running[side:] - running[:-side], 0, axis)
    return sums


def hottest_boxes(maps, *window: int) -> np.ndarray:
    """Returns the window of each map (m, H, W) with the largest sum, int (m, 4); the first if even.

    (y0, x0, y1, x1); starts, then ends, of signals and volumes too. A NaN counts as 0.
    """
    sums = window_sums(np.nan_to_num(maps), *window)
    best = sums.reshape(len(sums), -1).argmax(axis=1)
    starts = np.stack(np.unravel_index(best, sums.shape[1:]), axis=1)
    return np.hstack([starts, starts + np.array(window)])


def box_slices(box) -> tuple[slice, ...]:
    """Returns what a box (starts…, ends…) selects of an array of its size."""
    num_axes = len(box) // 2
    return tuple(slice(*ends) for ends in zip(box[:num_axes], box[num_axes:], strict=True))


def box_of(mask) -> tuple[int, ...]:
    """Returns the smallest box (starts…, ends…) that holds all that is true in a mask."""
    places = np.argwhere(mask)
    return (*places.min(axis=0).tolist(), *(places.max(axis=0) + 1).tolist())


def box_masks(boxes, size, without=None) -> np.ndarray:
    """Returns which pixels lie in each box, bool (m, H, W).

    Args:
        boxes: int (m, 4) = (y0, x0, y1, x1), half-open, in pixels; of a signal (m, 2) =
            (start, end), of a volume (m, 6), starts and then ends.
        size: (H, W).
        without: bool (m, H, W), pixels that are left out. Defaults to None.
    """
    masks = np.ones((len(boxes), *size), bool)
    first, last = np.split(np.asarray(boxes), 2, axis=1)
    for axis, length in enumerate(size):
        places = np.arange(length)
        is_in = (first[:, axis, None] <= places) & (places < last[:, axis, None])
        masks &= is_in.reshape(-1, *(length if i == axis else 1 for i in range(len(size))))
    return masks if without is None else masks & ~without


BOXES = {1: "(start, end)", 2: "(y0, x0, y1, x1)", 3: "(z0, y0, x0, z1, y1, x1)"}


def check_box(argument, box, image_size) -> tuple[int, ...]:
    """Returns a box as ints, starts and then ends; refuses what is none, or lies outside.

    `image_size`: (H, W), (length,) or (D, H, W).
    """
    num_axes = len(image_size)
    try:
        sides = [int(side) for side in box]
        is_whole = all(int(s) == s and not isinstance(s, bool) for s in box)
    except (TypeError, ValueError, OverflowError):
        is_whole = False
    if not is_whole or len(sides) != 2 * num_axes:
        unit = "samples" if num_axes == 1 else "pixels"
        raise TypeError(
            f"{argument} must be {BOXES[num_axes]} in {unit}, half-open. Received: {shown(box)}."
        )
    ends = zip(sides[:num_axes], sides[num_axes:], image_size, strict=True)
    if not all(0 <= start < end <= length for start, end, length in ends):
        size = "×".join(str(length) for length in image_size)
        what = {1: f"signal of {size} samples", 2: f"image of {size} pixels"}
        raise ValueError(
            f"{argument} must lie in the {what.get(num_axes, f'volume of {size} pixels')} and not "
            f"be empty, as {BOXES[num_axes]}, half-open. Received: {shown(box)}."
        )
    return tuple(sides)
