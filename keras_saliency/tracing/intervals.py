"""Arithmetic of intervals: between which numbers a result lies, given those of its arguments."""

import math
from collections.abc import Sequence

Bounds = tuple[float, float]  # lowest, highest; infinite where nothing is known
EVERYTHING: Bounds = (-math.inf, math.inf)
RISING = {  # elementwise and never falling
    **{"Relu": lambda x: max(x, 0.0), "Relu6": lambda x: min(max(x, 0.0), 6.0)},
    **{"Tanh": math.tanh, "Erf": math.erf, "Round": lambda x: x, "Rint": lambda x: x},
    "Softsign": lambda x: math.copysign(1, x) if math.isinf(x) else x / (1 + abs(x)),
    "Exp": lambda x: math.exp(x) if x < 700 else math.inf,
    "Softplus": lambda x: x if x > 30 else math.log1p(math.exp(x)),
    "Sqrt": lambda x: math.sqrt(x) if x >= 0 else -math.inf,
    "Log": lambda x: math.log(x) if x > 0 else -math.inf,
}


def hull(all_bounds: Sequence[Bounds]) -> Bounds:
    """Returns the bounds of what may be any of several."""
    return min(low for low, _ in all_bounds), max(high for _, high in all_bounds)


def overlap(first: Bounds, other: Bounds) -> Bounds | None:
    """Returns the bounds of what lies within both, None where they do not meet."""
    low, high = max(first[0], other[0]), min(first[1], other[1])
    return (low, high) if low <= high else None


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b  # 0 times infinity, too: bounds are never reached


def product(two: Sequence[Bounds]) -> Bounds:
    """Returns the bounds of a product of two."""
    corners = [_times(a, b) for a in two[0] for b in two[1]]
    return min(corners), max(corners)


def _quotient(two: Sequence[Bounds]) -> Bounds:
    low, high = two[1]
    if low < 0 < high or low == high == 0:
        return EVERYTHING
    inverse = (1 / high if high else -math.inf, 1 / low if low else math.inf)
    return product([two[0], inverse])


def _absolute(one: Sequence[Bounds]) -> Bounds:
    low, high = one[0]
    return max(low, -high, 0.0), max(-low, high)


ARITHMETIC = {
    "Neg": lambda b: (-b[0][1], -b[0][0]),
    "AddV2": lambda b: (b[0][0] + b[1][0], b[0][1] + b[1][1]),
    "AddN": lambda b: (sum(low for low, _ in b), sum(high for _, high in b)),
    "Sub": lambda b: (b[0][0] - b[1][1], b[0][1] - b[1][0]),
    "Mul": product,
    "RealDiv": _quotient,
    "Reciprocal": lambda b: _quotient([(1.0, 1.0), b[0]]),
    "Maximum": lambda b: (max(b[0][0], b[1][0]), max(b[0][1], b[1][1])),
    "Minimum": lambda b: (min(b[0][0], b[1][0]), min(b[0][1], b[1][1])),
    "Abs": _absolute,
    "Square": lambda b: (_absolute(b)[0] ** 2, _absolute(b)[1] ** 2),
}
ARITHMETIC |= {"Add": ARITHMETIC["AddV2"], "BiasAdd": ARITHMETIC["AddV2"]}
