"""What the graph of a `ModelGraph` computes: logits, probabilities and each method's maps."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from keras_saliency._utils.notify import notify
from keras_saliency.attribution.checks import note_half_precision
from keras_saliency.attribution.logits import UNSURE, probabilities_of
from keras_saliency.attribution.output import ModelOutput, read_output
from keras_saliency.attribution.target import CONTRAST, Target
from keras_saliency.methods.base import Method
from keras_saliency.methods.trace import Trace
from keras_saliency.tracing.forward_pass import ForwardPass

# Runs the model in the graph being traced, on images and the target's other tensors.
RunModel = Callable[[tf.Tensor, Sequence[tf.Tensor]], ForwardPass]


@dataclass(frozen=True)
class Resolved:
    """What tracing a model has found out about it.

    Attributes:
        num_classes: k, the number of logits; 1 for a one-unit head, and where the user scores.
        head: the kind of the `Head`.
        descriptions: {method, or "score": {keyword: text}}, what each means for this model.
    """

    num_classes: int
    head: str
    descriptions: dict[str, dict[str, str]]


def build_outputs(
    run_model: RunModel,
    target: Target,
    methods: Sequence[Method],
    predicts: bool,
    images: tf.Tensor,
    weights: tf.Tensor,
    tensors: Sequence[tf.Tensor],
) -> tuple[dict[str, tf.Tensor], Resolved]:
    """Builds the graph, in the graph being traced.

    Args:
        run_model: runs the model on images and `tensors`.
        target: what is explained.
        methods: the methods, whose names differ.
        predicts: whether predictions are computed too.
        images: float32 placeholder (n, H, W, C).
        weights: float32 placeholder (n, k), as `ModelGraph.attribute` takes them.
        tensors: placeholders of `target.arrays`.

    Returns:
        {name: tensor (n, ...)}: "logits" and "probabilities" where they are needed, each method's
        heatmaps under its name, and its signed attributions, if it has any, under
        `signal_name(name)`. And what was found out, `Resolved`.

    Raises:
        ValueError: if a method has no meaningful map for the model.
    """
    output, trace = _trace(run_model, target, images, weights, tensors, fill=predicts)
    note = note_half_precision(trace.forward)
    descriptions = {"score": output.description | ({"note": note} if note else {})}
    results = {}
    head = output.head
    if predicts or head.kind in UNSURE:  # probabilities in disguise are refused
        results["logits"] = head.logits
    if predicts:
        results["probabilities"] = probabilities_of(head)
    if output.notice:
        notify(output.notice)
    for method in methods:
        attribution = method.attribute(trace)
        descriptions[method.name] = attribution.description
        results[method.name] = tf.cast(attribution.heatmaps, tf.float32)
        if attribution.signal is not None:
            results[signal_name(method.name)] = tf.cast(attribution.signal, tf.float32)
    return results, Resolved(head.logits.shape[1], head.kind, descriptions)


def signal_name(method: str) -> str:
    """Returns under which name a method's signed attributions are."""
    return f"{method}/signal"  # a method's name holds no slash


def _trace(
    run_model: RunModel,
    target: Target,
    images: tf.Tensor,
    weights: tf.Tensor,
    tensors: Sequence[tf.Tensor],
    fill: bool,
) -> tuple[ModelOutput, Trace]:
    """Runs the model, and returns its output and what methods may ask of it."""
    forward = run_model(images, tensors)
    output = read_output(forward, target, weights, tensors, fill)
    if target.score == CONTRAST:  # on other images, of the two classes that were meant at first
        target = dataclasses.replace(target, score=None)

    def again(other_images: tf.Tensor) -> Trace:
        return _trace(run_model, target, other_images, output.weights, tensors, fill=False)[1]

    return output, Trace(forward, output.start, output.score, output.weights, again)
