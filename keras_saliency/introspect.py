"""Questions to a traced model: its logits, its last spatial activation, its layers by name."""

import difflib
from collections import deque

import tensorflow as tf

from keras_saliency.capture import ForwardPass, LayerCall
from keras_saliency.layouts import SHAPE_ONLY, find_maps
from keras_saliency.library import Library

# Ops that hand a value on: what lies before them is the same score or the same map.
_SCORE_KEEPING = {"Cast", "Identity", "Reshape", "Squeeze", "ExpandDims"}
_HEADS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}
_MAP_KEEPING = {
    *("MaxPool", "MaxPoolV2", "AvgPool", "MaxPool3D", "AvgPool3D"),
    *("Identity", "Cast", "Pad", "PadV2", "MirrorPad"),
}
_OF_SIGNALS = {"Squeeze", "ExpandDims"}  # around their convolutions and poolings, (n, 1, length, c)
_CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative", "Conv3D"}
_POOLS = {"MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"}
_NAMES_SHOWN = 12


def find_logits(output: tf.Tensor) -> tuple[tf.Tensor, str]:
    """Returns the scores before softmax or sigmoid, and which of the two follows.

    Args:
        output: the model's output (n, k).

    Returns:
        The logits (n, k), and "softmax", "sigmoid" or "linear"; "linear" where
        neither is found, so that the output itself is taken as logits.

    Raises:
        ValueError: if a softmax or sigmoid may be hidden in a function that the graph calls.
    """
    tensor = output
    while tensor.op.type in _SCORE_KEEPING:
        tensor = tensor.op.inputs[0]
    head = _HEADS.get(tensor.op.type)
    if head is None:
        if Library(output.graph).holds(tensor.op.node_def, _HEADS):
            raise ValueError(
                "The logits cannot be found: the model's output comes out of a tf.function, a loop "
                "or a branch that hides its softmax or sigmoid. Take the @tf.function off the "
                "model's call (Keras compiles it anyway), or let the model end in a Softmax layer."
            )
        return output, "linear"
    logits = tensor.op.inputs[0]
    if logits.shape.rank != output.shape.rank:  # a Reshape stood between
        logits = tf.ensure_shape(tf.reshape(logits, tf.shape(output)), output.shape)
    return logits, head


def reachable_from(source: tf.Tensor, ops: list[tf.Operation]) -> set[str]:
    """Names of the ops whose values depend on `source`, shapes aside."""
    reached = {source.op.name}
    for op in ops:  # in the order of creation, so inputs come first
        if op.type not in SHAPE_ONLY and any(t.op.name in reached for t in op.inputs):
            reached.add(op.name)
    return reached


def ancestors(tensors, stop: frozenset[str] = frozenset()) -> set[str]:
    """Names of all ops that `tensors` are computed from, shapes aside."""
    seen: set[str] = set()
    queue = deque(t.op for t in tensors)
    while queue:
        op = queue.popleft()
        if op.name in seen or op.name in stop:
            continue
        seen.add(op.name)
        if op.type not in SHAPE_ONLY:
            queue.extend(t.op for t in op.inputs)
    return seen


def is_spatial(tensor: tf.Tensor | None, maps: dict[str, bool]) -> bool:
    """Whether a tensor is a map of the image, (n, h, w, c), with more than one position."""
    return tensor is not None and tensor.name in maps and not _is_point(tensor)


def _is_point(tensor):
    return all(side == 1 for side in tensor.shape[1:-1])


def last_spatial_activation(logits: tf.Tensor, forward: ForwardPass) -> tuple[tf.Tensor, str]:
    """Finds the activation that Grad-CAM means by "the last convolutional layer".

    Walks back from the logits to the first maps with more than one position,
    then over pooling, padding and casts to what they were computed from.

    Returns:
        The tensor (n, h, w, c), and a note for the user, "" if there is
        nothing to say.

    Raises:
        ValueError: if there is no such activation, or if the network goes on
            convolving after its maps have shrunk to one position.
    """
    maps = find_maps(forward)
    from_images = reachable_from(forward.images, forward.ops)
    order = {op.name: i for i, op in enumerate(forward.ops)}
    queue, seen, found = deque([logits]), set(), {}
    while queue:
        tensor = queue.popleft()
        if tensor.op.name in seen or tensor.op.name not in from_images:
            continue
        seen.add(tensor.op.name)
        if tensor is forward.images:
            continue
        if is_spatial(tensor, maps):
            if maps[tensor.name]:  # else it is the image itself, rescaled say
                activation = _before_pooling(tensor, maps)
                found[activation.op.name] = activation
        else:
            _refuse_convolved_points(tensor.op, forward, maps)
            queue.extend(t for t in tensor.op.inputs if t.dtype.is_floating)
    if not found:
        raise ValueError(
            "GradCAM() found no activation with a spatial extent (n, h, w, c), channels last, that "
            "a layer has computed between the image "
            f"and the logits. {_spatial_layers_sentence(forward, maps)} "
            'Use "vanilla_gradients" for a model without convolutions.'
        )
    last = max(found.values(), key=lambda t: order[t.op.name])
    joined = ancestors([last])
    apart = [layer_name(t, forward) for name, t in found.items() if name not in joined]
    note = f"the last executed of several branches; not seen: {', '.join(apart)}" if apart else ""
    return last, note


