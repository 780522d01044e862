"""`FeatureViews`: which probes excite the channels of a layer most, and by which structure."""

import numpy as np
import tensorflow as tf

from keras_saliency.methods import DeconvNet, Trace
from keras_saliency.records import FeatureView

NUM_CHANNELS, NUM_PROBES = 8, 3  # of a layer, of a channel


class FeatureViews:
    """Looks at what layers have learned, as Zeiler & Fergus do.

    Of each layer the strongest channels are taken, those with the largest activation anywhere in
    any probe, and of each of these the probes that excite it most; their activation at its
    maximum position, all else 0, is projected back to the pixels by DeconvNet.

    Args:
        graph: `ModelGraph` of the model.
        layers: names of layers with a spatial output.

    Raises:
        ValueError: if there is no such layer, or DeconvNet cannot be had of it.

    References:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks,
        2014, https://arxiv.org/abs/1311.2901, section 4.1.
    """

    def __init__(self, graph, layers):
        methods = {layer: DeconvNet(layer=layer) for layer in layers}

        def find_maxima(forward):
            trace = Trace.of_layers(forward)
            found = [method.activation(trace).tensor for method in methods.values()]
            return [tf.reduce_max(t, axis=range(1, t.shape.rank - 1)) for t in found]

        def projecting(method):
            def project(forward, channels):
                return [method.project(Trace.of_layers(forward), channels)[0]]

            return project

        self._find_maxima = graph.function_of(find_maxima)
        channels = tf.TensorSpec((None,), tf.int64, name="channels")
        self._project = {
            layer: graph.function_of(projecting(method), channels)
            for layer, method in methods.items()
        }

    def look(self, images, others=()) -> tuple[FeatureView, ...]:
        """Looks at all layers as they are now.

        Args:
            images: array (n, H, W, C), as the model takes them.
            others: arrays (n, ...), the model's other inputs.

        Returns:
            A `FeatureView` for each layer. Channels that no probe excites are left out.
        """
        maxima = self._find_maxima(images, *others)
        return tuple(
            self._view(layer, values, images, others)
            for layer, values in zip(self._project, maxima, strict=True)
        )

    def _view(self, layer, maxima, images, others):
        best = maxima.max(axis=0)
        order = np.argsort(-best, kind="stable")[:NUM_CHANNELS]
        channels = order[best[order] > 0]
        probes = np.argsort(-maxima[:, channels], axis=0, kind="stable")[:NUM_PROBES].T
        rows, repeated = probes.ravel(), np.repeat(channels, probes.shape[1])
        signals = np.zeros((0, *images.shape[1:]), np.float32)
        if len(rows):
            given = [array[rows] for array in (images, *others)]
            signals = self._project[layer](*given, repeated.astype(np.int64))[0]
        return FeatureView(
            layer,
            channels,
            probes,
            maxima[probes, channels[:, None]],
            signals.reshape(*probes.shape, *images.shape[1:]),
        )
