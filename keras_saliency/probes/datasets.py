"""Choosing probes from a dataset."""

import contextlib
import dataclasses
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import check_int
from keras_saliency._utils.notify import warn
from keras_saliency.probes.arrays import read_array, read_pixels
from keras_saliency.probes.batches import batches
from keras_saliency.probes.choosing import Chosen, SmallestKeys, check_seed, content_hash
from keras_saliency.probes.cue_map import MAX_CUE_IMAGES, blurred, make_cue_map
from keras_saliency.probes.labels import (
    are_targets,
    count_rows,
    one_hot_to_classes,
    read_labels,
)
from keras_saliency.probes.swap_images import SwapPool


def choose_from_dataset(
    dataset: object,
    *,
    per_class: int,
    max_probes: int,
    classes: Iterable[int] | None,
    seed: int,
) -> Chosen:
    """Chooses images for each class by content, in one pass over a dataset.

    An image is chosen by a hash of its pixels and the seed, so that the order
    of the dataset changes neither the choice nor the order of the chosen. See
    `ProbeSet.from_dataset` for the arguments.

    Raises:
        TypeError: if `dataset` or what it yields is of no known kind.
        ValueError: if it is infinite or empty, if its images differ in shape,
            or if a wanted class has no image.
    """
    per_class = check_int("per_class", per_class)
    max_probes = check_int("max_probes", max_probes)
    seed = check_seed(seed)
    choice = _Choice(per_class, max_probes, seed, _check_classes(classes))
    with _random_states_kept():
        for images, labels in batches(dataset):
            choice.see(images, labels)
    return choice.collect()


