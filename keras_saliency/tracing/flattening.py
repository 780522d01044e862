"""Whether a model weighs each position of its maps on its own, as behind a Flatten layer."""

import math

import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.queries import ancestors, reachable_from
from keras_saliency.tracing.spatial_maps import CONVOLUTIONS, find_maps, is_spatial


def is_flattened(tensor: tf.Tensor, start: tf.Tensor, forward: ForwardPass) -> bool:
    """Whether maps reach `start` as one vector: through Flatten, or a kernel as large as they are.

    Behind global pooling, the gradient is the same at all positions of a channel, so that its
    mean says all. Behind a vector of all positions each has a gradient of its own.

    Args:
        tensor: maps, as `SpatialActivation.tensor`.
        start: the tensor that they are explained for, usually the logits.
        forward: `ForwardPass`.
    """
    maps = find_maps(forward)
    between = reachable_from(tensor, forward.ops) & ancestors([start])
    for op in forward.ops:
        if op.name not in between or not op.inputs or not is_spatial(op.inputs[0], maps):
            continue
        given, output = op.inputs[0], op.outputs[0]
        num_values = math.prod(given.shape[1:])
        if op.type == "Reshape" and output.shape.as_list() == [given.shape[0], num_values]:
            return True
        if op.type in CONVOLUTIONS and math.prod(output.shape[1:-1]) == 1:
            return True
    return False
