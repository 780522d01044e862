"""Grad-CAM."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method, check_layer_name


class GradCAM(Method):
    """Where the last convolutional features speak for the target class.

    ReLU(sum over k of alpha_k * A_k), with A the activation of `layer` and
    alpha_k the mean over positions of the gradient of the logit by A_k.

    Args:
        layer: name of a layer with a spatial output (n, h, w, c), or with the tokens of a
            Vision Transformer (n, tokens, c), which are folded back into the image's grid
            without the class token. Defaults to None, the last spatial activation before the
            logits; where these are read off a class token, what the last attention is given.

    References:
        Selvaraju et al., Grad-CAM, 2017, https://arxiv.org/abs/1610.02391.
        The resizing to the image is bilinear and left to `Heatmaps`.
    """

    name = "grad_cam"

    def __init__(self, layer: str | None = None):
        self.layer = check_layer_name("GradCAM", layer)

    def attribute(self, trace):
        found = trace.activation(self.layer, "GradCAM")
        activation, gradient = map(found.grid.fold, (found.tensor, trace.gradient(found.tensor)))
        positions = tuple(range(1, activation.shape.rank - 1))
        alpha = tf.reduce_mean(gradient, axis=positions, keepdims=True)
        heatmaps = tf.nn.relu(tf.reduce_sum(alpha * activation, axis=-1))
        words = {
            "layer": found.layer,
            "rule": "plain gradient",
            "reduction": "ReLU of the weighted sum over channels",
        }
        return Attribution(heatmaps, words | ({"note": found.note} if found.note else {}))