class _Choice:
    """The images chosen so far; see `choose_from_dataset` for the arguments.

    Floats may be class numbers or the targets of a regression, which a later batch may decide. So
    of floats both is chosen: some images of each class, and some of all.
    """

    def __init__(self, per_class: int, max_probes: int, seed: int, wanted: set[int] | None):
        self._per_class, self._max_probes = per_class, max_probes
        self._seed, self._wanted = seed, wanted
        self._of_each = SmallestKeys(per_class, max_probes)
        self._of_all = SmallestKeys(per_class, max_probes)
        self._has_targets, self._is_one_hot = False, True
        self._pool = SwapPool()
        self._cue = SmallestKeys(MAX_CUE_IMAGES)
        self._class_counts: Counter[int] = Counter()
        self._label_shape: tuple[int, ...] | None = None
        self._image_shape: tuple[int, ...] | None = None

    def see(self, images: Any, labels: Any) -> None:
        """Offers a batch."""
        pixels = read_pixels("images", images, num_labels=count_rows(labels))
        shape = pixels.shape[1:]
        self._image_shape = _check_same("images", self._image_shape, shape, "Resize them.")
        rows, are_floats = self._read(labels, pixels)
        for index, image in enumerate(pixels):
            row = None if rows is None else rows[index]
            groups = [] if self._has_targets else self._wanted_groups(row)
            if not groups and not are_floats:
                continue
            content = content_hash(image.tobytes(), self._seed)
            if are_floats:
                target = np.asarray(row, np.float32)
                _keep(self._of_all, [0], (content, target.tobytes()), target, image)
            # With its label, for the rare image that is there twice with two labels.
            key = (content, b"" if row is None else row.tobytes())
            _keep(self._of_each, groups, key, row, image)
            if row is not None and groups:
                self._pool.offer(groups, key, row, image)
                if self._is_one_hot and self._cue.wants(0, key):
                    self._cue.add(0, key, (groups[0], blurred(image)))

    def collect(self) -> Chosen:
        """Returns the probes, once all batches were seen."""
        if self._image_shape is None:
            raise ValueError("dataset must yield at least one image. Received: an empty dataset.")
        chosen = self._of_all if self._has_targets else self._of_each
        wanted = self._wanted
        if wanted is not None and wanted - chosen.groups:
            raise ValueError(
                f"classes must be classes of the dataset. Received: {sorted(wanted)}, but the "
                f"dataset has no image of {sorted(wanted - chosen.groups)}. Leave these out."
            )
        num_groups, most = len(chosen.groups), self._max_probes
        if num_groups * self._per_class > most:
            shown = num_groups if num_groups <= most else f"{most} of {num_groups}"
            warn(
                f"per_class={self._per_class} is reduced to {chosen.limit} (number of classes: "
                f"{shown}) to keep within max_probes={most}."
            )
        picked: dict[bytes, Any] = {}
        for _, (content, _), item in chosen.sorted():
            picked.setdefault(content, item)
        images = np.stack([image for _, image in picked.values()])
        if self._label_shape is None:
            return Chosen(images, None)
        rows = np.stack([row for row, _ in picked.values()])
        if self._has_targets:
            return Chosen(images, rows)
        swaps = self._pool.collect(picked, {group for row in rows for group in _groups_of(row)})
        if not self._is_one_hot:
            return Chosen(images, rows, swaps=swaps)
        if swaps is not None:
            swaps = dataclasses.replace(swaps, rows=one_hot_to_classes(swaps.rows))
        return Chosen(
            images,
            one_hot_to_classes(rows),
            make_cue_map(self._cue),
            swaps=swaps,
            class_counts=dict(self._class_counts),
        )

    def _read(self, labels: Any, pixels: np.ndarray) -> tuple[np.ndarray | None, bool]:
        """Returns the labels of a batch, and whether they are floats (m,)."""
        if labels is None:
            if self._wanted is not None:
                raise ValueError(
                    f"classes={sorted(self._wanted)} needs labels, but dataset yields images only. "
                    "Pass a dataset of (images, labels), or classes=None."
                )
            return None, False
        rows = read_labels(labels, pixels.shape, takes_targets=True)
        shape = rows.shape[1:]
        self._label_shape = _check_same("labels", self._label_shape, shape, "Encode them alike.")
        self._has_targets |= are_targets(rows)
        if self._has_targets and self._wanted is not None:
            raise ValueError(
                f"classes={sorted(self._wanted)} needs class numbers, but the labels are targets "
                "of a regression. Leave classes out."
            )
        self._is_one_hot &= rows.ndim == 1 or bool((rows.sum(axis=1) == 1).all())
        if self._is_one_hot and not self._has_targets:
            self._class_counts.update(one_hot_to_classes(rows).tolist())
        if not self._has_targets:
            self._pool.see(pixels)
        return rows, rows.ndim == 1 and read_array("labels", labels).dtype.kind == "f"

    def _wanted_groups(self, row: np.ndarray | None) -> list[int]:
        return [g for g in _groups_of(row) if self._wanted is None or g in self._wanted]


def _keep(
    kept: SmallestKeys, groups: Iterable[int], key: Any, row: np.ndarray | None, image: np.ndarray
) -> None:
    """Keeps an image of these groups if its key is among their smallest."""
    wanting = [group for group in groups if kept.wants(group, key)]
    item = (row, image.copy()) if wanting else None  # a view would hold its batch
    for group in wanting:
        kept.add(group, key, item)


def _check_classes(classes: Iterable[int] | None) -> set[int] | None:
    if classes is None:
        return None
    try:
        wanted = list(classes)
    except TypeError:
        wanted = []
    if not wanted or any(
        isinstance(c, bool) or not isinstance(c, (int, np.integer)) for c in wanted
    ):
        raise TypeError(f"classes must be None or a list of class numbers. Received: {classes!r}.")
    return {int(c) for c in wanted}


def _check_same(
    argument: str, first: tuple[int, ...] | None, shape: tuple[int, ...], fix: str
) -> tuple[int, ...]:
    if first is not None and first != shape:
        raise ValueError(
            f"{argument} of one dataset must have one shape. Received: entries of shape {first} "
            f"and of shape {shape}. {fix}"
        )
    return shape


@contextlib.contextmanager
def _random_states_kept() -> Iterator[None]:
    """Undoes what a dataset's own code draws from the global generators."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _groups_of(row: np.ndarray | None) -> list[int]:
    if row is None:
        return [0]
    if row.ndim == 0:
        return [int(row)]
    # A row of zeros belongs to no class: it is put after the last one.
    return np.flatnonzero(row).tolist() or [len(row)]
