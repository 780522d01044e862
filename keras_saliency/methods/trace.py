"""`Trace`: a traced model, and what a method may ask of it."""

from collections.abc import Callable

import tensorflow as tf

from keras_saliency.tracing.flattening import is_flattened
from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.geometry.parts import Geometry
from keras_saliency.tracing.geometry.placement import Placement, find_placement
from keras_saliency.tracing.geometry.walk import find_geometry
from keras_saliency.tracing.layer_selection import (
    SpatialActivation,
    find_activation,
    last_spatial_activation,
)
from keras_saliency.tracing.queries import ancestors, inside_custom_gradient, layer_name
from keras_saliency.tracing.relu_rules import find_relu_nodes, find_unrectified, ruled_gradients
from keras_saliency.tracing.transformers import last_attention

Step = Callable[[tf.Tensor, list[tf.Tensor]], list[tf.Tensor]]


class Trace:
    """A model's forward pass, and the gradients that methods ask for.

    Attributes:
        forward: the captured `ForwardPass`.
        start: the tensor from which the search for the last maps begins, usually the logits (n, k).
        score: float tensor (n,), what is explained of each probe.
        target_weights: float tensor (n, k), the weights of the logits in it.
    """

    def __init__(
        self,
        forward: ForwardPass,
        start: tf.Tensor,
        score: tf.Tensor,
        target_weights: tf.Tensor,
        again: Callable[[tf.Tensor], "Trace"] | None = None,
    ):
        self._again = again
        self.forward = forward
        self.start = start
        self.score = score
        self.target_weights = target_weights
        self._gradients: dict[tuple[int, str], tf.Tensor] = {}
        self._rectified: dict[str, set[str]] = {}
        self._geometry: dict[str, Geometry] | None = None  # found when it is first asked for

    @classmethod
    def of_layers(cls, forward: ForwardPass) -> "Trace":
        """Returns a trace for questions about layers, which has no score."""
        return cls(forward, tf.nest.flatten(forward.output)[0], None, None)

    @property
    def images(self) -> tf.Tensor:
        """The graph's input, float32 (n, H, W, C)."""
        return self.forward.images

    def again(self, images: tf.Tensor) -> "Trace":
        """Runs the model once more, on other images; the score is of the same classes.

        Called inside `repeat`, it is compiled once, however often it is run.
        """
        if self._again is None:
            raise ValueError("this trace has no model to run again")
        return self._again(images)

    def repeat(self, number: int, step: Step, start: list[tf.Tensor]) -> list[tf.Tensor]:
        """Runs `step(i, values)`, which returns new values, for i = 0 ... number - 1.

        The steps run one after the other, so that memory does not grow with `number`.

        Args:
            number: how many times.
            step: function of an int32 tensor and a list of tensors, to such a list.
            start: the list at first; shapes must not change.
        """

        def body(i: tf.Tensor, *values: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return (i + 1, *step(i, list(values)))

        results = tf.while_loop(
            lambda i, *_: i < number, body, (tf.constant(0), *start), parallel_iterations=1
        )
        return list(results[1:])

    def activation(self, layer: str | None, asker: str) -> SpatialActivation:
        """Returns the `SpatialActivation` of a layer.

        Args:
            layer: the layer's name; None for the last spatial activation before the logits.
            asker: the method's name, for errors.

        Raises:
            ValueError: if there is no such layer, or it has no maps.
        """
        if layer is None:
            return last_spatial_activation(self.start, self.forward, asker)
        return find_activation(layer, self.start, self.forward, asker)

    def is_flattened(self, maps: tf.Tensor) -> bool:
        """Whether the model weighs each position of these maps on its own, as behind Flatten."""
        return is_flattened(maps, self.start, self.forward)

    def placements(self, found: SpatialActivation, asker: str) -> list[Placement | None]:
        """Returns where the maps of each of a layer's calls belong in the image.

        Args:
            found: the layer's `SpatialActivation`.
            asker: the method's name, for errors.

        Returns:
            A `Placement` for each call, that of `found.tensor` last; None where maps cover the
            image from end to end.

        Raises:
            ValueError: if pixels were moved by amounts that are not known.
        """
        if self._geometry is None:
            self._geometry = find_geometry(self.forward)
        return [
            find_placement(tensor, grid, self._geometry, self.forward, asker, found.layer)
            for tensor, grid in (*found.beside, (found.tensor, found.grid))
        ]

    def gradient(self, of: tf.Tensor, rule: str = "plain") -> tf.Tensor:
        """Returns the gradient of the score by `of` under a ReLU rule, built once.

        Raises:
            ValueError: if the score does not depend on `of` differentiably.
        """
        key = (id(of), rule)
        if key not in self._gradients:
            gradients, self._rectified[rule] = ruled_gradients(self.score, [of], rule)
            self._gradients[key] = self._connected(gradients[0], of)
        return self._gradients[key]

    def projection(self, of: tf.Tensor, start: tf.Tensor, rule: str) -> tuple[tf.Tensor, set[str]]:
        """Sends the signal `start` from the activation `of` back to the images."""
        gradients, rectified = ruled_gradients(of, [self.images], rule, start)
        return self._connected(gradients[0], self.images), rectified

    def rectified(self, rule: str) -> set[str]:
        """Names of the ReLU nodes that `rule` was applied to, once `gradient` was called."""
        return self._rectified[rule]

    def relu_nodes(self, score: tf.Tensor) -> tuple[list[str], int]:
        """Names of the ReLU nodes before `score`, and the number of gates among them."""
        return find_relu_nodes(self.forward, score)

    def unrectified(self, score: tf.Tensor, rectified: set[str]) -> list[str]:
        """Names of the layers before `score` that act as a ReLU and are not `rectified`."""
        return find_unrectified(self.forward, score, rectified)

    def check_ruled(
        self, method: object, score: tf.Tensor, source: str, rectified: set[str]
    ) -> int:
        """Refuses models to which a ReLU rule cannot be applied, or not at every ReLU.

        Returns:
            How many gates relu6(x + 3) keep their plain gradient.

        Raises:
            ValueError: if a ReLU between the image and `score` cannot be reached, if there is
                none, or if there is attention.
        """
        nodes, num_gates = self.relu_nodes(score)
        unrectified = self.unrectified(score, rectified)
        if unrectified:
            raise ValueError(
                f"{method!r} must rectify every ReLU between the image and {source}, but it cannot "
                f"reach: {', '.join(unrectified)}. PReLU, ReLU(threshold=...), max(x, 0), custom "
                "gradients and ReLUs inside a tf.function or a SavedModel cannot be rectified. "
                'Write them as keras.layers.ReLU, or use "grad_cam" or "vanilla_gradients".'
            )
        if self.has_attention(score):
            raise ValueError(
                f"{method!r} has no rule for attention, which multiplies features by features, and "
                f"there is some between the image and {source}. Use "
                '"grad_cam" or "vanilla_gradients" for transformers.'
            )
        if not nodes:
            raise ValueError(
                f"{method!r} needs a ReLU to rectify, but there is none between the image and "
                f'{source}. Use "grad_cam" or "vanilla_gradients" for this model.'
            )
        return num_gates

    def has_attention(self, score: tf.Tensor) -> bool:
        """Whether products of features of the image stand before `score`."""
        return last_attention(score, self.forward) is not None

    def depends_on_images(self, signal: tf.Tensor) -> bool:
        """Whether a signal depends on the images other than by shapes and the target class."""
        stop = frozenset({self.target_weights.op.name})
        return self.images.op.name in ancestors([signal], stop)

    def _connected(self, gradient: tf.Tensor | None, of: tf.Tensor) -> tf.Tensor:
        if gradient is None:
            name = layer_name(of, self.forward)
            if any(of.op.name in inside_custom_gradient(op) for op in self.forward.ops):
                raise ValueError(
                    f'No gradient comes to "{name}": it is inside a function with a gradient of '
                    "its own (keras.remat, tf.recompute_grad, tf.custom_gradient). Name a layer "
                    "outside, or replace keras.remat by a keras.RematScope around the layers, "
                    "which is left out for the maps."
                )
            raise ValueError(
                f"The score does not depend differentiably on {name!r}: "
                "no gradient leads there. Look for a stop_gradient, a cast to integers, or a "
                "layer that is not on the way from the image to the class scores. Let the model "
                "return the logits before them, too, and pass output= or a target function."
            )
        return tf.convert_to_tensor(gradient)
