"""Which tensors of a traced model are maps of the image: (n, h, w, c), channels last.

Rank 4 alone does not say so: attention has (n, tokens, heads, size), a Conv1D computes in
(n, 1, length, channels), a channels-first convolution in (n, channels, h, w).
"""

from dataclasses import dataclass, replace

import tensorflow as tf

from keras_saliency.capture import ForwardPass

_LEARNED = {
    "Conv2D",
    "DepthwiseConv2dNative",
    "Conv2DBackpropInput",
    "MatMul",
    "BatchMatMulV2",
    "Einsum",
}
# Ops that look at a tensor's shape and not at its values.
SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
_SAME_ORDER = {"Reshape", "ExpandDims", "Squeeze"}


@dataclass(frozen=True)
class _Layout:
    """Where a tensor has the image's rows and columns.

    Attributes:
        num_leading: axes that hold them: 3 for (n, h, w, ...), 2 for (n, h*w, ...), 1 for
            (n*h*w, ...).
        shape: (n, h, w).
        is_learned: whether a layer with a kernel came before.
    """

    num_leading: int
    shape: tuple[int, int, int]
    is_learned: bool


def find_maps(forward: ForwardPass) -> dict[str, bool]:
    """Finds the tensors whose axes 1 and 2 are the image's rows and columns.

    Follows the image through the graph. Rows and columns may be flattened together and come
    back; what moves them elsewhere ends the trail, until a layer that declares
    `data_format="channels_last"` takes it up.

    Returns:
        {name of a float tensor (n, h, w, c): whether a layer with a kernel came before}.
    """
    images = forward.images
    num_images, height, width, _ = images.shape
    layouts = {images.name: _Layout(3, (num_images, height, width), False)}
    declared = {
        call.output.name
        for call in forward.calls
        if call.output is not None
        and call.output.shape.rank == 4
        and getattr(call.layer, "data_format", None) == "channels_last"
    }
    maps = {}
    for op in forward.ops:  # in the order of creation, so inputs come first
        before = [(t, layouts[t.name]) for t in op.inputs if t.name in layouts]
        for output in op.outputs if op.type not in SHAPE_ONLY else ():
            layout = _layout_after(op, output, before) if before else None
            if layout is None and output.name in declared:
                layout = _Layout(3, tuple(output.shape[:3]), True)
            if layout is None:
                continue
            layouts[output.name] = layout
            is_whole = output.shape.rank == 4 and output.shape[0] == num_images
            if layout.num_leading == 3 and is_whole and output.dtype.is_floating:
                maps[output.name] = layout.is_learned
    return maps


def _layout_after(op, output, before):
    """The layout of an op's output, None if rows and columns are lost."""
    if not output.shape.is_fully_defined():
        return None
    shape = tuple(output.shape)
    is_learned = op.type in _LEARNED or any(layout.is_learned for _, layout in before)
    for tensor, layout in before:
        kept = layout.num_leading
        layout = replace(layout, is_learned=is_learned)
        n, h, w = layout.shape
        if op.type == "Transpose":
            order = tf.get_static_value(op.inputs[1])
            return layout if order is not None and list(order[:kept]) == list(range(kept)) else None
        if op.type in _SAME_ORDER:
            for num_leading, leading in ((3, (n, h, w)), (2, (n, h * w)), (1, (n * h * w,))):
                if len(shape) > num_leading and shape[:num_leading] == leading:
                    return replace(layout, num_leading=num_leading)
        elif kept == 3 and len(shape) >= 4:
            return replace(layout, shape=shape[:3])  # a convolution or a pooling may change them
        elif kept < 3 and len(shape) > kept and shape[:kept] == tuple(tensor.shape[:kept]):
            return layout
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
