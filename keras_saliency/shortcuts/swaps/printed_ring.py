"""What is printed on the outer ring of images: a frame, or a pattern that goes on inside."""

import numpy as np

from keras_saliency.probes.flat_ground import differs
from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.planted_pixels import (
    THROUGH_SHARES,
    follows_brightness,
    medians_of_classes,
    of_size,
    planted_pixels,
    shown_through,
)
from keras_saliency.shortcuts.swaps.scene import Scene

RING_SHARE = 0.25  # of the ring that is printed, which no object fills; without a cue 0.18 at most
# Of the outermost line, up to which frames and patterns go, and the cards of icons do not. Patterns
# have 0.26 at least.
END_SHARE = 0.12
LINE_SHARE = 0.4  # of a line that is printed: a frame may be thinner than the ring
MANY_SHARE = 0.35  # of what is printed, that one class has


def printed_ring(scene: Scene) -> str | None:
    """Returns what is printed on the outer ring: a "frame", a "pattern", or None.

    A frame has one colour along the ring, a pattern has several, or what is below shows through.
    Both go on to the end of the image.
    """
    if len(scene.size) != 2:
        return None
    if scene.once(frame_mask).any():
        return "frame"
    through = scene.once(shown_through) < THROUGH_SHARES["aligned"]
    seen_through = _printed(scene, scene.once(planted_pixels) | through)
    is_pattern = any(_is_printed(p, p) for p in (scene.once(_printed_planted), seen_through))
    return "pattern" if is_pattern else None


def frame_mask(scene: Scene) -> np.ndarray:
    """Returns where on the outer ring a frame is printed, bool (H, W); nothing without one.

    The lines from the end of the image on that have its colour, and one more for its inner edge. Or
    the whole ring where it has that colour here and there.
    """
    frame = np.zeros(scene.size, bool)
    if len(scene.size) != 2:
        return frame
    printed = scene.once(_printed_planted)
    coloured = _of_one_colour(scene, printed)
    lines = _lines(scene.size)
    depth = 0
    while depth < len(lines) and coloured[lines[depth]].mean() >= LINE_SHARE:
        depth += 1
    own = lines[: depth + 1]
    if depth and max(printed[line].mean() for line in own) >= LINE_SHARE:
        return np.any(own, axis=0)
    return edits.ring_mask(*scene.size) if _is_printed(printed, coloured) else frame


def _lines(size: tuple[int, ...]) -> list[np.ndarray]:
    """The lines that the ring consists of, bool (H, W) each, from the end of the image on."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in size)
    depths = np.minimum(rows[:, None], columns)
    return [depths == depth for depth in range(depths[edits.ring_mask(*size)].max() + 1)]


def _printed_planted(scene: Scene) -> np.ndarray:
    return _printed(scene, scene.once(planted_pixels))


def _printed(scene: Scene, pixels: np.ndarray) -> np.ndarray:
    """The pixels of the ring that do not follow the light, bool (H, W)."""
    ring = edits.ring_mask(*scene.size)
    printed = ring & pixels
    if max(printed[part].mean() for part in (ring, *_lines(scene.size))) >= RING_SHARE:
        printed &= ~follows_brightness(scene, ring)
    return printed


def _is_printed(printed: np.ndarray, coloured: np.ndarray) -> bool:
    """Whether enough of the ring is printed, and its outermost line has the same colour."""
    ring, (end, *_) = edits.ring_mask(*printed.shape), _lines(printed.shape)
    return bool(printed[ring].mean() >= RING_SHARE and coloured[end].mean() >= END_SHARE)


def _of_one_colour(scene: Scene, printed: np.ndarray) -> np.ndarray:
    """The pixels of the ring that have the colour of a frame in each class, bool (H, W).

    Printed ones are known where details are, such as at the frame's inner edge.

    Args:
        scene: `Scene`.
        printed: bool (H, W), the printed pixels. Of each class that has many of them, they must
            have one colour; else there is no frame.
    """
    coloured = edits.ring_mask(*scene.size)
    has_colour = False
    for _, value, is_same in scene.once(medians_of_classes):
        along = value[of_size(printed, is_same.shape) & is_same]
        if not len(along) or len(along) < MANY_SHARE * printed.mean() * is_same.size:
            continue
        if differs(*np.quantile(along, (0.8, 0.2), axis=0)):
            return np.zeros_like(printed)
        has_colour = True
        coloured &= of_size(is_same & ~differs(value, np.median(along, axis=0)), scene.size)
    return coloured | printed if has_colour else printed
