"""Models and outputs that have no meaningful map are refused, with the reason."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_saliency._utils.notify import notify
from keras_saliency.attribution.logits import WAY_OUT
from keras_saliency.probes.other_inputs import OtherInputs
from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.queries import innermost_layer


def check_backend() -> None:
    """Refuses Keras on another backend."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "keras_saliency needs Keras on the TensorFlow backend. Received: "
            f'backend "{keras.backend.backend()}". Set the environment variable '
            "KERAS_BACKEND=tensorflow before Keras is imported."
        )


def check_eager() -> None:
    """Refuses to work in a graph: what the model returns there is no number."""
    if not tf.executing_eagerly():
        raise ValueError(
            "keras_saliency needs TensorFlow's eager execution. Received: a call in graph mode, "
            "where the model's outputs have no values. Remove "
            "tf.compat.v1.disable_eager_execution() or disable_v2_behavior(), and call it outside "
            "of any tf.function or tf.Graph. The model itself may run as a graph."
        )


def check_input_shape(
    model: keras.Model, image_shape: tuple[int, ...], others: OtherInputs | None = None
) -> bool:
    """Refuses images that do not fit the model, if its input shape is known.

    Args:
        model: a Keras model.
        image_shape: (H, W, C) of the images.
        others: the `OtherInputs` that the model takes as well, or None.

    Returns:
        Whether the model takes them as (C, H, W).
    """
    if not model.built:
        return False
    try:
        expected = model.input_shape
    except (AttributeError, ValueError):  # subclassed models have none
        return False
    expected = list(expected.values()) if isinstance(expected, dict) else expected
    several = expected if isinstance(expected, list) else [expected]
    if len(several) != (1 if others is None else len(others.keys)):
        received = "images alone" if others is None else f"the inputs {list(others.keys)}"
        raise ValueError(
            f'The model "{model.name}" must have one image input, or be given all its inputs. '
            f"Received: {received}, for a model with {len(several)} inputs of shape "
            f"{[tuple(shape[1:]) for shape in several]}. Pass all as a dict or a list: "
            "ProbeSet({name: array})."
        )
    if others is not None and others.is_dict:  # by name, and Keras lists them in its own order
        several = sorted(several, key=lambda shape: not _fits(shape, image_shape))
        expected = several[0]
    else:
        expected = several[0 if others is None else others.keys.index(others.image_key)]
    if _is_channels_first(expected, image_shape):
        raise ValueError(
            f'The model "{model.name}" takes images channels first. Received: images of shape '
            f"{image_shape}. Pass them channels last, np.moveaxis(images, 1, -1), also without "
            "preprocess=: the model is given them as it wants them."
        )
    if _fits(expected, image_shape):
        return False
    if not _fits(expected, (image_shape[-1], *image_shape[:-1])):
        raise ValueError(
            f'images of shape {image_shape} do not fit the model "{model.name}", which takes '
            f"{tuple(expected[1:])}. Pass images of (height, width, channels) as in training; "
            "ProbeSet(..., preprocess=...) can turn raw pixels into the model's input."
        )
    return True


def _fits(expected: Sequence[int | None], image_shape: tuple[int, ...]) -> bool:
    return len(expected) == len(image_shape) + 1 and all(
        e is None or e == s for e, s in zip(expected[1:], image_shape, strict=True)
    )


def _is_channels_first(expected: Sequence[int | None], image_shape: tuple[int, ...]) -> bool:
    """Whether images fit the model, but have their channels where rows should be."""
    num_first, num_last = image_shape[0], image_shape[-1]
    return (
        _fits(expected, image_shape)
        and len(image_shape) > 2
        and expected[1] == num_first <= 4 < num_last
    )


def check_class_scores(logits: tf.Tensor, model: keras.Model) -> None:
    """Refuses outputs other than class scores (n, k)."""
    if logits.shape.rank != 2 or logits.shape[1] is None:
        raise ValueError(
            f'The model "{model.name}" must end in class scores (n, k). Received: an output of '
            f"shape {tuple(logits.shape)}. Pass a model that ends in class scores, or a "
            "target=function from outputs and probes to one score for each probe, such as "
            "target=lambda outputs, probes: tf.reduce_mean(outputs[..., 1], axis=(1, 2))."
        )


def note_half_precision(forward: ForwardPass) -> str:
    """Notifies the user of layers that compute in half precision whatever their policy says.

    Returns:
        A note for the settings page, "" without any.
    """
    half = [
        op
        for op in forward.ops
        if op.type != "ReadVariableOp"  # a weight, cast where it is used
        and any(t.dtype in (tf.float16, tf.bfloat16) for t in op.outputs if op.inputs)
    ]
    if not half:
        return ""
    names = ", ".join(dict.fromkeys(innermost_layer(op, forward) for op in half[:50]))
    notify(
        f"The maps are not exact: {names} compute in half precision whatever their "
        "dtype policy says, and their gradients may underflow. Take the dtype from "
        "self.compute_dtype in call()."
    )
    return f"half precision in {names}"


def refuse_probabilities(scores: np.ndarray, is_hidden: bool) -> None:
    """Refuses outputs that are probabilities although no softmax or sigmoid was found before them.

    Args:
        scores: the model's outputs (n, k).
        is_hidden: whether they come out of a loop, a branch or Python code, which may hide one.
    """
    if scores.min() < 0 or scores.max() > 1 + 1e-3:
        return
    is_distribution = scores.shape[1] > 1 and np.allclose(scores.sum(axis=1), 1, atol=1e-3)
    if is_distribution or is_hidden:
        raise Refusal(
            "The logits cannot be found: the model's outputs are probabilities (between 0 and 1"
            f"{', with sum 1' if is_distribution else ''}), but they come out of no softmax or "
            "sigmoid that can be seen. Gradients of probabilities vanish for confident models. End "
            "the model in a Softmax layer or in the logits, or say what is to be explained: "
            f"{WAY_OUT}."
        )


class Refusal(ValueError):
    """A model that has no meaningful map, which is found out only when it is run."""
