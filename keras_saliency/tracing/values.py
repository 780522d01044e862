"""What a graph tells about the values of a tensor: where they come from, and their bounds."""

import functools
import math

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.hidden_ops import CALLS, HiddenOps
from keras_saliency.tracing.intervals import (
    ARITHMETIC,
    EVERYTHING,
    RISING,
    Bounds,
    hull,
    overlap,
    product,
)
from keras_saliency.tracing.spatial_maps import LEARNED, SHAPE_ONLY

# Ops that hand values on, in the same shape.
_HANDING_ON = {
    *("Identity", "IdentityN", "EnsureShape", "CheckNumerics", "CheckNumericsV2"),
    *("DebugIdentityV2", "DebugIdentityV3", "Snapshot", "OptimizationBarrier"),
}
# Ops that put values in other places, or leave some out; {op: the first input that is no value}.
MOVING = {
    **{"Reshape": 1, "Squeeze": 1, "ExpandDims": 1, "Transpose": 1, "StridedSlice": 1, "Slice": 1},
    **{"GatherV2": 1, "Tile": 1, "BroadcastTo": 1, "Unpack": 1, "SplitV": 1, "ReverseV2": 1},
    **{"ConcatV2": -1, "Pack": None},
}
_OPAQUE = {
    *CALLS,
    *("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"),
    *("TensorListStack", "TensorListGetItem", "TensorListConcatV2"),  # what a loop has collected
    *("PyFunc", "PyFuncStateless", "EagerPyFunc", "XlaCallModule", "XlaLaunch"),
}
# Ops after which values may be anything, whatever came before.
_WITH_WEIGHTS = {*LEARNED, "FusedBatchNormV3", "ReadVariableOp", *SHAPE_ONLY}
_IN_UNIT = {"Sigmoid", "Softmax", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal"}
_IN_UNIT |= {"NotEqual", "LogicalAnd", "LogicalOr", "LogicalNot"}
_SUMS = {"AddV2", "Add", "AddN", "BiasAdd"}
_ELEMENTWISE = {*RISING, *ARITHMETIC, "Sigmoid", "Pow", "SelectV2"}
_COMPARING = {"Greater", "GreaterEqual", "Less", "LessEqual"}
_REDUCING = {"Mean", "Max", "Min", "Sum"}


class Values:
    """Questions to the values of the tensors of one graph.

    Args:
        graph: the `tf.Graph` that was traced.
    """

    def __init__(self, graph: tf.Graph):
        self._graph = graph
        self._hidden = HiddenOps(graph)
        self._known: dict[str, Bounds] = {}
        self._everywhere: Values | None = None  # for what is not computed value by value
        self._limits: dict[str, Bounds] = {}  # that hold where a condition is true only

    def source(self, tensor: tf.Tensor) -> tf.Tensor:
        """Returns the tensor that a tensor has its values from, before casts and what hands on.

        It has the same shape, and may lie inside a function that the graph calls.
        """
        while True:
            op = tensor.op
            if op.type in _HANDING_ON:
                tensor = op.inputs[tensor.value_index]
            elif op.type == "Cast" and _keeps_values(op):
                tensor = op.inputs[0]
            elif (opened := self._hidden.opened(tensor)) is not None:
                tensor = opened
            else:
                return tensor

    def constant(self, tensor: tf.Tensor) -> float | None:
        """Returns the one number that all values of a tensor are; None where there is none."""
        found = self.constants(tensor)
        return (
            float(found.flat[0]) if found is not None and (found == found.flat[0]).all() else None
        )

    def constants(self, tensor: tf.Tensor) -> np.ndarray | None:
        """Returns a tensor's values where they are numbers that never change, else None."""
        found = tf.get_static_value(tensor)
        if found is None and tensor.op.type == "Placeholder":
            found = self._captured.get(tensor.name)
        is_known = found is not None and found.size > 0 and found.dtype.kind in "fiub"
        return found if is_known else None

    @functools.cached_property
    def _captured(self) -> dict[str, np.ndarray]:
        """Constants that were made outside of the graph, by the name they have in it."""
        captures = getattr(self._graph, "captures", ())
        return {
            inside.name: outside.numpy()
            for outside, inside in captures
            if hasattr(outside, "numpy") and (outside.dtype.is_floating or outside.dtype.is_integer)
        }

    def may_hide_probabilities(self, tensor: tf.Tensor) -> bool:
        """Whether a sigmoid or softmax may stand before a tensor, with no weights in between.

        So it may where a loop, a branch or Python code stands there.
        """
        queue, seen = [tensor], set()
        while queue:
            tensor = self.source(queue.pop())
            if tensor.op.type in _OPAQUE or tensor.op.type in ("Sigmoid", "Softmax"):
                return True
            if tensor.op.name not in seen and tensor.op.type not in _WITH_WEIGHTS:
                seen.add(tensor.op.name)
                queue.extend(tensor.op.inputs)
        return False

    def bounds(self, tensor: tf.Tensor) -> Bounds:
        """Returns numbers between which all values of a tensor lie, whatever the weights are.

        Returns:
            (lowest, highest), infinite where the graph does not tell.
        """
        tensor = self.source(tensor)
        if tensor.name not in self._known:
            is_limited = tensor.op.type in _ELEMENTWISE
            asked = self if is_limited or self._everywhere is None else self._everywhere
            low, high = asked._bounds(tensor)
            if math.isnan(low) or math.isnan(high) or low > high:
                low, high = EVERYTHING
            self._known[tensor.name] = (low, high)
        return self._known[tensor.name]

    def _bounds(self, tensor: tf.Tensor) -> Bounds:
        op = tensor.op
        constant = self.constants(tensor) if not op.inputs or op.type == "Cast" else None
        if constant is not None:
            return float(np.min(constant)), float(np.max(constant))
        if op.type in _IN_UNIT:
            return 0.0, 1.0
        if op.type == "LogSoftmax":
            return -math.inf, 0.0
        if op.type in MOVING:
            return hull([self.bounds(t) for t in list(op.inputs)[: MOVING[op.type]]])
        if op.type == "TopKV2":
            return self.bounds(op.inputs[0])
        if op.type == "SelectV2":
            condition, *branches = op.inputs
            pairs = zip(branches, (True, False), strict=True)
            found = [self.bounds_where(condition, *pair) for pair in pairs]
            return hull([bounds for bounds in found if bounds is not None])
        if op.type in ("Select", "Split"):
            return hull([self.bounds(t) for t in list(op.inputs)[1:]])
        if op.type in RISING:
            low, high = self.bounds(op.inputs[0])
            return RISING[op.type](low), RISING[op.type](high)
        if op.type in _REDUCING:
            low, high = self.bounds(op.inputs[0])
            factor = num_reduced(op) if op.type == "Sum" else 1
            return EVERYTHING if factor is None else (factor * low, factor * high)
        if op.type == "RealDiv" and self.shares(op) is not None:
            return 0.0, 1.0
        if op.type in ARITHMETIC:
            return ARITHMETIC[op.type]([self.bounds(t) for t in op.inputs])
        if op.type == "Pow":
            exponent, (low, high) = self.constant(op.inputs[1]), self.bounds(op.inputs[0])
            if exponent is None or exponent <= 0 or low < 0:
                return EVERYTHING
            return low**exponent, high**exponent
        if op.type in ("MatMul", "BatchMatMulV2"):
            return self._bounds_of_products(op)
        return EVERYTHING

    def bounds_where(self, condition: tf.Tensor, tensor: tf.Tensor, is_true: bool) -> Bounds | None:
        """Returns the bounds of a tensor where a condition such as x > 1 is true, or false.

        None where that cannot be.
        """
        op = self.source(condition).op
        numbers = [self.constant(t) for t in op.inputs] if op.type in _COMPARING else []
        if sum(number is None for number in numbers) != 1:
            return self.bounds(tensor)
        place = numbers.index(None)
        number = next(n for n in numbers if n is not None)
        is_above = (op.type.startswith("Greater") == (place == 0)) == is_true
        compared = self.source(op.inputs[place])
        limits = (number, math.inf) if is_above else (-math.inf, number)
        within = overlap(self.bounds(compared), limits)
        if within is None:
            return None
        there = Values(self._graph)
        there._everywhere = self._everywhere or self
        there._limits = self._limits | {compared.name: within}
        there._known = dict(there._limits)
        return there.bounds(tensor)

    def shares(self, op: tf.Operation) -> tf.Tensor | None:
        """Returns x of a quotient x / sum(x) or x / (x + y) of values that are never negative."""
        above, below = (self.source(t) for t in op.inputs)
        parts = below.op.inputs if below.op.type in _SUMS else ()
        if below.op.type == "Sum":
            parts = below.op.inputs[:1]
        if not any(self.are_equal(part, above) for part in parts):
            return None
        return above if all(self.bounds(part)[0] >= 0 for part in parts) else None

    def are_equal(self, first: tf.Tensor, second: tf.Tensor, depth: int = 5) -> bool:
        """Whether two tensors are computed alike, in at most so many steps, from the same ones."""
        first, second = self.source(first), self.source(second)
        if first is second:
            return True
        a, b = first.op, second.op
        if depth == 0 or a.type != b.type or a.type not in _ELEMENTWISE:
            numbers = self.constant(first), self.constant(second)
            return None not in numbers and numbers[0] == numbers[1]
        return all(self.are_equal(*two, depth - 1) for two in zip(a.inputs, b.inputs, strict=True))

    def _bounds_of_products(self, op: tf.Operation) -> Bounds:
        is_turned = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
        length = op.inputs[0].shape[-2 if is_turned else -1]
        factors = []
        for tensor in reversed(op.inputs):  # weights come second, and are unbounded
            factors.append(self.bounds(tensor))
            if length is None or not all(map(math.isfinite, factors[-1])):
                return EVERYTHING
        low, high = product(factors)
        return length * low, length * high


def num_reduced(op: tf.Operation) -> int | None:
    """Returns how many values become one in a reduction; None where the graph does not tell."""
    shape, axes = op.inputs[0].shape, tf.get_static_value(op.inputs[1])
    if axes is None or shape.rank is None:
        return None
    sides = [shape[int(axis)] for axis in np.atleast_1d(axes)]
    return None if None in sides else math.prod(sides)


def _keeps_values(op: tf.Operation) -> bool:
    taken, given = op.inputs[0].dtype, op.outputs[0].dtype
    return given.is_floating or (taken.is_bool and given.is_integer)
