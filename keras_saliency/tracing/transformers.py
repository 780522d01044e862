"""Questions about transformers: the input of their attention, and which tokens are read."""

import math
from collections import deque

import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.queries import ancestors, reachable_from
from keras_saliency.tracing.spatial_maps import (
    CONVOLUTIONS,
    LEARNED,
    PICKING,
    Grid,
    is_spatial,
    picked_tokens,
)

_PRODUCTS = {"BatchMatMulV2", "Einsum", "MatMul"}  # of two tensors of the image: attention
_PRODUCTS_OF_ONE = 2  # of queries and keys, and of what they weigh


def reads_patches(tensor: tf.Tensor, taker: tf.Tensor, maps: dict[str, Grid]) -> bool:
    """Whether the tensor `taker` takes more of these maps than tokens that are no patches."""
    grid = maps[tensor.name]
    if grid.first_token is None or taker.op.type not in PICKING:
        return True
    picked = picked_tokens(taker.op, tensor, taker)
    if picked is None:
        return True
    after = grid.first_token + math.prod(grid.sides)
    return bool(((picked >= grid.first_token) & (picked < after)).any())


def before_attention(
    tensor: tf.Tensor, forward: ForwardPass, maps: dict[str, Grid], asker: str
) -> tf.Tensor:
    """Returns the input of the last attention before `tensor`, of which a class token is read.

    Args:
        tensor: (n, tokens, c).
        forward: `ForwardPass`.
        maps: what `find_maps` found in it.
        asker: name of the method that asks, for errors.

    Raises:
        ValueError: if there is no such attention.
    """
    attention = last_attention(tensor, forward)
    from_images = reachable_from(forward.images, forward.ops)
    order = {op.name: i for i, op in enumerate(forward.ops)}
    queue = deque((t, False) for t in (attention.inputs if attention is not None else ()))
    seen, found = set(), []
    while queue:
        tensor, is_projected = queue.popleft()
        if (tensor.name, is_projected) in seen:
            continue
        seen.add((tensor.name, is_projected))
        if is_projected and is_spatial(tensor, maps):
            found.append(tensor)
            continue
        inputs = [t for t in tensor.op.inputs if t.op.name in from_images and t.dtype.is_floating]
        is_projected |= tensor.op.type in LEARNED and len(inputs) == 1
        queue.extend((t, is_projected) for t in inputs)
    if not found:
        raise ValueError(
            f"{asker}() found that this model reads a class token only, and no attention that "
            "gathers the patches into it. Name a layer whose patches matter, or use "
            '"vanilla_gradients".'
        )
    return max(found, key=lambda t: order[t.op.name])


def last_attention(tensor: tf.Tensor, forward: ForwardPass) -> tf.Operation | None:
    """Returns the last product of two tensors of the image before `tensor`, None without any."""
    products = _attentions(ancestors([tensor]), forward)
    return products[-1] if products else None


def _attentions(names: set[str], forward: ForwardPass) -> list[tf.Operation]:
    """The ops with these names that multiply two tensors of the image, in their order."""
    from_images = reachable_from(forward.images, forward.ops)
    products = [op for op in forward.ops if op.name in names and op.type in _PRODUCTS]
    return [op for op in products if sum(t.op.name in from_images for t in op.inputs) > 1]


def convolved_maps(
    tensor: tf.Tensor, forward: ForwardPass, maps: dict[str, Grid]
) -> tf.Tensor | None:
    """Returns the last maps (n, h, w, c) of a convolutional network that ends in one attention.

    None in a transformer: where the maps are patches that do not overlap, or several attentions
    follow them.
    """
    before = ancestors([tensor])
    if len(_attentions(before, forward)) > _PRODUCTS_OF_ONE:
        return None
    if not any(op.name in before and _overlaps(op) for op in forward.ops):
        return None
    whole = [
        output
        for op in forward.ops
        for output in op.outputs
        if op.name in before and is_spatial(output, maps) and maps[output.name].is_learned
    ]
    return next((t for t in reversed(whole) if maps[t.name].first_token is None), None)


def _overlaps(op: tf.Operation) -> bool:
    """Whether an op is a convolution whose kernel is larger than its step."""
    if op.type not in CONVOLUTIONS:
        return False
    kernel, steps = op.inputs[1].shape[:-2].as_list(), op.get_attr("strides")[1:-1]
    return any(k > s for k, s in zip(kernel, steps, strict=True))
