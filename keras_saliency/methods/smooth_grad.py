"""SmoothGrad."""

import tensorflow as tf

from keras_saliency._utils.arguments import check_int
from keras_saliency.methods.base import Attribution, Method, check_number
from keras_saliency.methods.trace import Trace


class SmoothGrad(Method):
    """Vanilla gradients without their noise.

    The maximum over channels of the absolute mean of the gradients at copies of the image with
    normal noise. The noise is the same in every epoch and, apart from its size, for every image.
    Drawing it changes no random state.

    Args:
        num_samples: how many copies. Defaults to 25.
        noise: standard deviation, as a share of an image's largest value minus its smallest.
            Defaults to 0.15.

    References:
        Smilkov et al., SmoothGrad: removing noise by adding noise, 2017,
        https://arxiv.org/abs/1706.03825.
    """

    name = "smooth_grad"
    is_grainy = True

    def __init__(self, num_samples: int = 25, noise: float = 0.15):
        check_int("num_samples", num_samples)
        self.num_samples = int(num_samples)
        self.noise = check_number("SmoothGrad", "noise", noise, 0)

    def attribute(self, trace: Trace) -> Attribution:
        images = trace.images
        inside = tuple(range(1, images.shape.rank))
        span = tf.reduce_max(images, inside, True) - tf.reduce_min(images, inside, True)

        def step(i: tf.Tensor, values: list[tf.Tensor]) -> list[tf.Tensor]:
            drawn = tf.random.stateless_normal(images.shape[1:], tf.stack([0, i]))
            copy = trace.again(images + self.noise * span * drawn)
            return [values[0] + copy.gradient(copy.images)]

        [total] = trace.repeat(self.num_samples, step, [tf.zeros_like(images)])
        description = {
            "layer": "image",
            "rule": f"mean gradient of {self.num_samples} copies with {self.noise:.0%} noise",
            "reduction": "maximum over channels of the absolute mean",
        }
        return Attribution(tf.reduce_max(tf.abs(total), axis=-1) / self.num_samples, description)
