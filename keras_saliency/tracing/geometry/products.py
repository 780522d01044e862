"""Matrix products: what lies along their axes."""

from collections.abc import Sequence

import numpy as np

from keras_saliency.tracing.geometry.axes import merged, picked
from keras_saliency.tracing.geometry.parts import Astray, Axis, Geometry, is_free, size_of
from keras_saliency.tracing.geometry.rule import JOINS, UNKNOWN, Move, Unknown

PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"}


def after_product(move: Move) -> Geometry:
    """What lies along the axes of a product of two tensors, or of a sum over one."""
    if move.op.type == "Einsum":
        equation = move.op.get_attr("equation").decode().replace(" ", "")
        if "..." in equation or "->" not in equation:
            raise Unknown
        before, after = equation.split("->")
        factors = [move.geometry(number) for number in range(len(move.op.inputs))]
        return _product(move, before.split(","), after, factors)
    left, right = move.geometry(0), move.geometry(1)
    names = ("transpose_a", "transpose_b") if move.op.type == "MatMul" else ("adj_x", "adj_y")
    is_turned = [move.op.get_attr(name) for name in names]
    outer = [chr(ord("a") + i) for i in range(max(len(left), len(right)) - 2)]
    rows = "zy" if is_turned[0] else "yz"
    columns = "xz" if is_turned[1] else "zx"
    letters = [
        "".join(outer[len(outer) + 2 - len(axes) :]) + ends
        for axes, ends in ((left, rows), (right, columns))
    ]
    return _product(move, letters, "".join(outer) + "yx", [left, right])


def _product(
    move: Move, before: Sequence[str], after: str, factors: Sequence[Geometry]
) -> Geometry:
    """The axes of a product, given by a letter for each axis of its factors and of itself."""
    along: dict[str, list[Axis]] = {}
    for letters, axes in zip(before, factors, strict=True):
        for letter, axis in zip(letters, axes, strict=True):
            along.setdefault(letter, []).append(axis)
    joint = {}
    for letter, several in along.items():
        largest = max(map(size_of, several))  # others have one cell, which is repeated
        same = [axis for axis in several if size_of(axis) == largest]
        joint[letter] = merged(same, move.walk.reason(move.op, JOINS))
    for letters, factor in zip(before, move.op.inputs, strict=True):
        over = [x for x in letters if x not in after and not is_free(joint[x])]
        fixed = move.walk.value_of(factor) if over else None
        if fixed is not None:
            _carry(move, letters, over, fixed, joint)
        if not over or not move.walk.is_computed_anew(factor):
            continue
        # A matrix that was made of the image: its rows say which pixels are taken where, as in a
        # spatial transformer. One of weights makes new features instead.
        for letter in set(letters) & set(after):
            if is_free(joint[letter]) and joint[letter] and len(along[letter]) == 1:
                reason = move.walk.reason(move.op, UNKNOWN)
                joint[letter] = (Astray(size_of(joint[letter]), reason),)
    return tuple(joint[letter] for letter in after)


def _carry(
    move: Move,
    letters: str,
    over: Sequence[str],
    fixed: np.ndarray,
    joint: dict[str, Axis],
) -> None:
    """Notes where a matrix of numbers puts what lies along an axis of the image.

    Where each of its rows picks one cell, as of a flip, that is known. Otherwise it resizes the
    image, say, or computes frequencies, and it is not.
    """
    to = [x for x in letters if x not in over and size_of(joint[x]) > 1]
    reason = move.walk.reason(move.op, UNKNOWN)
    is_matrix = len(over) == len(to) == 1 and fixed.ndim == 2
    if is_matrix and letters[0] == over[0]:
        fixed = fixed.T
    is_one = np.isclose(fixed, 1)
    if is_matrix and (is_one | (fixed == 0)).all() and (is_one.sum(axis=1) <= 1).all():
        cells = np.where(is_one.any(axis=1), is_one.argmax(axis=1), -1)
        joint[to[0]] = picked(joint[over[0]], cells, reason)
        return
    for letter in to:
        joint[letter] = (Astray(size_of(joint[letter]), reason),)
