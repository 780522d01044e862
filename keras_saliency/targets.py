"""What is explained: one score for each probe, a weighted sum of its logits."""

import warnings

import numpy as np
import tensorflow as tf


def one_hot_targets(target_classes, num_probes: int, num_classes: int, argument: str) -> np.ndarray:
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
            "Pass class indices."
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
    if num_classes == 1:
        return np.where(classes == 1, 1.0, -1.0).astype(np.float32)[:, None]
    return np.eye(num_classes, dtype=np.float32)[classes]


def weigh_logits(
    logits: tf.Tensor, weights: tf.Tensor, fill: bool = True
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the score of each probe (n,) and the weights in force (n, k).

    If `fill`, an all-zero row of `weights` is replaced by the predicted class.
    """
    if not fill:
        return tf.reduce_sum(weights * logits, axis=1), weights
    num_classes = logits.shape[1]
    if num_classes == 1:
        predicted = tf.where(logits > 0, 1.0, -1.0)
    else:
        predicted = tf.one_hot(tf.argmax(logits, axis=1), num_classes)
    chosen = tf.reduce_any(weights != 0, axis=1, keepdims=True)
    weights = tf.stop_gradient(tf.where(chosen, weights, predicted))
    return tf.reduce_sum(weights * logits, axis=1), weights


def check_target(target, probes) -> str | int:
    """Returns what is explained, "label", "predicted" or a class; "predicted" without labels."""
    if isinstance(target, int | np.integer) and not isinstance(target, bool) and target >= 0:
        return int(target)
    if not isinstance(target, str) or target not in ("label", "predicted"):
        raise ValueError(
            f'target must be "label", "predicted" or a class index. Received: {target!r}.'
        )
    if target == "label" and probes.labels is None and probes.multi_hot is None:
        warnings.warn(
            "The probes have no labels, so the predicted class is explained, which may change "
            'from epoch to epoch. Pass labels, or target="predicted" to say that you mean it.',
            stacklevel=3,
        )
        return "predicted"
    return target
