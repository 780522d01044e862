"""Why no maps can be taken of a layer or of a model, for errors, and which layers have some."""

import math
from collections.abc import Iterable

import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.hidden_ops import CALLING, HiddenOps
from keras_saliency.tracing.queries import (
    ancestors,
    innermost_layer,
    inside_custom_gradient,
    unique_names,
)
from keras_saliency.tracing.spatial_maps import CONVOLUTIONS, Grid, is_spatial

_NAMES_SHOWN = 12
_PARTS = (
    "parts of an image, such as tiles or frames, which the model puts into the batch axis: "
    "they have no place in the image"
)


def hiding_convolutions(start: tf.Tensor, found: Iterable[str], forward: ForwardPass) -> list[str]:
    """Names of what hides convolutions after the maps found: functions and custom gradients."""
    after = ancestors([start], frozenset(found))
    convolving = {op.name for op in forward.ops if op.type in CONVOLUTIONS}
    hidden = HiddenOps(start.graph)
    hiding = [
        innermost_layer(op, forward)
        for op in forward.ops
        if op.name in after
        and (
            (op.type in CALLING and hidden.holds(op.node_def, CONVOLUTIONS))
            or inside_custom_gradient(op) & convolving
        )
    ]
    return list(dict.fromkeys(hiding))


def described(tensor: tf.Tensor | None, forward: ForwardPass) -> str:
    """What a layer outputs that has no maps of the images."""
    if tensor is None:
        return "several tensors"
    if tensor.shape.rank is None:
        return "a tensor of unknown shape"
    text = str((None, *tensor.shape[1:]))
    if _is_of_parts(tensor, forward):
        return f"{text} for {_PARTS}"
    if tensor.shape.rank != forward.images.shape.rank:
        return text
    is_point = math.prod(tensor.shape[1:-1]) == 1
    return f"{text}, {'one position' if is_point else 'whose axes are not those of the image'}"


def _is_of_parts(tensor: tf.Tensor, forward: ForwardPass) -> bool:
    """Whether a tensor holds maps, but more or fewer than there are images."""
    shape = tensor.shape
    return (shape.rank or 0) >= 4 and shape[0] not in (None, forward.images.shape[0])


def shape_letters(forward: ForwardPass) -> str:
    """The shape of maps of images, signals or volumes, in letters."""
    return {3: "(n, length, c)", 5: "(n, d, h, w, c)"}.get(
        forward.images.shape.rank, "(n, h, w, c)"
    )


def why_none(hiding: list[str], forward: ForwardPass) -> str:
    """Why there may be no activation with maps, and what to do."""
    if hiding:
        return (
            f"The convolutions inside {listed(hiding)} cannot be reached: they are in a "
            "tf.function, a SavedModel, a loop, a branch or a custom gradient such as "
            'keras.remat. Call them outside of it, or use "vanilla_gradients" or "occlusion".'
        )
    outputs = [(c.layer.name, c.output) for c in forward.calls if c.output is not None]
    parts = [name for name, output in outputs if _is_of_parts(output, forward)]
    if parts:
        return f'"{parts[-1]}" computes maps for {_PARTS}. Use "vanilla_gradients" or "occlusion".'
    return 'Use "vanilla_gradients" for a model without convolutions.'


def spatial_layers_sentence(forward: ForwardPass, maps: dict[str, Grid]) -> str:
    """Which layers could be named, "" where there are none."""
    names = [n for n, calls in unique_names(forward).items() if is_spatial(calls[-1].output, maps)]
    if not names:
        return ""
    return f"Spatial layers of this model: {listed(names)}."


def listed(names: Iterable[str]) -> str:
    """Names in quotes, at most the last twelve."""
    names = list(names)
    shown = ", ".join(f'"{n}"' for n in names[-_NAMES_SHOWN:])
    hidden = len(names) - _NAMES_SHOWN
    return f"{shown} (the last {_NAMES_SHOWN}; {hidden} more before them)" if hidden > 0 else shown
