"""Ops that resize and shift an image at once: `tf.image.resize(antialias=True)`, crops, warps."""

from collections.abc import Sequence

import numpy as np

from keras_saliency.tracing.geometry.axes import resized
from keras_saliency.tracing.geometry.parts import Axis, Geometry, along_of, size_of
from keras_saliency.tracing.geometry.rule import Move, Rule, Unknown

_MIXING = [1, 3, 6, 7]  # of a projective transform: zero where each axis is moved on its own
_NEARLY = 1e-3  # of a cell: scales are computed in float32


def _scale_and_translate(move: Move) -> Sequence[Geometry]:
    sizes, scales, shifts = (move.value(number).tolist() for number in (1, 2, 3))
    lines = [(1 / scale, -shift / scale) for scale, shift in zip(scales, shifts, strict=True)]
    return [_shifted(move, sizes, lines)]


def _project(move: Move) -> Sequence[Geometry]:
    transforms, sizes = move.value(1), move.value(2).tolist()
    row = transforms[0].tolist()
    is_alike = (transforms == transforms[:1]).all()
    is_empty_outside = move.op.get_attr("fill_mode").upper() == b"CONSTANT"
    if not is_alike or not is_empty_outside or any(row[i] for i in _MIXING):
        raise Unknown
    # Pixel centres lie at whole numbers there, and at halves along our edges.
    lines = [(row[i], row[k] + 0.5 - 0.5 * row[i]) for i, k in ((4, 5), (0, 2))]
    return [_shifted(move, sizes, lines)]


def _crop_and_resize(move: Move) -> Sequence[Geometry]:
    axes, boxes, sizes = move.geometry(), move.value(1), move.value(3).tolist()
    if (boxes != boxes[:1]).any() or move.value(2).tolist() != list(range(size_of(axes[0]))):
        raise Unknown
    lines = []
    for i, size in enumerate(sizes):
        low, high = (boxes[0, [i, i + 2]] * (size_of(axes[1 + i]) - 1)).tolist()
        slope = (high - low) / (size - 1) if size > 1 else 1.0
        lines.append((slope, (low if size > 1 else (low + high) / 2) + 0.5 - 0.5 * slope))
    return [_shifted(move, sizes, lines)]


def _shifted(move: Move, sizes: Sequence[int], lines: Sequence[tuple[float, float]]) -> Geometry:
    """What lies along the axes of an output whose position p is at `slope * p + offset`.

    Args:
        move: the op.
        sizes: of the output's spatial axes.
        lines: (slope, offset) for each of them.
    """
    axes = list(move.geometry())
    for i, (size, (slope, offset)) in enumerate(zip(sizes, lines, strict=True), 1):
        axes[i] = _shifted_axis(axes[i], size, slope, offset)
    return tuple(axes)


def _shifted_axis(axis: Axis, size: int, slope: float, offset: float) -> Axis:
    along = along_of(axis)
    is_resized = abs(offset) < _NEARLY and abs(slope * size - size_of(axis)) < _NEARLY
    if along is None or is_resized:
        return resized(axis, size, "")
    if not np.isfinite(slope) or not slope:
        raise Unknown
    return (along.resized(size, -offset, 1 / slope),)


WARPS: dict[str, Rule] = {
    "ScaleAndTranslate": _scale_and_translate,
    **dict.fromkeys(("ImageProjectiveTransformV2", "ImageProjectiveTransformV3"), _project),
    "CropAndResize": _crop_and_resize,
}
