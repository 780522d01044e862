"""`SpatialActivation`: the activation that a map is made of, the last spatial one or a layer's."""

import difflib
import math
from collections import deque
from dataclasses import dataclass

import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.queries import (
    ancestors,
    differentiable_inputs,
    layer_name,
    outputs_beside,
    reachable_from,
    unique_names,
)
from keras_saliency.tracing.refusals import (
    described,
    hiding_convolutions,
    listed,
    shape_letters,
    spatial_layers_sentence,
    why_none,
)
from keras_saliency.tracing.spatial_maps import (
    CONVOLUTIONS,
    PICKING,
    SAME_ORDER,
    Grid,
    find_maps,
    is_spatial,
)
from keras_saliency.tracing.transformers import (
    before_attention,
    convolved_maps,
    last_attention,
    reads_patches,
)

# Ops that hand a map on: what lies before them is the same map.
_MAP_KEEPING = {
    *("MaxPool", "MaxPoolV2", "AvgPool", "MaxPool3D", "AvgPool3D"),
    *("Identity", "Cast", "Pad", "PadV2", "MirrorPad"),
}
_OF_SIGNALS = {"Squeeze", "ExpandDims"}  # around their convolutions and poolings, (n, 1, length, c)
_POOLS = {"MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"}


@short_repr
@dataclass(frozen=True, eq=False)
class SpatialActivation:
    """A tensor that holds maps of the image.

    Attributes:
        tensor: (n, h, w, c), or (n, tokens, c) of a transformer.
        layer: the name of the layer that returned it, or of the op where no layer did.
        grid: `Grid`, how it holds the maps.
        note: for the user, or "".
        beside: the same of the layer's other calls, where it is called several times on its own
            input each: {tensor: grid}, in order.
    """

    tensor: tf.Tensor
    layer: str
    grid: Grid
    note: str = ""
    beside: tuple[tuple[tf.Tensor, Grid], ...] = ()


def last_spatial_activation(
    start: tf.Tensor, forward: ForwardPass, asker: str = "GradCAM"
) -> SpatialActivation:
    """Finds the activation that Grad-CAM means by "the last convolutional layer".

    Walks back from `start`, usually the logits, to the first maps with more than one position,
    then over pooling, padding and casts to what they were computed from. Where only a class token
    is read, the input of the last attention is meant: patches after it have no influence.

    Args:
        start: tensor to walk back from.
        forward: `ForwardPass`.
        asker: name of the method that asks, for errors.

    Raises:
        ValueError: if there is no such activation, or if the network goes on
            convolving after its maps have shrunk to one position.
    """
    maps = find_maps(forward)
    order = {op.name: i for i, op in enumerate(forward.ops)}
    found = {}
    for tensor, is_read in _reached(start, forward, maps, asker):
        tensor = _meant(tensor, is_read, forward, maps, asker)
        found[tensor.op.name] = tensor
    hiding = hiding_convolutions(start, found, forward)
    if not found:
        raise ValueError(
            f"{asker}() found no activation with a spatial extent {shape_letters(forward)}, "
            "channels last, that a layer has computed between the image and the logits. "
            f"{why_none(hiding, forward)} {spatial_layers_sentence(forward, maps)}"
        )
    last = max(found.values(), key=lambda t: order[t.op.name])
    beside = _calls_beside(last, start, forward, maps)
    joined = ancestors([last, *beside])
    apart = [layer_name(t, forward) for name, t in found.items() if name not in joined]
    notes = [f"the last executed of several branches; not seen: {', '.join(apart)}"] * bool(apart)
    notes += [f"later convolutions inside {listed(hiding)} are hidden"] * bool(hiding)
    return _activation(last, layer_name(last, forward), maps, "; ".join(notes), beside)


