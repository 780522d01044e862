"""Keras 3 and `tf_keras` (Keras 2): all that differs between their models.

`tf_keras` is never imported here: a model of it can only come from a process that has.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras.src import backend  # compute_output_spec has no public name
from tensorflow.python.autograph.core import ag_ctx, converter  # its context has no public name

if TYPE_CHECKING:  # of the same rank
    from keras_saliency.probes.other_inputs import OtherInputs

HALF_PRECISION = ("float16", "bfloat16")
# What a call leaves on a tf_keras layer: later exports would have our chunk's shape.
_CALL_RECORDS = ("_called", "_saved_model_inputs_spec", "_saved_model_arg_spec")


def is_model(candidate: object) -> bool:
    """Whether something is a model of either version of Keras."""
    return isinstance(candidate, keras.Model) or is_tf_keras(candidate)


def is_tf_keras(model: object) -> bool:
    """Whether a model is one of `tf_keras`."""
    tf_keras = sys.modules.get("tf_keras")
    return tf_keras is not None and isinstance(model, tf_keras.Model)


def flatten_layers(model: keras.Model) -> list:
    """All layers of a model at every depth, the model itself first."""
    return list(model._flatten_layers())


def has_call(model: keras.Model) -> bool:
    """Whether a model says how it computes an output; some only train parts of theirs."""
    base = sys.modules["tf_keras"].Model if is_tf_keras(model) else keras.Model
    return type(model).call is not base.call


def infer_output(
    model: keras.Model, image_shape: Sequence[int], others: "OtherInputs | None" = None
) -> Any:
    """Gives an unbuilt model its weights, as Keras does before the first batch: without running it.

    Running it would draw from its seeds and so change the training.

    Returns:
        What the model returns for images, as shapes and types; None under `tf_keras`.
    """
    if is_tf_keras(model):
        model.build(_packed(image_shape, others, lambda shape, _: (None, *shape)))
        return None
    inputs = _packed(
        image_shape, others, lambda shape, dtype: keras.KerasTensor((1, *shape), dtype=dtype)
    )
    return backend.compute_output_spec(model, inputs, training=False)


def _packed(
    image_shape: Sequence[int], others: "OtherInputs | None", of: Callable[[tuple, str], Any]
) -> Any:
    """What a model takes, each input made of its shape and type."""
    if others is None:
        return of(tuple(image_shape), "float32")
    return others.pack_shapes(image_shape, of)


def name_of_call(layer: keras.layers.Layer) -> str:
    """The method that computes a layer's output: "call", or that of a quantized layer."""
    is_quantized = getattr(layer.dtype_policy, "quantization_mode", None) is not None
    return "quantized_call" if is_quantized and hasattr(layer, "quantized_call") else "call"


def original_call(layer: keras.layers.Layer) -> Callable:
    """The function behind a layer's call, to be wrapped while a graph is traced."""
    if not hasattr(layer, "_autographed_call"):
        return getattr(layer, name_of_call(layer))
    # tf_keras converts what users wrote; the wrapper is ours, and is left alone.
    return layer._autographed_call()


@contextlib.contextmanager
def tracing(model: keras.Model) -> Iterator[None]:
    """Context for tracing a model, which leaves the model as it was."""
    is_old = is_tf_keras(model)
    float32 = _float32_in_tf_keras if is_old else _float32_in_keras
    kept = _kept_records_of_tf_keras if is_old else _kept_losses_of_keras
    # tf_keras trains under AutoGraph, so its models may branch on tensors.
    autograph = ag_ctx.ControlStatusCtx(
        ag_ctx.Status.ENABLED, converter.ConversionOptions(recursive=True)
    )
    with (
        float32(model),
        kept(model),
        _without_remat(model),
        autograph if is_old else contextlib.nullcontext(),
    ):
        yield


@contextlib.contextmanager
def _attributes_put_back() -> Iterator[Callable[[Any, str, Any], None]]:
    """Yields `set_attribute(owner, name, value)`; on leaving, restores all attributes."""
    changed: list[tuple[Any, str, Any]] = []

    def set_attribute(owner: Any, name: str, value: Any) -> None:
        changed.append((owner, name, getattr(owner, name)))
        object.__setattr__(owner, name, value)

    try:
        yield set_attribute
    finally:
        for owner, name, value in reversed(changed):
            object.__setattr__(owner, name, value)


