"""How the backward pass treats ReLU, chosen per backward pass, without touching the model.

A forward pass traced inside `rectifiable()` carries our gradient function on
every ReLU node. That function runs when `tf.gradients` is called and asks
for the rule of the moment, so that one forward pass serves several backward
passes, each under its own rule.
"""

import contextlib
import functools
import sys
import threading

import tensorflow as tf

from keras_saliency.capture import ForwardPass
from keras_saliency.introspect import ancestors, innermost_layer, reachable_from, unique_names

_STATE = threading.local()
_OVERRIDES = {
    "Relu": "KerasSaliencyRelu",
    "Relu6": "KerasSaliencyRelu6",
    "LeakyRelu": "KerasSaliencyLeakyRelu",
}
_RELU_ACTIVATIONS = {"relu", "relu6", "leaky_relu"}
_RELU_LAYERS = {"ReLU", "LeakyReLU"}


def _plain(op, signal):
    """The derivative of the op, as TensorFlow has it."""
    if op.type == "Relu":
        return tf.raw_ops.ReluGrad(gradients=signal, features=op.outputs[0])
    if op.type == "Relu6":
        return tf.raw_ops.Relu6Grad(gradients=signal, features=op.outputs[0])
    return tf.raw_ops.LeakyReluGrad(
        gradients=signal, features=op.inputs[0], alpha=op.get_attr("alpha")
    )


def _deconvnet(op, signal):
    """ReLU(signal), whatever the forward sign was (Zeiler & Fergus 2014)."""
    return tf.nn.relu(signal)


_RULES = {"plain": _plain, "deconvnet": _deconvnet}


def _ruled_gradient(op, signal):
    rule = getattr(_STATE, "rule", "plain")
    if rule == "plain" or is_gate(op):
        return _plain(op, signal)
    _STATE.rectified.add(op.name)
    return _RULES[rule](op, signal)


for _name in _OVERRIDES.values():
    # Looked up through sys.modules, because a notebook that reloads this module
    # cannot register the name twice and must not run on the old thread-local.
    with contextlib.suppress(KeyError):
        tf.RegisterGradient(_name)(
            lambda op, signal: sys.modules[__name__]._ruled_gradient(op, signal)
        )


def rectifiable():
    """Context in which a traced forward pass becomes one whose ReLUs obey a rule."""
    return tf.compat.v1.get_default_graph().gradient_override_map(_OVERRIDES)


def ruled_gradients(score, sources, rule, start=None):
    """Differentiates under a ReLU rule.

    Args:
        score: tensor to differentiate.
        sources: tensors to differentiate by.
        rule: "plain" or "deconvnet".
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


def _is_constant(tensor, value):
    constant = tf.get_static_value(tensor)
    return constant is not None and constant.size == 1 and float(constant.flat[0]) == value


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


def _ops_between(forward, score):
    between = ancestors([score]) & reachable_from(forward.images, forward.ops)
    return [op for op in forward.ops if op.name in between]


def find_unrectified(forward: ForwardPass, score: tf.Tensor, rectified: set[str]) -> list[str]:
    """Names what acts as a ReLU between the image and `score` but was not rectified.

    That is: a ReLU node that the backward pass did not come to (behind a custom
    gradient), one half of a PReLU, max(x, 0), a ReLU layer that is
    computed otherwise (`ReLU(threshold=...)`), a `tf.function` or a loop that hides its ReLU nodes.
    """
    ops = _ops_between(forward, score)
    library = _Library(forward.images.graph)
    missed = []
    for op in ops:
        if op.type in _OVERRIDES:
            reached = op.name in rectified or is_gate(op)
            if not reached or op.inputs[0].op.type == "Neg":
                missed.append(op)
        elif op.type == "Maximum":
            if any(_is_constant(t, 0.0) for t in op.inputs) and not _clips_a_relu(op):
                missed.append(op)
        elif library.hides_relu(op.node_def):
            missed.append(op)
    names = [innermost_layer(op, forward) for op in missed]
    sound = {i for i, op in enumerate(forward.ops) if op.name in rectified or is_gate(op)}
    live = {op.name for op in ops}
    for name, calls in unique_names(forward).items():
        for call in calls:
            if not _acts_as_relu(call.layer) or call.output is None:
                continue
            reached = any(call.first_op <= i < call.last_op for i in sound)
            if call.output.op.name in live and not reached:
                names.append(name)
    return list(dict.fromkeys(names))


def _acts_as_relu(layer):
    if type(layer).__name__ in _RELU_LAYERS:
        return True
    return getattr(getattr(layer, "activation", None), "__name__", "") in _RELU_ACTIVATIONS


def _clips_a_relu(op):
    """Whether max(min(x, c), 0) only clips what a ReLU node has rectified already."""
    tensor = op.inputs[0]
    while tensor.op.type in ("Minimum", "Identity", "Cast"):
        tensor = tensor.op.inputs[0]
    return tensor.op.type in _OVERRIDES


def _functions_called(node_def):
    """Names of the functions that a node calls (tf.function, loops, branches)."""
    for attribute in node_def.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (f.name for f in attribute.list.func)


class _Library:
    """The functions that a graph calls, read once, and only where there is a call."""

    def __init__(self, graph):
        self._graph = graph

    @functools.cached_property
    def _nodes(self):
        functions = self._graph.as_graph_def().library.function
        return {f.signature.name: f.node_def for f in functions}

    def hides_relu(self, node_def, seen=None):
        """Whether what a node calls, or what that calls in turn, holds a ReLU node."""
        seen = set() if seen is None else seen
        for name in _functions_called(node_def):
            if name in seen:
                continue
            seen.add(name)
            for node in self._nodes.get(name, ()):
                if node.op in _OVERRIDES or self.hides_relu(node, seen):
                    return True
        return False
