"""LayerCAM."""

import tensorflow as tf

from keras_saliency.methods.cam import ClassActivationMap


class LayerCAM(ClassActivationMap):
    """Where a layer's features speak for the target class; sharp for early layers, too.

    ReLU(sum over k of ReLU(G_k) * A_k), with A the activation of `layer` and G the gradient of
    the logit by it: each position has a weight of its own, and negative weights count as 0.

    Args:
        layer: as of `GradCAM`.

    References:
        Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for Localization,
        IEEE Transactions on Image Processing 30, 2021, https://doi.org/10.1109/TIP.2021.3089943.
    """

    name = "layer_cam"
    reduction = "ReLU of the sum over channels of positive gradient times activation"

    def weigh(self, activation: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.nn.relu(gradient) * activation, axis=-1)
