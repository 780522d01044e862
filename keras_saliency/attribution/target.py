"""What is explained: one score for each probe, a weighted sum of its logits or the user's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from keras_saliency._utils.notify import warn
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.probes.other_inputs import OtherInputs

CONTRAST = "contrast"  # the predicted class's logit minus the runner-up's
_NAMED = ("label", "predicted", CONTRAST)


@short_repr
@dataclass(frozen=True)
class ProbeBatch:
    """What a target function is given about the probes of its batch, as tensors.

    Attributes:
        images: float32 (b, ..., C), as the model takes them.
        indices: int64 (b,), each probe's place in the probe set.
        labels: int64 (b,), or None.
        multi_hot: float32 (b, k), or None.
        object_masks: bool (b, ...), or None.
    """

    images: tf.Tensor
    indices: tf.Tensor
    labels: tf.Tensor | None = None
    multi_hot: tf.Tensor | None = None
    object_masks: tf.Tensor | None = None


@short_repr
@dataclass(frozen=True, eq=False)
class Target:
    """What is explained: which output, which score, and what the model and the score take.

    Attributes:
        score: a function (outputs, `ProbeBatch`) -> (b,), "contrast", or None for the weighted
            logits that `ModelGraph.attribute` is given.
        output: name or number of the output of a model that has several, or None.
        others: the `OtherInputs` of the probes, or None.
        facts: arrays (n, ...) of the probes by the name that `ProbeBatch` has for them.
        is_regression: whether the probes have numbers to be predicted, and no classes.
    """

    score: Callable[[Any, ProbeBatch], tf.Tensor] | str | None = None
    output: str | int | None = None
    others: OtherInputs | None = None
    facts: dict[str, np.ndarray] = field(default_factory=dict)
    is_regression: bool = False

    @classmethod
    def about(
        cls, probes: ProbeSet, target: Any = None, output: str | int | None = None
    ) -> "Target":
        """Returns the target for a `ProbeSet`.

        Any `target` other than a function or "contrast" is expressed by the weights.
        """
        facts = {}
        if callable(target):
            names = ("labels", "multi_hot", "object_masks")
            facts = {name: getattr(probes, name) for name in names}
            facts = {name: array for name, array in facts.items() if array is not None}
            facts["indices"] = np.arange(len(probes))
        elif not (isinstance(target, str) and target == CONTRAST):
            target = None
        return cls(target, output, probes.other_inputs, facts, probes.has_targets)

    @property
    def has_function(self) -> bool:
        """Whether the user's function computes the score."""
        return callable(self.score)

    @property
    def num_others(self) -> int:
        """How many inputs the model takes beside the images."""
        return 0 if self.others is None else len(self.others.arrays)

    @property
    def arrays(self) -> list[np.ndarray]:
        """What the graph takes beside images and weights, (n, ...): other inputs, then facts."""
        return [*(() if self.others is None else self.others.arrays), *self.facts.values()]

    @property
    def specs(self) -> list[tf.TensorSpec]:
        """The shapes and types of `arrays`."""
        return [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in self.arrays]

    def model_input(self, images: tf.Tensor, tensors: Sequence[tf.Tensor]) -> Any:
        """Returns what the model is called on: images, and the others among `tensors`."""
        return images if self.others is None else self.others.pack(images, tensors)

    def batch(self, images: tf.Tensor, tensors: Sequence[tf.Tensor]) -> ProbeBatch:
        """Returns what the target function is given beside the outputs."""
        facts = dict(zip(self.facts, tensors[self.num_others :], strict=True))
        return ProbeBatch(images, **facts)


def describe_target(target: Any, output: str | int | None = None) -> str:
    """Returns a target, and the output it is of, as text that is the same in another process."""
    text = f"{target}"
    if callable(target):
        text = getattr(target, "__qualname__", type(target).__name__)
    return text if output is None else f"{text} of output {output}"


