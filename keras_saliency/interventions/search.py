"""Which part of an accused area does the work: found by swapping its sub-blocks."""

import itertools

import numpy as np

from keras_saliency.interventions.outcome import Outcome
from keras_saliency.interventions.regions import window_sums
from keras_saliency.interventions.scene import Scene
from keras_saliency.interventions.swaps import Swap

GRID = 8  # cells along each side
_FEW, _MORE = 6, 16  # pairs for a cell, and for a box
_MOST_CELLS = 4  # a box is at most this many cells high and wide
MAX_AREA = 0.15  # of the image; what needs more is not at one place
_KEPT = 0.75  # share of what the whole area does that a box must come to
_SHRUNK = 0.9  # share of what the box did that it must still do when its sides are drawn in


def find_region(scene: Scene, swap: Swap, outcome: Outcome) -> tuple[int, int, int, int] | None:
    """Returns the smallest box found that does what the whole swap does, in pixels.

    First each cell of a grid is swapped alone, then boxes of those cells that move the
    prediction most, then the box's sides are drawn in.

    Args:
        scene: `Scene`.
        swap: a `Swap`, whose edit is kept inside of a box and undone outside.
        outcome: what it has done in one class.

    Returns:
        (y0, x0, y1, x1), half-open; None where no box of at most 15 % of the image comes to
        three quarters of the adoption and of the gain in the class's margin, as of a cue that
        moves or is everywhere.
    """
    if not outcome.is_adopted.any():
        return None
    search = _Search(scene, swap, outcome.pairs.take(_spread_adopted(outcome)))
    best = None
    for box in search.candidates():
        if (best is None or _area(box) < _area(best)) and search.does(box, _KEPT):
            best = box
    return None if best is None else search.changed_part(search.shrink(best))


def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def _spread_adopted(outcome):
    """Indices of up to 16 adopted pairs, of as many donors as there are."""
    found = np.flatnonzero(outcome.is_adopted)
    _, first = np.unique(outcome.pairs.donors[found], return_index=True)
    rest = np.setdiff1d(np.arange(len(found)), first)
    return found[np.concatenate([first, rest])[:_MORE].astype(int)]


class _Search:
    """Boxes, tried on pairs in which the whole area has worked."""

    def __init__(self, scene, swap, pairs):
        self._scene, self._pairs = scene, pairs
        self._height, self._width = scene.size
        self._plain = scene.pixels[pairs.recipients]
        self._edited = scene.edited(swap.edit, pairs)
        self._before = self._margins(self._plain)
        self._full_gain = (self._margins(self._edited) - self._before).mean()

    def candidates(self):
        """Returns the best box of each number of cells, those that are small enough."""
        rows = np.linspace(0, self._height, min(GRID, self._height) + 1).round().astype(int)
        columns = np.linspace(0, self._width, min(GRID, self._width) + 1).round().astype(int)
        gains = self._cell_gains(rows, columns)
        boxes = []
        for height in range(1, min(_MOST_CELLS, len(rows) - 1) + 1):
            for width in range(1, min(_MOST_CELLS, len(columns) - 1) + 1):
                sums = window_sums(gains, height, width)
                top, left = np.unravel_index(sums.argmax(), sums.shape)
                box = rows[top], columns[left], rows[top + height], columns[left + width]
                if _area(box) <= MAX_AREA * self._height * self._width:
                    boxes.append(tuple(int(side) for side in box))
        return boxes

    def does(self, box, share) -> bool:
        """Whether a box has so large a share of the whole area's adoption and gain."""
        margins = self._margins(self._inside(box))
        is_gain = (margins - self._before).mean() >= share * self._full_gain
        return bool(is_gain and (margins > 0).mean() >= _KEPT)

    def shrink(self, box):
        """Draws in the sides of a box, half a cell at a time, while it goes on working."""
        margins = self._margins(self._inside(box))
        self._full_gain = min(self._full_gain, (margins - self._before).mean())
        steps = max(1, self._height // (2 * GRID)), max(1, self._width // (2 * GRID))
        for side in range(4):
            step = steps[side % 2] * (1 if side < 2 else -1)
            while True:
                smaller = list(box)
                smaller[side] += step
                has_space = smaller[0] < smaller[2] and smaller[1] < smaller[3]
                if not has_space or not self.does(smaller, _SHRUNK):
                    break
                box = tuple(smaller)
        return tuple(int(side) for side in box)

    def changed_part(self, box):
        """Returns the part of a box in which the whole edit changes any pair."""
        y0, x0, y1, x1 = box
        is_changed = (self._edited != self._plain).any(axis=(0, 3))[y0:y1, x0:x1]
        rows, columns = np.nonzero(is_changed)
        ends = y0 + rows.min(), x0 + columns.min(), y0 + rows.max() + 1, x0 + columns.max() + 1
        return tuple(int(end) for end in ends)

    def _cell_gains(self, rows, columns):
        """How far each cell by itself moves the margin of the donor's class, (cells, cells)."""
        is_changed = (self._edited[:_FEW] != self._plain[:_FEW]).any(axis=(0, 3))
        gains = np.zeros((len(rows) - 1, len(columns) - 1))
        for i, (y0, y1) in enumerate(itertools.pairwise(rows)):
            for j, (x0, x1) in enumerate(itertools.pairwise(columns)):
                if is_changed[y0:y1, x0:x1].any():
                    margins = self._margins(self._inside((y0, x0, y1, x1), _FEW))
                    gains[i, j] = max(0.0, (margins - self._before[:_FEW]).mean())
        return gains

    def _inside(self, box, count=None):
        """The edit inside of a box, in the first pairs or in all."""
        y0, x0, y1, x1 = box
        images = self._plain[:count].copy()
        images[:, y0:y1, x0:x1] = self._edited[:count, y0:y1, x0:x1]
        return images

    def _margins(self, images):
        margins = self._scene.task.margins(
            self._scene.predict(images, self._pairs.recipients[: len(images)])
        )
        return margins[np.arange(len(images)), self._pairs.classes[: len(images)]]
