"""Ops that move pixels: flips, crops, pads, slices, rolls, transpositions, gathers, joins."""

from collections.abc import Sequence

import numpy as np

from keras_saliency.tracing.geometry.axes import concatenated, joined, merged, resized
from keras_saliency.tracing.geometry.parts import (
    Axis,
    Free,
    Geometry,
    is_free,
    size_of,
    unplaced,
)
from keras_saliency.tracing.geometry.rule import JOINS, Move, Rule, Unknown


def _cells(axis: Axis) -> np.ndarray:
    return np.arange(size_of(axis))


def _reverse(move: Move) -> Sequence[Geometry]:
    axes, which = move.geometry(), move.value(1)
    turned = np.flatnonzero(which) if move.op.type == "Reverse" else which % len(axes)
    return [move.picked({int(i): _cells(axes[int(i)])[::-1] for i in turned})]


def _roll(move: Move) -> Sequence[Geometry]:
    axes, cells = move.geometry(), dict[int, np.ndarray]()
    shifts, which = np.ravel(move.value(1)), np.ravel(move.value(2)) % len(axes)
    for shift, i in zip(shifts.tolist(), which.tolist(), strict=True):
        cells[i] = np.roll(cells.get(i, _cells(axes[i])), shift)
    return [move.picked(cells)]


def _reverse_sequence(move: Move) -> Sequence[Geometry]:
    axes, axis, lengths = move.geometry(), move.op.get_attr("seq_dim"), np.unique(move.value(1))
    if len(lengths) != 1:
        raise Unknown
    cells = _cells(axes[axis])
    return [move.picked({axis: np.r_[cells[: lengths[0]][::-1], cells[lengths[0] :]]})]


def _highest(move: Move) -> Sequence[Geometry]:
    axes = move.geometry()
    if not is_free(axes[-1]):
        raise Unknown
    return [(*axes[:-1], *unplaced([t.shape[-1] or 1])) for t in move.op.outputs]


def _transpose(move: Move) -> Sequence[Geometry]:
    axes = move.geometry()
    return [tuple(axes[i] for i in move.value(1).tolist())]


def _expand(move: Move) -> Sequence[Geometry]:
    axes = move.geometry()
    place = move.axis(1, len(axes) + 1)
    return [(*axes[:place], (), *axes[place:])]


def _squeeze(move: Move) -> Sequence[Geometry]:
    axes = move.geometry()
    gone = {i % len(axes) for i in move.op.get_attr("squeeze_dims")}
    gone = gone or {i for i, axis in enumerate(axes) if size_of(axis) == 1}
    return [tuple(axis for i, axis in enumerate(axes) if i not in gone)]


def _pad(move: Move) -> Sequence[Geometry]:
    axes = move.geometry()
    # What padding repeats (reflected, say) is no second view of the image: it is empty, too.
    return [
        move.picked(
            {
                i: np.pad(_cells(axes[i]), width, constant_values=-1)
                for i, width in enumerate(move.value(1).tolist())
            }
        )
    ]


def _slice(move: Move) -> Sequence[Geometry]:
    axes, cells = move.geometry(), dict[int, np.ndarray]()
    starts, sizes = move.value(1).tolist(), move.value(2).tolist()
    for i, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        cells[i] = _cells(axes[i])[start : None if size < 0 else start + size]
    return [move.picked(cells)]


