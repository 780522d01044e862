"""Follows the image through a traced model, op by op.

Convolutions, poolings and resizings leave maps that cover what their input covers; flips, crops,
pads, slices, rolls, transpositions and reshapes move it. Where an op moves pixels by amounts
that are not known, what it returns is `Astray`.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.geometry.axes import merged, regrouped, resized
from keras_saliency.tracing.geometry.constants import Constants
from keras_saliency.tracing.geometry.lists import LISTS
from keras_saliency.tracing.geometry.moves import MOVES
from keras_saliency.tracing.geometry.parts import (
    Along,
    Axis,
    Geometry,
    astray_axes,
    astray_in,
    is_placed,
    size_of,
    unplaced,
)
from keras_saliency.tracing.geometry.products import PRODUCTS, after_product
from keras_saliency.tracing.geometry.rule import JOINS, UNKNOWN, WARPING, Move, Unknown
from keras_saliency.tracing.geometry.spectra import SPECTRA, after_spectrum
from keras_saliency.tracing.geometry.warps import WARPS
from keras_saliency.tracing.geometry.windows import (
    WINDOWS,
    after_dilated_window,
    after_window,
    is_dilated_window,
)
from keras_saliency.tracing.hidden_ops import HiddenOps
from keras_saliency.tracing.spatial_maps import SHAPE_ONLY

_REDUCING = {
    *("Mean", "Sum", "Max", "Min", "Prod", "All", "Any", "EuclideanNorm", "ArgMax", "ArgMin"),
}
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_BRANCHES = {"If", "StatelessIf", "Case", "StatelessCase"}
_LOOPS = {"While", "StatelessWhile"}
# What moves pixels for certain in a function that cannot be followed: slices need not.
_MOVING = WARPING | {"Reverse", "ReverseV2", "Roll"}
_RULES = {**MOVES, **WARPS, **LISTS, **dict.fromkeys(SPECTRA, after_spectrum)}

Outcome = Sequence[Geometry | None]


def find_geometry(forward: ForwardPass) -> dict[str, Geometry]:
    """Finds out what lies along the axes of every tensor that comes from the image.

    Returns:
        {name of a tensor: its axes}, without those of which nothing has a place.
    """
    images = forward.images
    num_images, *sides, num_channels = images.shape.as_list()
    along = [(Along.whole(side, source),) if side > 1 else () for source, side in enumerate(sides)]
    start = (*unplaced([num_images]), *along, *unplaced([num_channels]))
    walk = _GraphWalk({images.name: start}, {}, set(), HiddenOps(images.graph))
    walk.follow(forward.ops)
    return walk.places


class _GraphWalk:
    """Follows the image through one graph: the model's, or that of a function that it calls.

    Args:
        places: {name of a tensor: its axes}, at first those of the graph's inputs.
        known: {name of a tensor: its value}, of inputs that are constant.
        computed: names of the inputs that depend on the image.
        hidden: the functions of the model's graph.
        caller: name of the op of the model's graph that calls this one; "" in that graph itself.
    """

    def __init__(
        self,
        places: dict[str, Geometry],
        known: dict[str, np.ndarray | None],
        computed: set[str],
        hidden: HiddenOps,
        caller: str = "",
    ):
        self.places, self._hidden, self._caller = places, hidden, caller
        self._constants, self._computed = Constants(known), computed

    def follow(self, ops: Sequence[tf.Operation]) -> None:
        """Follows the image through these ops, in the order of their creation."""
        for op in ops:
            comes_from_image = any(t.name in self.places for t in op.inputs)
            if op.type in SHAPE_ONLY:
                if comes_from_image:
                    self._note_shape(op)
                continue
            if comes_from_image or any(t.name in self._computed for t in op.inputs):
                self._computed.update(t.name for t in op.outputs)
            for output, axes in (
                zip(op.outputs, self._after(op), strict=True) if comes_from_image else ()
            ):
                if axes is not None and is_placed(axes):
                    self.places[output.name] = axes

    def geometry_of(self, tensor: tf.Tensor) -> Geometry | None:
        """What lies along a tensor's axes; None where its shape is not known."""
        if tensor.name in self.places:
            return self.places[tensor.name]
        if tensor.shape.is_fully_defined():
            return unplaced(tensor.shape.as_list())
        value = self.value_of(tensor)  # as of padding whose width is computed
        return None if value is None else unplaced(value.shape)

    def value_of(self, tensor: tf.Tensor) -> np.ndarray | None:
        """A tensor's value, None where it is not constant."""
        return self._constants.value_of(tensor)

    def is_computed_anew(self, tensor: tf.Tensor) -> bool:
        """Whether a tensor depends on the image, but nothing in it has a place there."""
        return tensor.name in self._computed and tensor.name not in self.places

    def reason(self, op: tf.Operation, what: str) -> str:
        """Why places are not known: the name of an op of the model's graph, and what it does."""
        return f"{self._caller or op.name}|{what}"

    def _note_shape(self, op: tf.Operation) -> None:
        if op.type == "Shape" and not op.inputs[0].shape.is_fully_defined():
            sizes = [size_of(axis) for axis in self.places[op.inputs[0].name]]
            self._constants.know(op.outputs[0], np.array(sizes))

    def _after(self, op: tf.Operation) -> Outcome:
        """What lies along the axes of an op's outputs."""
        if op.type in _CALLS:
            return self._called(op, op.get_attr("f").name, op.inputs)
        if op.type in _BRANCHES:
            return self._branched(op)
        if op.type in _LOOPS:
            return self._looped(op)
        if op.type == "IdentityN":
            return [self.geometry_of(t) for t in op.inputs]
        move = Move(op, self)
        try:
            if op.type in _RULES:
                return _RULES[op.type](move)
            if op.type.startswith("TensorList"):
                return self._astray_again(op)
            if op.type == "Reshape":
                return [self._reshaped(move)]
            if op.type in _REDUCING:
                return [_reduced(move)]
            if op.type in PRODUCTS:
                return [after_product(move)]
            if op.type in WINDOWS:
                return [after_window(move)]
            if is_dilated_window(move):
                return [after_dilated_window(move)]
        except Unknown:
            return self._astray(op)
        if op.type in WARPING:
            return self._astray(op)
        return [self._alike(op, output) for output in op.outputs]

    def _alike(self, op: tf.Operation, output: tf.Tensor) -> Geometry | None:
        """After any other op: axes of the same size are the same, others are resized."""
        given = [axes for axes in map(self.geometry_of, op.inputs) if axes is not None]
        if output.dtype == tf.variant:  # a list of tensors
            return next(filter(is_placed, given))
        if output.shape.rank is None:
            return None
        sizes, reason = output.shape.as_list(), self.reason(op, JOINS)
        if len(sizes) != max(map(len, given)):  # the first axes are kept, others are new
            lost = _reason_in(given)
            if lost is not None:
                return astray_axes(sizes, lost)
            axes, kept = next(filter(is_placed, given)), 0
            while kept < min(len(axes), len(sizes)) and size_of(axes[kept]) == sizes[kept]:
                kept += 1
            return (*axes[:kept], *unplaced([size or 1 for size in sizes[kept:]]))
        found: list[Axis] = []
        for i, size in enumerate(sizes, -len(sizes)):
            aligned = [axes[i] for axes in given if len(axes) >= -i]
            largest = max(map(size_of, aligned))  # others have one cell, which is repeated
            axis = merged([axis for axis in aligned if size_of(axis) == largest], reason)
            found.append(axis if size in (None, largest) else resized(axis, size, reason))
        return tuple(found)

    def _reshaped(self, move: Move) -> Geometry:
        axes, shape = move.geometry(), move.op.outputs[0].shape
        sizes = shape.as_list() if shape.is_fully_defined() else move.value(1).tolist()
        if -1 in sizes:
            total = int(np.prod([size_of(axis) for axis in axes]))
            rest = total // int(np.prod([size for size in sizes if size >= 0]))
            sizes = [rest if size < 0 else size for size in sizes]
        found = regrouped(axes, sizes)
        if found is not None:
            return tuple(found)
        return astray_axes(sizes, _reason_in([axes]) or self.reason(move.op, UNKNOWN))

    def _astray(self, op: tf.Operation) -> Outcome:
        """After an op that moves pixels by amounts that are not known."""
        given = [axes for axes in map(self.geometry_of, op.inputs) if axes is not None]
        reason = _reason_in(given) or self.reason(op, UNKNOWN)
        if not any(map(is_placed, given)):
            return [None] * len(op.outputs)
        # A list of tensors has no rank: any that has room for a reason will do.
        return [
            astray_axes(t.shape.as_list() if t.shape.rank else [1, 2, 1], reason)
            for t in op.outputs
        ]

    def _astray_again(self, op: tf.Operation) -> Outcome:
        """After an op that hands on what is astray, and knows nothing of other places."""
        given = [axes for axes in map(self.geometry_of, op.inputs) if axes is not None]
        if _reason_in(given) is not None:
            return self._astray(op)
        return [None] * len(op.outputs)

    def _called(self, op: tf.Operation, name: str, inputs: Sequence[tf.Tensor]) -> Outcome:
        """What the outputs of a function hold: its own graph is followed."""
        try:
            graph = op.graph._get_function(name).graph  # has no public name
        except AttributeError:
            is_moving = self._hidden.holds(op.node_def, _MOVING)
            return self._astray(op) if is_moving else [self._alike(op, t) for t in op.outputs]
        pairs = list(zip(graph.inputs, inputs, strict=False))
        inner = _GraphWalk(
            {own.name: self.places[t.name] for own, t in pairs if t.name in self.places},
            {own.name: self.value_of(t) for own, t in pairs if t.name not in self.places},
            {own.name for own, t in pairs if t.name in self._computed},
            self._hidden,
            self._caller or op.name,
        )
        inner.follow(graph.get_operations())
        return [inner.places.get(t.name) for t in graph.outputs]

    def _looped(self, op: tf.Operation) -> Outcome:
        """After a loop, whose body is followed once: a second time must not move anything more."""
        found = self._called(op, op.get_attr("body").name, op.inputs)
        outcome: list[Geometry | None] = []
        for given, returned in zip(op.inputs, found, strict=True):
            before = self.places.get(given.name)
            if before is not None and returned is not None and before != returned:
                return self._astray(op)
            outcome.append(returned)
        return outcome

    def _branched(self, op: tf.Operation) -> Outcome:
        condition = self.value_of(op.inputs[0])
        if op.type in ("Case", "StatelessCase"):
            names = [branch.name for branch in op.get_attr("branches")]
        else:
            names = [op.get_attr(f"{kind}_branch").name for kind in ("else", "then")]
        if condition is not None:
            names = [names[min(int(condition), len(names) - 1)]]
        found = [self._called(op, name, op.inputs[1:]) for name in names]
        reason, joint = self.reason(op, "moves pixels only sometimes"), []
        for of_output in zip(*found, strict=True):
            known = [axes for axes in of_output if axes is not None]
            is_alike = len({len(axes) for axes in known}) == 1
            same = zip(*known, strict=True) if is_alike else ()
            joint.append(tuple(merged(axes, reason) for axes in same) if is_alike else None)
        return joint


def _reason_in(several: Sequence[Geometry]) -> str | None:
    """Why the first axis whose places are not known is so; None if there is none."""
    astray = (astray_in(axis) for axes in several for axis in axes)
    return next((part.reason for part in astray if part is not None), None)


def _reduced(move: Move) -> Geometry:
    axes = move.geometry()
    gone = {int(i) % len(axes) for i in np.ravel(move.value(1))}
    is_kept = move.op.type not in ("ArgMax", "ArgMin") and move.op.get_attr("keep_dims")
    return tuple(
        () if i in gone else axis for i, axis in enumerate(axes) if i not in gone or is_kept
    )