def find_activation(
    layer: str, start: tf.Tensor, forward: ForwardPass, asker: str = "GradCAM"
) -> SpatialActivation:
    """Returns the spatial output of the layer called `layer`.

    Args:
        layer: the layer's name, or its path where names repeat.
        start: the tensor that shows which tokens are read.
        forward: `ForwardPass`.
        asker: name of the method that asks, for errors.

    Raises:
        ValueError: if there is no such layer, the name is ambiguous, its output has no
            spatial extent, or it has tokens of which only the class's is read later.
    """
    named, maps = unique_names(forward), find_maps(forward)
    said, layer = layer, layer if len(layer) <= 80 else layer[:77] + "..."
    calls = named.get(said) or [c for c in forward.calls if c.path == said]
    if not calls and any(said in (path, path.rpartition("/")[2]) for path in forward.hidden):
        raise ValueError(
            f'{asker}(layer="{layer}") names a layer that no map can be taken of: it is called '
            f"inside a tf.function, a loop or a branch. {spatial_layers_sentence(forward, maps)}"
        )
    if not calls:
        longer = [n for n in named if n.endswith("/" + layer)]
        if longer:
            raise ValueError(
                f'{asker}(layer="{layer}") is the name of {len(longer)} layers. Pass one of: '
                f"{listed(longer)}."
            )
        near = difflib.get_close_matches(layer, named, n=3)
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise ValueError(
            f'{asker}(layer="{layer}") names a layer that this model does not have or does not '
            f"call.{hint} Layers of this model: {listed(named)}."
        )
    tensor = calls[-1].output
    from_images = reachable_from(forward.images, forward.ops)
    of_images = [c for c in calls if c.output is not None and c.output.op.name in from_images]
    if of_images:  # a layer may be called on other inputs, too
        tensor = of_images[-1].output
    if tensor is None or not is_spatial(tensor, maps):
        raise ValueError(
            f'{asker}(layer="{layer}") needs a layer with a spatial output '
            f'{shape_letters(forward)}, but "{layer}" outputs {described(tensor, forward)}. '
            f"{spatial_layers_sentence(forward, maps)}"
        )
    if maps[tensor.name].first_token is not None:
        before, best = _before_gathering(start, forward, maps, asker)
        if tensor.op.name not in before:
            raise ValueError(
                f'{asker}(layer="{layer}") would be zero everywhere: after this layer, the model '
                "reads the class token only. Name a layer before its last attention, such as "
                f"{listed(best)}."
            )
    beside = _calls_beside(tensor, start, forward, maps)
    is_last = len(calls) > 1 + len(beside)
    note = f"the last of {len(calls)} calls of this shared layer" if is_last else ""
    return _activation(tensor, layer, maps, note, beside)


def _calls_beside(
    tensor: tf.Tensor, start: tf.Tensor, forward: ForwardPass, maps: dict[str, Grid]
) -> list[tf.Tensor]:
    """What other calls of a layer compute from the image, for `start`, in the place of `tensor`."""
    beside = outputs_beside(tensor, forward)
    if not beside:
        return []
    used = ancestors([start]) & reachable_from(forward.images, forward.ops)
    return [t for t in beside if t.op.name in used and is_spatial(t, maps)]


def _activation(
    tensor: tf.Tensor, layer: str, maps: dict[str, Grid], note: str, beside: list[tf.Tensor]
) -> SpatialActivation:
    grid = maps[tensor.name]
    if grid.first_token is not None:
        tokens = f"tokens folded into {'x'.join(map(str, grid.sides))}"
        left_out = tensor.shape[1] - math.prod(grid.sides)
        tokens += f", {left_out} without a place left out" if left_out else ""
        note = "; ".join(filter(None, (note, tokens)))
    others = tuple((other, maps[other.name]) for other in beside)
    return SpatialActivation(tensor, layer, grid, note, others)


