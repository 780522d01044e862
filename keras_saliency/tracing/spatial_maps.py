"""Which tensors of a traced model are maps of the image: (n, h, w, c), channels last.

The rank alone does not say so: attention has (n, tokens, heads, size), a Conv1D computes in
(n, 1, length, channels), a channels-first convolution in (n, channels, h, w). Transformers have the
patches of an image in (n, tokens, c), row by row, and class tokens before or after them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.geometry.constants import run_op
from keras_saliency.tracing.hidden_ops import CALLING, HiddenOps

LEARNED = {  # ops with a kernel
    "Conv2D",
    "DepthwiseConv2dNative",
    "Conv2DBackpropInput",
    "Conv3D",
    "Conv3DBackpropInputV2",
    "MatMul",
    "BatchMatMulV2",
    "BatchMatMulV3",
    "Einsum",
}
CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative", "Conv3D"}
# Ops that pick some of a tensor's values, by numbers.
PICKING = {"StridedSlice", "Slice", "GatherV2", "Split", "SplitV", "Unpack"}
# Ops that look at a tensor's shape and not at its values.
SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
SAME_ORDER = {"Reshape", "ExpandDims", "Squeeze"}
# What may change a signal's length: of other ops it is lost, as in the products of attention.
_RESIZING = {
    *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MaxPool", "MaxPoolV2", "AvgPool"),
    *("Pad", "PadV2", "MirrorPad", "StridedSlice", "Slice", "ConcatV2", "Tile", "GatherV2"),
}


@dataclass(frozen=True)
class Grid:
    """How a tensor holds maps of the image.

    Attributes:
        sides: (h, w).
        is_learned: whether a layer with a kernel came before.
        first_token: None in (n, h, w, c); in (n, tokens, c) the number of the first patch.
    """

    sides: tuple[int, ...]
    is_learned: bool
    first_token: int | None = None

    def fold(self, tensor: tf.Tensor) -> tf.Tensor:
        """Returns a tensor of this shape as (n, h, w, c), without the class token."""
        if self.first_token is None:
            return tensor
        patches = tensor[:, self.first_token : self.first_token + math.prod(self.sides)]
        return tf.reshape(patches, (-1, *self.sides, tensor.shape[-1]))


@dataclass(frozen=True)
class _Layout:
    """Where a tensor has the image's rows and columns.

    Attributes:
        leading: the first sides of its shape, which hold them: (n, h, w), (n, tokens),
            (n*tokens,), or (n, 1, length) inside the convolutions for signals.
        size: (n, h, w).
        is_learned: whether a layer with a kernel came before.
        num_tokens: h*w, and as many as were joined to the patches.
        first: the number of the first patch among them.
    """

    leading: tuple[int, ...]
    size: tuple[int, ...]
    is_learned: bool
    num_tokens: int
    first: int = 0

    @classmethod
    def whole(cls, size: Sequence[int], is_learned: bool) -> "_Layout":
        """Of a tensor (n, h, w, c)."""
        return cls(tuple(size), tuple(size), is_learned, math.prod(size[1:]))

    @property
    def has_tokens(self) -> bool:
        """Whether the leading sides are (n, tokens)."""
        return len(self.leading) == 2 < len(self.size)

    def forms(self) -> list[tuple[int, ...]]:
        """The leading sides that values in the same order may have."""
        n = self.size[0]
        found: list[tuple[int, ...]] = [(n, self.num_tokens), (n * self.num_tokens,)]
        if len(self.size) == 2:  # convolutions and poolings of signals are those of one row
            found.insert(0, (n, 1, *self.size[1:]))
        if self.num_tokens == math.prod(self.size[1:]):
            found.insert(0, self.size)
        return found

    def grid(self, tensor: tf.Tensor, images: tf.Tensor) -> Grid | None:
        """The `Grid` of a tensor that has this layout, None where it holds no whole maps."""
        if tensor.shape[0] != images.shape[0] or not tensor.dtype.is_floating:
            return None
        if self.leading == self.size and tensor.shape.rank == images.shape.rank:
            return Grid(self.size[1:], self.is_learned)
        if self.has_tokens and tensor.shape.rank == 3:
            return Grid(self.size[1:], self.is_learned, self.first)
        return None


def find_maps(forward: ForwardPass) -> dict[str, Grid]:
    """Finds the tensors whose axes 1 and 2 are the image's rows and columns, or its patches.

    Follows the image through the graph. Rows and columns may be flattened together and come
    back; what moves them elsewhere ends the search, until a layer that declares
    `data_format="channels_last"` resumes it. For signals it is axis 1, for volumes axes 1 to 3.

    Returns:
        {name of a float tensor (n, h, w, c) or (n, tokens, c): its `Grid`}.
    """
    images = forward.images
    layouts = {images.name: _Layout.whole(images.shape[:-1], False)}
    hidden = HiddenOps(images.graph)
    declared = {
        call.output.name
        for call in forward.calls
        if call.output is not None
        and call.output.shape.rank == images.shape.rank
        and call.output.shape.is_fully_defined()
        and getattr(call.layer, "data_format", None) == "channels_last"
    }
    maps = {images.name: Grid(tuple(images.shape[1:-1]), False)}  # also a layer's that changes none
    for op in forward.ops:  # in the order of creation, so inputs come first
        before = [(t, layouts[t.name]) for t in op.inputs if t.name in layouts]
        if before and _is_learned(op, hidden):
            before = [(t, replace(layout, is_learned=True)) for t, layout in before]
        for output in op.outputs if op.type not in SHAPE_ONLY else ():
            layout = _layout_after(op, output, before) if before else None
            if layout is None and output.name in declared:
                layout = _Layout.whole(output.shape[:-1], True)
            if layout is None:
                continue
            layouts[output.name] = layout
            grid = layout.grid(output, images)
            if grid is not None:
                maps[output.name] = grid
    return maps


def is_spatial(tensor: tf.Tensor | None, maps: dict[str, Grid]) -> bool:
    """Whether a tensor is one of the `maps` that were found, with more than one position."""
    return tensor is not None and tensor.name in maps and math.prod(maps[tensor.name].sides) > 1


def _is_learned(op: tf.Operation, hidden: HiddenOps) -> bool:
    """Whether an op has a kernel, or calls a function that has one, as of a SavedModel."""
    return op.type in LEARNED or (op.type in CALLING and hidden.holds(op.node_def, LEARNED))


def _layout_after(
    op: tf.Operation, output: tf.Tensor, before: list[tuple[tf.Tensor, _Layout]]
) -> _Layout | None:
    """The layout of an op's output, None if rows and columns are lost."""
    if not output.shape.is_fully_defined():
        return None
    shape = tuple(output.shape)
    is_learned = any(layout.is_learned for _, layout in before)
    for tensor, layout in before:
        num_kept, size = len(layout.leading), layout.size
        layout = replace(layout, is_learned=is_learned)
        is_signal = len(size) == 2
        if op.type == "Transpose":
            order = tf.get_static_value(op.inputs[1])
            kept = [] if order is None else list(order[:num_kept])
            if layout.leading == size and sorted(kept) == list(range(num_kept)) and kept[0] == 0:
                turned = tuple(size[i] for i in kept)  # columns for rows: `find_geometry` knows
                return replace(layout, leading=turned, size=turned)
            return layout if kept == list(range(num_kept)) else None
        if op.type in SAME_ORDER:
            for leading in layout.forms():
                if len(shape) > len(leading) and shape[: len(leading)] == leading:
                    return replace(layout, leading=leading)
        elif layout.has_tokens and op.type in PICKING:
            return _picked(layout, picked_tokens(op, tensor, output), shape)
        elif layout.has_tokens and op.type == "ConcatV2" and shape[1] != layout.num_tokens:
            earlier = op.inputs[: [t is tensor for t in op.inputs].index(True)]
            first = layout.first + sum(t.shape[1] for t in earlier)
            return replace(layout, leading=shape[:2], num_tokens=shape[1], first=first)
        elif len(shape) > num_kept and shape[:num_kept] == layout.leading:
            return layout
        elif len(shape) > num_kept >= len(size) and (not is_signal or op.type in _RESIZING):
            leading = shape[:num_kept]  # a convolution or a pooling may change them
            rows = (leading[0], *leading[2:]) if num_kept > len(size) else leading
            return replace(_Layout.whole(rows, is_learned), leading=leading)
    return None


