"""Grad-CAM++."""

import tensorflow as tf

from keras_saliency.methods.cam import ClassActivationMap, positions_of


class GradCAMPlusPlus(ClassActivationMap):
    """Grad-CAM with a weight for each position, for several objects of a class in one image.

    ReLU(sum over k of w_k * A_k), w_k the sum over positions of alpha * ReLU(G), and
    alpha = G^2 / (2 G^2 + G^3 * sum over positions of A_k), 0 where G is 0. G is the gradient
    of the logit by A. The paper differentiates the exponential of the logit, which only multiplies
    a map by a positive number that may overflow: it is left out here. Libraries
    differ: tf-keras-vis divides alpha by its sum, xplique takes the mean of A_k for its sum.

    Args:
        layer: as of `GradCAM`.

    References:
        Chattopadhyay et al., Grad-CAM++, 2018, https://arxiv.org/abs/1710.11063, equations 10
        and 19.
    """

    name = "grad_cam_plus_plus"
    reduction = "ReLU of the sum over channels, weighed by second and third derivatives"

    def weigh(self, activation: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        # alpha has no unit: of gradients by their largest, so that cubes are no zeros.
        inside = tuple(range(1, gradient.shape.rank))
        largest = tf.reduce_max(tf.abs(gradient), axis=inside, keepdims=True)
        unit = tf.math.divide_no_nan(gradient, largest)
        places = positions_of(gradient)
        total = largest * tf.reduce_sum(activation, axis=places, keepdims=True)
        # G^2 / (2 G^2 + G^3 S) is 1 / (2 + G S) where G is not 0.
        alpha = tf.math.divide_no_nan(tf.ones_like(unit), 2 + unit * total)
        alpha = tf.where(unit == 0, tf.zeros_like(unit), alpha)
        weights = tf.reduce_sum(alpha * tf.nn.relu(gradient), axis=places, keepdims=True)
        return tf.reduce_sum(weights * activation, axis=-1)
