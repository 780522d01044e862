"""Questions to a traced model: its layers by name, and what depends on what."""

from collections import deque
from collections.abc import Iterable

import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass, LayerCall
from keras_saliency.tracing.spatial_maps import SHAPE_ONLY


def reachable_from(source: tf.Tensor, ops: list[tf.Operation]) -> set[str]:
    """Names of the ops whose values depend on `source`, shapes aside."""
    reached = {source.op.name}
    for op in ops:  # in the order of creation, so inputs come first
        if op.type not in SHAPE_ONLY and any(t.op.name in reached for t in op.inputs):
            reached.add(op.name)
    return reached


def ancestors(tensors: Iterable[tf.Tensor], stop: frozenset[str] = frozenset()) -> set[str]:
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


def differentiable_inputs(op: tf.Operation) -> list[tf.Tensor]:
    """The inputs of an op that a gradient may pass to.

    Floats, complex numbers (Fourier transforms), and the lists of tensors of loops (RNNs, map_fn).
    Of a custom gradient its arguments alone: none passes to what it was computed from inside.
    """
    if op.type in ("StopGradient", "PreventGradient"):
        return []
    inputs = _arguments(op) if _is_custom_gradient(op) else op.inputs
    return [t for t in inputs if _carries_gradients(t)]


def inside_custom_gradient(op: tf.Operation) -> set[str]:
    """Names of the ops inside of a function with a gradient of its own that ends in `op`.

    No gradient comes to them. Empty where `op` is no such end.
    """
    if not _is_custom_gradient(op):
        return set()
    return ancestors(op.inputs[:1], frozenset(t.op.name for t in _arguments(op)))


def _is_custom_gradient(op: tf.Operation) -> bool:
    if op.type != "IdentityN" or "_gradient_op_type" not in op.node_def.attr:
        return False
    return op.get_attr("_gradient_op_type").startswith(b"CustomGradient")


def _arguments(op: tf.Operation) -> list[tf.Tensor]:
    """Arguments of a function with a gradient of its own: results, arguments, variables go in."""
    result, *others = op.inputs
    before = ancestors([result])
    return [t for t in others if t is result or t.op.name in before]


def _carries_gradients(tensor: tf.Tensor) -> bool:
    kind = tensor.dtype
    return kind.is_floating or kind.is_complex or kind == tf.variant


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


def innermost_layer(op: tf.Operation, forward: ForwardPass) -> str:
    """Name of the innermost layer in whose call `op` was created, else the op's own name."""
    position = next(i for i, other in enumerate(forward.ops) if other.name == op.name)
    for name, calls in unique_names(forward).items():
        if any(c.first_op <= position < c.last_op for c in calls):
            return name
    return op.name


def outputs_beside(tensor: tf.Tensor, forward: ForwardPass) -> list[tf.Tensor]:
    """What the other calls of the layer that computed `tensor` have in its place.

    Of a layer that is called several times, or of one inside of a model that is; in the order of
    the calls, without those that `tensor` is computed from or that are computed from it.
    """
    position = next(i for i, op in enumerate(forward.ops) if op.name == tensor.op.name)
    mine = next((c for c in forward.calls if c.output is tensor), None)
    around = mine or next((c for c in forward.calls if c.first_op <= position < c.last_op), None)
    if around is None:
        return []
    beside = []
    for call in forward.calls:
        if call.layer is not around.layer or call is around:
            continue
        other = call.output if mine else _like(tensor, around, call, forward)
        if other is not None:
            beside.append(other)
    before = {t.op.name: ancestors([t]) - {t.op.name} for t in (tensor, *beside)}
    return [
        other
        for other in beside
        if tensor.op.name not in before[other.op.name]
        and not any(other.op.name in names for names in before.values())
    ]


def _like(
    tensor: tf.Tensor, mine: LayerCall, other: LayerCall, forward: ForwardPass
) -> tf.Tensor | None:
    """What another call of a layer computes in the place of `tensor`: by the n-th op of its kind.

    Two calls of one layer may differ in constants, which only the first has to make.
    """
    of_kind = [
        [op for op in forward.ops[call.first_op : call.last_op] if op.type == tensor.op.type]
        for call in (mine, other)
    ]
    number = [op.name for op in of_kind[0]].index(tensor.op.name)
    is_alike = len(of_kind[0]) == len(of_kind[1])
    return of_kind[1][number].outputs[tensor.value_index] if is_alike else None
