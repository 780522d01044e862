"""`ModelFunction`: something computed from a model's forward pass, compiled once."""

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.forward_pass import run_forward
from keras_saliency.tracing.relu_rules import rectifiable
from keras_saliency.tracing.side_effects import SideEffects


class ModelFunction:
    """A forward pass and what is made of it, run in chunks. It follows the model's live weights.

    Args:
        build: function from the `ForwardPass`, and from tensors of `specs`, to a list of
            tensors whose first axis is the images'.
        model: the Keras model.
        model_input: function from images and the model's other inputs to what it is called on.
        image_shape: (H, W, C).
        other_specs: `tf.TensorSpec`s of the model's other inputs.
        specs: `tf.TensorSpec`s of the tensors that `build` takes beside the forward pass.
        chunk_size: how many images go through at once.
        is_fixed: whether each chunk is filled up to that size, as where maps are looked for.
    """

    def __init__(
        self,
        build,
        model,
        model_input,
        image_shape,
        other_specs,
        *,
        specs=(),
        chunk_size,
        is_fixed=False,
    ):
        def run(images, *tensors):
            others, more = tensors[: len(other_specs)], tensors[len(other_specs) :]
            with rectifiable():
                forward = run_forward(model, images, model_input(images, others))
            return build(forward, *more)

        num_rows = chunk_size if is_fixed else None
        taken = [tf.TensorSpec((num_rows, *s.shape[1:]), s.dtype) for s in (*other_specs, *specs)]
        images = tf.TensorSpec((num_rows, *image_shape), tf.float32, name="images")
        self._function = tf.function(run, autograph=False).get_concrete_function(images, *taken)
        self._state = SideEffects(self._function.graph)
        self._chunk_size, self._is_fixed = chunk_size, is_fixed

    def __call__(self, images, *arrays) -> list[np.ndarray]:
        """Runs it on images (m, H, W, C) and arrays (m, ...); returns arrays (m, ...)."""
        given = [np.asarray(images, np.float32), *arrays]
        parts = []
        with self._state.kept():
            for start in range(0, len(images), self._chunk_size):
                chunk = [array[start : start + self._chunk_size] for array in given]
                length = len(chunk[0])
                if self._is_fixed:
                    chunk = [filled(array, self._chunk_size) for array in chunk]
                found = self._function(*map(tf.constant, chunk))
                parts.append([part.numpy()[:length] for part in found])
        return [np.concatenate(part) for part in zip(*parts, strict=True)]


def filled(array, length):
    """Returns an array with its last row repeated up to a length."""
    missing = length - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else array
