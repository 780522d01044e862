"""Input times gradient."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method
from keras_saliency.methods.trace import Trace


class InputXGradient(Method):
    """How much each pixel adds to the target class's logit, were the model linear.

    The absolute value of the sum over channels of pixel times gradient. Pixels are the model's
    input: where preprocessing maps black to 0, black pixels get 0, whatever they mean.

    References:
        Shrikumar et al., Not Just a Black Box, 2016, https://arxiv.org/abs/1605.01713.
    """

    name = "input_x_gradient"
    is_grainy = True

    def attribute(self, trace: Trace) -> Attribution:
        products = trace.images * trace.gradient(trace.images)
        description = {
            "layer": "image",
            "rule": "plain gradient",
            "reduction": "absolute sum over channels of pixel times gradient",
        }
        return Attribution(tf.abs(tf.reduce_sum(products, axis=-1)), description)
