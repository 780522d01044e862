"""What ops do to an `Axis`: join, regroup, pick, merge."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_saliency.tracing.geometry.parts import (
    Along,
    Astray,
    Axis,
    Free,
    Part,
    Piece,
    Tokens,
    along_of,
    astray_in,
    is_free,
    size_of,
)
from keras_saliency.tracing.geometry.runs import Runs, kept_runs

_NEARLY = 1e-6  # of the image's length


def joined(parts: Sequence[Part]) -> Axis:
    """Returns an axis with these parts, those that belong together as one."""
    axis: list[Part] = []
    for part in parts:
        if part.size == 1:
            continue  # one cell tells no places apart
        both: Part | None = part
        while axis and both is not None:  # two that are joined may complete a third
            part, both = both, _joined_with(axis[-1], both)
            if both is not None:
                axis.pop()
        axis.append(part if both is None else both)
    return tuple(axis)


def _joined_with(outer: Part, inner: Part) -> Part | None:
    """Two parts as one, None if they do not belong together."""
    if isinstance(outer, Free) and isinstance(inner, Free):
        return Free(outer.size * inner.size, outer.is_copy and inner.is_copy)
    if isinstance(outer, Along) and isinstance(inner, Free) and inner.is_copy:
        return outer.resized(outer.size * inner.size)
    if isinstance(outer, Along) and isinstance(inner, Along):
        return outer.filled_with(inner)
    if isinstance(outer, Piece) and isinstance(inner, Piece):
        is_pair = outer.whole == inner.whole and outer.is_outer and not inner.is_outer
        return outer.whole if is_pair and outer.size * inner.size == outer.whole.size else None
    return None


def regrouped(axes: Sequence[Axis], sizes: Sequence[int]) -> list[Axis] | None:
    """Returns the same cells, in the same order, as axes of other sizes.

    Returns:
        The axes; None where an axis would need a part of a block.
    """
    waiting = [part for part in joined([p for axis in axes for p in axis])][::-1]
    regrouped_axes: list[Axis] = []
    for size in sizes:
        parts: list[Part] = []
        while size > 1:
            if not waiting:
                return None
            part = waiting.pop()
            if part.size > size:
                if part.size % size:
                    return None
                part, rest = _split(part, size)
                waiting.append(rest)
            if size % part.size:
                return None
            parts.append(part)
            size //= part.size
        regrouped_axes.append(joined(parts))
    return None if waiting else regrouped_axes


def resized(axis: Axis, size: int, reason: str) -> Axis:
    """Returns an axis that covers the same in another number of cells."""
    along = along_of(axis)
    if along is not None:
        return (along.resized(size),)
    if size == 1 or is_free(axis):
        return joined([Free(size, is_copy=not axis)])
    astray = astray_in(axis)
    return (Astray(size, reason if astray is None else astray.reason),)


def picked(axis: Axis, indices: np.ndarray, reason: str) -> Axis:
    """Returns an axis of the cells with these numbers; -1 is an empty cell.

    Of a step of k > 1, each cell stands for the block of k that it lies in, as a convolution with
    that step would.
    """
    size, num_picked = size_of(axis), len(indices)
    if num_picked == size and (indices == np.arange(size)).all():
        return axis
    if is_free(axis):
        return joined([Free(num_picked)])
    astray = astray_in(axis)
    if astray is not None:
        return (Astray(num_picked, astray.reason),)
    along = along_of(axis)
    if along is not None:
        steps = set(np.diff(indices).tolist())
        step = abs(steps.pop()) if len(steps) == 1 and (indices >= 0).all() else 1
        return (along.taking(_blocks(indices, max(1, step), size)),)
    tokens = axis[0] if isinstance(axis[0], Tokens) and len(axis) == 1 else Tokens(size, 0, axis)
    place = _place_of_all(tokens, indices)
    if place is None:
        return (Astray(num_picked, reason),)
    is_all = size_of(tokens.patches) == num_picked
    return tokens.patches if is_all else (Tokens(num_picked, place, tokens.patches),)


def _place_of_all(tokens: Tokens, indices: np.ndarray) -> int | None:
    """Where all the patches are, in order, among tokens with these numbers; None if nowhere."""
    num_patches = size_of(tokens.patches)
    for start in np.flatnonzero(indices == tokens.first).tolist():
        found = indices[start : start + num_patches]
        if len(found) == num_patches and (np.diff(found) == 1).all():
            return start
    return None


def merged(axes: Sequence[Axis], reason: str) -> Axis:
    """Returns what lies along an axis of something computed from several tensors."""
    placed = [axis for axis in axes if not is_free(axis)]
    if not placed:
        return axes[0]
    for axis in placed:
        astray = astray_in(axis)
        if astray is not None:
            return (Astray(size_of(axis), astray.reason),)
    first = placed[0]
    for other in placed[1:]:
        if not _alike(first, other):
            return (Astray(size_of(first), reason),)
        if any(isinstance(part, Along) and part.is_whole for part in other):
            first = other
    return first


def concatenated(axes: Sequence[Axis], reason: str) -> Axis:
    """Returns several axes, one after the other, as one."""
    total = sum(map(size_of, axes))
    astray = next(filter(None, map(astray_in, axes)), None)
    if astray is not None:
        return (Astray(total, astray.reason),)
    if all(map(is_free, axes)):
        return joined([Free(total)])
    starts = np.cumsum([0, *map(size_of, axes)]).tolist()
    placed = [(start, axis) for start, axis in zip(starts, axes, strict=False) if not is_free(axis)]
    placed = _without_padding(placed)
    start, first = placed[0]
    pieces = [along_of(axis) for _, axis in placed]
    kinds = {None if p is None else (p.source, round(p.length, 9)) for p in pieces}
    if len(kinds) == 1 and pieces[0] is not None:
        moved = [
            piece.resized(total, start, 1.0)
            for (start, _), piece in zip(placed, pieces, strict=True)
            if piece is not None
        ]
        shown, exact = (
            kept_runs(run for runs in of_pieces for run in runs)
            for of_pieces in ([p.shown for p in moved], [p.exact for p in moved])
        )
        return (replace(moved[0], shown=shown, exact=exact),)
    if len(placed) == 1 and isinstance(first[0], Tokens):
        return (replace(first[0], size=total, first=start + first[0].first),)
    if len(placed) == 1:
        return (Tokens(total, start, first),)
    return (Astray(total, reason),)


def _without_padding(placed: list[tuple[int, Axis]]) -> list[tuple[int, Axis]]:
    """Leaves out pieces at either end that repeat a part of a much larger one.

    They are its padding: circular, or of its edge.
    """
    largest = along_of(max((axis for _, axis in placed), key=size_of))
    if largest is None:
        return placed
    (lowest, highest), kept = _covered(largest.shown), list(placed)
    for end in (0, -1):
        while True:
            piece = along_of(kept[end][1])
            is_small = piece is not None and 2 * piece.size < largest.size
            if piece is None or not is_small or piece.source != largest.source:
                break
            low, high = _covered(piece.shown)
            if low < lowest - _NEARLY or high > highest + _NEARLY:
                break
            kept.pop(end)
    return kept


def _covered(runs: Runs) -> tuple[float, float]:
    ends = [end for run in runs for end in (run.low, run.high)]
    return min(ends, default=0), max(ends, default=1)


def _alike(first: Axis, other: Axis) -> bool:
    if len(first) != len(other):
        return False
    for a, b in zip(first, other, strict=True):
        if isinstance(a, Along) and isinstance(b, Along):
            is_alike = a.agrees(b)
        elif isinstance(a, Tokens) and isinstance(b, Tokens):
            is_alike = (a.size, a.first) == (b.size, b.first) and _alike(a.patches, b.patches)
        else:
            is_alike = a == b
        if not is_alike:
            return False
    return True


def _blocks(indices: np.ndarray, step: int, size: int) -> list[tuple[float, float] | None]:
    is_backwards = len(indices) > 1 and indices[1] < indices[0]
    cells: list[tuple[float, float] | None] = []
    for index in indices.tolist():
        start = index // step * step
        end = min(start + step, size)
        cells.append(None if index < 0 else (end, start) if is_backwards else (start, end))
    return cells


def _split(part: Part, num_blocks: int) -> tuple[Part, Part]:
    """The axis of blocks, and that of the cells in each."""
    num_inside = part.size // num_blocks
    if isinstance(part, Free):
        return Free(num_blocks, part.is_copy), Free(num_inside, part.is_copy)
    if isinstance(part, Astray):
        return Astray(num_blocks, part.reason), Astray(num_inside, part.reason)
    blocks = part.split(num_blocks) if isinstance(part, Along) else None
    return blocks or (Piece(num_blocks, part, True), Piece(num_inside, part, False))