def _before_pooling(tensor, maps):
    found, is_signal = tensor, tensor.shape.rank == 3
    while tensor.op.type in _MAP_KEEPING or (is_signal and tensor.op.type in _OF_SIGNALS):
        tensor = tensor.op.inputs[0]
        if is_spatial(tensor, maps):
            if not maps[tensor.name]:
                break
            found = tensor
        elif not is_signal or tensor.shape.rank != 4 or tensor.shape[1] != 1:
            break
    return found


def _refuse_convolved_points(op, forward, maps):
    """Refuses a network whose maps shrink to 1x1 before its last convolution.

    A global pooling, or one convolution as large as its input (a dense layer
    in another form), may lead to 1x1; a smaller step may not, nor may a
    larger kernel than 1x1 follow.
    """
    if op.type not in _CONVOLUTIONS | _POOLS:
        return
    inputs = op.inputs[0]
    if inputs.name not in maps:
        return
    if op.type in _POOLS:
        kernel = op.get_attr("ksize")[1:-1]
        sound = _is_point(inputs) or all(
            k >= s for k, s in zip(kernel, inputs.shape[1:-1], strict=True)
        )
    else:
        kernel = op.inputs[1].shape[:-2].as_list()
        covers = all(k >= s for k, s in zip(kernel, inputs.shape[1:-1], strict=True))
        sound = set(kernel) == {1} if _is_point(inputs) else covers
    if not sound:
        size = "x".join(str(side) for side in forward.images.shape[1:-1])
        raise ValueError(
            "GradCAM() needs a last convolutional layer with more than one position, but for "
            f"images of {size} this model's last maps are 1x1. Use larger images, or "
            f"name an earlier layer. {_spatial_layers_sentence(forward, maps)}"
        )


def unique_names(forward: ForwardPass) -> dict[str, list[LayerCall]]:
    """Calls by the name a user would say: the layer's name, or its path where names repeat."""
    owners: dict[str, set[int]] = {}
    for call in forward.calls:
        owners.setdefault(call.layer.name, set()).add(id(call.layer))
    named: dict[str, list[LayerCall]] = {}
    for call in forward.calls:
        name = call.layer.name if len(owners[call.layer.name]) == 1 else call.path
        named.setdefault(name, []).append(call)
    return named


def layer_name(tensor: tf.Tensor, forward: ForwardPass) -> str:
    """Name of the layer that returned `tensor`, or of the op where no layer did."""
    for name, calls in unique_names(forward).items():
        if any(c.output is tensor for c in calls):
            return name  # calls are in order of their end: the innermost comes first
    return tensor.op.name


def find_activation(layer: str, forward: ForwardPass, method: str) -> tuple[tf.Tensor, str, str]:
    """Returns the spatial output of the layer called `layer`, its name, and a note.

    Raises:
        ValueError: if there is no such layer, the name is ambiguous, or its
            output has no spatial extent.
    """
    named = unique_names(forward)
    said, layer = layer, layer if len(layer) <= 80 else layer[:77] + "..."
    calls = named.get(said) or [c for c in forward.calls if c.path == said]
    if not calls:
        longer = [n for n in named if n.endswith("/" + layer)]
        if longer:
            raise ValueError(
                f'{method}(layer="{layer}") is the name of {len(longer)} layers. Pass one of: '
                f"{_listed(longer)}."
            )
        near = difflib.get_close_matches(layer, named, n=3)
        hint = f" Did you mean {_listed(near)}?" if near else ""
        raise ValueError(
            f'{method}(layer="{layer}") names a layer that this model does not have or does not '
            f"call.{hint} Layers of this model: {_listed(named)}."
        )
    tensor, maps = calls[-1].output, find_maps(forward)
    if not is_spatial(tensor, maps):
        shape = "several tensors" if tensor is None else (None, *tensor.shape[1:])
        raise ValueError(
            f'{method}(layer="{layer}") needs a layer with a spatial output (n, h, w, c), but '
            f'"{layer}" outputs {shape}. {_spatial_layers_sentence(forward, maps)}'
        )
    if len(calls) > 1:
        return tensor, layer, f"the last of {len(calls)} calls of this shared layer"
    return tensor, layer, ""


def innermost_layer(op: tf.Operation, forward: ForwardPass) -> str:
    """Name of the innermost layer in whose call `op` was created, else the op's own name."""
    position = next(i for i, other in enumerate(forward.ops) if other.name == op.name)
    for name, calls in unique_names(forward).items():
        if any(c.first_op <= position < c.last_op for c in calls):
            return name
    return op.name


def _spatial_layers_sentence(forward, maps):
    names = [n for n, calls in unique_names(forward).items() if is_spatial(calls[-1].output, maps)]
    if not names:
        return "This model has no layer with a spatial output."
    return f"Spatial layers of this model: {_listed(names)}."


def _listed(names):
    names = list(names)
    shown = ", ".join(f'"{n}"' for n in names[-_NAMES_SHOWN:])
    hidden = len(names) - _NAMES_SHOWN
    return f"{shown} (the last {_NAMES_SHOWN}; {hidden} more before them)" if hidden > 0 else shown
