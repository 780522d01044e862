"""Marks in the corners of images: letters, whose strokes are thin and whose ink may vary.

Elsewhere, thin lines that are alike in a class may be outlines and shadows of its objects, and what
has other details than other classes may be a part of them. Hardly so in the corners.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency.probes.flat_ground import FLAT_LEVELS
from keras_saliency.shortcuts.swaps.planted_pixels import (
    THROUGH_SHARES,
    follows_brightness,
    medians_of_classes,
    of_size,
    planted_pixels,
    shared_details,
)
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask
from keras_saliency.shortcuts.swaps.scene import Scene

GAP_SHARE = 0.09  # of the shorter side: strokes that are nearer to each other are one mark
FULL_SHARE = 0.55  # of its box that is planted; without a mark 0.51 at most, mostly below 0.4
AREA_SHARES = 0.012, 0.2  # of the image, of its box
LEAST_SIDE = 0.11  # of the shorter side, of its box
OFF_CENTRE = 0.22  # of either side, by which its middle is off that of the image; else 0.2 at most
LIT_SHARE = 0.5  # of what differs between classes, that is as dark as the images are elsewhere


def corner_marks(scene: Scene) -> np.ndarray:
    """Returns the boxes of marks in the corners, bool (H, W), of a `Scene` of images."""
    marks = np.zeros(scene.size, bool)
    through = scene.once(shared_details) < THROUGH_SHARES["aligned"]
    planted = (scene.once(planted_pixels) | through) & ~scene.once(frame_mask)
    side = max(3, round(GAP_SHARE * min(scene.size))) | 1
    joined = cv2.morphologyEx(
        planted.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)
    )
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    for x, y, width, height in boxes[1:, :4].tolist():
        box = slice(y, y + height), slice(x, x + width)
        if _is_in_corner(x, y, width, height, scene.size) and planted[box].mean() >= FULL_SHARE:
            marks[box] = True
    if not marks.any():
        return marks
    values = np.stack([value for _, value, _ in scene.once(medians_of_classes)])
    inside = marks & of_size(np.ptp(values, axis=0).max(axis=-1) > FLAT_LEVELS, scene.size)
    if inside.any() and follows_brightness(scene, inside)[inside].mean() > LIT_SHARE:
        return np.zeros_like(marks)
    return marks


def _is_in_corner(x: int, y: int, width: int, height: int, size: tuple[int, ...]) -> bool:
    """Whether a box has the size of a mark, and lies in a corner."""
    area = width * height / (size[0] * size[1])
    offsets = abs((y + height / 2) / size[0] - 0.5), abs((x + width / 2) / size[1] - 0.5)
    least, most = AREA_SHARES
    is_mark = least <= area <= most and min(width, height) >= LEAST_SIDE * min(size)
    return is_mark and min(offsets) >= OFF_CENTRE
