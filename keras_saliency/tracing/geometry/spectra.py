"""Fourier transforms: the inverse of one lies where the image lay before it."""

from collections.abc import Sequence

import tensorflow as tf

from keras_saliency.tracing.geometry.parts import Astray, Geometry, is_free, size_of
from keras_saliency.tracing.geometry.rule import Move, Unknown

_WHAT = "computes frequencies, which have no places"
_FORWARD = {f"{kind}FFT{rank}" for kind in ("", "R", "Batch") for rank in ("", "2D", "3D")}
_INVERSE = {f"{kind}FFT{rank}" for kind in ("I", "IR", "BatchI") for rank in ("", "2D", "3D")}
SPECTRA = _FORWARD | _INVERSE


def after_spectrum(move: Move) -> Sequence[Geometry]:
    """What lies along the axes of a transform's output."""
    op, sizes = move.op, move.op.outputs[0].shape.as_list()
    if op.type in _FORWARD:
        rank = 3 if "3D" in op.type else 2 if "2D" in op.type else 1
        axes, reason = list(move.geometry()), move.walk.reason(op, _WHAT)
        for i in range(-rank, 0):
            if not is_free(axes[i]):
                axes[i] = (Astray(sizes[i] or size_of(axes[i]), reason),)
        return [tuple(axes)]
    forward = _forward_of(op)
    if forward is None:
        raise Unknown
    axes = list(Move(forward, move.walk).geometry())
    if len(axes) != len(sizes) or any(
        size not in (None, size_of(axis)) for size, axis in zip(sizes, axes, strict=True)
    ):
        raise Unknown
    return [tuple(axes)]


def _forward_of(op: tf.Operation) -> tf.Operation | None:
    """The last transform before an inverse one of the same axes."""
    queue, seen = [t.op for t in op.inputs], set[str]()
    while queue:
        before = queue.pop(0)
        if before.type in _FORWARD:
            return before if before.type == op.type.replace("I", "", 1) else None
        if before.name not in seen:
            seen.add(before.name)
            queue.extend(t.op for t in before.inputs)
    return None
