"""What the class activation maps have in common."""

from collections.abc import Sequence

import tensorflow as tf

from keras_saliency.methods.base import Attribution, Method, check_layer_name
from keras_saliency.methods.resizing import place_maps, resize_maps
from keras_saliency.methods.trace import Trace

_ADVICE = (
    "{} averages gradients over positions, but behind a Flatten layer each position has weights "
    "of its own. They cancel, so many maps can be empty although the model uses these places. "
    'HiResCAM does not average: methods="hires_cam"'
)


class ClassActivationMap(Method):
    """A weighted sum of a layer's activations; each method states its weights only.

    Args:
        layer: name of a layer with a spatial output (n, h, w, c), or with the tokens of a
            Vision Transformer (n, tokens, c), which are folded back into the image's grid
            without the class token. Defaults to None, the last spatial activation before the
            logits; where the logits depend on a class token, the input of the last attention.
    """

    reduction = ""
    averages_positions = False  # whether a channel has one weight for all positions

    def __init__(self, layer: str | None = None):
        self.layer = check_layer_name(type(self).__name__, layer)

    def weigh(self, activation: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        """Returns the map before its ReLU, (n, h, w).

        Args:
            activation: float tensor (n, h, w, c).
            gradient: float tensor (n, h, w, c), the gradient of the score by it.
        """
        raise NotImplementedError

    def attribute(self, trace: Trace) -> Attribution:
        maps = LayerMaps(trace, self.layer, type(self).__name__)
        sums = []
        for tensor, grid in maps.calls:
            both = (tensor, trace.gradient(tensor))
            # As float32, whatever the layer computes in: images and signals are float32.
            activation, gradient = (tf.cast(grid.fold(t), tf.float32) for t in both)
            sums.append(self.weigh(activation, gradient))
        cam = maps.attribution(sums, "plain gradient", self.reduction)
        if self.averages_positions and trace.is_flattened(maps.calls[-1][0]):
            cam.description["advice"] = _ADVICE.format(type(self).__name__)
        return cam


class LayerMaps:
    """A layer's maps, and where they belong in the image.

    A layer that is called several times, each time on another view of the image, has maps of each
    call: as in test-time augmentation, or where one network looks at several crops.

    Args:
        trace: the `Trace`.
        layer: the layer's name; None for the last spatial activation before the logits.
        asker: name of the method that asks, for errors.

    Attributes:
        calls: [(tensor that holds maps, its `Grid`)], one for each call.

    Raises:
        ValueError: if there is no such layer, it has no maps, or their place is not known.
    """

    def __init__(self, trace: Trace, layer: str | None, asker: str):
        self._found = trace.activation(layer, asker)
        self.calls = [*self._found.beside, (self._found.tensor, self._found.grid)]
        self._placements = trace.placements(self._found, asker)
        self._size = trace.images.shape[1:-1].as_list()

    def lay(self, maps: Sequence[tf.Tensor]) -> tf.Tensor:
        """Lays maps (n, h, w), one for each call, over the image, and returns their sum."""
        laid = [
            place_maps(of_call, placement, self._size)
            for of_call, placement in zip(maps, self._placements, strict=True)
        ]
        if len({tuple(of_call.shape[1:]) for of_call in laid}) > 1:
            laid = [resize_maps(of_call, self._size) for of_call in laid]
        return laid[0] if len(laid) == 1 else tf.add_n(laid)

    def attribution(self, sums: Sequence[tf.Tensor], rule: str, reduction: str) -> Attribution:
        """Returns the `Attribution` of a class activation map.

        Args:
            sums: float tensors (n, h, w), one for each call, before the ReLU. Of several calls,
                what speaks against the class in one is weighed against what speaks for it
                in another at the same place: the ReLU is of their sum.
            rule: how the weights are computed.
            reduction: how channels are summed.
        """
        is_one = len(sums) == 1  # resized as any Grad-CAM: after its ReLU
        heatmaps = self.lay([tf.nn.relu(sums[0])]) if is_one else tf.nn.relu(self.lay(sums))
        notes = [self._found.note]
        if len(sums) > 1:
            notes.append(f"the sum of {len(sums)} calls of this shared layer")
        if any(self._placements):
            notes.append("laid over the image where the model took it from")
        description = {"layer": self._found.layer, "rule": rule, "reduction": reduction}
        if any(notes):
            description["note"] = "; ".join(filter(None, notes))
        return Attribution(heatmaps, description)


def positions_of(maps: tf.Tensor) -> tuple[int, ...]:
    """Returns the spatial axes of maps (n, h, w, c)."""
    return tuple(range(1, maps.shape.rank - 1))
