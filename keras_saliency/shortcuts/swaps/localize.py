"""Which part of an accused area does the work: found by swapping its sub-blocks."""

import itertools
import math

import numpy as np

from keras_saliency._utils.boxes import box_of, box_slices, window_sums
from keras_saliency.shortcuts.swaps.kinds import Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene

GRIDS = {1: 64, 2: 8, 3: 4}  # cells along each side, by the number of axes: 64 in all
_FEW, _MORE = 6, 16  # pairs for a cell, and for a box
_MOST_SHARE = 0.5  # a box is at most half as high and wide as the image
MAX_AREA = 0.15  # of the image; what needs more is not at one place
_KEPT = 0.75  # share of what the whole area does that a box must come to
_SHRUNK = 0.9  # share of what the box did that it must still do when its sides are drawn in

Box = tuple[int, ...]  # starts, then ends, half-open


def find_region(scene: Scene, swap: Swap, pairs: Pairs) -> Box | None:
    """Returns the smallest box found that does what the whole swap does, in pixels.

    First each cell of a grid is swapped alone, then boxes of those cells that move the
    prediction most, then the box's sides are drawn in.

    Args:
        scene: `Scene`.
        swap: a `Swap`, whose edit is kept inside of a box and undone outside.
        pairs: `Pairs` in which the recipient takes the donor's class over.

    Returns:
        (y0, x0, y1, x1), half-open (for signals and volumes starts, then ends); None where no
        box of at most 15 % of the image comes to three quarters of the adoption and of the gain
        in the class's margin, as of a cue that moves or is everywhere.
    """
    if not len(pairs):
        return None
    search = _Search(scene, swap, pairs.take(_spread(pairs)))
    best = None
    for box in search.candidates():
        if (best is None or _area(box) < _area(best)) and search.does(box, _KEPT):
            best = box
    return None if best is None else search.changed_part(search.shrink(best))


def _area(box: Box) -> int:
    return math.prod(part.stop - part.start for part in box_slices(box))


def _spread(pairs: Pairs) -> np.ndarray:
    """Indices of up to 16 pairs, of as many donors as there are."""
    _, first = np.unique(pairs.donors, return_index=True)
    rest = np.setdiff1d(np.arange(len(pairs)), first)
    return np.concatenate([first, rest])[:_MORE].astype(int)


class _Search:
    """Boxes, tried on pairs in which the whole area has worked."""

    def __init__(self, scene: Scene, swap: Swap, pairs: Pairs):
        self._scene, self._pairs = scene, pairs
        self._grid = GRIDS[len(scene.size)]
        self._plain = scene.take(pairs.recipients)
        self._edited = swap.edited(pairs)
        self._before = self._margins(self._plain)
        self._full_gain = (self._margins(self._edited) - self._before).mean()

    def candidates(self) -> list[Box]:
        """Returns the best box of each number of cells, those that are small enough."""
        size = self._scene.size
        edges = [np.linspace(0, s, min(self._grid, s) + 1).round().astype(int) for s in size]
        gains = self._cell_gains(edges)
        most = max(1, round(_MOST_SHARE * self._grid))
        boxes = []
        for cells in itertools.product(*(range(1, min(most, len(e) - 1) + 1) for e in edges)):
            sums = window_sums(gains, *cells)
            first = np.unravel_index(sums.argmax(), sums.shape)
            last = np.add(first, cells)
            box = tuple(
                int(e[i]) for ends in (first, last) for e, i in zip(edges, ends, strict=True)
            )
            if _area(box) <= MAX_AREA * math.prod(size):
                boxes.append(box)
        return boxes

    def does(self, box: Box, share: float) -> bool:
        """Whether a box has so large a share of the whole area's adoption and gain."""
        margins = self._margins(self._inside(box))
        is_gain = (margins - self._before).mean() >= share * self._full_gain
        return bool(is_gain and (margins > 0).mean() >= _KEPT)

    def shrink(self, box: Box) -> Box:
        """Draws in the sides of a box, half a cell at a time, while it goes on working."""
        margins = self._margins(self._inside(box))
        self._full_gain = min(self._full_gain, (margins - self._before).mean())
        steps = [max(1, length // (2 * self._grid)) for length in self._scene.size]
        for side, step in enumerate([*steps, *(-step for step in steps)]):
            while True:
                smaller = *box[:side], box[side] + step, *box[side + 1 :]
                has_space = all(part.start < part.stop for part in box_slices(smaller))
                if not has_space or not self.does(smaller, _SHRUNK):
                    break
                box = smaller
        return tuple(int(side) for side in box)

    def changed_part(self, box: Box) -> Box | None:
        """Returns the part of a box in which the whole edit changes any pair, if there is one.

        There is none where the model says the class of the recipients anyhow.
        """
        changed = np.zeros(self._scene.size, bool)
        changed[box_slices(box)] = self._is_changed()[box_slices(box)]
        return box_of(changed) if changed.any() else None

    def _cell_gains(self, edges: list[np.ndarray]) -> np.ndarray:
        """How far each cell by itself moves the margin of the donor's class, (cells, cells)."""
        is_changed = self._is_changed(_FEW)
        gains = np.zeros([len(e) - 1 for e in edges])
        for cell in np.ndindex(gains.shape):
            box = tuple(e[i + end] for end in (0, 1) for e, i in zip(edges, cell, strict=True))
            if is_changed[box_slices(box)].any():
                margins = self._margins(self._inside(box, _FEW))
                gains[cell] = max(0.0, (margins - self._before[:_FEW]).mean())
        return gains

    def _is_changed(self, count: int | None = None) -> np.ndarray:
        """Which pixels the whole edit changes in any of the first pairs, or of all."""
        return (self._edited[:count] != self._plain[:count]).any(axis=(0, -1))

    def _inside(self, box: Box, count: int | None = None) -> np.ndarray:
        """The edit inside of a box, in the first pairs or in all."""
        images = self._plain[:count].copy()
        inside = slice(None), *box_slices(box)
        images[inside] = self._edited[:count][inside]
        return images

    def _margins(self, images: np.ndarray) -> np.ndarray:
        pairs = self._pairs.take(slice(len(images)))
        logits = self._scene.predict(images, pairs.recipients)
        margins = self._scene.class_labels.margins(logits)
        return margins[np.arange(len(images)), pairs.classes]
