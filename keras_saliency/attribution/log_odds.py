"""The log odds of an output that is made of several sigmoids or softmaxes: of an ensemble, say.

For each value p, log p and log(1 - p) are computed from the scores before the sigmoids and
softmaxes. Their difference is the one score whose sigmoid is p. Unlike p, it has a gradient where
the model is certain.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.values import MOVING, Values, num_reduced

Pair = tuple[tf.Tensor, tf.Tensor]  # log p, log(1 - p)
_LOG_OF_0 = -104.0  # exp of it is 0 in float32


class LogOdds:
    """Finds log odds in one graph.

    Args:
        values: `Values` of the graph.
    """

    def __init__(self, values: Values):
        self._values = values
        self._known: dict[str, Pair | None] = {}

    def of(self, output: tf.Tensor) -> tf.Tensor | None:
        """Returns log(p / (1 - p)) of an output p, float32; None where it is not understood."""
        pair = self._pair(output)
        return None if pair is None else pair[0] - pair[1]

    def _pair(self, tensor: tf.Tensor) -> Pair | None:
        tensor = self._values.source(tensor)
        if tensor.name not in self._known:
            self._known[tensor.name] = None  # for `_terms`, which may ask for the tensor itself
            self._known[tensor.name] = self._find(tensor)
        return self._known[tensor.name]

    def _find(self, tensor: tf.Tensor) -> Pair | None:
        op = tensor.op
        constant = None if op.inputs else self._values.constants(tensor)
        if constant is not None:
            is_share = (
                constant.dtype.kind == "f" and (constant >= 0).all() and (constant <= 1).all()
            )
            return _pair_of_constant(constant) if is_share else None
        if op.type == "Sigmoid":
            z = tf.cast(op.inputs[0], tf.float32)
            return tf.math.log_sigmoid(z), tf.math.log_sigmoid(-z)
        if op.type == "Softmax":
            return _pair_of_softmax(op.inputs[0])
        if op.type == "Exp":
            inner = self._values.source(op.inputs[0])
            return _pair_of_softmax(inner.op.inputs[0]) if inner.op.type == "LogSoftmax" else None
        if op.type in MOVING or op.type == "Split":
            return self._moved(tensor)
        if op.type in ("SelectV2", "Select"):
            condition = op.inputs[0]
            chosen = functools.partial(tf.where, condition)
            return self._applied(chosen, chosen, list(op.inputs)[1:])
        if op.type in ("Maximum", "Minimum"):
            both = tf.maximum, tf.minimum
            return self._applied(*_turned(op, *both), op.inputs)
        if op.type in ("Max", "Min"):
            how = {"axis": op.inputs[1], "keepdims": op.get_attr("keep_dims")}
            both = functools.partial(tf.reduce_max, **how), functools.partial(tf.reduce_min, **how)
            return self._applied(*_turned(op, *both), op.inputs[:1])
        if op.type in ("Sqrt", "Square", "Pow"):
            return self._power(op)
        if op.type == "Mul":
            pairs = self._pairs(op.inputs)
            if pairs is not None:
                (a, not_a), (b, not_b) = pairs
                return a + b, _log_sum([not_a, a + not_b])
        if op.type == "RealDiv":
            scores = self._scores_of_shares(op)
            if scores is not None:
                return _pair_of_softmax(scores)
        return self._mixed(tensor)

    def _pairs(self, tensors: Sequence[tf.Tensor]) -> list[Pair] | None:
        pairs = [self._pair(tensor) for tensor in tensors]
        return None if None in pairs else [pair for pair in pairs if pair is not None]

    def _applied(
        self, of_yes: Callable, of_no: Callable, tensors: Sequence[tf.Tensor]
    ) -> Pair | None:
        """Two functions of the pairs of some tensors: one of log p, one of log(1 - p)."""
        pairs = self._pairs(tensors)
        if pairs is None:
            return None
        return of_yes(*(yes for yes, _ in pairs)), of_no(*(no for _, no in pairs))

    def _power(self, op: tf.Operation) -> Pair | None:
        exponent = {"Sqrt": 0.5, "Square": 2.0}.get(op.type) or self._values.constant(op.inputs[1])
        pair = self._pair(op.inputs[0])
        if pair is None or exponent is None or exponent <= 0:
            return None
        return exponent * pair[0], _log_of_rest(exponent * pair[0])

    def _moved(self, tensor: tf.Tensor) -> Pair | None:
        """The pair of values that are put in other places: both are put there as well."""
        given = list(tensor.op.inputs)
        is_value = [t.dtype == tensor.dtype for t in given]
        values = [t for t, is_one in zip(given, is_value, strict=True) if is_one]

        def move(*parts: tf.Tensor) -> tf.Tensor:
            return _again(tensor, is_value, iter(parts))

        return self._applied(move, move, values)

    def _mixed(self, tensor: tf.Tensor) -> Pair | None:
        """The pair of a weighted sum of probabilities whose weights are numbers."""
        found = self._terms(tensor)
        if found is None or not found[0]:
            return None
        terms, number = found
        turned = [(w, p) if w > 0 else (-w, (p[1], p[0])) for w, p in terms]
        number += sum(w for w, _ in terms if w < 0)  # -w * p is w * (1 - p) - w
        rest = 1 - number - sum(w for w, _ in turned)
        if number < -1e-6 or rest < -1e-6:
            return None
        logs = [_log(w) for w, _ in turned]
        yes = [log + p[0] for log, (_, p) in zip(logs, turned, strict=True)]
        no = [log + p[1] for log, (_, p) in zip(logs, turned, strict=True)]
        return _log_sum([*yes, _log(number)]), _log_sum([*no, _log(rest)])

    def _terms(self, tensor: tf.Tensor) -> tuple[list[tuple[float, Pair]], float] | None:
        """A tensor as [(weight, pair)] and a number, whose weighted sum it is."""
        tensor = self._values.source(tensor)
        op, number = tensor.op, self._values.constant(tensor)
        if number is not None:
            return [], number
        if op.type in ("AddV2", "Add", "AddN", "BiasAdd", "Sub"):
            parts = [self._terms(t) for t in op.inputs]
            if None in parts:
                return None
            signs = [1, -1] if op.type == "Sub" else [1] * len(parts)
            signed = [(s, part) for s, part in zip(signs, parts, strict=True) if part is not None]
            terms = [(s * w, pair) for s, part in signed for w, pair in part[0]]
            return terms, sum(s * part[1] for s, part in signed)
        if op.type == "Neg":
            return _scaled(self._terms(op.inputs[0]), -1.0)
        if op.type in ("Mul", "RealDiv"):
            numbers = [self._values.constant(t) for t in op.inputs]
            if op.type == "Mul" and numbers[0] is not None:
                return _scaled(self._terms(op.inputs[1]), numbers[0])
            if numbers[1]:
                factor = numbers[1] if op.type == "Mul" else 1 / numbers[1]
                return _scaled(self._terms(op.inputs[0]), factor)
        if op.type in ("Sum", "Mean"):
            pair, number_reduced = self._pair(op.inputs[0]), num_reduced(op)
            if pair is None or not number_reduced:
                return None
            how = op.inputs[1], op.get_attr("keep_dims"), math.log(number_reduced)
            mean = _log_mean(pair[0], *how), _log_mean(pair[1], *how)
            return [(float(number_reduced) if op.type == "Sum" else 1.0, mean)], 0.0
        pair = self._pair(tensor)
        return None if pair is None else ([(1.0, pair)], 0.0)

    def _scores_of_shares(self, op: tf.Operation) -> tf.Tensor | None:
        """Scores whose softmax a quotient x / sum(x) is; None where it is something else."""
        above, below = self._values.shares(op), self._values.source(op.inputs[1])
        if above is None or below.op.type != "Sum" or not below.op.get_attr("keep_dims"):
            return None
        axes, last = tf.get_static_value(below.op.inputs[1]), above.shape.rank - 1
        is_last = axes is not None and np.size(axes) == 1 and int(np.ravel(axes)[0]) in (-1, last)
        return self._log_up_to_a_shift(above) if is_last else None

    def _log_up_to_a_shift(self, tensor: tf.Tensor) -> tf.Tensor | None:
        tensor = self._values.source(tensor)
        op = tensor.op
        if op.type == "Exp":
            inner = self._values.source(op.inputs[0])
            if inner.op.type == "Sub":  # exp(x - max(x)): the maximum hides the highest score
                below = self._values.source(inner.op.inputs[1])
                below = below.op.inputs[0] if below.op.type == "StopGradient" else below
                is_shift = below.op.type == "Max" and below.shape[-1] == 1
                return inner.op.inputs[0] if is_shift else inner
            return inner
        if op.type == "Softmax":
            return op.inputs[0]
        if op.type == "Sigmoid":
            return tf.math.log_sigmoid(op.inputs[0])
        if op.type == "Square":
            log = self._log_up_to_a_shift(op.inputs[0])
            return None if log is None else 2.0 * log
        if op.type == "Pow":
            exponent = self._values.constant(op.inputs[1])
            log = self._log_up_to_a_shift(op.inputs[0])
            return None if exponent is None or log is None else exponent * log
        if op.type == "Mul":
            logs = [self._log_up_to_a_shift(t) for t in op.inputs]
            return None if any(log is None for log in logs) else tf.add_n(logs)
        return None


def _log(number: float) -> tf.Tensor:
    return tf.constant(math.log(number) if number > 1e-6 else _LOG_OF_0)


def _log_sum(logs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns log(sum(exp(logs))), of tensors that may be spread over each other."""
    highest = tf.stop_gradient(functools.reduce(tf.maximum, logs))
    return highest + tf.math.log(sum(tf.exp(log - highest) for log in logs))


