"""Grad-CAM."""

import tensorflow as tf

from keras_saliency.methods.cam import ClassActivationMap, positions_of


class GradCAM(ClassActivationMap):
    """Where the last convolutional features speak for the target class.

    ReLU(sum over k of alpha_k * A_k), with A the activation of `layer` and
    alpha_k the mean over positions of the gradient of the logit by A_k.

    Args:
        layer: name of a layer with a spatial output (n, h, w, c), or with the tokens of a
            Vision Transformer (n, tokens, c), which are folded back into the image's grid
            without the class token. Defaults to None, the last spatial activation before the
            logits; where the logits depend on a class token, the input of the last attention.

    References:
        Selvaraju et al., Grad-CAM, 2017, https://arxiv.org/abs/1610.02391.
        The resizing to the image is bilinear and left to `Heatmaps`.
    """

    name = "grad_cam"
    suspects_first = 1
    averages_positions = True
    reduction = "ReLU of the weighted sum over channels"

    def weigh(self, activation: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        alpha = tf.reduce_mean(gradient, axis=positions_of(gradient), keepdims=True)
        return tf.reduce_sum(alpha * activation, axis=-1)
