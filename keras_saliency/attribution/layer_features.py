"""`FeatureViews`: which probes excite a layer's channels most, and which structure does."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import DeconvNet, Trace
from keras_saliency.records import FeatureView
from keras_saliency.tracing.forward_pass import ForwardPass

NUM_CHANNELS, NUM_PROBES = 8, 3  # of a layer, of a channel


class FeatureViews:
    """Shows what layers have learned, as Zeiler & Fergus do.

    A layer's strongest channels are those with the largest activation anywhere in any probe. For
    each of them, and each of the probes that excite it most, the activation at its maximum, all
    else 0, is projected back to the pixels by DeconvNet.

    Args:
        graph: `ModelGraph` of the model.
        layers: names of layers with a spatial output.

    Raises:
        ValueError: if there is no such layer, or DeconvNet does not apply to it.

    References:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks,
        2014, https://arxiv.org/abs/1311.2901, section 4.1.
    """

    def __init__(self, graph: ModelGraph, layers: Sequence[str]):
        methods = {layer: DeconvNet(layer=layer) for layer in layers}

        def find_maxima(forward: ForwardPass) -> dict[str, tf.Tensor]:
            trace = Trace.of_layers(forward)
            found = {layer: method.activation(trace).tensor for layer, method in methods.items()}
            return {
                layer: tf.reduce_max(tensor, axis=range(1, tensor.shape.rank - 1))
                for layer, tensor in found.items()
            }

        self._find_maxima = graph.function_of(find_maxima)
        channels = tf.TensorSpec((None,), tf.int64, name="channels")
        self._project = {
            layer: graph.function_of(_projecting(method), channels)
            for layer, method in methods.items()
        }

    def look(
        self, images: np.ndarray, others: Sequence[np.ndarray] = ()
    ) -> tuple[FeatureView, ...]:
        """Computes the views of all layers as they are now.

        Args:
            images: array (n, H, W, C), as the model takes them.
            others: arrays (n, ...), the model's other inputs.

        Returns:
            A `FeatureView` for each layer. Channels that no probe excites are missing.
        """
        maxima = self._find_maxima(images, *others)
        return tuple(self._view(layer, maxima[layer], images, others) for layer in self._project)

    def _view(
        self, layer: str, maxima: np.ndarray, images: np.ndarray, others: Sequence[np.ndarray]
    ) -> FeatureView:
        best = maxima.max(axis=0)
        order = np.argsort(-best, kind="stable")[:NUM_CHANNELS]
        channels = order[best[order] > 0]
        probes = np.argsort(-maxima[:, channels], axis=0, kind="stable")[:NUM_PROBES].T
        rows, repeated = probes.ravel(), np.repeat(channels, probes.shape[1])
        signals = np.zeros((0, *images.shape[1:]), np.float32)
        if len(rows):
            given = [array[rows] for array in (images, *others)]
            signals = self._project[layer](*given, repeated.astype(np.int64))["signal"]
        return FeatureView(
            layer,
            channels,
            probes,
            maxima[probes, channels[:, None]],
            signals.reshape(*probes.shape, *images.shape[1:]),
        )


def _projecting(method: DeconvNet) -> Callable[..., dict[str, tf.Tensor]]:
    """Returns what builds a method's projection of one channel for each image."""

    def project(forward: ForwardPass, channels: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"signal": method.project(Trace.of_layers(forward), channels)[0]}

    return project
