"""Integrated Gradients."""

import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import check_int
from keras_saliency.methods.base import Attribution, Method, check_number
from keras_saliency.methods.trace import Trace


class IntegratedGradients(Method):
    """How much each pixel adds to the logit, on the way from a plain image to this one.

    The absolute sum over channels of (image - baseline) times the mean gradient on the straight
    line between them, by Gauss-Legendre quadrature. The signed sum over all pixels is the logit
    minus that of the baseline. Pixels that equal the baseline get 0.

    Args:
        num_steps: points of the line. Defaults to 32.
        baseline: value of all pixels of the plain image, in the model's input (after
            preprocessing). Defaults to 0.

    References:
        Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017,
        https://arxiv.org/abs/1703.01365.
    """

    name = "integrated_gradients"
    is_grainy = True

    def __init__(self, num_steps: int = 32, baseline: float = 0.0):
        check_int("num_steps", num_steps)
        self.num_steps = int(num_steps)
        self.baseline = check_number("IntegratedGradients", "baseline", baseline)

    def attribute(self, trace: Trace) -> Attribution:
        images = trace.images
        gap = images - self.baseline
        nodes, weights = np.polynomial.legendre.leggauss(self.num_steps)
        places = tf.constant((nodes + 1) / 2, tf.float32)
        shares = tf.constant(weights / 2, tf.float32)

        def step(i: tf.Tensor, values: list[tf.Tensor]) -> list[tf.Tensor]:
            point = trace.again(self.baseline + places[i] * gap)
            return [values[0] + shares[i] * point.gradient(point.images)]

        [mean] = trace.repeat(self.num_steps, step, [tf.zeros_like(images)])
        description = {
            "layer": "image",
            "rule": f"mean gradient at {self.num_steps} points from {self.baseline:g} to the image",
            "reduction": "absolute sum over channels of difference times mean gradient",
        }
        return Attribution(tf.abs(tf.reduce_sum(gap * mean, axis=-1)), description)
