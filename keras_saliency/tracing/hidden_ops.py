"""The functions that a graph calls (tf.function, loops, branches), which hide their ops."""

import functools
from collections.abc import Container, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph  # has no public name

CALLS = {"PartitionedCall", "StatefulPartitionedCall"}

# Ops that call functions of the graph.
CALLING = {
    *("PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile"),
    *("If", "StatelessIf", "Case", "StatelessCase"),
}


class HiddenOps:
    """A graph's function library, read once, and only where there is a call.

    Args:
        graph: the `tf.Graph` that was traced.
    """

    def __init__(self, graph: tf.Graph):
        self._graph = graph
        self._opened: dict[str, list[tf.Tensor] | None] = {}

    @functools.cached_property
    def _definitions(self) -> dict[str, Any]:
        return {f.signature.name: f for f in self._graph.as_graph_def().library.function}

    def holds(self, node_def: Any, types: Container[str], seen: set[str] | None = None) -> bool:
        """Whether what a node calls, or what that calls in turn, holds an op of these types."""
        seen = set() if seen is None else seen
        for name in _called_by(node_def):
            if name in seen or name not in self._definitions:
                continue
            seen.add(name)
            for node in self._definitions[name].node_def:
                if node.op in types or self.holds(node, types, seen):
                    return True
        return False

    def opened(self, tensor: tf.Tensor) -> tf.Tensor | None:
        """Returns what a called function returns as `tensor`, computed outside of the function.

        The function's ops are added to the graph once more, where they can be walked and
        differentiated. A run of the graph leaves out those of them that nothing needs.

        Returns:
            A tensor of the same values; None where `tensor` comes out of no such call, or the
            function has gradients of its own, which its ops do not show.
        """
        op = tensor.op
        if op.type not in CALLS:
            return None
        if op.name not in self._opened:
            self._opened[op.name] = self._open(op)
        outputs = self._opened[op.name]
        return None if outputs is None else outputs[tensor.value_index]

    def _open(self, op: tf.Operation) -> list[tf.Tensor] | None:
        definition = self._definitions.get(op.get_attr("f").name)
        if definition is None:
            return None
        graph_def, names = function_def_to_graph.function_def_to_graph_def(definition)
        for node in graph_def.node:
            if node.op in CALLS or "_gradient_op_type" not in node.attr:
                continue
            if not _is_silu(node, {n.name: n for n in graph_def.node}):
                return None
            # Its gradient was registered for the graph of another function.
            del node.attr["_gradient_op_type"]
        signature = definition.signature
        given = zip((arg.name for arg in signature.input_arg), op.inputs, strict=True)
        returned = [names[definition.ret[arg.name]] for arg in signature.output_arg]
        return tf.graph_util.import_graph_def(graph_def, dict(given), returned, name="opened")


def _is_silu(node: Any, nodes: dict[str, Any]) -> bool:
    """Whether a node is the x * sigmoid(x) of Keras, whose own gradient is the usual one."""
    if node.op != "IdentityN":
        return False
    product = nodes[node.input[0].split(":")[0]]
    factors = [nodes[name.split(":")[0]] for name in product.input]
    x = node.input[1].split(":")[0]
    return (
        product.op == "Mul"
        and x in (factor.name for factor in factors)
        and any(factor.op == "Sigmoid" for factor in factors)
    )


def _called_by(node_def: Any) -> Iterator[str]:
    for attribute in node_def.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (f.name for f in attribute.list.func)
