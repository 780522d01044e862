"""`Bank`: the images of a scene as tensors, from which edits are made in a compiled graph."""

import functools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.shortcuts.swaps.value_range import ValueRange

MAX_VALUES = 2**22  # of the pixels that are edited at once: 16 MB
_PREDICTED_AT_ONCE = 2**21  # the model takes that many pixels at once, but 32 images at least
# Images that are edited at once: the first number that memory allows, and for the last pairs the
# last one that holds them, down to 24. Each is compiled. A trial begins with 120 pairs, or with 144
# of six classes, and windows are compared on 192.
_CHUNKS = 240, 192, 144, 72, 24, 16, 8
_LEAST_CHUNK = 24  # fewer are not worth compiling for
# Values that XLA is worth compiling for, which takes 0.1 s: it saves 2 ms on those of small grey
# images.
_LEAST_COMPILED = 2**18
_NUM_COMPARED = 8  # probes

Ends = tuple[tf.Tensor, tf.Tensor]  # recipients and donors, rows of a bank


@short_repr
class Bank(NamedTuple):
    """What edits read, put on the device once.

    Attributes:
        images: tensor (n, H, W, C), raw pixels in the dtype in which they are kept.
        masks: bool tensor (n, H, W) of the objects, or None where they are not known.
        spared: bool tensor (H, W), where nothing is lent, or None.
        value_range: `ValueRange` of the images.
        preprocess: function from pixels to the model's input, both tensors; None where only the
            host can do it.
    """

    images: tf.Tensor
    masks: tf.Tensor | None
    spared: tf.Tensor | None
    value_range: ValueRange
    preprocess: Callable[[tf.Tensor], tf.Tensor] | None

    @property
    def chunk_size(self) -> int:
        """How many images are edited at once: of large images fewer, to save memory.

        No more than the model takes, which would have to copy them in parts.
        """
        num_values = math.prod(self.images.shape[1:])
        at_once = max(_LEAST_CHUNK, _PREDICTED_AT_ONCE // num_values)
        at_once = min(MAX_VALUES // num_values, at_once)
        return next((size for size in _CHUNKS if size <= at_once), _CHUNKS[-1])

    def take(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns some images, float32 (m, H, W, C)."""
        return tf.cast(tf.gather(self.images, rows), tf.float32)

    def off_objects(self, *ends: tf.Tensor) -> tf.Tensor:
        """Returns where no image of any end has its object, bool (m, H, W)."""
        masks = [tf.gather(self.masks, rows) for rows in ends]
        return ~tf.reduce_any(tf.stack(masks), axis=0)

    def restored(self, edited: tf.Tensor, recipients: tf.Tensor) -> tf.Tensor:
        """Returns edited images with their own pixels where nothing is lent."""
        if self.spared is None:
            return edited
        return tf.where(self.spared[..., None], self.take(recipients), edited)

    def clipped(self, edited: tf.Tensor) -> tf.Tensor:
        """Returns edited images within the range of pixels, as `ValueRange.clip` does."""
        ends = (end.astype(np.float32) for end in (self.value_range.low, self.value_range.high))
        # A number clips several times as fast as one for each channel.
        low, high = (end[0] if (end == end[0]).all() else end for end in ends)
        clipped = tf.clip_by_value(edited, low, high)
        return tf.round(clipped) if self.value_range.dtype.kind in "iu" else clipped


class CompiledEdit:
    """One kind of edit, compiled for chunks of images of one size.

    Args:
        bank: `Bank`.
        make, variant: see `Swap`.
        is_clipped: whether edited pixels are put back into the range of pixels.
    """

    def __init__(
        self, bank: Bank, make: Callable[..., tf.Tensor], variant: Hashable, is_clipped: bool
    ):
        def edit(recipients: tf.Tensor, donors: tf.Tensor, *numbers: tf.Tensor) -> tf.Tensor:
            edited = make(bank, variant, (recipients, donors), *numbers)
            edited = bank.restored(edited, recipients)
            return bank.clipped(edited) if is_clipped else edited

        # TensorFlow counts traces by code object. All edits share one, so five of them would bring
        # its warning of frequent retracing. A partial has none and is counted by itself.
        self._edit, chunk_size = functools.partial(edit), bank.chunk_size
        self._sizes = [s for s in _CHUNKS if _LEAST_CHUNK <= s < chunk_size] + [chunk_size]
        # XLA makes one loop of the edit, which takes an eighth of the time on a CPU.
        is_large = chunk_size * math.prod(bank.images.shape[1:]) >= _LEAST_COMPILED
        self._compiled = tf.function(self._edit, autograph=False, jit_compile=is_large)
        self._by_shape: dict[tuple, Callable[..., tf.Tensor]] = {}  # called faster than by type

    def __call__(
        self, rows: Sequence[np.ndarray], shared: Sequence[np.ndarray | tf.Tensor]
    ) -> tf.Tensor:
        """Returns the edited images, float32 (m, H, W, C).

        Args:
            rows: arrays (m, ...) of a chunk at most: recipients, donors, and the swap's `rows`.
            shared: the swap's `shared`.
        """
        num_rows = len(rows[0])
        size = min(s for s in self._sizes if s >= num_rows)
        if num_rows < size:
            rows = [np.resize(row, (size, *row.shape[1:])) for row in rows]
        numbers = [tf.convert_to_tensor(number) for number in (*rows, *shared)]
        try:
            edited = self._function_of(numbers)(*numbers)
        except tf.errors.OpError:  # where TensorFlow was built without XLA
            self._compiled = tf.function(self._edit, autograph=False)
            self._by_shape.clear()
            edited = self._function_of(numbers)(*numbers)
        return edited if num_rows == size else edited[:num_rows]

    def _function_of(self, numbers: Sequence[tf.Tensor]) -> Callable[..., tf.Tensor]:
        """The edit for numbers of these shapes."""
        shapes = tuple((tuple(number.shape), number.dtype) for number in numbers)
        if shapes not in self._by_shape:
            specs = [tf.TensorSpec(*shape) for shape in shapes]
            self._by_shape[shapes] = self._compiled.get_concrete_function(*specs)
        return self._by_shape[shapes]


def tensor_preprocess(probes: ProbeSet) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Returns the user's `preprocess` for tensors, if TensorFlow can trace it.

    A Keras layer and most arithmetic can be traced, NumPy and OpenCV cannot. What was traced must
    say of some probes what the function itself says of them, random changes included.
    """
    if probes.preprocess is None:
        return lambda images: images
    pixels = probes.images[:_NUM_COMPARED]
    try:
        # Of any number of images: chunks end in parts, each of which would be traced anew.
        spec = tf.TensorSpec((None, *probes.image_shape), tf.float32)
        traced = tf.function(probes.preprocess, [spec], autograph=False)
        made = np.asarray(traced(tf.constant(pixels, tf.float32)), np.float32)
        expected = np.asarray(probes.prepare(pixels), np.float32)
        scale = float(np.abs(expected).max())
        if made.shape == expected.shape and np.allclose(made, expected, 1e-5, 1e-6 * scale):
            return lambda images: tf.cast(traced(images), tf.float32)
    except Exception:  # whatever a function of arrays does with tensors
        pass
    return None
