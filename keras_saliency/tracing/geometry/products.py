"""Matrix products: what lies along their axes."""

from collections.abc import Sequence

from keras_saliency.tracing.geometry.axes import merged
from keras_saliency.tracing.geometry.moves import JOINS, UNKNOWN, Move, Unknown
from keras_saliency.tracing.geometry.parts import Astray, Axis, Geometry, is_free, size_of

PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"}


def after_product(move: Move) -> Geometry:
    """What lies along the axes of a product of two tensors."""
    left, right = move.geometry(0), move.geometry(1)
    if move.op.type == "Einsum":
        equation = move.op.get_attr("equation").decode().replace(" ", "")
        if "..." in equation or "->" not in equation:
            raise Unknown
        before, after = equation.split("->")
        return _product(move, before.split(","), after, [left, right])
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
        is_over_image = any(not is_free(joint[letter]) for letter in letters if letter not in after)
        if not is_over_image or not move.walk.is_computed_anew(factor):
            continue
        # A matrix that was made of the image: its rows say which pixels are taken where, as in a
        # spatial transformer. One of weights makes new features instead.
        for letter in set(letters) & set(after):
            if is_free(joint[letter]) and joint[letter] and len(along[letter]) == 1:
                reason = move.walk.reason(move.op, UNKNOWN)
                joint[letter] = (Astray(size_of(joint[letter]), reason),)
    return tuple(joint[letter] for letter in after)
