"""Occlusion."""

import itertools

import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import check_int
from keras_saliency.methods.base import Attribution, Method, check_number
from keras_saliency.methods.trace import Trace

_PATCHES = 8  # a side, by default


class Occlusion(Method):
    """By how much the target class's logit falls when a part of the image is covered.

    Each pixel holds the mean fall over the patches that cover it, 0 where the logit rises. No
    gradient is used. Costs one forward pass for each patch: 225 by default.

    Args:
        patch: pixels of a patch's sides, at most those of the image. Defaults to None, an
            eighth of the image's longest side.
        stride: pixels from one patch to the next. Defaults to None, half a patch.
        value: of the covered pixels, in the model's input (after preprocessing). Defaults to 0.

    References:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, 2014,
        https://arxiv.org/abs/1311.2901, section 4.2.
    """

    name = "occlusion"

    def __init__(self, patch: int | None = None, stride: int | None = None, value: float = 0.0):
        for name, number in (("patch", patch), ("stride", stride)):
            if number is not None:
                check_int(name, number)
        if patch is not None and stride is not None and stride > patch:
            raise ValueError(
                f"Occlusion(stride={stride}) leaves pixels out that no patch of {patch} covers. "
                "Pass a stride of at most the patch."
            )
        self.patch, self.stride = patch, stride
        self.value = check_number("Occlusion", "value", value)

    def attribute(self, trace: Trace) -> Attribution:
        images = trace.images
        size = images.shape[1:-1]
        patch = self.patch or max(1, -(-max(size) // _PATCHES))
        stride = self.stride or max(1, patch // 2)
        if stride > patch:
            raise ValueError(
                f"{self!r}: the stride must be at most the patch, {patch} pixels here."
            )
        starts = np.array(list(itertools.product(*(_starts(s, patch, stride) for s in size))))
        places, axes = tf.constant(starts, tf.int32), [tf.range(s) for s in size]

        def step(i: tf.Tensor, values: list[tf.Tensor]) -> list[tf.Tensor]:
            mask = tf.ones(size, tf.bool)
            for axis, (index, length) in enumerate(zip(axes, size, strict=True)):
                start = places[i, axis]
                inside = (index >= start) & (index < start + min(patch, length))
                mask &= tf.reshape(inside, [-1 if a == axis else 1 for a in range(len(size))])
            covered = tf.where(mask[..., None], tf.constant(self.value, tf.float32), images)
            loss = trace.score - trace.again(covered).score
            weight = tf.cast(mask, tf.float32)
            losses = tf.reshape(loss, [-1, *[1] * len(size)]) * weight
            return [values[0] + losses, values[1] + weight]

        start = [tf.zeros(images.shape[:-1]), tf.zeros(size)]
        total, number = trace.repeat(len(starts), step, start)
        description = {
            "layer": "image",
            "rule": f"{len(starts)} patches of {patch} pixels, {stride} apart, of {self.value:g}",
            "reduction": "ReLU of the mean loss of the logit over patches",
        }
        return Attribution(tf.nn.relu(total / number), description)


def _starts(length: int, patch: int, stride: int) -> list[int]:
    """First pixels of the patches along an axis; the last one ends at the edge."""
    last = max(0, length - patch)
    return sorted({*range(0, last, stride), last})
