"""`ModelFunction`: something computed from a model's forward pass, compiled once."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_saliency.tracing.side_effects import SideEffects

Indices = Sequence[int] | np.ndarray  # of images


class ModelFunction:
    """Something computed from images, compiled once and run in chunks of them.

    It follows the model's live weights. What its forward pass writes is put back after each run.

    Args:
        build: function from a float32 tensor of images (n, H, W, C), and from tensors of `specs`,
            to {name: tensor (n, ...)}. Called once.
        image_shape: (H, W, C).
        specs: `tf.TensorSpec`s (n, ...) of the tensors that `build` takes beside the images.
        chunk_size: how many images go through at once.
        is_fixed: whether each chunk is filled up to that size, as where maps are looked for.

    Attributes:
        concrete: the concrete function.
    """

    def __init__(
        self,
        build: Callable[..., dict[str, tf.Tensor]],
        image_shape: Sequence[int],
        specs: Sequence[tf.TensorSpec],
        chunk_size: int,
        is_fixed: bool,
    ):
        num_rows = chunk_size if is_fixed else None
        taken = [
            tf.TensorSpec((num_rows, *image_shape), tf.float32, name="images"),
            *(tf.TensorSpec((num_rows, *s.shape[1:]), s.dtype, name=s.name) for s in specs),
        ]
        self.concrete = tf.function(build, autograph=False).get_concrete_function(*taken)
        self._side_effects = SideEffects(self.concrete.graph)
        self._chunk_size, self._is_fixed = chunk_size, is_fixed

    @property
    def shapes(self) -> dict[str, list[int]]:
        """{name: shape of the output without n}."""
        outputs = self.concrete.structured_outputs
        return {name: tensor.shape.as_list()[1:] for name, tensor in outputs.items()}

    def __call__(
        self,
        images: np.ndarray | tf.Tensor,
        *arrays: np.ndarray,
        rows: dict[str, Indices] | None = None,
    ) -> dict[str, np.ndarray]:
        """Runs it on images (m, H, W, C) and arrays (m, ...).

        Args:
            images: array of numbers, which become float32 chunk by chunk; or a float32 tensor,
                which stays on its device.
            arrays: what `build` takes beside the images.
            rows: {name: indices of images}, outputs that are kept of some images only. Defaults
                to None, all outputs of all images.

        Returns:
            {name: array (m, ...)}, or as long as its `rows`.
        """
        images = images if tf.is_tensor(images) else np.asarray(images)
        kept = {name: np.asarray(some, np.int32) for name, some in (rows or {}).items()}
        joined: dict[str, np.ndarray] = {}
        with self._side_effects.undone():
            for start in range(0, len(images), self._chunk_size):
                inside = slice(start, start + self._chunk_size)
                is_all = start == 0 and len(images) <= self._chunk_size
                chunk = [a if is_all else a[inside] for a in (images, *arrays)]
                chunk = [self._filled(array) for array in chunk]
                if isinstance(images, np.ndarray):
                    chunk[0] = chunk[0].astype(np.float32, copy=False)
                for name, value in self.concrete(*map(tf.convert_to_tensor, chunk)).items():
                    some = kept.get(name)
                    place: slice | np.ndarray = inside
                    if some is None:
                        values = value.numpy()[: len(images) - start]
                    else:  # gathered first, so that nothing else is copied
                        place = (some >= inside.start) & (some < inside.stop)
                        values = tf.gather(value, some[place] - start).numpy()
                    if name not in joined:
                        length = len(images if some is None else some)
                        joined[name] = np.empty((length, *values.shape[1:]), values.dtype)
                    joined[name][place] = values  # at once, so that there is one copy of all
        return joined

    def _filled(self, chunk: np.ndarray) -> np.ndarray:
        """Returns a chunk with its last row repeated, where its size is always the same."""
        missing = self._chunk_size - len(chunk) if self._is_fixed else 0
        return np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)]) if missing else chunk
