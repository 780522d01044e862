"""What a loss takes an output for, found out by asking the loss for values."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_saliency.tracing.keras_versions import is_tf_keras

NUMBERS, PROBABILITIES, LOGITS = "numbers", "probabilities", "logits"
_HARMLESS = {"Placeholder", "ReadVariableOp", "Assert"}
_OF_CLASS_NUMBERS = "SparseSoftmaxCrossEntropyWithLogits"  # of one output, all but 0 are refused


def loss_wants(model: keras.Model, name: str | int, place: int) -> str | None:
    """Returns what the loss that a model was compiled with takes its output (n, 1) for.

    Whatever the loss is called and however it was given, it is asked for its values: one for
    numbers is lowest where the output is the label, also for labels such as 2.5; one for
    probabilities does not change outside 0 ... 1; one for logits goes on falling there.

    Args:
        model: a Keras model.
        name: the name of the output, or its number.
        place: its number.

    Returns:
        "numbers", "probabilities", "logits", or None where there is no loss, or it cannot be
        told.
    """
    loss = _loss_of(model, name, place)
    if loss is None:
        return None
    try:
        ask = _asking(loss, model)
        if all(_is_lowest_at_the_label(ask, label) for label in (2.5, 7.25)):
            return NUMBERS
        positive = np.array([ask(1.0, y) for y in (-3.0, -1.0, 0.2, 0.8, 2.0, 3.0)])
    except Exception:  # of the user's function, which takes something else
        return None
    steps = np.diff(positive)
    if not np.isfinite(positive).all() or not steps[2] < 0:
        return None
    if np.allclose(steps[[0, 4]], 0, atol=1e-6):
        return PROBABILITIES
    return LOGITS if steps[0] < 0 and steps[4] <= 0 else None


def _loss_of(model: keras.Model, name: str | int, place: int) -> Any:
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict):
        return loss.get(name, next(iter(loss.values())) if len(loss) == 1 else None)
    if isinstance(loss, list | tuple):
        return loss[place] if place < len(loss) else None
    return loss


def _asking(loss: Any, model: keras.Model) -> Callable[[float, float], float]:
    """A function from a label and an output to the loss, which leaves no trace in the program."""
    if isinstance(loss, str):
        library = sys.modules["tf_keras"] if is_tf_keras(model) else keras
        loss = library.losses.get(loss)
    function = getattr(loss, "call", loss)  # of an object, before it takes the mean

    def of_one(label: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.cast(function(label, output), tf.float32))

    one = tf.TensorSpec((1, 1), tf.float32)
    with tf.init_scope(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one class, as a cross-entropy says
        concrete = tf.function(of_one, autograph=False).get_concrete_function(one, one)
    ops = concrete.graph.get_operations()
    if any(op.op_def.is_stateful and op.type not in _HARMLESS for op in ops):
        raise ValueError("the loss draws numbers, or writes variables")
    if any(op.type == _OF_CLASS_NUMBERS for op in ops):
        raise ValueError("the loss takes numbers of classes, which one output cannot show")

    def ask(label: float, output: float) -> float:
        with tf.init_scope():
            given = (tf.constant([[value]], tf.float32) for value in (label, output))
            return float(concrete(*given))

    return ask


def _is_lowest_at_the_label(ask: Callable[[float, float], float], label: float) -> bool:
    lowest = ask(label, label)
    return all(ask(label, label * factor) > lowest for factor in (0.25, 0.8, 1.25, 4.0))
