"""Choosing probes from a dataset."""

import contextlib
import dataclasses
import random
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import check_int
from keras_saliency.probes.arrays import read_pixels
from keras_saliency.probes.batches import batches
from keras_saliency.probes.choosing import Chosen, SmallestKeys, check_seed, content_hash
from keras_saliency.probes.cue_map import MAX_CUE_IMAGES, blurred, make_cue_map
from keras_saliency.probes.labels import count_rows, one_hot_to_classes, read_labels
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
    wanted = _check_classes(classes)
    chosen = SmallestKeys(per_class, max_probes)
    pool = SwapPool()
    cue = SmallestKeys(MAX_CUE_IMAGES)
    is_one_hot = True
    label_shape: tuple[int, ...] | None = None
    image_shape: tuple[int, ...] | None = None

    with _random_states_kept():
        for images, labels in batches(dataset):
            pixels = read_pixels("images", images, num_labels=count_rows(labels))
            rows = None if labels is None else read_labels(labels, pixels.shape)
            image_shape = _check_same("images", image_shape, pixels.shape[1:], "Resize them.")
            if rows is not None:
                label_shape = _check_same(
                    "labels", label_shape, rows.shape[1:], "Encode them alike."
                )
                is_one_hot &= rows.ndim == 1 or bool((rows.sum(axis=1) == 1).all())
                pool.see(pixels)
            elif wanted is not None:
                raise ValueError(
                    f"classes={sorted(wanted)} needs labels, but dataset yields images only. "
                    "Pass a dataset of (images, labels), or classes=None."
                )
            for index, image in enumerate(pixels):
                row = None if rows is None else rows[index]
                groups = [g for g in _groups_of(row) if wanted is None or g in wanted]
                if not groups:
                    continue
                content = content_hash(image.tobytes(), seed)
                # With its label, for the rare image that is there twice with two labels.
                key = (content, b"" if row is None else row.tobytes())
                for group in groups:
                    if chosen.wants(group, key):
                        chosen.add(group, key, (row, image.copy()))  # a view would hold its batch
                if row is not None:
                    pool.offer(groups, key, row, image)
                if is_one_hot and row is not None and cue.wants(0, key):
                    cue.add(0, key, (groups[0], blurred(image)))

    if not chosen.groups and image_shape is None:
        raise ValueError("dataset must yield at least one image. Received: an empty dataset.")
    if wanted is not None and wanted - chosen.groups:
        raise ValueError(
            f"classes must be classes of the dataset. Received: {sorted(wanted)}, but the dataset "
            f"has no image of {sorted(wanted - chosen.groups)}. Leave these out."
        )
    num_groups = len(chosen.groups)
    if num_groups * per_class > max_probes:
        shown = num_groups if num_groups <= max_probes else f"{max_probes} of {num_groups}"
        warnings.warn(
            f"per_class={per_class} is reduced to {chosen.limit} (number of classes: {shown}) "
            f"to keep within max_probes={max_probes}.",
            stacklevel=3,
        )

    picked: dict[bytes, Any] = {}
    for _, (content, _), item in chosen.sorted():
        picked.setdefault(content, item)
    chosen_images = np.stack([image for _, image in picked.values()])
    if label_shape is None:
        return Chosen(chosen_images, None)
    rows = np.stack([row for row, _ in picked.values()])
    swaps = pool.collect(picked, {group for row in rows for group in _groups_of(row)})
    if not is_one_hot:
        return Chosen(chosen_images, rows, swaps=swaps)
    if swaps is not None:
        swaps = dataclasses.replace(swaps, rows=one_hot_to_classes(swaps.rows))
    return Chosen(chosen_images, one_hot_to_classes(rows), make_cue_map(cue), swaps=swaps)


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
