"""Vanilla gradients."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method
from keras_saliency.methods.trace import Trace


class VanillaGradients(Method):
    """Which pixels the target class's logit is most sensitive to.

    The maximum over channels of the absolute gradient of the logit by the
    image.

    References:
        Simonyan et al., Deep Inside Convolutional Networks, 2013,
        https://arxiv.org/abs/1312.6034.
    """

    name = "vanilla_gradients"
    is_grainy = True
    suspects_first = 2

    def attribute(self, trace: Trace) -> Attribution:
        heatmaps = tf.reduce_max(tf.abs(trace.gradient(trace.images)), axis=-1)
        description = {
            "layer": "image",
            "rule": "plain gradient",
            "reduction": "maximum over channels of the absolute gradient",
        }
        return Attribution(heatmaps, description)
