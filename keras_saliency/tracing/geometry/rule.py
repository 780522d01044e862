"""What a rule of an op that moves pixels is given: the op, and what is known of its inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.geometry.axes import picked
from keras_saliency.tracing.geometry.parts import Geometry

# An image or a weight decides by how much they move pixels, or it is not followed.
WARPING = {
    *("ImageProjectiveTransformV2", "ImageProjectiveTransformV3", "CropAndResize", "GatherNd"),
    *("ScatterNd", "TensorScatterUpdate", "TensorScatterAdd", "ResourceGatherNd"),
    *("ExtractGlimpse", "ExtractGlimpseV2", "RandomShuffle", "ReverseSequence"),
    *("DynamicPartition", "DynamicStitch", "ParallelDynamicStitch", "UnsortedSegmentSum"),
    *("PyFunc", "PyFuncStateless", "EagerPyFunc"),
}
UNKNOWN = "moves pixels by amounts that are not known"
JOINS = "joins what lies at different places of the image"
PATCHES = "moves patches of the image in a way that is not followed"


class Walk(Protocol):
    """What rules ask of the walk through a graph."""

    def geometry_of(self, tensor: tf.Tensor) -> Geometry | None:
        """What lies along a tensor's axes, None where its shape is not known."""

    def value_of(self, tensor: tf.Tensor) -> np.ndarray | None:
        """A tensor's value, None where it is not constant."""

    def is_computed_anew(self, tensor: tf.Tensor) -> bool:
        """Whether a tensor depends on the image, but nothing in it has a place there."""

    def reason(self, op: tf.Operation, what: str) -> str:
        """Why places are not known: what an op does."""


class Unknown(Exception):
    """By how much an op moves pixels is not known."""


@dataclass
class Move:
    """An op that moves pixels, with what a rule needs to know of it.

    Attributes:
        op: the op.
        walk: what lies along the axes of its inputs, and which of these are constant.
    """

    op: tf.Operation
    walk: Walk

    def geometry(self, number: int = 0) -> Geometry:
        """What lies along the axes of an input."""
        found = self.walk.geometry_of(self.op.inputs[number])
        if found is None:
            raise Unknown
        return found

    def value(self, number: int) -> np.ndarray:
        """The value of an input that must be constant."""
        found = self.walk.value_of(self.op.inputs[number])
        if found is None:
            raise Unknown
        return found

    def axis(self, number: int, rank: int) -> int:
        """The axis that an input names."""
        return int(np.ravel(self.value(number))[0]) % rank

    def picked(self, cells: dict[int, np.ndarray], number: int = 0) -> Geometry:
        """What lies along an input's axes, of some of which only these cells are picked."""
        reason, found = self.walk.reason(self.op, PATCHES), list(self.geometry(number))
        for i, some in cells.items():
            found[i] = picked(found[i], some, reason)
        return tuple(found)


Rule: TypeAlias = Callable[[Move], Sequence[Geometry]]
