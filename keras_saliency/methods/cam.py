"""What the class activation maps have in common."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method, check_layer_name
from keras_saliency.methods.trace import Trace
from keras_saliency.tracing.layer_selection import SpatialActivation

_ADVICE = (
    "{} averages gradients over positions, but behind a Flatten layer each position has weights "
    "of its own. They cancel, so many maps can be empty although the model uses these places. "
    'HiResCAM does not average: methods="hires_cam"'
)


class ClassActivationMap(Method):
    """A weighted sum of a layer's activations; each method states its weights only.

    Args:
        layer: name of a layer with a spatial output (n, h, w, c), or with the tokens of a
            Vision Transformer (n, tokens, c), which are folded back into the image's grid
            without the class token. Defaults to None, the last spatial activation before the
            logits; where the logits depend on a class token, the input of the last attention.
    """

    reduction = ""
    averages_positions = False  # whether a channel has one weight for all positions

    def __init__(self, layer: str | None = None):
        self.layer = check_layer_name(type(self).__name__, layer)

    def weigh(self, activation: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        """Returns the map before its ReLU, (n, h, w).

        Args:
            activation: float tensor (n, h, w, c).
            gradient: float tensor (n, h, w, c), the gradient of the score by it.
        """
        raise NotImplementedError

    def attribute(self, trace: Trace) -> Attribution:
        found = trace.activation(self.layer, type(self).__name__)
        both = (found.tensor, trace.gradient(found.tensor))
        # As float32, whatever the layer computes in: images and signals are float32.
        activation, gradient = (tf.cast(found.grid.fold(t), tf.float32) for t in both)
        cam = cam_of(found, self.weigh(activation, gradient), "plain gradient", self.reduction)
        if self.averages_positions and trace.is_flattened(found.tensor):
            cam.description["advice"] = _ADVICE.format(type(self).__name__)
        return cam


def cam_of(found: SpatialActivation, sums: tf.Tensor, rule: str, reduction: str) -> Attribution:
    """Returns the `Attribution` of a class activation map.

    Args:
        found: the layer's `SpatialActivation`.
        sums: float tensor (n, h, w), before the ReLU.
        rule: how the weights are computed.
        reduction: how channels are summed.
    """
    description = {"layer": found.layer, "rule": rule, "reduction": reduction}
    if found.note:
        description["note"] = found.note
    return Attribution(tf.nn.relu(sums), description)


def positions_of(maps: tf.Tensor) -> tuple[int, ...]:
    """Returns the spatial axes of maps (n, h, w, c)."""
    return tuple(range(1, maps.shape.rank - 1))