def one_hot_targets(
    target_classes: Any, num_probes: int, num_classes: int, argument: str
) -> np.ndarray:
    """Turns target classes into the weights of the logits.

    For a one-unit head (k = 1), class 1 is explained by the logit and class 0 by
    its negative.

    Args:
        target_classes: None (explain what the model predicts), one int for all
            probes, or ints (n,) or (n, 1).
        num_probes: n.
        num_classes: k, the number of logits.
        argument: what to call `target_classes` in errors.

    Returns:
        float32 array (n, k); an all-zero row means the predicted class.

    Raises:
        ValueError: if a class is out of range, or the length is not n.
        TypeError: if the classes are not whole numbers.
    """
    if target_classes is None:
        return np.zeros((num_probes, num_classes), np.float32)
    try:
        classes = np.asarray(target_classes)
    except ValueError:  # ragged
        classes = np.array(None)
    if classes.dtype == object or not np.issubdtype(classes.dtype, np.number):
        raise TypeError(
            f"{argument} must be None, an int or ints (n,). Received: {target_classes!r}. "
            'Pass class indices, or "contrast", or a function of outputs and probes.'
        )
    if classes.ndim == 2 and classes.shape[1] == 1:  # as Keras's binary labels often come
        classes = classes[:, 0]
    if not np.all(np.equal(classes, np.floor(classes))):
        raise TypeError(f"{argument} must be whole numbers. Received: {classes.tolist()}.")
    if classes.ndim > 1 or (classes.ndim == 1 and len(classes) != num_probes):
        raise ValueError(
            f"{argument} must have one entry for each image. Received: shape {classes.shape} for "
            f"{num_probes} images. Pass None, one int, or {num_probes} ints."
        )
    classes = np.broadcast_to(classes, (num_probes,)).astype(np.int64)
    highest = max(num_classes - 1, 1)
    wrong = (classes < 0) | (classes > highest)
    if wrong.any():
        head = "a one-unit head" if num_classes == 1 else f"{num_classes} logits"
        raise ValueError(
            f"{argument} must lie in 0 ... {highest}, because the model has {head}. "
            f"Received: {classes[wrong][0]} at index {int(wrong.argmax())}."
        )
    weights = np.zeros((num_probes, num_classes), np.float32)
    if num_classes == 1:
        weights[:, 0] = np.where(classes == 1, 1, -1)
    else:
        weights[np.arange(num_probes), classes] = 1
    return weights


def weigh_logits(
    logits: tf.Tensor, weights: tf.Tensor, predicted: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the score of each probe (n,) and the weights in force (n, k).

    An all-zero row of `weights` is replaced by the one of `predicted`, unless that is None.
    """
    if predicted is not None:
        chosen = tf.reduce_any(weights != 0, axis=1, keepdims=True)
        weights = tf.stop_gradient(tf.where(chosen, weights, predicted))
    return tf.reduce_sum(weights * logits, axis=1), weights


def predicted_weights(logits: tf.Tensor) -> tf.Tensor:
    """Returns the weights of the predicted class, float32 (n, k)."""
    num_classes = logits.shape[1]
    if num_classes == 1:
        return tf.where(logits > 0, 1.0, -1.0)
    return tf.one_hot(tf.argmax(logits, axis=1), num_classes)


def contrast_weights(logits: tf.Tensor) -> tf.Tensor:
    """Returns 1 for the predicted class and -1 for the runner-up, float32 (n, k).

    For one logit, its sign: it is the difference of two classes already.
    """
    num_classes = logits.shape[1]
    if num_classes == 1:
        return tf.stop_gradient(predicted_weights(logits))
    places = tf.math.top_k(logits, 2).indices
    return tf.one_hot(places[:, 0], num_classes) - tf.one_hot(places[:, 1], num_classes)


def own_score(
    target: Callable[[Any, ProbeBatch], tf.Tensor], outputs: Any, batch: ProbeBatch
) -> tf.Tensor:
    """Calls a target function, and returns its scores, float32 (b,).

    Raises:
        ValueError: if it fails, or does not return one float for each probe.
    """
    fix = "It is called on the model's outputs and a ProbeBatch, and returns one score for each."
    try:
        score = tf.convert_to_tensor(target(outputs, batch))
    except Exception as error:
        raise ValueError(
            f"target failed on the model's outputs. Received: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}. {fix}"
        ) from error
    num_probes = batch.images.shape[0]
    if not score.dtype.is_floating or tuple(score.shape) not in ((num_probes,), (num_probes, 1)):
        raise ValueError(
            f"target must return one score for each probe, float ({num_probes},). Received: "
            f"{score.dtype.name}, shape {tuple(score.shape)}. {fix}"
        )
    return tf.cast(tf.reshape(score, (num_probes,)), tf.float32)


def check_target(target: Any, probes: ProbeSet) -> str | int | Callable:
    """Returns what is explained: a name, a class or a function; "predicted" without labels."""
    if isinstance(target, int | np.integer) and not isinstance(target, bool) and target >= 0:
        return int(target)
    if callable(target):
        return target
    if not isinstance(target, str) or target not in _NAMED:
        raise ValueError(
            'target must be "label", "predicted" or a class index, or "contrast", or a function '
            f"from outputs and probes to scores. Received: {target!r}."
        )
    if target == "label" and probes.has_targets:
        return "predicted"
    if target == "label" and probes.labels is None and probes.multi_hot is None:
        warn(
            "The probes have no labels, so the predicted class is explained, which may change "
            'from epoch to epoch. Pass labels, or target="predicted" to say that you mean it.'
        )
        return "predicted"
    return target
