"""`Axis`: what lies along one axis of a tensor, and where in the image it came from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from keras_saliency.tracing.geometry.runs import Run, Runs, agree, filled, resized_runs, taken


@dataclass(frozen=True)
class Free:
    """Cells that have no place in the image, such as channels.

    Attributes:
        size: number of cells.
        is_copy: whether they are copies of one, as an upsampling makes of each cell.
    """

    size: int
    is_copy: bool = False


@dataclass(frozen=True)
class Astray:
    """Cells that came from the image, from places that are not known.

    Attributes:
        size: number of cells.
        reason: what made it so, as the end of a sentence.
    """

    size: int
    reason: str


@dataclass(frozen=True)
class Along:
    """Cells along one of the image's axes, or along blocks of it.

    Attributes:
        size: number of cells.
        source: 0 for the image's first axis (rows), and so on.
        shown: `Run`s as maps are resized: a convolution without padding, too, leaves a map that
            covers the whole image.
        exact: `Run`s as the centres of the receptive fields lie.
        length: what of the image the runs are shares of: 1, or less where the cells are those
            inside of each block of the image.
    """

    size: int
    source: int
    shown: Runs
    exact: Runs
    length: float = 1.0

    @classmethod
    def whole(cls, size: int, source: int) -> "Along":
        """The image's axis itself."""
        runs = (Run(0, size, 0, 1),)
        return cls(size, source, runs, runs)

    @property
    def is_whole(self) -> bool:
        """Whether it shows the image from end to end."""
        return self.shown == (Run(0, self.size, 0, 1),)

    def taking(self, cells: Sequence[tuple[float, float] | None]) -> "Along":
        """Returns an axis of the given cells, each from one position to another, or empty."""
        shown, exact = (taken(runs, cells) for runs in (self.shown, self.exact))
        return replace(self, size=len(cells), shown=shown, exact=exact)

    def resized(self, size: int, offset: float = 0.0, scale: float | None = None) -> "Along":
        """Returns an axis of `size` cells, at `(position + offset) * scale` of this one."""
        scale = size / self.size if scale is None else scale
        shown, exact = (
            resized_runs(runs, size, offset, scale) for runs in (self.shown, self.exact)
        )
        return replace(self, size=size, shown=shown, exact=exact)

    def split(self, num_blocks: int) -> "tuple[Along, Along] | None":
        """Returns the axis of blocks, and that of the cells in each; None if it has no blocks."""
        if len(self.shown) != 1 or len(self.exact) != 1 or self.shown[0].start != 0:
            return None
        if self.shown[0].end != self.size:
            return None
        inside = self.size // num_blocks
        blocks = self.resized(num_blocks)
        is_mirrored = self.shown[0].cell < 0
        runs = (Run(0, inside, *((1.0, 0.0) if is_mirrored else (0.0, 1.0))),)
        return blocks, Along(inside, self.source, runs, runs, blocks.cell)

    @property
    def cell(self) -> float:
        """What of the image one cell shows, as a share of it; of unlike cells, the first."""
        return abs(self.shown[0].cell) * self.length if self.shown else 0.0

    def filled_with(self, inner: "Along") -> "Along | None":
        """Returns this axis of blocks with the cells in each; None if they are not its own."""
        if inner.source != self.source or not math.isclose(self.cell, inner.length, rel_tol=1e-6):
            return None
        shown, exact = (
            filled(outer, inner.size, inside)
            for outer, inside in ((self.shown, inner.shown), (self.exact, inner.exact))
        )
        return replace(self, size=self.size * inner.size, shown=shown, exact=exact)

    def agrees(self, other: "Along") -> bool:
        """Whether both show the same places, to within a cell."""
        if (self.source, self.size) != (other.source, other.size):
            return False
        if not math.isclose(self.length, other.length, rel_tol=1e-6):
            return False
        return agree(self.shown, other.shown) or agree(self.exact, other.exact)


@dataclass(frozen=True)
class Tokens:
    """Patches of the image among other tokens.

    Attributes:
        size: number of tokens.
        first: the number of the first patch.
        patches: what lies along the patches, in order.
    """

    size: int
    first: int
    patches: "tuple[Part, ...]"


@dataclass(frozen=True)
class Piece:
    """One of two axes that cells were split into which make no blocks, as after a roll.

    Attributes:
        size: number of cells.
        whole: what was split.
        is_outer: whether it is the outer one of the two.
    """

    size: int
    whole: "Part"
    is_outer: bool


Part: TypeAlias = Free | Astray | Along | Tokens | Piece
Axis: TypeAlias = tuple[Part, ...]  # the outermost first; () has one cell
Geometry: TypeAlias = tuple[Axis, ...]  # of a tensor


def size_of(axis: Axis) -> int:
    """Number of cells along an axis."""
    return math.prod(part.size for part in axis)


def is_free(axis: Axis) -> bool:
    """Whether nothing along an axis has a place in the image."""
    return all(isinstance(part, Free) for part in axis)


def astray_in(axis: Axis) -> Astray | None:
    """The first part of an axis whose place is not known."""
    return next((part for part in axis if isinstance(part, Astray)), None)


def along_of(axis: Axis) -> Along | None:
    """What lies along an axis, where that is one axis of the image."""
    return axis[0] if len(axis) == 1 and isinstance(axis[0], Along) else None


def is_placed(geometry: Geometry) -> bool:
    """Whether anything in a tensor has a place in the image."""
    return not all(map(is_free, geometry))


def unplaced(sizes: Sequence[int]) -> Geometry:
    """What lies along the axes of a tensor that does not come from the image."""
    return tuple((Free(size),) if size > 1 else () for size in sizes)


def astray_axes(sizes: Sequence[int | None], reason: str) -> Geometry:
    """What lies along the axes of a tensor (n, h, w, c) of these sizes whose places are lost.

    Of fewer axes, any may have been one of the image's.
    """
    inside = range(1, len(sizes) - 1) if len(sizes) > 2 else range(len(sizes))
    return tuple(
        (Astray(size or 2, reason),) if i in inside and size != 1 else unplaced([size or 1])[0]
        for i, size in enumerate(sizes)
    )
