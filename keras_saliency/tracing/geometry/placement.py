"""`Placement`: how a layer's maps are laid over the image that they came from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.geometry.axes import joined
from keras_saliency.tracing.geometry.parts import (
    Along,
    Axis,
    Free,
    Geometry,
    Part,
    Tokens,
    along_of,
    astray_in,
)
from keras_saliency.tracing.geometry.rule import UNKNOWN
from keras_saliency.tracing.queries import innermost_layer
from keras_saliency.tracing.spatial_maps import Grid

_NEARLY = 1e-6  # of a cell


@dataclass(frozen=True)
class Placement:
    """How maps (n, *sides) are laid over the image.

    Attributes:
        parts: how many cells each part of the maps' axes has, in their order.
        order: for each axis of the image, which of these parts lie along it, the outermost first.
        axes: what lies along each axis of the image then, None where there is nothing.
    """

    parts: tuple[int, ...]
    order: tuple[tuple[int, ...], ...]
    axes: tuple[Along | None, ...]

    @property
    def is_turned_only(self) -> bool:
        """Whether the image is merely mirrored or transposed, so that no resizing is needed."""
        return all(along is None or _is_turned(along) for along in self.axes)

    def is_plain(self, sides: Sequence[int]) -> bool:
        """Whether maps of these sides cover the image from end to end as they are."""
        return (
            all(along is None or along.is_whole for along in self.axes)
            and sum(self.order, ()) == tuple(range(len(self.parts)))
            and self.sizes == tuple(sides)
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many cells lie along each axis of the image."""
        return tuple(math.prod(self.parts[i] for i in parts) for parts in self.order)

    def matrix(self, axis: int, length: int) -> np.ndarray:
        """Returns how pixels of the image are made of the maps' cells, float32 (length, cells).

        Each run of cells is resized linearly, its edges repeated, as `resize` does with
        whole maps. Pixels that the model does not see are 0; those that it sees twice have the sum.
        """
        along = self.axes[axis]
        if along is None:
            return np.ones((length, 1), np.float32)
        centres = np.arange(length) + 0.5
        matrix = np.zeros((length, along.size), np.float32)
        for run in along.shown:
            low, high = sorted((run.low * length, run.high * length))
            rows = np.flatnonzero((centres > low - _NEARLY) & (centres < high - _NEARLY))
            place = run.start + (centres[rows] / length - run.low) / run.cell - 0.5
            first = math.floor(run.start + _NEARLY)
            last = math.ceil(run.end - _NEARLY) - 1
            place = np.clip(place, first, last)
            before = np.floor(place).astype(int)
            share = (place - before).astype(np.float32)
            np.add.at(matrix, (rows, before), 1 - share)
            np.add.at(matrix, (rows, np.minimum(before + 1, last)), share)
        return matrix


def find_placement(
    tensor: tf.Tensor,
    grid: Grid,
    geometry: dict[str, Geometry],
    forward: ForwardPass,
    asker: str,
    layer: str,
) -> Placement | None:
    """Finds out where a layer's maps belong in the image.

    Args:
        tensor: the layer's output.
        grid: how it holds the maps.
        geometry: what `find_geometry` found.
        forward: `ForwardPass`.
        asker: name of the method that asks, for errors.
        layer: the layer's name, likewise.

    Returns:
        None where the maps cover the image from end to end, or nothing is known of them.

    Raises:
        ValueError: if pixels were moved by amounts that are not known.
    """
    axes = geometry.get(tensor.name)
    if axes is None:
        return None
    inside = _parts_of(axes[1:-1] if grid.first_token is None else axes[1:2])
    astray = astray_in(inside)
    if astray is None and math.prod(part.size for part in inside) == math.prod(grid.sides):
        if any(isinstance(part, Free) and part.size > 1 for part in inside):
            return None  # computed anew, as by a dense layer along an axis
        found = _arranged(inside, len(forward.images.shape) - 2)
        if found is not None:
            return None if found.is_plain(grid.sides) else found
    reason = f"{tensor.op.name}|{UNKNOWN}" if astray is None else astray.reason
    op_name, _, what = reason.partition("|")
    op = forward.images.graph.get_operation_by_name(op_name)
    raise ValueError(
        f'{asker}() cannot lay the maps of "{layer}" over the image: before them, '
        f'"{innermost_layer(op, forward)}" ({op.type}) {what}. Use "vanilla_gradients" or '
        '"occlusion", which explain the pixels themselves, or name a layer before it.'
    )


def _parts_of(axes: Sequence[Axis]) -> Axis:
    parts: list[Part] = []
    for axis in axes:
        for part in axis:
            parts.extend(part.patches if isinstance(part, Tokens) else (part,))
    return tuple(parts)


def _arranged(parts: Axis, num_axes: int) -> Placement | None:
    """The placement of maps of these parts, None where some of a block is missing."""
    order: list[tuple[int, ...]] = []
    axes: list[Along | None] = []
    for source in range(num_axes):
        some = [(i, p) for i, p in enumerate(parts) if isinstance(p, Along) and p.source == source]
        some.sort(key=lambda pair: -pair[1].length)
        axis = joined([part for _, part in some])
        along = along_of(axis)
        if axis and (along is None or along.length != 1):
            return None
        order.append(tuple(i for i, _ in some))
        axes.append(along)
    if sum(map(len, order)) != sum(part.size > 1 or isinstance(part, Along) for part in parts):
        return None
    return Placement(tuple(part.size for part in parts), tuple(order), tuple(axes))


def _is_turned(along: Along) -> bool:
    return len(along.shown) == 1 and all(
        (run.start, run.end) == (0, along.size) and {run.low, run.high} == {0, 1}
        for run in along.shown
    )


def is_mirrored(along: Along | None) -> bool:
    """Whether an axis that shows the image from end to end does so backwards."""
    return along is not None and along.shown[0].high < along.shown[0].low
