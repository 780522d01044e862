"""Choosing a few items of each group by a hash of their content."""

import bisect
import hashlib
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_saliency._utils.short_repr import short_repr

if TYPE_CHECKING:
    from keras_saliency.probes.swap_images import SwapImages


@short_repr
@dataclass(frozen=True)
class Chosen:
    """The probes that were chosen.

    Attributes:
        images: array (n, H, W, C).
        labels: int64 array (n,), float32 array (n, k) of zeros and ones for
            multi-hot labels, float32 array (n,) of targets, or None.
        cue_map: float32 array (H, W) or None, see `explained_variance`.
        names: "class/filename" of each image, or None.
        class_names: names of the folders, or None.
        object_masks: bool array (n, H, W), or None.
        swaps: these and further images, for swaps only, or None without any.
        class_counts: {class: how many images there were to choose from}, or None.
    """

    images: np.ndarray
    labels: np.ndarray | None
    cue_map: np.ndarray | None = None
    names: list[str] | None = None
    class_names: list[str] | None = None
    object_masks: np.ndarray | None = None
    swaps: "SwapImages | None" = None
    class_counts: dict[int, int] | None = None


class SmallestKeys:
    """Keeps, for each group, the items with the smallest keys, each key once.

    The order in which items are offered does not matter, and no more than
    about `max_items` are held at any time.

    Args:
        per_group: how many items to keep for one group.
        max_items: how many to keep in all: with more groups than fit,
            `per_group` shrinks evenly for all, at last to 1 for those groups
            whose smallest keys are smallest. None for no bound.
    """

    def __init__(self, per_group: int, max_items: int | None = None):
        self.per_group = per_group
        self.max_items = max_items
        self.groups: set[Any] = set()
        self._keys: dict[Any, list[Any]] = {}
        self._items: dict[Any, dict[Any, Any]] = {}

    @property
    def limit(self) -> int:
        """How many items one group may keep, given the groups seen so far."""
        if self.max_items is None:
            return self.per_group
        return min(self.per_group, max(1, self.max_items // max(1, len(self.groups))))

    def wants(self, group: Hashable, key: Any) -> bool:
        """Whether an item with this key would be kept, for now."""
        keys = self._keys.get(group, [])
        if len(keys) >= self.limit and key > keys[-1]:
            return False
        return key not in self._items.get(group, ())

    def add(self, group: Hashable, key: Any, item: Any) -> None:
        """Takes an item that `wants` has agreed to."""
        is_new = group not in self.groups
        self.groups.add(group)
        bisect.insort(self._keys.setdefault(group, []), key)
        self._items.setdefault(group, {})[key] = item
        self._trim(self._keys if is_new else (group,))

    def shrink_to(self, max_items: int) -> None:
        """Lowers `max_items`, as if it had been that low from the start; never raises it."""
        if self.max_items is None or max_items < self.max_items:
            self.max_items = max_items
            self._trim(self._keys)

    def _trim(self, groups: Iterable[Hashable]) -> None:
        # Dropping is final and safe: the limit and each group's smallest key can only shrink.
        for group in groups:
            while len(self._keys[group]) > self.limit:
                del self._items[group][self._keys[group].pop()]
        while self.max_items is not None and len(self._keys) > self.max_items:
            last = max(self._keys, key=lambda g: self._keys[g][0])
            del self._keys[last], self._items[last]

    def sorted(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yields (group, key, item), by group and then by key."""
        for group in sorted(self._keys):
            for key in self._keys[group]:
                yield group, key, self._items[group][key]


def content_hash(content: bytes, seed: int) -> bytes:
    """Returns 16 bytes that order contents at random, in another order for each seed."""
    return hashlib.blake2b(content, digest_size=16, key=str(seed).encode()[:64]).digest()


def check_seed(seed: object) -> int:
    """Returns `seed` as an int; refuses everything else."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be an int. Received: {seed!r}.")
    return int(seed)
