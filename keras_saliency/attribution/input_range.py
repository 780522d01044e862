"""The pixel range that a model was trained on, as far as the model tells it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_saliency.attribution.preprocessor import find_preprocessor
from keras_saliency.tracing.forward_pass import ensure_built, run_forward
from keras_saliency.tracing.model_function import ModelFunction

Range = tuple[float, float]
RANGES: tuple[Range, ...] = ((0, 255), (0, 1), (-1, 1))
# What models make of black and white before their first kernel.
_SCALED = ((0, 1), (-1, 1), (-0.5, 0.5), (0, 255), (-127.5, 127.5))

# Ops that compute each pixel from that pixel alone, or move pixels.
_SCALING = {"Mul", "Add", "AddV2", "Sub", "RealDiv", "Div", "DivNoNan", "Neg", "Cast", "BiasAdd"}
_SCALING |= {"Identity", "StopGradient", "Snapshot", "CheckNumerics"}
_SCALING |= {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}
_SCALING |= {
    "ReverseV2",
    "StridedSlice",
    "Slice",
    "ResizeBilinear",
    "ResizeNearestNeighbor",
    "ResizeBicubic",
    "ResizeArea",
}
_SCALING |= {"Pad", "PadV2", "MirrorPad"}
_SHAPES = {"Shape", "ShapeN", "Size", "Rank"}


def find_input_range(model: keras.Model, images: np.ndarray) -> tuple[Range, str] | None:
    """Finds the range of pixels that a model takes.

    Three things tell it: a preprocessor, which takes raw pixels; what the model makes of pixels
    before its first kernel, as in a `Rescaling` or `Normalization` layer; and the statistics that
    the first `BatchNormalization` has seen in training, which the right range reproduces.

    Args:
        model: a model with one input of images.
        images: float32 array (n, H, W, C) in 0 … 255, some of which the model is tried on.

    Returns:
        ((low, high) for black and white, what tells it); None where nothing does.

    Raises:
        ValueError: if the model cannot be called on the images.
    """
    if find_preprocessor(model) is not None:
        return RANGES[0], "the model has a preprocessor"
    ensure_built(model, images.shape[1:])
    layer: list[Any] = []

    def build(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        forward = run_forward(model, pixels)
        seen = _before_first_kernel(forward.images)
        built = {"seen": _center(seen)}
        for call in forward.calls:
            is_one = type(call.layer).__name__ == "BatchNormalization"
            if is_one and call.output is not None and call.output.shape.rank == 4:
                layer.append(call.layer)
                output = tf.cast(call.output, tf.float32)
                built["mean"] = tf.reduce_mean(output, (1, 2))
                built["square"] = tf.reduce_mean(output**2, (1, 2))
                break
        return built

    function = ModelFunction(build, images.shape[1:], [], 8, False)
    plain = np.stack([np.full(images.shape[1:], value, np.float32) for value in (0, 1)])
    at_zero, at_one = function(plain)["seen"].astype(np.float64)
    found = range_before(at_zero, at_one - at_zero)
    if found is not None:
        return found, "the model scales its input"
    found = _range_of_statistics(function, layer[0], images[:32]) if layer else None
    return None if found is None else (found, "the model's batch statistics fit it")


def range_before(offset: np.ndarray, scale: np.ndarray) -> Range | None:
    """Returns the range of pixels x for which scale · x + offset is scaled as usual.

    Args:
        offset: floats (C,).
        scale: floats (C,).

    Returns:
        One of `RANGES`; None where x is taken as it is, and where none fits.
    """
    is_as_it_is = np.allclose(scale, 1, atol=0.01) and np.allclose(offset, 0, atol=0.01)
    if is_as_it_is or np.abs(scale).min() < 1e-6:
        return None
    for low, high in RANGES:
        ends = np.array([scale * low + offset, scale * high + offset])
        if any(np.allclose(ends.T, scaled, atol=0.015 * np.ptp(scaled)) for scaled in _SCALED):
            return low, high
    if np.allclose(offset, 0, atol=1e-6):
        return RANGES[0] if np.abs(scale).max() < 1 / 32 else None
    # A normalization: the pixels' mean and deviation, which only some ranges can have.
    mean, deviation = np.mean(-offset / scale), np.mean(1 / np.abs(scale))
    if mean > 2:
        return RANGES[0]
    slack = 1.2
    if 0 < mean < 1 and deviation <= slack * np.sqrt(mean * (1 - mean)):
        return RANGES[1]
    if abs(mean) < 1 and deviation <= slack * np.sqrt(1 - mean**2):
        return RANGES[2]
    return None


def _before_first_kernel(tensor: tf.Tensor) -> tf.Tensor:
    """Follows the images through what scales them, as far as there is a single way."""
    while True:
        ops = [op for op in tensor.consumers() if op.type not in _SHAPES]
        if len(ops) > 1 and {op.type for op in ops} == {"StridedSlice"}:
            # Channels taken apart and stacked in another order, as RGB to BGR.
            ops = list(
                {id(op): op for slice_ in ops for op in slice_.outputs[0].consumers()}.values()
            )
            is_scaling = len(ops) == 1 and ops[0].type == "Pack"
        else:
            is_scaling = len(ops) == 1 and ops[0].type in _SCALING
            is_scaling = is_scaling and [t is tensor for t in ops[0].inputs].count(True) == 1
        if not is_scaling or ops[0].outputs[0].shape.rank != 4:
            return tensor
        tensor = ops[0].outputs[0]


def _center(tensor: tf.Tensor) -> tf.Tensor:
    """The middle pixel (n, C), away from padding."""
    height, width = tf.shape(tensor)[1] // 2, tf.shape(tensor)[2] // 2
    return tf.cast(tensor[:, height, width], tf.float32)


def _range_of_statistics(function: ModelFunction, layer: Any, images: np.ndarray) -> Range | None:
    """The range in which a layer's inputs have the mean and variance that it saw in training."""
    axis = layer.axis[0] if isinstance(layer.axis, Sequence) else layer.axis
    moving = [np.asarray(w) for w in (layer.moving_mean, layer.moving_variance)]
    if axis not in (3, -1) or (not moving[0].any() and (moving[1] == 1).all()):
        return None  # never trained
    gamma = np.ones_like(moving[0]) if layer.gamma is None else np.asarray(layer.gamma)
    beta = np.zeros_like(gamma) if layer.beta is None else np.asarray(layer.beta)
    used = np.abs(gamma) > 1e-2 * np.abs(gamma).max()
    misfits = []
    for low, high in RANGES:
        found = function(images / np.float32(255) * np.float32(high - low) + np.float32(low))
        mean, square = (found[name].mean(axis=0, dtype=np.float64) for name in ("mean", "square"))
        variance = (square - mean**2)[used] / gamma[used] ** 2
        shift = ((mean - beta) / np.where(used, gamma, 1))[used]
        misfits.append(np.mean(np.abs(np.log(variance + 1e-6)) + np.minimum(shift**2, 10)))
    best, second = np.argsort(misfits)[:2]
    is_clear = misfits[best] < 0.9 and misfits[second] - misfits[best] > 1.5
    return RANGES[best] if is_clear else None
