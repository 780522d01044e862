"""How the backward pass treats ReLU, chosen for each pass, without changing the model.

A forward pass traced inside `rectifiable()` carries our gradient function on
every ReLU node. That function runs when `tf.gradients` is called and asks
for the rule of the moment, so that one forward pass serves several backward
passes, each under its own rule.
"""

import contextlib
import sys
import threading

import keras
import tensorflow as tf

from keras_saliency.tracing.forward_pass import ForwardPass
from keras_saliency.tracing.hidden_ops import HiddenOps
from keras_saliency.tracing.queries import ancestors, innermost_layer, reachable_from, unique_names

_STATE = threading.local()
_OVERRIDES = {
    "Relu": "KerasSaliencyRelu",
    "Relu6": "KerasSaliencyRelu6",
    "LeakyRelu": "KerasSaliencyLeakyRelu",
}
# Of ReLUs, as of ReLU(max_value=5.9), which is clipped from both sides.
_CAPS = {"Minimum": "KerasSaliencyMinimum", "Maximum": "KerasSaliencyMaximum"}
_RELU_ACTIVATIONS = {"relu", "relu6", "leaky_relu"}
_RELU_LAYERS = {"ReLU", "LeakyReLU"}


def _plain(op: tf.Operation, signal: tf.Tensor) -> tf.Tensor:
    """The derivative of the op, as TensorFlow has it."""
    if op.type == "Relu":
        return tf.raw_ops.ReluGrad(gradients=signal, features=op.outputs[0])
    if op.type == "Relu6":
        return tf.raw_ops.Relu6Grad(gradients=signal, features=op.outputs[0])
    return tf.raw_ops.LeakyReluGrad(
        gradients=signal, features=op.inputs[0], alpha=op.get_attr("alpha")
    )


def _deconvnet(op: tf.Operation, signal: tf.Tensor) -> tf.Tensor:
    """ReLU(signal), whatever the forward value was (Zeiler & Fergus 2014), above a cap too."""
    return tf.nn.relu(signal)


def _guided(op: tf.Operation, signal: tf.Tensor) -> tf.Tensor:
    """ReLU(signal) where the forward input was positive (Springenberg et al. 2015)."""
    return tf.where(op.inputs[0] > 0, _plain(op, tf.nn.relu(signal)), tf.zeros_like(signal))


_RULES = {"plain": _plain, "deconvnet": _deconvnet, "guided": _guided}


def _ruled_gradient(op: tf.Operation, signal: tf.Tensor) -> tf.Tensor:
    rule = getattr(_STATE, "rule", "plain")
    if rule == "plain" or is_gate(op):
        return _plain(op, signal)
    _STATE.rectified.add(op.name)
    return _RULES[rule](op, signal)


def _gradient_of_cap(op: tf.Operation, signal: tf.Tensor) -> list[tf.Tensor | None]:
    """The derivative of a minimum or maximum; DeconvNet's signal passes the caps of a ReLU."""
    if getattr(_STATE, "rule", "plain") == "deconvnet":
        capped = _capped_by(op)
        if capped is not None:
            return [signal if t is capped else None for t in op.inputs]
    # Made anew, where nothing is overridden; identities, because both inputs may be one tensor.
    inputs = [tf.identity(t) for t in op.inputs]
    again = tf.minimum if op.type == "Minimum" else tf.maximum
    return tf.gradients(again(*inputs), inputs, grad_ys=signal)


def _capped_by(op: tf.Operation) -> tf.Tensor | None:
    """The rectified input of a cap: min(relu(x), 6), or max(relu(x), 0); None of another op."""
    for tensor, cap in (op.inputs, reversed(op.inputs)):
        value = tf.get_static_value(cap)
        if value is None or tensor.shape.rank != op.outputs[0].shape.rank:
            continue
        if not (value > 0 if op.type == "Minimum" else value <= 0).all():
            continue
        before = tensor.op
        while before.type in ("Identity", "Cast"):
            before = before.inputs[0].op
        is_relu = before.type in _OVERRIDES and not is_gate(before)
        if is_relu or (before.type in _CAPS and _capped_by(before) is not None):
            return tensor
    return None


def _register(name: str, gradient: str) -> None:
    # Looked up through sys.modules, because a notebook that reloads this module
    # cannot register the name twice and must not run on the old thread-local.
    with contextlib.suppress(KeyError):
        tf.RegisterGradient(name)(
            lambda op, signal: getattr(sys.modules[__name__], gradient)(op, signal)
        )


for _name in _OVERRIDES.values():
    _register(_name, "_ruled_gradient")
for _name in _CAPS.values():
    _register(_name, "_gradient_of_cap")


def rectifiable() -> contextlib.AbstractContextManager:
    """Context for tracing a forward pass whose ReLUs obey the rule of the moment."""
    return tf.compat.v1.get_default_graph().gradient_override_map(_OVERRIDES | _CAPS)