def _picked(layout: _Layout, picked: np.ndarray | None, shape: tuple[int, ...]) -> _Layout | None:
    """The layout of some of the tokens, None unless all patches are among them, in order."""
    num_patches = math.prod(layout.size[1:])
    if picked is None or picked.ndim != len(shape) - 1 or picked.ndim < 2:
        return None
    tokens = picked.reshape(len(picked), -1)[:, 0].tolist()
    patches = list(range(layout.first, layout.first + num_patches))
    first = tokens.index(layout.first) if layout.first in tokens else 0
    if tokens[first : first + num_patches] != patches:
        return None
    return replace(layout, leading=shape[:2], num_tokens=len(tokens), first=first)


def picked_tokens(op: tf.Operation, tensor: tf.Tensor, output: tf.Tensor) -> np.ndarray | None:
    """Finds out which tokens (n, tokens, ...) a picking op passes on, by letting it pick numbers.

    Returns:
        ints of the shape of one row of the output; None where that depends on the input.
    """
    numbers = np.arange(tensor.shape[1], dtype=np.int32)
    numbers = numbers.reshape(1, -1, *[1] * (tensor.shape.rank - 2))
    numbers = np.broadcast_to(numbers, tensor.shape.as_list())
    values = [numbers if t is tensor else tf.get_static_value(t) for t in op.inputs]
    if any(value is None for value in values):
        return None
    picked = run_op(op, values)[[o is output for o in op.outputs].index(True)]
    return picked[0] if picked.shape[:1] == tensor.shape[:1] else None


def before_class_maps(output: tf.Tensor, score: tf.Tensor, forward: ForwardPass) -> tf.Tensor:
    """Returns where to look for the last maps of the image.

    For a map-valued output (segmentation), the input of its last kernel; otherwise the score.
    """
    maps, tensor = find_maps(forward), output
    while tensor.op.type not in LEARNED:
        earlier = [t for t in tensor.op.inputs if t.name in maps]
        if not earlier:
            return score
        tensor = earlier[0]
    given = next((t for t in tensor.op.inputs if t.name in maps and maps[t.name].is_learned), None)
    return score if given is None else given
