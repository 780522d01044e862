"""From what a model returns to one score for each probe: its output, its logits, its head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import keras
import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.attribution.checks import check_class_scores
from keras_saliency.attribution.target import (
    CONTRAST,
    Target,
    contrast_weights,
    own_score,
    weigh_logits,
)
from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.hidden_ops import HiddenOps
from keras_saliency.tracing.queries import layer_name
from keras_saliency.tracing.spatial_maps import before_class_maps

FUNCTION = "function"  # the head of outputs that are no class scores, where the user scores them


@short_repr
@dataclass(frozen=True, eq=False)
class ModelOutput:
    """What a model's output means.

    Attributes:
        logits: float32 (n, k), the class scores before softmax or sigmoid; for other
            outputs, the user's score (n, 1).
        head: "softmax", "sigmoid", "linear" or "function".
        score: float32 (n,), what is explained.
        weights: float32 (n, k), the weights of the logits in it; as given where the user's
            function computes the score.
        start: the tensor from which the search for the last maps begins.
        description: {keyword: text} of what is explained, for the settings page.
    """

    logits: tf.Tensor
    head: str
    score: tf.Tensor
    weights: tf.Tensor
    start: tf.Tensor
    description: dict[str, str]

    @property
    def probabilities(self) -> tf.Tensor:
        """The probabilities, float32 (n, k)."""
        return probabilities_of(self.logits, self.head)


def probabilities_of(logits: tf.Tensor, head: str) -> tf.Tensor:
    """Returns the softmax of logits (n, k), or their sigmoid for sigmoid heads and for k = 1."""
    is_sigmoid = head == "sigmoid" or logits.shape[1] == 1
    return tf.sigmoid(logits) if is_sigmoid else tf.nn.softmax(logits)


def select_output(outputs: Any, wanted: str | int | None, model: keras.Model) -> tf.Tensor:
    """Returns one of a model's outputs.

    Args:
        outputs: what the model returned.
        wanted: its name or number; None for the only one.
        model: the Keras model, which may know their names.

    Raises:
        ValueError: if there is no such output, or several and none is wanted.
    """
    flat = tf.nest.flatten(outputs)
    if isinstance(outputs, dict):
        named = dict(outputs)
    else:
        names = getattr(model, "output_names", None) or ()
        is_telling = len(set(names)) == len(flat)  # two outputs of one layer have one name
        named = dict(zip(names if is_telling else range(len(flat)), flat, strict=True))
    listed = ", ".join(f"{name!r}: {tuple(output.shape)}" for name, output in named.items())
    if wanted is None:
        if len(flat) == 1:
            return flat[0]
        raise ValueError(
            f'The model "{model.name}" must have one output, or be asked for one. Received: '
            f"{len(flat)} outputs, {listed}. Pass output={next(iter(named))!r} or another of these."
        )
    if wanted in named:
        return named[wanted]
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(flat):
        return flat[wanted]
    raise ValueError(
        f'output must be one of the outputs of the model "{model.name}". Received: {wanted!r}. '
        f"It has {listed}."
    )


def read_output(
    forward: ForwardPass,
    target: Target,
    weights: tf.Tensor,
    tensors: Sequence[tf.Tensor],
    fill: bool,
) -> ModelOutput:
    """Finds the score of each probe in a traced model.

    Args:
        forward: the captured `ForwardPass`.
        target: `Target`.
        weights: float32 (n, k) placeholder, as `ModelGraph.attribute` takes them.
        tensors: placeholders of `target.arrays`.
        fill: whether an all-zero row of weights means the predicted class.

    Raises:
        ValueError: if there is no such output, or it gives no score.
    """
    if target.has_function:
        return _read_function(forward, target, weights, tensors)
    output, logits, head = _class_scores(forward, target)
    if target.score == CONTRAST:
        score, weights = weigh_logits(logits, contrast_weights(logits), fill=False)
    else:
        score, weights = weigh_logits(logits, weights, fill)
    description = _describe(output, forward, head, logits)
    return ModelOutput(logits, head, score, weights, logits, description)


def read_logits(forward: ForwardPass, target: Target) -> tuple[tf.Tensor, str]:
    """Returns the class scores (n, k) and their head, where nothing is explained."""
    return _class_scores(forward, target)[1:]


def _class_scores(forward: ForwardPass, target: Target) -> tuple[tf.Tensor, tf.Tensor, str]:
    output = select_output(forward.output, target.output, forward.model)
    check_class_scores(output, forward.model)
    logits, head = find_logits(output)
    return output, tf.cast(logits, tf.float32), head


def _read_function(
    forward: ForwardPass, target: Target, weights: tf.Tensor, tensors: Sequence[tf.Tensor]
) -> ModelOutput:
    outputs, function = forward.output, cast(Callable, target.score)
    flat = tf.nest.flatten(outputs)
    if target.output is not None or len(flat) == 1:
        outputs = select_output(outputs, target.output, forward.model)
        flat = [outputs]
    score = own_score(function, outputs, target.batch(forward.images, tensors))
    logits, head = score[:, None], FUNCTION
    if len(flat) == 1 and outputs.shape.rank == 2:
        try:
            found, kind = find_logits(outputs)
        except ValueError:  # hidden: the function's score stands for itself
            kind = "linear"
        if kind != "linear":
            logits, head = tf.cast(found, tf.float32), kind
    start = score if len(flat) > 1 else before_class_maps(outputs, score, forward)
    name = getattr(target.score, "__name__", "function")
    description = {"score": f"{name} of the model's outputs"}
    return ModelOutput(logits, head, score, weights, start, description)


def _describe(
    output: tf.Tensor, forward: ForwardPass, head: str, logits: tf.Tensor
) -> dict[str, str]:
    layer = layer_name(output, forward)
    if head == "linear":
        logit = f"output of {layer}, taken as logits (no softmax or sigmoid found)"
    else:
        logit = f"logit before the {head} of {layer}"
    return {"logits": logit, "number": str(logits.shape[1])}


# Ops that hand a value on: what lies before them is the same score or the same map.
_SCORE_KEEPING = {"Cast", "Identity", "Reshape", "Squeeze", "ExpandDims"}


_HEADS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}


def find_logits(output: tf.Tensor) -> tuple[tf.Tensor, str]:
    """Returns the scores before softmax or sigmoid, and which of the two follows.

    Args:
        output: the model's output (n, k).

    Returns:
        The logits (n, k), and "softmax", "sigmoid" or "linear"; "linear" where
        neither is found, so that the output itself is taken as logits.

    Raises:
        ValueError: if a softmax or sigmoid may be hidden in a function that the graph calls.
    """
    tensor = output
    while tensor.op.type in _SCORE_KEEPING:
        tensor = tensor.op.inputs[0]
    head = _HEADS.get(tensor.op.type)
    if head is None:
        if HiddenOps(output.graph).holds(tensor.op.node_def, _HEADS):
            raise ValueError(
                "The logits cannot be found: the model's output comes out of a tf.function, a loop "
                "or a branch that hides its softmax or sigmoid. Take the @tf.function off the "
                "model's call (Keras compiles it anyway), or let the model end in a Softmax layer."
            )
        return output, "linear"
    logits = tensor.op.inputs[0]
    if logits.shape.rank != output.shape.rank:  # a Reshape stood between
        logits = tf.ensure_shape(tf.reshape(logits, tf.shape(output)), output.shape)
    return logits, head