def ruled_gradients(
    score: tf.Tensor, sources: list[tf.Tensor], rule: str, start: tf.Tensor | None = None
) -> tuple[list[tf.Tensor | None], set[str]]:
    """Differentiates under a ReLU rule.

    Args:
        score: tensor to differentiate.
        sources: tensors to differentiate by.
        rule: "plain", "deconvnet" or "guided".
        start: the signal to begin with, in the shape of `score`; None means ones.

    Returns:
        A list of gradients (None where no path leads there) and the names of
        the ReLU nodes that the rule was applied to.
    """
    _STATE.rule, _STATE.rectified = rule, set()
    try:
        # GradientTape ignores the override silently, so differentiate with tf.gradients.
        gradients = tf.gradients(score, sources, grad_ys=start)
        return gradients, _STATE.rectified
    finally:
        _STATE.rule, _STATE.rectified = "plain", set()


def is_gate(op: tf.Operation) -> bool:
    """Whether a Relu6 node is the gate of a hard sigmoid or hard swish: relu6(x + 3).

    A gate scales a signal; it does not rectify features.
    """
    if op.type != "Relu6" or op.inputs[0].op.type not in ("AddV2", "Add"):
        return False
    return any(_is_constant(t, 3.0) for t in op.inputs[0].op.inputs)


def _is_constant(tensor: tf.Tensor, value: float) -> bool:
    constant = tf.get_static_value(tensor)
    if constant is None:
        return value == 0 and tensor.op.type == "ZerosLike"
    return constant.size > 0 and bool((constant == value).all())


def find_relu_nodes(forward: ForwardPass, score: tf.Tensor) -> tuple[list[str], int]:
    """ReLU nodes between the image and `score`.

    Returns:
        Names of the nodes that a rule must reach, and the number of gates
        that it must leave alone.
    """
    ops = _ops_between(forward, score)
    nodes = [op for op in ops if op.type in _OVERRIDES]
    gates = [op for op in nodes if is_gate(op)]
    return [op.name for op in nodes if op not in gates], len(gates)


def _ops_between(forward: ForwardPass, score: tf.Tensor) -> list[tf.Operation]:
    between = ancestors([score]) & reachable_from(forward.images, forward.ops)
    return [op for op in forward.ops if op.name in between]


def find_unrectified(forward: ForwardPass, score: tf.Tensor, rectified: set[str]) -> list[str]:
    """Returns the names of what acts as a ReLU between the image and `score` but was not rectified.

    That is: a ReLU node that the backward pass did not come to (behind a custom
    gradient), one half of a PReLU, max(x, 0), a ReLU layer that is
    computed otherwise (`ReLU(threshold=...)`), a `tf.function` or a loop that hides its ReLU nodes.
    """
    ops = _ops_between(forward, score)
    between = {op.name for op in ops}
    hidden = HiddenOps(forward.images.graph)
    missed = []
    for op in ops:
        if op.type in _OVERRIDES:
            reached = op.name in rectified or is_gate(op)
            if not reached or op.inputs[0].op.type == "Neg":
                missed.append(op)
        elif _is_hand_written(op, between) or hidden.holds(op.node_def, _OVERRIDES):
            missed.append(op)
    names = [innermost_layer(op, forward) for op in missed]
    sound = {i for i, op in enumerate(forward.ops) if op.name in rectified or is_gate(op)}
    for name, calls in unique_names(forward).items():
        for call in calls:
            if not _acts_as_relu(call.layer) or call.output is None:
                continue
            reached = any(call.first_op <= i < call.last_op for i in sound)
            if call.output.op.name in between and not reached:
                names.append(name)
    return list(dict.fromkeys(names))


def _acts_as_relu(layer: keras.layers.Layer) -> bool:
    if type(layer).__name__ in _RELU_LAYERS:
        return True
    return getattr(getattr(layer, "activation", None), "__name__", "") in _RELU_ACTIVATIONS


def _is_hand_written(op: tf.Operation, between: set[str]) -> bool:
    """Whether an op stands for a hand-written ReLU, whose backward pass no rule can change.

    max(x, 0), -min(-x, 0), where(x > 0, x, 0), x * (x > 0), (x + |x|) / 2. Clipping what a ReLU
    node has rectified already is none, nor is a gate clip(x, 0, 1).
    """
    if op.type == "Maximum" and any(_is_constant(t, 0.0) for t in op.inputs):
        tensor = op.inputs[0]
        if tensor.op.type == "Minimum" and any(_is_constant(t, 1.0) for t in tensor.op.inputs):
            return False
        while tensor.op.type in ("Minimum", "Identity", "Cast"):
            tensor = tensor.op.inputs[0]
        return tensor.op.type not in _OVERRIDES
    if op.type == "Minimum" or op.type in ("Select", "SelectV2"):
        return any(_is_constant(t, 0.0) for t in op.inputs if t.dtype.is_floating)
    if op.type == "Cast":
        return op.inputs[0].dtype.is_bool and op.inputs[0].op.name in between
    # The largest absolute value, by which quantized layers divide, rectifies nothing.
    return op.type == "Abs" and any(c.type != "Max" for c in op.outputs[0].consumers())