def _reached(
    start: tf.Tensor, forward: ForwardPass, maps: dict[str, Grid], asker: str
) -> list[tuple[tf.Tensor, bool]]:
    """The first maps on each way back from `start`: (tensor, whether any patch of it is read)."""
    from_images = reachable_from(forward.images, forward.ops)
    queue, seen = deque([(start, start)]), set()
    found: dict[str, tuple[tf.Tensor, bool]] = {}
    while queue:
        tensor, taker = queue.popleft()
        if tensor.op.name not in from_images or tensor is forward.images:
            continue
        is_map = is_spatial(tensor, maps)
        if is_map and maps[tensor.name].is_learned:
            before = found.get(tensor.name, (tensor, False))[1]
            found[tensor.name] = tensor, before or reads_patches(tensor, taker, maps)
        elif tensor.op.name not in seen:
            seen.add(tensor.op.name)
            if not is_map:  # else the image itself: rescaled, or with what was made of it
                _refuse_convolved_points(tensor.op, forward, maps, asker)
            queue.extend((t, tensor) for t in differentiable_inputs(tensor.op))
    return list(found.values())


def _meant(
    tensor: tf.Tensor, is_read: bool, forward: ForwardPass, maps: dict[str, Grid], asker: str
) -> tf.Tensor:
    """The activation that Grad-CAM means, given the first maps on a way back."""
    if maps[tensor.name].first_token is not None:
        convolved = convolved_maps(tensor, forward, maps)
        if convolved is not None:
            return _before_pooling(convolved, maps)
    if is_read:
        return _before_pooling(tensor, maps)
    return before_attention(tensor, forward, maps, asker)


def _before_pooling(tensor: tf.Tensor, maps: dict[str, Grid]) -> tf.Tensor:
    found, grid = tensor, maps[tensor.name]
    is_signal = len(grid.sides) == 1
    kinds = _MAP_KEEPING | (_OF_SIGNALS if is_signal else set())
    if grid.first_token is not None:
        kinds |= SAME_ORDER | PICKING
    while tensor.op.type in kinds:
        tensor = next(t for t in tensor.op.inputs if t.dtype.is_floating)
        if is_spatial(tensor, maps):
            if not maps[tensor.name].is_learned:
                break
            found = tensor
        elif not is_signal or tensor.shape.rank != 4 or tensor.shape[1] != 1:
            break
    return found


def _before_gathering(
    start: tf.Tensor, forward: ForwardPass, maps: dict[str, Grid], asker: str
) -> tuple[set[str], list[str]]:
    """Ops up to where the class token last gathers from the patches, and layers to name instead.

    After an attention of which only the class token is read, patches have no influence.
    """
    gathered, best = [], []
    for tensor, is_read in _reached(start, forward, maps, asker):
        attention = None if is_read else last_attention(tensor, forward)
        gathered.append(tensor if attention is None else attention.outputs[0])
        best.append(layer_name(_meant(tensor, is_read, forward, maps, asker), forward))
    return ancestors(gathered), best


def _refuse_convolved_points(
    op: tf.Operation, forward: ForwardPass, maps: dict[str, Grid], asker: str
) -> None:
    """Refuses a network whose maps shrink to 1x1 before its last convolution.

    A global pooling, or one convolution as large as its input (a dense layer
    in another form), may lead to 1x1; a smaller step may not, nor may a
    larger kernel than 1x1 follow.
    """
    if op.type not in CONVOLUTIONS | _POOLS:
        return
    inputs = op.inputs[0]
    if inputs.name not in maps:
        return
    is_point = not is_spatial(inputs, maps)
    if op.type in _POOLS:
        kernel = op.get_attr("ksize")[1:-1]
        sound = is_point or all(k >= s for k, s in zip(kernel, inputs.shape[1:-1], strict=True))
    else:
        kernel = op.inputs[1].shape[:-2].as_list()
        covers = all(k >= s for k, s in zip(kernel, inputs.shape[1:-1], strict=True))
        sound = set(kernel) == {1} if is_point else covers
    if not sound:
        size = "x".join(str(side) for side in forward.images.shape[1:-1])
        raise ValueError(
            f"{asker}() needs a last convolutional layer with more than one position, but for "
            f"images of {size} this model's last maps are 1x1. Use larger images, or "
            f"name an earlier layer. {spatial_layers_sentence(forward, maps)}"
        )
