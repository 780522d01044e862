"""What a forward pass writes although it only infers, and how it is undone."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from keras_saliency.tracing.hidden_ops import HiddenOps

# Seeds of a dropout that was switched on for good, counters, random generators.
_WRITES = {
    "AssignVariableOp",
    "AssignAddVariableOp",
    "AssignSubVariableOp",
    "ResourceScatterAdd",
    "ResourceScatterUpdate",
    "RngReadAndSkip",
    "RngSkip",
    "StatefulStandardNormalV2",
    "StatefulUniform",
    "StatefulUniformFullInt",
    "StatefulUniformInt",
    "StatefulTruncatedNormal",
}


class SideEffects:
    """The variables that a traced graph writes, directly or in a function that it calls.

    Args:
        graph: a `FuncGraph`.
    """

    def __init__(self, graph: tf.Graph):
        hidden = HiddenOps(graph)
        outer_by_inner = {inner.name: outer for outer, inner in graph.captures}
        handles = {}
        for op in graph.get_operations():
            if op.type in _WRITES or hidden.holds(op.node_def, _WRITES):
                for tensor in op.inputs:
                    if tensor.dtype == tf.resource and tensor.name in outer_by_inner:
                        handles[tensor.name] = outer_by_inner[tensor.name]
        self._handles = [h for h in handles.values() if _dtype(h) is not None]

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Context after which the variables hold what they held before."""
        values = [tf.raw_ops.ReadVariableOp(resource=h, dtype=_dtype(h)) for h in self._handles]
        # A read may share the variable's memory, which the graph is about to write.
        values = [tf.raw_ops.DeepCopy(x=v) for v in values]
        try:
            yield
        finally:
            for handle, value in zip(self._handles, values, strict=True):
                tf.raw_ops.AssignVariableOp(resource=handle, value=value)


def _dtype(handle: tf.Tensor) -> tf.DType | None:
    """Type of the variable behind a handle, None for what is no variable, such as a table."""
    data = getattr(handle, "_handle_data", None)
    if data is None or not data.is_set or len(data.shape_and_type) != 1:
        return None
    return tf.as_dtype(data.shape_and_type[0].dtype)
