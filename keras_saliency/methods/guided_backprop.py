"""Guided backpropagation."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method
from keras_saliency.methods.trace import Trace


class GuidedBackprop(Method):
    """Which image structure excites the features before the target class's logit.

    The backward pass in which a ReLU passes ReLU(signal) where its forward input was positive.
    It is nearly independent of the upper layers' weights (Adebayo et al. 2018,
    https://arxiv.org/abs/1810.03292; Nie et al. 2018, https://arxiv.org/abs/1805.07039): a view of
    image structure, not the reason for a decision.

    Raises:
        ValueError: once the model is known, if it has no ReLU, or one that cannot be reached.

    References:
        Springenberg et al., Striving for Simplicity, 2015, https://arxiv.org/abs/1412.6806.
    """

    name = "guided_backprop"
    is_grainy = True
    shows_weights = False

    def attribute(self, trace: Trace) -> Attribution:
        signal, description = guided_signal(trace, self)
        description["reduction"] = "maximum over channels of the absolute signal"
        return Attribution(tf.reduce_max(tf.abs(signal), axis=-1), description, signal)


def guided_signal(trace: Trace, method: Method) -> tuple[tf.Tensor, dict[str, str]]:
    """Returns the guided signal at the image, (n, H, W, C), and what there is to say about it."""
    signal = trace.gradient(trace.images, "guided")
    rectified = trace.rectified("guided")
    num_gates = trace.check_ruled(method, trace.score, "logits", rectified)
    rule = f"ReLU(signal) where the input was positive, at {len(rectified)} ReLU nodes"
    description = {"layer": "image", "rule": rule}
    if num_gates:
        description["note"] = f"{num_gates} gates relu6(x + 3) left as they are"
    return signal, description