def _scaled(
    found: tuple[list[tuple[float, Pair]], float] | None, factor: float
) -> tuple[list[tuple[float, Pair]], float] | None:
    if found is None:
        return None
    return [(factor * w, pair) for w, pair in found[0] if factor * w], factor * found[1]


def _pair_of_constant(constant: np.ndarray) -> Pair:
    with np.errstate(divide="ignore"):
        logs = [np.maximum(np.log(part), _LOG_OF_0) for part in (constant, 1 - constant)]
    return tf.constant(logs[0], tf.float32), tf.constant(logs[1], tf.float32)


def _pair_of_softmax(scores: tf.Tensor) -> Pair:
    """Log p and log(1 - p) of softmax probabilities, exact for p near 1, in linear memory."""
    log = tf.nn.log_softmax(tf.cast(scores, tf.float32))
    is_top = tf.cast(tf.one_hot(tf.argmax(log, axis=-1), log.shape[-1]), tf.bool)
    others = _log_sum_over(tf.where(is_top, _LOG_OF_0, log), -1, keeps=True)
    half = math.log(0.5)  # only the highest exceeds it
    return log, tf.where(is_top, others, tf.math.log1p(-tf.exp(tf.minimum(log, half))))


def _log_of_rest(log: tf.Tensor) -> tf.Tensor:
    """Returns log(1 - p), given log p."""
    log = tf.minimum(log, -1e-7)
    is_high = log > math.log(0.5)
    low, high = tf.where(is_high, -1.0, log), tf.where(is_high, log, -0.5)
    return tf.where(is_high, tf.math.log(-tf.math.expm1(high)), tf.math.log1p(-tf.exp(low)))


