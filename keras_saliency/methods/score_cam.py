"""Score-CAM."""

import tensorflow as tf

from keras_saliency._utils.arguments import check_int
from keras_saliency.methods.base import Attribution, Method, check_layer_name
from keras_saliency.methods.cam import LayerMaps, positions_of
from keras_saliency.methods.resizing import resize_maps
from keras_saliency.methods.trace import Trace


class ScoreCAM(Method):
    """Where the features lie that bring about the target class on their own, without gradients.

    ReLU(sum over k of alpha_k * A_k), with A the activation of `layer`, and alpha the softmax over
    channels of the logit of the image times A_k, resized to the image and stretched to 0 ... 1. A
    constant channel has no weight. Costs one forward pass for each channel.
    (tf-keras-vis takes the softmax over classes instead.)

    Args:
        layer: as of `GradCAM`.
        max_channels: how many channels are tried: in each image those that vary most. Defaults
            to None, all, as in the paper.

    References:
        Wang et al., Score-CAM, 2020, https://arxiv.org/abs/1910.01279, algorithm 1.
    """

    name = "score_cam"

    def __init__(self, layer: str | None = None, max_channels: int | None = None):
        self.layer = check_layer_name("ScoreCAM", layer)
        if max_channels is not None:
            check_int("max_channels", max_channels)
        self.max_channels = max_channels

    def attribute(self, trace: Trace) -> Attribution:
        maps, images = LayerMaps(trace, self.layer, "ScoreCAM"), trace.images
        activations = [
            tf.stop_gradient(tf.cast(grid.fold(tensor), tf.float32)) for tensor, grid in maps.calls
        ]
        num_channels = activations[0].shape[-1]
        if self.max_channels is not None and self.max_channels < num_channels:
            num_channels = self.max_channels
            spread = tf.add_n(
                [tf.math.reduce_variance(a, axis=positions_of(a)) for a in activations]
            )
            chosen = tf.math.top_k(spread, num_channels).indices
            activations = [tf.gather(a, chosen, axis=-1, batch_dims=1) for a in activations]
        by_channel = [
            tf.transpose(a, [a.shape.rank - 1, *range(a.shape.rank - 1)]) for a in activations
        ]
        size = images.shape[1:-1]
        inside = tuple(range(1, images.shape.rank - 1))

        def step(i: tf.Tensor, values: list[tf.Tensor]) -> list[tf.Tensor]:
            mask = resize_maps(maps.lay([of_call[i] for of_call in by_channel]), size)
            low = tf.reduce_min(mask, inside, True)
            span = tf.reduce_max(mask, inside, True) - low
            unit = tf.math.divide_no_nan(mask - low, span)
            score = trace.again(images * unit[..., None]).score
            score = tf.where(tf.reshape(span, [-1]) > 0, score, tf.fill(score.shape, -float("inf")))
            return [tf.tensor_scatter_nd_update(values[0], [[i]], [score])]

        start = tf.zeros((num_channels, images.shape[0]), tf.float32)
        [scores] = trace.repeat(num_channels, step, [start])
        shifted = scores - tf.reduce_max(scores, axis=0, keepdims=True)
        alpha = tf.where(tf.math.is_finite(shifted), tf.exp(shifted), tf.zeros_like(shifted))
        alpha = tf.math.divide_no_nan(alpha, tf.reduce_sum(alpha, axis=0, keepdims=True))
        alpha = tf.reshape(alpha, [*alpha.shape, *[1] * (images.shape.rank - 2)])
        sums = [tf.reduce_sum(alpha * of_call, axis=0) for of_call in by_channel]
        rule = f"logits of {num_channels} masked images"
        return maps.attribution(sums, rule, "ReLU of the sum over channels, weighed by softmax")
