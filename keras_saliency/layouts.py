"""Which tensors of a traced model are maps of the image: (n, h, w, c), channels last.

The rank alone does not say so: attention has (n, tokens, heads, size), a Conv1D computes in
(n, 1, length, channels), a channels-first convolution in (n, channels, h, w).
"""

import math
from dataclasses import dataclass, replace

import tensorflow as tf

from keras_saliency.capture import ForwardPass

_LEARNED = {
    "Conv2D",
    "DepthwiseConv2dNative",
    "Conv2DBackpropInput",
    "Conv3D",
    "Conv3DBackpropInputV2",
    "MatMul",
    "BatchMatMulV2",
    "Einsum",
}
# Ops that look at a tensor's shape and not at its values.
SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
_SAME_ORDER = {"Reshape", "ExpandDims", "Squeeze"}
# What may change a signal's length: of other ops it is lost, as in the products of attention.
_RESIZING = {
    *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MaxPool", "MaxPoolV2", "AvgPool"),
    *("Pad", "PadV2", "MirrorPad", "StridedSlice", "Slice", "ConcatV2", "Tile", "GatherV2"),
}


@dataclass(frozen=True)
class _Layout:
    """Where a tensor has the image's rows and columns.

    Attributes:
        leading: the first sides of its shape, which hold them: (n, h, w), (n, h*w), (n*h*w,), or
            (n, 1, length) inside the convolutions of signals.
        size: (n, h, w).
        is_learned: whether a layer with a kernel came before.
    """

    leading: tuple[int, ...]
    size: tuple[int, ...]
    is_learned: bool


def find_maps(forward: ForwardPass) -> dict[str, bool]:
    """Finds the tensors whose axes 1 and 2 are the image's rows and columns.

    Follows the image through the graph. Rows and columns may be flattened together and come
    back; what moves them elsewhere ends the trail, until a layer that declares
    `data_format="channels_last"` takes it up. Of signals it is axis 1, of volumes axes 1 to 3.

    Returns:
        {name of a float tensor (n, h, w, c): whether a layer with a kernel came before}.
    """
    images = forward.images
    num_images, rank = images.shape[0], images.shape.rank
    size = tuple(images.shape[:-1])
    layouts = {images.name: _Layout(size, size, False)}
    declared = {
        call.output.name
        for call in forward.calls
        if call.output is not None
        and call.output.shape.rank == rank
        and getattr(call.layer, "data_format", None) == "channels_last"
    }
    maps = {}
    for op in forward.ops:  # in the order of creation, so inputs come first
        before = [(t, layouts[t.name]) for t in op.inputs if t.name in layouts]
        for output in op.outputs if op.type not in SHAPE_ONLY else ():
            layout = _layout_after(op, output, before) if before else None
            if layout is None and output.name in declared:
                layout = _Layout(tuple(output.shape[:-1]), tuple(output.shape[:-1]), True)
            if layout is None:
                continue
            layouts[output.name] = layout
            is_whole = layout.leading == layout.size and output.shape.rank == rank
            if is_whole and output.shape[0] == num_images and output.dtype.is_floating:
                maps[output.name] = layout.is_learned
    return maps


def _layout_after(op, output, before):
    """The layout of an op's output, None if rows and columns are lost."""
    if not output.shape.is_fully_defined():
        return None
    shape = tuple(output.shape)
    is_learned = op.type in _LEARNED or any(layout.is_learned for _, layout in before)
    for _, layout in before:
        num_kept, size = len(layout.leading), layout.size
        layout = replace(layout, is_learned=is_learned)
        is_signal = len(size) == 2
        if op.type == "Transpose":
            order = tf.get_static_value(op.inputs[1])
            is_kept = order is not None and list(order[:num_kept]) == list(range(num_kept))
            return layout if is_kept else None
        if op.type in _SAME_ORDER:
            forms = [size, (size[0], math.prod(size[1:])), (math.prod(size),)]
            if is_signal:  # their convolutions and poolings are those of images with one row
                forms.insert(0, (size[0], 1, *size[1:]))
            for leading in forms:
                if len(shape) > len(leading) and shape[: len(leading)] == leading:
                    return replace(layout, leading=leading)
        elif len(shape) > num_kept and shape[:num_kept] == layout.leading:
            return layout
        elif len(shape) > num_kept >= len(size) and (not is_signal or op.type in _RESIZING):
            leading = shape[:num_kept]  # a convolution or a pooling may change them
            rows = (leading[0], *leading[2:]) if num_kept > len(size) else leading
            return replace(layout, leading=leading, size=rows)
    return None


def before_class_maps(output: tf.Tensor, score: tf.Tensor, forward: ForwardPass) -> tf.Tensor:
    """Returns where to look for the last maps of the image.

    Of an output that is a map itself, as in segmentation, that is what its last kernel is given;
    else the score.
    """
    maps, tensor = find_maps(forward), output
    while tensor.op.type not in _LEARNED:
        earlier = [t for t in tensor.op.inputs if t.name in maps]
        if not earlier:
            return score
        tensor = earlier[0]
    given = next((t for t in tensor.op.inputs if maps.get(t.name)), None)
    return score if given is None else given
