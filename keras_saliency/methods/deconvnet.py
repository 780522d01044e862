"""DeconvNet."""

import numpy as np
import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method, check_layer_name
from keras_saliency.methods.trace import Trace
from keras_saliency.tracing.layer_selection import SpatialActivation


class DeconvNet(Method):
    """Which image structure the features before a logit or a layer stand for.

    The backward pass in which every ReLU passes ReLU(signal), whatever its
    forward value was: below zero, and above the cap of a ReLU6 or of any
    other ReLU(max_value=...). It is nearly independent of the upper layers' weights
    (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292), so read it as a
    view of image structure and not as the reason for a decision.

    Args:
        layer: None to start from the target class's logit; or the name of a
            layer with a spatial output, to project one of its activations:
            the signal starts as that activation at its maximum position, all
            else 0. Defaults to None.
        channel: with `layer`, the channel to project: an int, or
            "strongest", the channel with the largest maximum, chosen for each
            probe. Defaults to "strongest".

    Raises:
        ValueError: once the model is known, if it has no ReLU, if one of its
            ReLUs cannot be rectified, or if the signal of a logit does not
            depend on the image (it does so through max-pooling only:
            Springenberg et al. 2015, https://arxiv.org/abs/1412.6806).

    References:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks,
        2014, https://arxiv.org/abs/1311.2901. That the gradient of
        max-pooling is their unpooling, and that of a convolution their transposed
        filtering: Simonyan et al. 2013, section 4. Their contrast
        normalisation and their training are left out.
    """

    name = "deconvnet"
    is_grainy = True
    shows_weights = False

    def __init__(self, layer: str | None = None, channel: str | int = "strongest"):
        is_index = isinstance(channel, int | np.integer) and not isinstance(channel, bool)
        if not (channel == "strongest" if isinstance(channel, str) else is_index and channel >= 0):
            raise ValueError(
                f'DeconvNet(channel=...) must be "strongest" or an int >= 0. Received: {channel!r}.'
            )
        if layer is None and channel != "strongest":
            raise ValueError(
                f"DeconvNet(channel={channel!r}) needs a layer. Pass layer=... as well; without "
                "it the signal starts from a logit."
            )
        self.layer = check_layer_name("DeconvNet", layer)
        self.channel = channel

    def settings(self) -> dict[str, object]:
        return {"layer": self.layer, "channel": self.channel if self.layer else None}

    def attribute(self, trace: Trace) -> Attribution:
        if self.layer is None:
            source, note = "logits", ""
            signal = trace.gradient(trace.images, "deconvnet")
            rectified = trace.rectified("deconvnet")
            num_gates = trace.check_ruled(self, trace.score, source, rectified)
            if not trace.depends_on_images(signal):
                raise ValueError(
                    "DeconvNet() would draw the same map for every image of a class: from a logit "
                    "its signal depends on the image only through max-pooling, which this model "
                    "has none of. Use DeconvNet(layer=...), which projects a layer's strongest "
                    'activation, or use "grad_cam" or "vanilla_gradients".'
                )
        else:
            found = self.activation(trace)
            source, note = found.layer, found.note
            if found.beside and not note:
                note = f"the last of {1 + len(found.beside)} calls of this shared layer"
            signal, rectified, num_gates = self.project(trace, self._channels(found.tensor))
        description = {
            "layer": source,
            "rule": f"ReLU(signal) at {len(rectified)} ReLU nodes",
            "reduction": "maximum over channels of the absolute signal",
        }
        if self.layer is not None:
            description["channel"] = str(self.channel)
        gates = f"{num_gates} gates relu6(x + 3) left as they are" if num_gates else ""
        if note or gates:
            description["note"] = "; ".join(filter(None, (note, gates)))
        return Attribution(tf.reduce_max(tf.abs(signal), axis=-1), description, signal)

    def activation(self, trace: Trace) -> SpatialActivation:
        """Returns the `SpatialActivation` of the layer.

        Raises:
            ValueError: if there is no such layer, or it has no maps.
        """
        found = trace.activation(self.layer, "DeconvNet")
        if found.grid.first_token is not None:
            raise ValueError(
                f'{self!r} needs a layer with a spatial output (n, h, w, c), but "{found.layer}" '
                "outputs the tokens of a transformer, which are no rectified features. Use "
                '"grad_cam" or "vanilla_gradients".'
            )
        return found

    def project(self, trace: Trace, channels: tf.Tensor) -> tuple[tf.Tensor, set[str], int]:
        """Sends a channel's activation at its maximum, all else 0, back to the images.

        Args:
            trace: `Trace`.
            channels: int64 tensor (n,), the channel of each probe.

        Returns:
            The signal (n, H, W, C), the names of the ReLU nodes rectified, and the number of
            gates that are left as they are.

        Raises:
            ValueError: if DeconvNet does not apply to the layer.
        """
        found = self.activation(trace)
        start = _at_maximum(found.tensor, channels)
        signal, rectified = trace.projection(found.tensor, start, "deconvnet")
        gates = trace.check_ruled(self, found.tensor, found.layer, rectified)
        return signal, rectified, gates

    def _channels(self, activation: tf.Tensor) -> tf.Tensor:
        num_channels = activation.shape[-1]
        if not isinstance(self.channel, str):
            if self.channel >= num_channels:
                raise ValueError(
                    f'{self!r} is out of range: "{self.layer}" has {num_channels} channels, '
                    f"0 ... {num_channels - 1}."
                )
            return tf.fill(tf.shape(activation)[:1], tf.constant(self.channel, tf.int64))
        positions = tuple(range(1, activation.shape.rank - 1))
        return tf.argmax(tf.reduce_max(activation, axis=positions), axis=1)


def _at_maximum(activation: tf.Tensor, channels: tf.Tensor) -> tf.Tensor:
    """The activation (n, h, w, c) at the maximum of each probe's channel, all else 0."""
    num_channels, num_positions = activation.shape[-1], int(np.prod(activation.shape[1:-1]))
    by_position = tf.reshape(activation, (-1, num_positions, num_channels))
    position = tf.argmax(tf.gather(by_position, channels, axis=2, batch_dims=1), axis=1)
    at_position = tf.one_hot(position, num_positions, dtype=activation.dtype)[:, :, None]
    at_channel = tf.one_hot(channels, num_channels, dtype=activation.dtype)[:, None, :]
    return activation * tf.reshape(at_position * at_channel, tf.shape(activation))
