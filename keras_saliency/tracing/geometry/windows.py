"""Convolutions and poolings: what lies along their output's axes."""

from dataclasses import replace

from keras_saliency.tracing.geometry.axes import resized
from keras_saliency.tracing.geometry.parts import Axis, Geometry, along_of, size_of, unplaced
from keras_saliency.tracing.geometry.rule import JOINS, Move
from keras_saliency.tracing.geometry.runs import resized_runs
from keras_saliency.tracing.spatial_maps import CONVOLUTIONS

_POOLS = {"MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"}
WINDOWS = CONVOLUTIONS | _POOLS
_NEARLY = 1e-6  # of a cell


def after_window(move: Move) -> Geometry:
    """What lies along the axes of a convolution's or a pooling's output."""
    op = move.op
    inside = slice(2, None) if op.get_attr("data_format").startswith(b"NC") else slice(1, -1)
    is_pool = op.type in _POOLS
    kernel = op.get_attr("ksize")[inside] if is_pool else op.inputs[1].shape[:-2].as_list()
    steps = [1] * len(kernel) if is_pool else op.get_attr("dilations")[inside]
    widths = [(k - 1) * step + 1 for k, step in zip(kernel, steps, strict=True)]
    strides, is_cut = op.get_attr("strides")[inside], op.get_attr("padding") != b"SAME"
    axes, sizes = list(move.geometry()), op.outputs[0].shape.as_list()
    for i, (width, stride) in enumerate(zip(widths, strides, strict=True), inside.start):
        length, size = size_of(axes[i]), sizes[i]
        if size is None:
            size = (length - width) // stride + 1 if is_cut else -(-length // stride)
        axes[i] = _windowed(move, axes[i], size, width, stride, is_cut)
    channels = 1 if inside.start == 2 else -1
    axes[channels] = unplaced([sizes[channels] or 1])[0]
    return tuple(axes)


def is_dilated_window(move: Move) -> bool:
    """Whether an op is the last of three that make a convolution with a wider kernel."""
    op = move.op.inputs[0].op
    is_last = move.op.type == "BatchToSpaceND" and op.type in CONVOLUTIONS
    return is_last and op.inputs[0].op.type == "SpaceToBatchND"


def after_dilated_window(move: Move) -> Geometry:
    """What lies along the axes of the output of such three ops."""
    window = move.op.inputs[0].op
    first = Move(window.inputs[0].op, move.walk)
    kernel, steps = window.inputs[1].shape[:-2].as_list(), first.value(1).tolist()
    axes, sizes = list(first.geometry()), move.op.outputs[0].shape.as_list()
    for i, (k, step) in enumerate(zip(kernel, steps, strict=True), 1):
        width, length = (k - 1) * step + 1, size_of(axes[i])
        size = length if sizes[i] is None else sizes[i]
        axes[i] = _windowed(move, axes[i], size, width, 1, is_cut=size < length)
    axes[-1] = unplaced([sizes[-1] or 1])[0]
    return tuple(axes)


def _windowed(move: Move, axis: Axis, size: int, width: int, stride: int, is_cut: bool) -> Axis:
    """What lies along an axis of the output.

    It covers what the input covers, less padding that is the convolution's own: cells that were
    added before a convolution without padding, at most as many as it takes away.

    Args:
        move: the op.
        axis: the same axis of the input.
        size: cells of the output.
        width: of the kernel, in cells of the input.
        stride: from one cell of the output to the next, likewise.
        is_cut: whether the convolution has no padding.
    """
    along = along_of(axis)
    if along is None or not along.shown:
        is_same = size == size_of(axis)
        return axis if is_same else resized(axis, size, move.walk.reason(move.op, JOINS))
    length, before, after = along.size, 0.0, 0.0
    empty = min(run.start for run in along.shown), length - max(run.end for run in along.shown)
    if is_cut and width > stride and sum(empty) <= width - 1 + _NEARLY:
        before, after = empty
    elif is_cut:
        before = min(max(0.0, (width - stride) / 2), empty[0])
        after = min(max(0.0, length - stride * size - before), empty[1])
    own = 0 if is_cut else max(0, (size - 1) * stride + width - length) // 2
    shown = resized_runs(along.shown, size, -before, size / (length - before - after))
    exact = resized_runs(along.exact, size, own - (width - stride) / 2, 1 / stride)
    return (replace(along, size=size, shown=shown, exact=exact),)
