"""`OtherInputs`: the inputs of a model beside the images that are explained, held fixed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_saliency._utils.short_repr import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class OtherInputs:
    """The inputs of a model beside the images, and their order.

    Attributes:
        keys: names of a dict's entries, or 0, 1, … of a list's, the images' own among them.
        image_key: which of them the images are.
        arrays: the others, (n, ...) each, in the order of `keys`.
        is_dict: whether the model takes a dict.
    """

    keys: tuple[str | int, ...]
    image_key: str | int
    arrays: tuple[np.ndarray, ...]
    is_dict: bool

    def pack(self, images: Any, others: Iterable[Any]) -> Any:
        """Returns a dict or list of images and others, as the model takes it."""
        rest = iter(others)
        found = {key: images if key == self.image_key else next(rest) for key in self.keys}
        return found if self.is_dict else list(found.values())

    def pack_shapes(
        self, image_shape: Sequence[int], make: Callable[[tuple[int, ...], str], Any]
    ) -> Any:
        """Packs `make(shape without n, dtype)` for each input."""
        others = [make(array.shape[1:], array.dtype.name) for array in self.arrays]
        return self.pack(make(tuple(image_shape), "float32"), others)

    def described(self) -> str:
        """Returns the keys as text, the images' first."""
        rest = [str(key) for key in self.keys if key != self.image_key]
        return f'"{self.image_key}" is explained, held fixed: {", ".join(rest)}'


def is_several(images: object) -> bool:
    """Whether `images` are several inputs: a dict, or a list of arrays of one length.

    These must be of several ranks, or (n, H, W, C) each; else the list is one of images.
    """
    if isinstance(images, dict):
        return True
    if not isinstance(images, list | tuple) or not all(hasattr(i, "shape") for i in images):
        return False
    shapes = [tuple(i.shape) for i in images]
    ranks = {len(shape) for shape in shapes}
    if len(images) < 2 or 0 in ranks or len({shape[0] for shape in shapes}) > 1:
        return False
    return min(ranks) > 3 or (len(ranks) > 1 and max(ranks) > 2)


def split(images: Any, read: Callable[[str, object], np.ndarray]) -> tuple[Any, OtherInputs]:
    """Separates the images, the first input of the highest rank, from the other inputs.

    Args:
        images: dict of inputs by name, or list or tuple of inputs.
        read: function (argument, array-like) -> array.

    Raises:
        ValueError: if no input has the rank of images, signals or volumes, or the inputs are not of
            one length.
    """
    is_dict = isinstance(images, dict)
    given = dict(images) if is_dict else dict(enumerate(images))
    arrays = {key: read(f"images[{key!r}]", value) for key, value in given.items()}
    shapes = ", ".join(f"{key}: {array.shape}" for key, array in arrays.items())
    ranks = {key: array.ndim for key, array in arrays.items()}
    if not arrays or max(ranks.values()) < 3:
        raise ValueError(
            "images must hold an input (n, H, W, C). Received: "
            f"{shapes or 'nothing'}. Pass the inputs of the model by name."
        )
    if len({len(array) for array in arrays.values() if array.ndim}) > 1 or 0 in ranks.values():
        raise ValueError(
            f"images must hold inputs of one length. Received: {shapes}. "
            "Pass one entry for each probe in every input."
        )
    image_key = max(ranks, key=lambda key: ranks[key])
    others = []
    for key, array in arrays.items():
        if key != image_key:
            array = array.astype(np.float32) if array.dtype.kind == "f" else np.array(array)
            array.setflags(write=False)
            others.append(array)
    return given[image_key], OtherInputs(tuple(given), image_key, tuple(others), is_dict)