def _strided_slice(move: Move) -> Sequence[Geometry]:
    axes, ends = move.geometry(), [move.value(number).tolist() for number in (1, 2, 3)]
    masks = {
        name: move.op.get_attr(f"{name}_mask")
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    number = len(ends[0])
    num_new = sum(masks["new_axis"] >> i & 1 for i in range(number))
    cells: dict[int, np.ndarray] = {}
    layout: list[int | None] = []  # which old axis each new one is
    old = 0
    for i in range(number):
        flags = {name: mask >> i & 1 for name, mask in masks.items()}
        if flags["ellipsis"]:
            after = old + len(axes) - (number - 1 - num_new)
            layout.extend(range(old, after))
            old = after
            continue
        if flags["new_axis"]:
            layout.append(None)
            continue
        if not flags["shrink_axis"]:
            start, end, step = (values[i] for values in ends)
            chosen = slice(None if flags["begin"] else start, None if flags["end"] else end, step)
            cells[old] = _cells(axes[old])[chosen]
            layout.append(old)
        old += 1
    layout.extend(range(old, len(axes)))
    kept = move.picked(cells)
    return [tuple(() if i is None else kept[i] for i in layout)]


def _gather(move: Move) -> Sequence[Geometry]:
    axes, indices = move.geometry(0), move.geometry(1)
    axis = 0 if move.op.type == "Gather" else move.axis(2, len(axes))
    num_shared = move.op.get_attr("batch_dims") if move.op.type == "GatherV2" else 0
    inside = indices[num_shared:]
    if not is_free(axes[axis]):
        numbers = move.value(1)
        if num_shared or numbers.ndim > 1:
            raise Unknown
        inside = (move.picked({axis: numbers})[axis],) if numbers.ndim else ()
    return [(*axes[:axis], *inside, *axes[axis + 1 :])]


def _split(move: Move) -> Sequence[Geometry]:
    axes = move.geometry(1)
    axis, number = move.axis(0, len(axes)), len(move.op.outputs)
    pieces = np.split(_cells(axes[axis]), number)
    return [move.picked({axis: cells}, number=1) for cells in pieces]


def _split_by_sizes(move: Move) -> Sequence[Geometry]:
    axes, sizes = move.geometry(), move.value(1).tolist()
    axis = move.axis(2, len(axes))
    rest = size_of(axes[axis]) - sum(size for size in sizes if size >= 0)
    ends = np.cumsum([rest if size < 0 else size for size in sizes])
    return [move.picked({axis: cells}) for cells in np.split(_cells(axes[axis]), ends[:-1])]


def _unstack(move: Move) -> Sequence[Geometry]:
    axes = move.geometry()
    axis = move.op.get_attr("axis") % len(axes)
    return [(*axes[:axis], *axes[axis + 1 :])] * len(move.op.outputs)


def _concatenate(move: Move) -> Sequence[Geometry]:
    last = len(move.op.inputs) - 1
    pieces = [move.geometry(number) for number in range(last)]
    axis, reason = move.axis(last, len(pieces[0])), move.walk.reason(move.op, JOINS)
    return [
        tuple(
            (concatenated if i == axis else merged)(same, reason)
            for i, same in enumerate(zip(*pieces, strict=True))
        )
    ]


def _stack(move: Move) -> Sequence[Geometry]:
    inputs, first = move.op.inputs, move.op.inputs[0].op
    pieces = [move.geometry(number) for number in range(len(inputs))]
    reason = move.walk.reason(move.op, JOINS)
    axes = [merged(same, reason) for same in zip(*pieces, strict=True)]
    new = joined([Free(len(pieces))])
    if first.type == "Unpack" and all(t.op is first for t in inputs):  # in another order, say
        old = first.get_attr("axis")
        new = Move(first, move.walk).picked({old: np.array([t.value_index for t in inputs])})[old]
    axes.insert(move.op.get_attr("axis") % (len(axes) + 1), new)
    return [tuple(axes)]


def _tile(move: Move) -> Sequence[Geometry]:
    axes, numbers = move.geometry(), move.value(1).tolist()
    tiled = move.picked({i: np.tile(_cells(axes[i]), k) for i, k in enumerate(numbers)})
    pairs = zip(axes, tiled, numbers, strict=True)
    return [tuple(new if old else resized(old, k, "") for old, new, k in pairs)]


MOVES: dict[str, Rule] = {
    **dict.fromkeys(("Reverse", "ReverseV2"), _reverse),
    "ReverseSequence": _reverse_sequence,
    **dict.fromkeys(("TopK", "TopKV2"), _highest),
    "Roll": _roll,
    "Transpose": _transpose,
    "ExpandDims": _expand,
    "Squeeze": _squeeze,
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _pad),
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    **dict.fromkeys(("Gather", "GatherV2"), _gather),
    "Split": _split,
    "SplitV": _split_by_sizes,
    "Unpack": _unstack,
    "ConcatV2": _concatenate,
    "Pack": _stack,
    "Tile": _tile,
}
