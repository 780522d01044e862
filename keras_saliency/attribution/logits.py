"""What an output means: the scores of classes before softmax or sigmoid, however it was made."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import tensorflow as tf

from keras_saliency.attribution.log_odds import LogOdds
from keras_saliency.attribution.losses import NUMBERS, PROBABILITIES
from keras_saliency.attribution.thresholds import find_score
from keras_saliency.tracing.values import Values

FUNCTION, NUMBER = "function", "number"  # kinds of heads that name no class
UNSURE = ("linear", "hidden")  # may turn out to be probabilities
WAY_OUT = "target=lambda outputs, probes: outputs[:, 1]"


@dataclass(frozen=True)
class Head:
    """How an output names classes.

    Attributes:
        kind: "softmax" or "sigmoid" where the logits were found; "probability" where the output
            is explained as it is; "linear" where it is taken for logits; "hidden" where it is,
            because what computes it cannot be looked into; "number" where it names no class;
            "function" where the user's function scores it.
        logits: float32 (n, k), or the user's own score (n, 1). The class with the highest one is
            predicted; where k = 1, and in multi-label tasks, a class whose logit is positive.
        probabilities: float32 (n, k), or None where they are those of the logits.
    """

    kind: str
    logits: tf.Tensor
    probabilities: tf.Tensor | None = None

    @property
    def has_classes(self) -> bool:
        """Whether the output names classes."""
        return self.kind not in (FUNCTION, NUMBER)


def probabilities_of(head: Head) -> tf.Tensor:
    """Returns float32 (n, k) in [0, 1]: what the output says, or what its logits do."""
    if head.probabilities is not None:
        return head.probabilities
    is_softmax = head.kind not in ("sigmoid", NUMBER) and head.logits.shape[1] > 1
    return tf.nn.softmax(head.logits) if is_softmax else tf.sigmoid(head.logits)


def find_logits(output: tf.Tensor, ask_loss: Callable[[], str | None] = lambda: None) -> Head:
    """Finds what an output means.

    The logits are looked for behind whatever follows them: softmax and sigmoid, written in any
    way, clipping, scaling, rounding, 1 - p, averages and products of several models, heads put
    side by side, custom gradients, and a `tf.function`.

    Args:
        output: the model's output (n, k).
        ask_loss: returns what the loss takes it for, as `loss_wants` says; called if need be.

    Returns:
        `Head`, whose logits name the class that the output names: the highest of several, or
        whether a single one, or each in a multi-label task, is above 0.5.

    Raises:
        ValueError: if the output names the same class for all images.
    """
    values = Values(output.graph)
    bounds = values.bounds(output)
    is_probability = _are_shares(bounds)
    cut = _threshold(bounds)
    if cut is not None:
        head = _behind(output, cut, values, is_probability)
        if head is not None:
            return _first_of_equals(head)
    scores, is_one = tf.cast(output, tf.float32), output.shape[1] == 1
    wanted = None if is_probability else ask_loss()
    if wanted == NUMBERS and is_one:
        return Head(NUMBER, scores)
    if is_probability or wanted == PROBABILITIES or (cut is not None and bounds[0] >= 0):
        return Head("probability", scores - 0.5, tf.clip_by_value(scores, 0.0, 1.0))
    if is_one and bounds[0] >= 0 and wanted is None:
        return Head(NUMBER, scores)
    return Head("hidden" if values.may_hide_probabilities(output) else "linear", scores)


def _are_shares(bounds: tuple[float, float]) -> bool:
    return bounds[0] >= -1e-6 and bounds[1] <= 1 + 1e-6  # but for rounding, between 0 and 1


def _threshold(bounds: tuple[float, float]) -> float | None:
    """Above which value an output names its class; None where it may be a logit or any number."""
    low, high = bounds
    if _are_shares(bounds):
        return 0.5
    if math.isfinite(low) and math.isfinite(high):
        return (low + high) / 2
    return math.log(0.5) if high <= 0 else None


def _behind(output: tf.Tensor, cut: float, values: Values, is_probability: bool) -> Head | None:
    """The head whose logits can be found before the output."""
    shares = tf.cast(output, tf.float32) if is_probability else None
    found = find_score(output, cut, values)
    if found is not None and found.kind == "softmax":
        if output.shape[1] == 1:
            raise ValueError(
                "The model's one output is a softmax, which is 1 for every image: it names no "
                "class. Give the last layer a sigmoid, or one unit for each class; or explain a "
                "score of your own, such as target=lambda outputs, probes: outputs[:, 0]."
            )
        logits = found.sign * _as(found.tensor, output)
        return Head("softmax", logits, None if found.is_plain else shares)
    low, high = values.bounds(output)
    is_meant = found is not None and (found.kind == "sigmoid" or low >= 0 or high <= 0)
    if found is not None and is_meant and math.isfinite(found.cut):
        logits = found.sign * (_as(found.tensor, output) - found.cut)
        return Head("sigmoid", logits, None if found.is_plain else shares)
    logits = LogOdds(values).of(output) if is_probability else None
    return None if logits is None else Head("sigmoid", _as(logits, output), shares)


def _first_of_equals(head: Head) -> Head:
    """Raises the logit of the class that the output names above those it no longer tells apart.

    Of scores 30 and 40, sigmoids are 1 alike. The output then names the first.
    """
    num_classes = head.logits.shape[1]
    if num_classes == 1 or (head.kind == "softmax" and head.probabilities is None):
        return head
    is_named = tf.one_hot(tf.argmax(probabilities_of(head), axis=1), num_classes)
    missing = tf.reduce_max(head.logits, axis=1, keepdims=True) - head.logits
    # Adding what is missing instead of the maximum keeps the gradient that of the class's own.
    return replace(head, logits=head.logits + tf.stop_gradient(is_named * missing))


def _as(tensor: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """A tensor as float32, in the shape of the output."""
    tensor = tf.cast(tensor, tf.float32)
    if tensor.shape.rank == output.shape.rank:
        return tensor
    return tf.ensure_shape(tf.reshape(tensor, tf.shape(output)), output.shape)