@contextlib.contextmanager
def _float32_in_keras(model: keras.Model) -> Iterator[None]:
    """Lets half-precision and float8 layers compute in float32 while the graph is traced.

    Gradients in half precision underflow to zero or are off by a fifth, and
    scaling does not repair them; the weights of mixed policies are float32.
    Images of whole numbers stay float32, too: no gradient passes their cast to integers.
    """
    layers = flatten_layers(model)
    # Keras 3.6 hands a Sequential's call to a functional model that is none of its layers, and
    # bakes the casts between two policies into the functional graph.
    layers += [m._functional for m in layers if isinstance(m, keras.Sequential) and m._functional]
    with _attributes_put_back() as set_attribute:
        for layer in layers:
            mode = getattr(layer.dtype_policy, "quantization_mode", None)
            if mode == "float8" or layer.dtype_policy.compute_dtype in HALF_PRECISION:
                policy = keras.DTypePolicy("float32")
                if mode not in (None, "float8"):  # its weights are whole numbers, and stay so
                    kind = layer.dtype_policy.name.partition("_from_")[0]
                    policy = keras.dtype_policies.get(f"{kind}_from_float32")
                # Weights that are half precision themselves are still to be cast.
                policy._variable_dtype = layer.dtype_policy.variable_dtype
                set_attribute(layer, "_dtype_policy", policy)
        for tensor in [t for layer in layers for t in getattr(layer, "_inputs", None) or ()]:
            if len(tensor.shape) >= 4 and "int" in tensor.dtype:
                # A plain attribute in older Keras.
                name = "_dtype" if "_dtype" in vars(tensor) else "dtype"
                set_attribute(tensor, name, "float32")
        for op in [op for layer in layers for op in getattr(layer, "operations", ())]:
            if type(op).__name__ == "Cast" and op.dtype in HALF_PRECISION:
                set_attribute(op, "dtype", "float32")
        yield


@contextlib.contextmanager
def _float32_in_tf_keras(model: keras.Model) -> Iterator[None]:
    """The same under `tf_keras`, which casts at each call and keeps no casts in its graph.

    It casts its variables where they are read only if they are another type than the layer
    computes in; so weights that are half precision themselves are wrapped for the while.
    """
    tf_keras = sys.modules["tf_keras"]
    policy = tf_keras.mixed_precision.Policy("float32")
    with _attributes_put_back() as set_attribute:
        for layer in flatten_layers(model):
            if layer.dtype_policy.compute_dtype not in HALF_PRECISION:
                continue
            set_attribute(layer, "_dtype_policy", policy)
            set_attribute(layer, "_compute_dtype_object", tf.float32)
            for name, value in list(vars(layer).items()):
                if isinstance(value, tf.Variable) and value.dtype.name in HALF_PRECISION:
                    set_attribute(layer, name, tf.cast(value, tf.float32))
        yield


@contextlib.contextmanager
def _without_remat(model: keras.Model) -> Iterator[None]:
    """Lets layers of a `keras.RematScope` compute as without it: the same values and gradients.

    What is computed anew in the backward pass has no gradient by the tensors of the forward pass.
    """
    with _attributes_put_back() as set_attribute:
        for layer in flatten_layers(model):
            if getattr(layer, "_remat_mode", None) is not None:
                set_attribute(layer, "_remat_mode", None)
        yield


@contextlib.contextmanager
def _kept_losses_of_keras(model: keras.Model) -> Iterator[None]:
    """Keeps what layers hold in `losses`: activity regularizers add to it in each call."""
    kept = [(layer, list(layer._losses), set(layer._loss_ids)) for layer in flatten_layers(model)]
    try:
        yield
    finally:
        for layer, losses, loss_ids in kept:
            layer._losses[:] = losses
            layer._loss_ids.clear()
            layer._loss_ids.update(loss_ids)


@contextlib.contextmanager
def _kept_records_of_tf_keras(model: keras.Model) -> Iterator[None]:
    """Keeps losses, metrics and what else a call notes on a layer."""
    kept = []
    for layer in flatten_layers(model):
        records = {name: vars(layer)[name] for name in _CALL_RECORDS if name in vars(layer)}
        lists = [
            (owner, list(owner))
            for owner in (layer._losses, layer._callable_losses, layer._updates, layer._metrics)
        ]
        kept.append((layer, records, lists, list(layer._eager_losses)))
    try:
        yield
    finally:
        for layer, records, lists, eager_losses in kept:
            for name, value in records.items():
                object.__setattr__(layer, name, value)
            for owner, values in lists:
                owner[:] = values
            layer._eager_losses = eager_losses
