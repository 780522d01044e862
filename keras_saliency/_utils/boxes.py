"""Boxes (starts…, ends…), half-open, such as (y0, x0, y1, x1); and where a map is hottest."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency._utils.arguments import shown

_CACHED = 2**18  # values of maps that stay in the processor's cache
_NUM_AT_ONCE = 64  # maps: of more small ones, sums only leave that cache
_LEAST_ADDED = 512  # values that are worth a call of NumPy


def window_sums(maps: ArrayLike, *window: int) -> np.ndarray:
    """Returns the sum of each map (…, H, W) over each window (height, width).

    (…, H - height + 1, W - width + 1); with one side for signals, three for volumes.
    """
    sums = np.asarray(maps)
    for axis, side in enumerate(window, -len(window)):
        first = np.moveaxis(sums, axis, 0)
        running = np.empty((len(first) + 1, *first.shape[1:]))
        running[0] = 0
        if running[0].size < _LEAST_ADDED:
            np.cumsum(first, axis=0, dtype=np.float64, out=running[1:])
        else:  # the same sums, several times as fast
            running[1:] = first
            for before, here in itertools.pairwise(running):
                here += before
        sums = np.moveaxis(running[side:] - running[:-side], 0, axis)
    return sums


def hottest_boxes(maps: np.ndarray, *window: int, without: np.ndarray | None = None) -> np.ndarray:
    """Returns the window of each map (m, H, W) with the largest sum, int (m, 4); the first if even.

    (y0, x0, y1, x1); starts, then ends, for signals and volumes too. A NaN counts as 0, and so do
    pixels that are left out: `without`, bool (m, H, W).
    """
    starts = np.empty((len(maps), len(window)), np.int64)
    at_once = max(1, min(_NUM_AT_ONCE, _CACHED // max(1, maps[:1].size)))
    for i in range(0, len(maps), at_once):
        some = maps[i : i + at_once]
        if without is not None:
            some = some * ~without[i : i + at_once]  # faster than `where`
        if np.isnan(some.sum()):
            some = np.where(np.isnan(some), 0, some)
        sums = window_sums(some, *window)
        places = sums.reshape(len(some), -1).argmax(axis=1)
        starts[i : i + at_once] = np.stack(np.unravel_index(places, sums.shape[1:]), axis=1)
    return np.hstack([starts, starts + np.array(window)])


def box_slices(box: Sequence[int]) -> tuple[slice, ...]:
    """Returns what a box (starts…, ends…) selects of an array of its size."""
    num_axes = len(box) // 2
    return tuple(slice(*ends) for ends in zip(box[:num_axes], box[num_axes:], strict=True))


def box_of(mask: np.ndarray) -> tuple[int, ...]:
    """Returns the smallest box (starts…, ends…) that holds all that is true in a mask."""
    places = np.argwhere(mask)
    return (*places.min(axis=0).tolist(), *(places.max(axis=0) + 1).tolist())


def box_masks(
    boxes: ArrayLike, size: Sequence[int], without: np.ndarray | None = None
) -> np.ndarray:
    """Returns which pixels lie in each box, bool (m, H, W).

    Args:
        boxes: int (m, 4) = (y0, x0, y1, x1), half-open, in pixels; (m, 2) = (start, end)
            for signals, (m, 6), starts and then ends, for volumes.
        size: (H, W).
        without: bool (m, H, W), pixels that are left out. Defaults to None.
    """
    boxes = np.asarray(boxes)
    masks = np.ones((len(boxes), *size), bool)
    first, last = np.split(boxes, 2, axis=1)
    for axis, length in enumerate(size):
        places = np.arange(length)
        is_in = (first[:, axis, None] <= places) & (places < last[:, axis, None])
        masks &= is_in.reshape(-1, *(length if i == axis else 1 for i in range(len(size))))
    return masks if without is None else masks & ~without


BOXES = {1: "(start, end)", 2: "(y0, x0, y1, x1)", 3: "(z0, y0, x0, z1, y1, x1)"}
UNITS = {1: "samples", 2: "pixels", 3: "pixels"}
_THINGS = {1: "signal", 2: "image", 3: "volume"}


def check_box(argument: str, box: Any, image_size: Sequence[int]) -> tuple[int, ...]:
    """Returns a box as ints, starts and then ends; refuses what is none, or lies outside.

    Args:
        argument: what to call the box in errors.
        box: (y0, x0, y1, x1), (start, end) for signals, (z0, y0, x0, z1, y1, x1) for volumes.
        image_size: (H, W), (length,) or (D, H, W).

    Raises:
        TypeError: if it is not that many whole numbers.
        ValueError: if it is empty, or does not lie in the image.
    """
    num_axes = len(image_size)
    try:
        sides = [int(side) for side in box]
        is_whole = all(int(s) == s and not isinstance(s, bool) for s in box)
    except (TypeError, ValueError, OverflowError):
        is_whole = False
    if not is_whole or len(sides) != 2 * num_axes:
        raise TypeError(
            f"{argument} must be {BOXES[num_axes]} in {UNITS[num_axes]}, half-open. Received: "
            f"{shown(box)}."
        )
    if not lie_inside([sides], image_size).all():
        raise ValueError(
            f"{argument} must lie in the {frame_text(image_size)} and not be empty, as "
            f"{BOXES[num_axes]}, half-open. Received: {shown(box)}."
        )
    return tuple(sides)


def lie_inside(boxes: ArrayLike, image_size: Sequence[int]) -> np.ndarray:
    """Returns which boxes are whole numbers, not empty, and lie in the image, bool (m,).

    Args:
        boxes: numbers (m, 4) = (y0, x0, y1, x1); (m, 2) for signals, (m, 6) for volumes.
        image_size: (H, W), (length,) or (D, H, W).
    """
    boxes = np.asarray(boxes)
    is_whole = (boxes == np.floor(boxes)).all(axis=1)
    first, last = np.split(boxes, 2, axis=1)
    return is_whole & ((first >= 0) & (first < last) & (last <= image_size)).all(axis=1)


def frame_text(image_size: Sequence[int]) -> str:
    """Returns what boxes must lie in, such as "image of 32×48 pixels" or "signal of 8 samples"."""
    num_axes = len(image_size)
    size = "×".join(str(length) for length in image_size)
    return f"{_THINGS[num_axes]} of {size} {UNITS[num_axes]}"


def grow_box(box: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """Returns a box (4,), larger by lines of pixels of which that share is true in a mask."""
    mask, box = np.pad(mask, 1), box + 1  # which ends at False
    is_growing = True
    while is_growing:
        is_growing = False
        for side, step in enumerate((-1, -1, 1, 1)):
            wider = box.copy()
            wider[side] += step
            line = wider.copy()
            line[(side + 2) % 4] = box[side]
            if mask[box_slices(line.tolist())].mean() >= share:
                box, is_growing = wider, True
    return box - 1
