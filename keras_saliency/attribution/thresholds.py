"""Back from a model's output, op by op, to the score of which it is a monotone function.

A threshold goes along: output > cut, exactly where the score is above (or below) the cut that comes
out in the end. So the class that the output names is the class that the score names.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import tensorflow as tf

from keras_saliency.tracing.values import MOVING, Values

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Found:
    """The score behind an output.

    Attributes:
        kind: "softmax" or "sigmoid", what follows the score; "other" for another function.
        tensor: the score, in the order of the output's values, of any shape.
        sign: 1 where the output rises with it, -1 where it falls.
        cut: the output exceeds its threshold where sign * tensor > sign * cut; infinite where it
            always does, or never.
        is_plain: whether nothing else follows.
    """

    kind: str
    tensor: tf.Tensor
    sign: int
    cut: float
    is_plain: bool


def find_score(output: tf.Tensor, cut: float, values: Values) -> Found | None:
    """Finds the score of which each value of an output is the same monotone function.

    Args:
        output: the model's output (n, k), whose bounds are known.
        cut: the threshold of the output.
        values: `Values` of its graph.

    Returns:
        `Found`, None where there is none.
    """
    tensor, sign, is_plain = output, 1, True
    while True:
        tensor = values.source(tensor)
        kind = tensor.op.type
        if kind in ("Softmax", "LogSoftmax"):
            is_whole = tensor.shape[-1] == output.shape[-1]  # else each group sums to 1
            found = Found("softmax", tensor.op.inputs[0], sign, cut, is_plain)
            return found if is_whole else None
        if kind == "Sigmoid":
            return Found("sigmoid", tensor.op.inputs[0], sign, _logit(cut), is_plain)
        branch = _branch(tensor.op, cut, values) if kind == "SelectV2" else None
        if branch is not None:
            tensor, is_plain = branch, False
            continue
        is_bounded = any(map(math.isfinite, values.bounds(tensor)))
        step = _step(tensor.op, values) if is_bounded or kind in _AFFINE else None
        if step is None:
            is_finite = all(map(math.isfinite, values.bounds(tensor)))
            return None if is_finite else Found("other", tensor, sign, cut, is_plain)
        tensor, cut, is_falling = step.tensor, step.cut_of(cut), step.is_falling
        sign = -sign if is_falling else sign
        is_plain = is_plain and kind in _RESHAPING


def _branch(op: tf.Operation, cut: float, values: Values) -> tf.Tensor | None:
    """One branch of a `where`, if the other is chosen only where both lie on one side of the cut.

    So it is where a score is clipped by `where`.
    """
    condition, *branches = op.inputs
    for kept, other, is_true in ((*branches[::-1], True), (*branches, False)):
        bounds = [values.bounds_where(condition, tensor, is_true) for tensor in (kept, other)]
        there = [pair for pair in bounds if pair is not None]
        is_below = all(high <= cut for _, high in there)
        is_above = all(low > cut for low, _ in there)
        if (is_below or is_above) and kept.shape.as_list() == op.outputs[0].shape.as_list():
            return kept
    return None


@dataclass(frozen=True)
class _Step:
    tensor: tf.Tensor
    cut_of: Callable[[float], float]
    is_falling: bool = False


def _step(op: tf.Operation, values: Values) -> _Step | None:
    """One step back: what an op took, and which of its values is mapped on a cut."""
    if op.type in _RESHAPING:
        return _Step(op.inputs[0], lambda y: y)
    if op.type in MOVING:
        return None
    if op.type in _INVERSE:
        invert = _INVERSE[op.type]
        return _Step(op.inputs[0], lambda y: _inside(invert, y))
    if op.type == "Neg":
        return _Step(op.inputs[0], lambda y: -y, True)
    if op.type not in _WITH_NUMBER:
        return None
    numbers = [values.constant(t) for t in op.inputs]
    if op.type == "RealDiv" and numbers[0] is None and values.shares(op) is not None:
        return _share(op, values)
    if sum(number is None for number in numbers) != 1:
        return None
    place = numbers.index(None)
    number = next(n for n in numbers if n is not None)
    tensor = op.inputs[place]
    if (
        tensor.shape.as_list()[1:] != op.outputs[0].shape.as_list()[1:]
    ):  # spread over what it had no axis for
        return None
    return _WITH_NUMBER[op.type](tensor, number, place, values)


def _logit(p: float) -> float:
    return _inside(lambda y: math.log(y / (1 - y)), p)


def _inside(invert: Callable[[float], float], y: float) -> float:
    """The inverse of a rising function; infinite beyond what the function reaches."""
    if math.isinf(y):
        return y
    try:
        return invert(y)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.inf if y > 0 else -math.inf


def _erfinv(y: float) -> float:
    return _NORMAL.inv_cdf((y + 1) / 2) / math.sqrt(2)


def _above(lowest: float) -> Callable[[float], float]:
    """The inverse of what is the identity above a number, and never below it."""
    return lambda y: y if y >= lowest else -math.inf


_INVERSE = {  # of rising functions: x > inverse(y) exactly where f(x) > y
    "Relu": _above(0.0),
    "Relu6": lambda y: _above(0.0)(y) if y < 6 else math.inf,
    "Exp": lambda y: math.log(y) if y > 0 else -math.inf,
    "Log": math.exp,
    "Log1p": math.expm1,
    "Expm1": lambda y: math.log1p(y) if y > -1 else -math.inf,
    "Softplus": lambda y: math.log(math.expm1(y)) if y > 0 else -math.inf,
    "Sqrt": lambda y: y * y if y >= 0 else -math.inf,
    "Tanh": math.atanh,
    "Erf": _erfinv,
    "Softsign": lambda y: y / (1 - abs(y)) if abs(y) < 1 else math.copysign(math.inf, y),
    "Round": lambda y: math.floor(y) + 0.5,
    "Rint": lambda y: math.floor(y) + 0.5,
    "Floor": lambda y: math.floor(y) + 1.0,
    "Ceil": lambda y: float(math.floor(y)),
    "Cast": lambda y: math.floor(y) + 1.0 if y >= 0 else float(math.ceil(y)),  # to whole numbers
}


def _add(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step:
    return _Step(tensor, lambda y: y - number)


def _subtract(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step:
    if place == 0:
        return _Step(tensor, lambda y: y + number)
    return _Step(tensor, lambda y: number - y, True)


def _multiply(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step | None:
    return _Step(tensor, lambda y: y / number, number < 0) if number else None


def _divide(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step | None:
    if not number:
        return None
    if place == 0:
        return _Step(tensor, lambda y: y * number, number < 0)
    if values.bounds(tensor)[0] < 0 or number < 0:
        return None
    return _Step(tensor, lambda y: number / y if y > 0 else math.inf, True)


def _share(op: tf.Operation, values: Values) -> _Step | None:
    """Of x / (x + number)."""
    below = values.source(op.inputs[1]).op
    numbers = [n for n in map(values.constant, below.inputs) if n is not None]
    if below.type not in ("AddV2", "Add") or not numbers or numbers[0] <= 0:
        return None
    return _Step(op.inputs[0], lambda y: numbers[0] * _odds(y))


def _odds(y: float) -> float:
    return y / (1 - y) if y < 1 else math.inf


def _maximum(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step:
    return _Step(tensor, _above(number))


def _minimum(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step:
    return _Step(tensor, lambda y: y if y < number else math.inf)


def _power(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step | None:
    if place == 1 or number <= 0 or values.bounds(tensor)[0] < 0:
        return None
    return _Step(tensor, lambda y: y ** (1 / number) if y >= 0 else -math.inf)


def _greater(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step:
    def cut_of(y: float) -> float:
        if 0 <= y < 1:
            return number
        falls = place == 1
        return math.inf if (y >= 1) != falls else -math.inf

    return _Step(tensor, cut_of, place == 1)


def _less(tensor: tf.Tensor, number: float, place: int, values: Values) -> _Step:
    return _greater(tensor, number, 1 - place, values)


_WITH_NUMBER: dict[str, Callable[[tf.Tensor, float, int, Values], _Step | None]] = {
    **{
        "AddV2": _add,
        "Add": _add,
        "BiasAdd": _add,
        "Sub": _subtract,
        "Mul": _multiply,
        "RealDiv": _divide,
    },
    **{"Maximum": _maximum, "Minimum": _minimum, "Pow": _power},
    **{"Greater": _greater, "GreaterEqual": _greater, "Less": _less, "LessEqual": _less},
}
_RESHAPING = {"Reshape", "Squeeze", "ExpandDims"}
_AFFINE = {"AddV2", "Add", "BiasAdd", "Sub", "Mul", "RealDiv", "Neg", *_RESHAPING}
