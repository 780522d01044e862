"""HiResCAM."""

import tensorflow as tf

from keras_saliency.methods.cam import ClassActivationMap


class HiResCAM(ClassActivationMap):
    """Where a layer's features, each weighted at its own position, speak for the target class.

    ReLU(sum over k of G_k * A_k), with A the activation of `layer` and G the gradient of the
    logit by it. Where only pooling and one dense layer follow, the sum over all positions is
    the logit minus its bias: no position lights up that was not used.

    Args:
        layer: as of `GradCAM`.

    References:
        Draelos and Carin, Use HiResCAM instead of Grad-CAM, 2020,
        https://arxiv.org/abs/2011.08891.
    """

    name = "hires_cam"
    reduction = "ReLU of the sum over channels of gradient times activation"

    def weigh(self, activation: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(gradient * activation, axis=-1)