def _turned(op: tf.Operation, high: Callable, low: Callable) -> tuple[Callable, Callable]:
    """The highest p has the lowest 1 - p."""
    return (high, low) if op.type.startswith("Max") else (low, high)


def _log_mean(logs: tf.Tensor, axes: tf.Tensor, keeps: bool, log_number: float) -> tf.Tensor:
    return _log_sum_over(logs, axes, keeps) - log_number


def _log_sum_over(logs: tf.Tensor, axes: tf.Tensor | int, keeps: bool) -> tf.Tensor:
    """The same along axes. tf.reduce_logsumexp has a where(x, y, 0), which looks like a ReLU."""
    highest = tf.stop_gradient(tf.reduce_max(logs, axes, keepdims=True))
    sums = tf.math.log(tf.reduce_sum(tf.exp(logs - highest), axes, keepdims=keeps))
    return tf.stop_gradient(tf.reduce_max(logs, axes, keepdims=keeps)) + sums


def _again(tensor: tf.Tensor, is_value: Sequence[bool], parts: Iterator[tf.Tensor]) -> tf.Tensor:
    """Applies the op of a tensor to other values, which are float32."""
    op = tensor.op
    given = [next(parts) if is_one else t for t, is_one in zip(op.inputs, is_value, strict=True)]
    attributes = {name: op.node_def.attr[name] for name in op.node_def.attr if name[0] != "_"}
    for attribute in attributes.values():
        if attribute.type == tensor.dtype.as_datatype_enum:
            attribute.type = tf.float32.as_datatype_enum
    types = [tf.float32] * len(op.outputs)
    return op.graph.create_op(op.type, given, types, attrs=attributes).outputs[tensor.value_index]
