"""Runs a model once inside the graph being traced and notes what each layer did.

This works alike for Sequential, functional, nested and subclassed models,
because it looks at the calls and not at how the model was declared. The
model is left exactly as it was found, after an error too.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.tracing.keras_versions import (
    flatten_layers,
    has_call,
    infer_output,
    is_model,
    name_of_call,
    original_call,
    tracing,
)
from keras_saliency.tracing.replicas import first_replica

if TYPE_CHECKING:  # of the same rank
    from keras_saliency.probes.other_inputs import OtherInputs


@short_repr
@dataclass
class LayerCall:
    """One call of one layer.

    Attributes:
        layer: the Keras layer.
        path: names of the enclosing layers and of the layer itself, joined
            by "/"; the model's own name is left out.
        first_op, last_op: the graph's operations `first_op <= i < last_op`
            were created by this call.
        output: the tensor it returned, or None where it returned several.
    """

    layer: keras.layers.Layer
    path: str
    first_op: int
    last_op: int
    output: tf.Tensor | None


@short_repr
@dataclass
class ForwardPass:
    """The graph of one call `model(images, training=False)`.

    Attributes:
        model: the Keras model.
        images: float tensor (n, H, W, C), the graph's input.
        output: what the model returned: a tensor, or a structure of them.
        calls: every `LayerCall`, in the order in which the calls ended.
        hidden: paths of the layers that were called inside a function (tf.function, a loop, a
            branch), where no map can be taken.
    """

    model: keras.Model
    images: tf.Tensor
    output: Any
    calls: list[LayerCall] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    @property
    def ops(self) -> list[tf.Operation]:
        """All operations of the graph, in the order of their creation."""
        return self.images.graph.get_operations()


def run_forward(model: keras.Model, images: tf.Tensor, model_input: Any = None) -> ForwardPass:
    """Calls the model on `images` in the graph being traced.

    Args:
        model: a built Keras model.
        images: float32 placeholder (n, H, W, C) of the graph being traced.
        model_input: what the model is called on, where that is more than the images.

    Raises:
        ValueError: if the model cannot be called on that.
    """
    model_input = images if model_input is None else model_input
    forward = ForwardPass(model, images, None)
    with first_replica(model), tracing(model), _watched_calls(forward):
        forward.output = _called(
            lambda: model(model_input, training=False), images.shape[1:], model
        )
    return forward


def ensure_built(
    model: keras.Model, image_shape: tuple[int, ...], others: "OtherInputs | None" = None
) -> None:
    """Gives an unbuilt model its weights, as Keras does before the first batch: without running it.

    Running it would draw from its seeds and so change the training.

    Args:
        model: a Keras model.
        image_shape: (H, W, C).
        others: the `OtherInputs` that it takes as well, or None.

    Raises:
        ValueError: if the model cannot be called on such images.
    """
    if not all(layer.built for layer in flatten_layers(model)):
        _called(lambda: infer_output(model, image_shape, others), image_shape, model)


def _called(call: Callable[[], Any], image_shape: Sequence[int], model: keras.Model) -> Any:
    """Returns what a model's `call()` returns, or raises an error that says why it fails."""
    if not has_call(model):
        parts = [n for n, part in vars(model).items() if is_model(part) and not n.startswith("_")]
        part = f"self.{parts[0]}" if parts else "self.classifier"
        raise ValueError(
            f'The model "{model.name}" has no call(), so it has no outputs to explain. Received: '
            f"{type(model).__name__}. Write what it computes from images, such as "
            f"`def call(self, images): return {part}(images)`, or pass the part that you want "
            "explained."
        )
    try:
        return call()
    except Exception as error:
        raise ValueError(
            f'The model "{model.name}" cannot be called on the images. Received: images of shape '
            f"{tuple(image_shape)}. The model says: {type(error).__name__}: {_message_of(error)}. "
            "It is traced as a graph, as by predict(). If the shape does not fit, pass images of "
            "the size and the channels that the model was made for; if inputs are missing, pass "
            "all as a dict: ProbeSet({name: array})."
        ) from error


def _message_of(error: Exception) -> str:
    """An error's message without the colours and the list of arguments that Keras adds."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("Arguments received by")[0]
    return " ".join(message.split())[:500].rstrip(".")


@contextlib.contextmanager
def _watched_calls(forward: ForwardPass) -> Iterator[None]:
    """Notes each layer's calls by an instance attribute that shadows the method called."""
    stack: list[str] = []

    def watch(layer: keras.layers.Layer) -> Callable:
        original = original_call(layer)

        @tf.autograph.experimental.do_not_convert
        @functools.wraps(original)
        def noted(*args: Any, **kwargs: Any) -> Any:
            graph = tf.compat.v1.get_default_graph()
            first_op = graph.version
            stack.append(layer.name)
            try:
                output = original(*args, **kwargs)
                flat = tf.nest.flatten(output)
                single = flat[0] if len(flat) == 1 and tf.is_tensor(flat[0]) else None
                path = "/".join(stack)
                # A call inside an inner graph (tf.function, while_loop) cannot be differentiated.
                if tf.compat.v1.get_default_graph() is model_graph:
                    call = LayerCall(layer, path, first_op, graph.version, single)
                    forward.calls.append(call)
                else:
                    forward.hidden.append(path)
                return output
            finally:
                stack.pop()

        return noted

    model_graph = tf.compat.v1.get_default_graph()
    watched = []
    try:
        for layer in flatten_layers(forward.model)[1:]:
            name = name_of_call(layer)
            previous = vars(layer).get(name)
            wrapper = watch(layer)
            watched.append((layer, name, previous))
            object.__setattr__(layer, name, wrapper)
        yield
    finally:
        for layer, name, previous in watched:
            if previous is None:
                # vars(), because Keras's own __delattr__ would try to untrack the attribute.
                vars(layer).pop(name, None)
            else:
                object.__setattr__(layer, name, previous)
