"""What the class activation maps have in common."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method, check_layer_name


class ClassActivationMap(Method):
    """A weighted sum of a layer's activations; each method holds how they are weighed.

    Args:
        layer: name of a layer with a spatial output (n, h, w, c), or with the tokens of a
            Vision Transformer (n, tokens, c), which are folded back into the image's grid
            without the class token. Defaults to None, the last spatial activation before the
            logits; where these are read off a class token, what the last attention is given.
    """

    reduction = ""

    def __init__(self, layer: str | None = None):
        self.layer = check_layer_name(type(self).__name__, layer)

    def weigh(self, activation, gradient) -> tf.Tensor:
        """Returns the map before its ReLU, (n, h, w).

        Args:
            activation: float tensor (n, h, w, c).
            gradient: of the score by it, (n, h, w, c).
        """
        raise NotImplementedError

    def attribute(self, trace):
        found = trace.activation(self.layer, type(self).__name__)
        activation, gradient = map(found.grid.fold, (found.tensor, trace.gradient(found.tensor)))
        return cam_of(found, self.weigh(activation, gradient), "plain gradient", self.reduction)


def cam_of(found, sums, rule: str, reduction: str) -> Attribution:
    """Returns the `Attribution` of a class activation map.

    Args:
        found: the layer's `SpatialActivation`.
        sums: float tensor (n, h, w), before the ReLU.
        rule: how the weights came about.
        reduction: how channels were summed.
    """
    words = {"layer": found.layer, "rule": rule, "reduction": reduction}
    return Attribution(tf.nn.relu(sums), words | ({"note": found.note} if found.note else {}))


def positions_of(maps) -> tuple[int, ...]:
    """Returns the axes of places in (n, h, w, c)."""
    return tuple(range(1, maps.shape.rank - 1))
