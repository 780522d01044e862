"""`Run`: cells of a tensor's axis that lie beside each other in the image, too.

Positions are measured along edges: cell i of a tensor's axis reaches from i to i + 1.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_NEARLY = 1e-6  # of a cell


@dataclass(frozen=True)
class Run:
    """A run of cells that lie beside each other in the image, too.

    Attributes:
        start, end: where it is on the tensor's axis, in cells; fractions of them are possible.
        low, high: what of the image it shows, as shares of its length; high < low where mirrored.
    """

    start: float
    end: float
    low: float
    high: float

    @property
    def cell(self) -> float:
        """The share of the image that one cell shows."""
        return (self.high - self.low) / (self.end - self.start)

    def at(self, position: float) -> float:
        """What of the image is shown at a position of the axis."""
        return self.low + (position - self.start) * self.cell

    def cut(self, start: float, end: float) -> "Run | None":
        """Returns the part from `start` to `end`, None if there is none."""
        start, end = max(start, self.start), min(end, self.end)
        if end - start < _NEARLY:
            return None
        return Run(start, end, self.at(start), self.at(end))

    def moved(self, offset: float, scale: float = 1.0) -> "Run":
        """Returns the run at `(position + offset) * scale`; a negative scale turns it round."""
        start, end = (self.start + offset) * scale, (self.end + offset) * scale
        if scale > 0:
            return Run(start, end, self.low, self.high)
        return Run(end, start, self.high, self.low)


Runs: TypeAlias = tuple[Run, ...]


def taken(runs: Runs, cells: Sequence[tuple[float, float] | None]) -> Runs:
    """The runs on new cells, each of which reaches from one position to another, or is empty."""
    found = []
    for i, cell in enumerate(cells):
        if cell is None:
            continue
        start, end = cell
        for run in runs:
            part = run.cut(min(start, end), max(start, end))
            if part is not None:
                moved = part.moved(-start, 1 / (end - start))
                found.append(moved.moved(i))
    return kept_runs(found)


def resized_runs(runs: Runs, size: int, offset: float, scale: float) -> Runs:
    """The runs at `(position + offset) * scale`, as far as they lie on `size` cells."""
    return kept_runs(run.moved(offset, scale).cut(0, size) for run in runs)


def filled(outer: Runs, num_inside: int, inner: Runs) -> Runs:
    """The runs of blocks, each of which holds the cells of `inner`."""
    found = []
    for block in outer:
        for i in range(math.floor(block.start), math.ceil(block.end)):
            part = block.cut(i, i + 1)
            if part is None:
                continue
            low, high = sorted((part.low, part.high))
            for run in inner:
                ends = (low + share * (high - low) for share in (run.low, run.high))
                found.append(Run(i * num_inside + run.start, i * num_inside + run.end, *ends))
    return kept_runs(found)


def kept_runs(runs: Iterable[Run | None]) -> Runs:
    """Joins runs that go on in each other, and rounds off what sums of fractions leave."""
    ordered = sorted((run for run in runs if run is not None), key=lambda run: run.start)
    kept: list[Run] = []
    for run in ordered:
        last = kept[-1] if kept else None
        if (
            last is not None
            and abs(run.start - last.end) < _NEARLY
            and abs(run.low - last.high) < _NEARLY * abs(run.cell)
            and math.isclose(run.cell, last.cell, rel_tol=1e-6)
        ):
            kept[-1] = Run(last.start, run.end, last.low, run.high)
        else:
            kept.append(run)
    return tuple(Run(*(_rounded(v) for v in vars(run).values())) for run in kept)


def _rounded(value: float) -> float:
    return round(value) if abs(value - round(value)) < _NEARLY / 100 else value


def agree(first: Runs, other: Runs) -> bool:
    """Whether runs show the same places, to within a cell."""
    if len(first) != len(other):
        return False
    for a, b in zip(first, other, strict=True):
        near = max(abs(a.cell), abs(b.cell)) * (1 + _NEARLY)
        if abs(a.start - b.start) > 1 or abs(a.end - b.end) > 1 or a.cell * b.cell < 0:
            return False
        # At the same positions, since the ends may be cut off differently.
        for position in (max(a.start, b.start), min(a.end, b.end)):
            if abs(a.at(position) - b.at(position)) > near:
                return False
    return True
