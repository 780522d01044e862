"""Runs a model once inside the graph being traced and notes what each layer did.

This works alike for Sequential, functional, nested and subclassed models,
because it looks at the calls and not at how the model was declared. The
model is left exactly as it was found, after an error too.
"""

import contextlib
import functools
import re
from dataclasses import dataclass, field

import keras
import tensorflow as tf

from keras_saliency.distribution import first_replica
from keras_saliency.engines import flatten_layers, infer_output, original_call, tracing


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


@dataclass
class ForwardPass:
    """The graph of one call `model(images, training=False)`.

    Attributes:
        images: float tensor (n, H, W, C), the graph's input.
        output: float tensor, what the model returned.
        calls: every `LayerCall`, in the order in which the calls ended.
    """

    images: tf.Tensor
    output: tf.Tensor
    calls: list[LayerCall] = field(default_factory=list)

    @property
    def ops(self) -> list[tf.Operation]:
        """All operations of the graph, in the order of their creation."""
        return self.images.graph.get_operations()


def run_forward(model: keras.Model, images: tf.Tensor) -> ForwardPass:
    """Calls the model on `images` in the graph being traced.

    Args:
        model: a built Keras model with one output.
        images: float32 placeholder (n, H, W, C) of the graph being traced.

    Raises:
        ValueError: if the model has several outputs, or cannot be called on
            one image tensor.
    """
    calls: list[LayerCall] = []
    with first_replica(model), tracing(model), _watched_calls(model, calls):
        output = only_output(lambda: model(images, training=False), images.shape[1:], model.name)
    return ForwardPass(images, output, calls)


def ensure_built(model: keras.Model, image_shape: tuple[int, int, int]) -> None:
    """Gives an unbuilt model its weights, as Keras does before the first batch: without running it.

    Running it would draw from its seeds and so change the training.

    Raises:
        ValueError: if the model has several outputs, or cannot be called on one image tensor.
    """
    if all(layer.built for layer in flatten_layers(model)):
        return
    only_output(functools.partial(infer_output, model, image_shape), image_shape, model.name)


def only_output(call, image_shape: tuple[int, int, int], name: str):
    """Returns the only output of a model's `call()`, or says why there is none."""
    try:
        output = call()
    except Exception as error:
        raise ValueError(
            f'The model "{name}" cannot be called on the images. Received: images of shape '
            f"{tuple(image_shape)}. Pass images of the size and the channels that the model "
            f"was made for; models with several inputs are not supported. The model's own words: "
            f"{type(error).__name__}: {_own_words(error)}"
        ) from error
    outputs = tf.nest.flatten(output)
    if len(outputs) != 1:
        shapes = ", ".join(str(tuple(o.shape)) for o in outputs)
        raise ValueError(
            f'The model "{name}" must have one output. Received: {len(outputs)} outputs of '
            f"shapes {shapes}. Pass a model that ends in the class scores only, such as "
            f"keras.Model(model.input, model.output[...])."
        )
    return outputs[0]


def _own_words(error):
    """An error's message without the colours and the list of arguments that Keras adds."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("Arguments received by")[0]
    return " ".join(message.split())[:500]


@contextlib.contextmanager
def _watched_calls(model, calls):
    """Notes each layer's calls by an instance attribute that shadows `call`."""
    stack: list[str] = []

    def watch(layer):
        original = original_call(layer)

        @tf.autograph.experimental.do_not_convert
        @functools.wraps(original)
        def noted(*args, **kwargs):
            graph = tf.compat.v1.get_default_graph()
            first_op = graph.version
            stack.append(layer.name)
            try:
                output = original(*args, **kwargs)
                flat = tf.nest.flatten(output)
                single = flat[0] if len(flat) == 1 and tf.is_tensor(flat[0]) else None
                # A call inside an inner graph (tf.function, while_loop) cannot be differentiated.
                if tf.compat.v1.get_default_graph() is model_graph:
                    calls.append(LayerCall(layer, "/".join(stack), first_op, graph.version, single))
                return output
            finally:
                stack.pop()

        return noted

    model_graph = tf.compat.v1.get_default_graph()
    watched = []
    try:
        for layer in flatten_layers(model)[1:]:
            previous = vars(layer).get("call")
            wrapper = watch(layer)
            watched.append((layer, previous))
            object.__setattr__(layer, "call", wrapper)
        yield
    finally:
        for layer, previous in watched:
            if previous is None:
                # vars(), because Keras's own __delattr__ would try to untrack the attribute.
                vars(layer).pop("call", None)
            else:
                object.__setattr__(layer, "call", previous)
