"""Images that are kept for swaps only: more than are watched, in as few bytes as can be."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes.choosing import SmallestKeys

MAX_IMAGES = 600
MAX_BYTES = 200_000_000


@short_repr
@dataclass(frozen=True)
class SwapImages:
    """Images for swaps; the first ones are the probes, in their order.

    Attributes:
        images: array (m, H, W, C); uint8 where that holds all of them without loss, else of
            the dtype that they had.
        rows: labels, int64 array (m,), or float32 array (m, k) of zeros and ones.
        object_masks: bool array (m, H, W), or None.
        names: "class/filename" of each image, or None.
    """

    images: np.ndarray
    rows: np.ndarray
    object_masks: np.ndarray | None = None
    names: list[str] | None = None

    def all_names(self, probe_names: Sequence[str]) -> tuple[str, ...]:
        """Returns the names of all images, those of the probes first."""
        if self.names is not None:
            return tuple(self.names)
        return (*probe_names, *(f"image {i}" for i in range(len(probe_names), len(self.images))))


def fits_bytes(pixels: np.ndarray) -> bool:
    """Whether uint8 holds these pixels without loss: whole numbers in 0 … 255."""
    if pixels.dtype == np.uint8:
        return True
    # The range comes first, because casting what lies outside is undefined. NaN is not in it.
    is_in_range = pixels.min() >= 0 and pixels.max() <= 255
    return bool(is_in_range and (pixels == pixels.astype(np.uint8)).all())


def most_images(image_shape: Sequence[int], num_bytes: int, has_masks: bool = False) -> int:
    """Returns how many images may be kept, of (H, W, C) and so many bytes for one number."""
    num_pixels = math.prod(image_shape[:-1])
    size = num_pixels * (image_shape[-1] * num_bytes + has_masks)
    return min(MAX_IMAGES, MAX_BYTES // size)


class SwapPool:
    """Keeps images of each class during one pass over a dataset.

    Which ones depends on the content of the dataset, never on its order. What is held stays
    within `MAX_BYTES` at all times.
    """

    def __init__(self) -> None:
        self._kept = SmallestKeys(MAX_IMAGES, MAX_IMAGES)
        self._fits_bytes = True
        self._num_bytes = 1

    def see(self, pixels: np.ndarray) -> None:
        """Settles how images are stored, before those of a batch (m, H, W, C) are offered."""
        self._fits_bytes = self._fits_bytes and fits_bytes(pixels)
        self._num_bytes = max(self._num_bytes, pixels.dtype.itemsize)
        num_bytes = 1 if self._fits_bytes else self._num_bytes
        self._kept.shrink_to(most_images(pixels.shape[1:], num_bytes))

    def offer(self, groups: Iterable[int], key: Any, row: np.ndarray, image: np.ndarray) -> None:
        """Keeps an image of these classes if its key is among their smallest."""
        wanting = [group for group in groups if self._kept.wants(group, key)]
        if not wanting or not np.isfinite(image).all():
            return
        # Copies, since views would hold their batches.
        stored = image.astype(np.uint8) if self._fits_bytes else image.copy()
        for group in wanting:
            self._kept.add(group, key, (np.array(row), stored))

    def collect(self, probes: dict[bytes, Any], groups: Iterable[int]) -> SwapImages | None:
        """Returns the probes and all other images kept; None where there are no others.

        Args:
            probes: {content hash: (row, image)} of the probes, in their order.
            groups: the classes that may be used.
        """
        used = set(groups)
        items = dict(probes)
        for group, (content, _), item in self._kept.sorted():
            if group in used:
                items.setdefault(content, item)
        self._kept = SmallestKeys(1, 0)  # lets go of all that is not used
        if len(items) == len(probes):
            return None
        rows = np.stack([row for row, _ in items.values()])
        kept = [image for _, image in items.values()]
        del items
        return SwapImages(stacked(kept, self._fits_bytes), rows)


def stacked(images: list[np.ndarray], is_compact: bool) -> np.ndarray:
    """Stacks images into one read-only array, uint8 if `is_compact`; empties the list."""
    dtypes = {image.dtype for image in images} - {np.dtype(np.uint8)}
    dtype = np.result_type(*dtypes) if dtypes and not is_compact else np.uint8
    array = np.empty((len(images), *images[0].shape), dtype)
    # One by one, so that never two copies of all are held.
    for index in reversed(range(len(images))):
        array[index] = images.pop()
    array.setflags(write=False)
    return array
