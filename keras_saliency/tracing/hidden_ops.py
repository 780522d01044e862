"""The functions that a graph calls (tf.function, loops, branches), which hide their ops."""

import functools
from collections.abc import Container, Iterator
from typing import Any

import tensorflow as tf

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


def _called_by(node_def: Any) -> Iterator[str]:
    for attribute in node_def.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (f.name for f in attribute.list.func)
