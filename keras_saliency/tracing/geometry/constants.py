"""Values that a traced graph computes without its inputs, such as the ends of a slice."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_LARGEST = 100_000  # values: more are weights, and never say where something is
_DEEPEST = 100  # ops: no argument is computed in so many


def run_op(op: tf.Operation, values: Sequence[Any]) -> list[np.ndarray]:
    """Runs one op of a graph eagerly on other values.

    Args:
        op: the op.
        values: one array for each of its inputs.

    Returns:
        One array for each output.
    """
    run, given, rest = getattr(tf.raw_ops, op.type), {}, list(values)
    for argument in op.op_def.input_arg:
        if argument.number_attr:
            number = op.get_attr(argument.number_attr)
            given[argument.name], rest = rest[:number], rest[number:]
        else:
            given[argument.name] = rest.pop(0)
    for name in inspect.signature(run).parameters.keys() - given.keys() - {"name"}:
        given[name] = op.get_attr(name)
    with tf.init_scope():
        found = run(**given)
    return [np.asarray(f) for f in (found if isinstance(found, list | tuple) else [found])]


class Constants:
    """What is known of a graph's values while it is traced.

    Args:
        known: {name of a tensor: its value}, such as the arguments of a function.
    """

    def __init__(self, known: dict[str, np.ndarray | None]):
        self._known = known

    def know(self, tensor: tf.Tensor, value: np.ndarray) -> None:
        """Notes a tensor's value."""
        self._known[tensor.name] = value

    def value_of(self, tensor: tf.Tensor, depth: int = 0) -> np.ndarray | None:
        """Returns a tensor's value, None where it depends on an input or a weight."""
        if tensor.name not in self._known:
            self._known[tensor.name] = None if depth > _DEEPEST else self._find(tensor, depth)
        return self._known[tensor.name]

    def _find(self, tensor: tf.Tensor, depth: int) -> np.ndarray | None:
        size = tensor.shape.num_elements()
        if size is not None and size > _LARGEST:
            return None
        found = tf.get_static_value(tensor)
        if found is not None:
            return np.asarray(found)
        op = tensor.op
        if not op.inputs or op.op_def.is_stateful or op.type in ("If", "StatelessIf", "While"):
            return None
        values = []
        for given in op.inputs:
            values.append(self.value_of(given, depth + 1))
            if values[-1] is None:
                return None
        try:
            found = run_op(op, values)
        except Exception:  # an op that has no eager twin
            return None
        return found[[output is tensor for output in op.outputs].index(True)]
