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
