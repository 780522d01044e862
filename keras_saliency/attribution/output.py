"""From what a model returns to one score for each probe."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import keras
import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.attribution.checks import check_class_scores
from keras_saliency.attribution.logits import FUNCTION, NUMBER, WAY_OUT, Head, find_logits
from keras_saliency.attribution.losses import loss_wants
from keras_saliency.attribution.target import (
    CONTRAST,
    Target,
    contrast_weights,
    own_score,
    predicted_weights,
    weigh_logits,
)
from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.queries import ancestors, layer_name
from keras_saliency.tracing.spatial_maps import before_class_maps


@short_repr
@dataclass(frozen=True, eq=False)
class ModelOutput:
    """What a model's output means.

    Attributes:
        head: `Head`; its logits are float32 (n, k), for the user's own score (n, 1).
        score: float32 (n,), what is explained.
        weights: float32 (n, k), the weights of the logits in it; as given where the user's
            function computes the score.
        start: the tensor from which the search for the last maps begins.
        description: {keyword: text} of what is explained, for the settings page.
        notice: for the user, or "".
    """

    head: Head
    score: tf.Tensor
    weights: tf.Tensor
    start: tf.Tensor
    description: dict[str, str]
    notice: str = ""


def select_output(
    outputs: Any, wanted: str | int | None, model: keras.Model
) -> tuple[tf.Tensor, str | int, int]:
    """Returns one of a model's outputs, its name, and its number in the model's own order.

    Args:
        outputs: what the model returned.
        wanted: its name or number; None for the only one.
        model: the Keras model, which may know their names.

    Raises:
        ValueError: if there is no such output, or several and none is wanted.
    """
    named = _named(outputs, model)
    names = list(named)
    listed = ", ".join(f"{name!r}: {tuple(output.shape)}" for name, output in named.items())
    if wanted is None and len(names) > 1:
        raise ValueError(
            f'The model "{model.name}" must have one output, or be asked for one. Received: '
            f"{len(names)} outputs, {listed}. Pass output={names[0]!r} or another of these."
        )
    is_number = isinstance(wanted, int) and not isinstance(wanted, bool)
    if wanted is None:
        place = 0
    elif wanted in named:
        place = names.index(wanted)
    elif is_number and 0 <= cast(int, wanted) < len(names):
        place = cast(int, wanted)
    else:
        raise ValueError(
            f'output must be one of the outputs of the model "{model.name}". Received: {wanted!r}. '
            f"It has {listed}."
        )
    return named[names[place]], names[place], place


def _named(outputs: Any, model: keras.Model) -> dict[str | int, tf.Tensor]:
    """A model's outputs by name or number, in the model's own order."""
    if isinstance(outputs, dict):
        # What a call returns is in the order of the alphabet in some versions of Keras.
        order = list(_declared(model))
        if set(order) == set(outputs):
            outputs = {name: outputs[name] for name in order}
    flat = list(_flattened(outputs))
    names = [name for name, _ in flat]
    if not isinstance(outputs, dict):
        told = getattr(model, "output_names", None) or ()
        if len(set(told)) == len(flat):  # two outputs of one layer have one name
            names = list(told)
    return dict(zip(names, (tensor for _, tensor in flat), strict=True))


def _declared(model: keras.Model) -> dict[str, Any]:
    """The outputs of a functional model that has a dict of them."""
    try:
        declared = model.output
    except (AttributeError, ValueError):  # subclassed models have none
        return {}
    return declared if isinstance(declared, dict) else {}


def _flattened(outputs: Any, name: str = "") -> Iterator[tuple[str | int, tf.Tensor]]:
    """(name, tensor) of outputs in dicts, lists and tuples; names are joined by "/"."""
    if not isinstance(outputs, dict | list | tuple):
        yield name or 0, outputs
        return
    parts = outputs.items() if isinstance(outputs, dict) else enumerate(outputs)
    for key, part in parts:
        if not name and not isinstance(part, dict | list | tuple):
            yield key, part
        else:
            yield from _flattened(part, f"{name}/{key}" if name else str(key))


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
    output, head = _class_scores(forward, target)
    logits = head.logits
    if target.score == CONTRAST and head.has_classes:
        score, weights = weigh_logits(logits, contrast_weights(logits), predicted=None)
    else:  # of a number, what raises it
        predicted = predicted_weights(logits) if head.has_classes else tf.ones_like(logits)
        score, weights = weigh_logits(logits, weights, predicted if fill else None)
    description, notice = _describe(output, forward, head), _notice(output, forward, head)
    return ModelOutput(head, score, weights, logits, description, notice)


def read_logits(forward: ForwardPass, target: Target) -> Head:
    """Returns the `Head` of a model, where nothing is explained."""
    return _class_scores(forward, target)[1]


def _class_scores(forward: ForwardPass, target: Target) -> tuple[tf.Tensor, Head]:
    model = forward.model
    output, name, place = select_output(forward.output, target.output, model)
    check_class_scores(output, model)
    if target.is_regression and output.shape[1] == 1:
        return output, Head(NUMBER, tf.cast(output, tf.float32))
    return output, find_logits(output, lambda: loss_wants(model, name, place))


def _read_function(
    forward: ForwardPass, target: Target, weights: tf.Tensor, tensors: Sequence[tf.Tensor]
) -> ModelOutput:
    outputs, function = forward.output, cast(Callable, target.score)
    flat = tf.nest.flatten(outputs)
    if target.output is not None or len(flat) == 1:
        outputs = select_output(outputs, target.output, forward.model)[0]
        flat = [outputs]
    score = own_score(function, outputs, target.batch(forward.images, tensors))
    head = Head(FUNCTION, score[:, None])
    if len(flat) == 1 and outputs.shape.rank == 2:
        try:
            found = find_logits(outputs)
        except ValueError:  # names no class: the function's score stands for itself
            found = head
        head = found if found.kind in ("softmax", "sigmoid") else head
    before = ancestors([score])
    read = [output for output in flat if output.op.name in before]
    start = before_class_maps(read[0], score, forward) if len(read) == 1 else score
    name = getattr(target.score, "__name__", "function")
    description = {"taken from": f"the model's outputs by {name}"}
    return ModelOutput(head, score, weights, start, description)


def _describe(output: tf.Tensor, forward: ForwardPass, head: Head) -> dict[str, str]:
    name = f"output of {layer_name(output, forward)}"
    text = {
        "probability": f"{name} as it is, since its logits cannot be found",
        NUMBER: f"{name}, a number that names no class",
    }.get(head.kind, f"{name}, taken as logits (no softmax or sigmoid found)")
    if head.kind in ("softmax", "sigmoid"):
        text = f"logit before the {head.kind} of {layer_name(output, forward)}"
    return {"taken from": f"the {text}", "number of logits": str(head.logits.shape[1])}


def _notice(output: tf.Tensor, forward: ForwardPass, head: Head) -> str:
    """What the user should know about how an output was read, or ""."""
    if head.kind != "probability":
        return ""
    return (
        f"keras_saliency: no logits can be found behind {layer_name(output, forward)!r}, so the "
        "output is explained as it is, and a class is taken for predicted above 0.5. Such maps "
        f"fade where the model is certain. If that is not what you mean, pass {WAY_OUT}, a "
        "function that returns one score for each probe."
    )
