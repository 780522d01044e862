"""Reads the batches of a dataset as images and labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_saliency.probes.arrays import is_dataset, is_signal, read_array, read_pixels
from keras_saliency.probes.labels import check_one_output, count_rows, read_labels


def batches(dataset: Any) -> Iterator[tuple[Any, Any]]:
    """Yields (images, labels or None), with a batch axis."""
    if isinstance(dataset, tuple) or (hasattr(dataset, "__array__") and not is_dataset(dataset)):
        yield from _array_batches(dataset)
    elif hasattr(dataset, "element_spec"):
        if int(dataset.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
            raise ValueError(
                "dataset must end. Received: a tf.data.Dataset of infinite cardinality. "
                "Pass dataset.take(num_batches), or the dataset before .repeat()."
            )
        spec = dataset.element_spec
        if isinstance(spec, tuple | list) and len(spec) > 1 and not hasattr(spec[1], "shape"):
            check_one_output(spec[1], None)
        batch_without_channels = _is_batch_without_channels(spec)
        for element in dataset:
            images, labels = _unpack(element)
            num_axes = getattr(images, "ndim", None)
            is_one = num_axes == 3
            if num_axes == 3:
                # One unbatched image, or a batch of signals or of grayscale images? Labels decide.
                vector = labels is not None and np.ndim(labels) == 1 and len(labels) == len(images)
                is_row = vector and np.isin(labels, (0, 1)).all()  # or classes 0 and 1
                if is_row and is_signal(images.shape, len(images)):
                    is_row = np.sum(labels) == 1
                if batch_without_channels or (vector and not is_row):
                    read_pixels("images", images, num_labels=len(images) if vector else None)
                    is_one = False
            elif num_axes in (2, 4) and labels is not None and np.ndim(labels) == 0:
                is_one = True  # an unbatched signal or volume
            if is_one:
                images = images[None]
                labels = None if labels is None else np.asarray(labels)[None]
            yield images, labels
    elif is_dataset(dataset):
        if dataset.num_batches is None:
            raise ValueError(
                f"dataset must end. Received: {type(dataset).__name__} with num_batches=None, "
                "which is infinite. Pass a dataset with a number of batches."
            )
        # By index: iterating, or calling on_epoch_end, could move its state.
        for index in range(dataset.num_batches):
            yield _unpack(dataset[index])
    else:
        raise TypeError(
            "dataset must be a tf.data.Dataset, a tuple (images, labels) or a "
            f"keras.utils.PyDataset. Received: {type(dataset).__name__}."
        )


def _array_batches(arrays: Any, size: int = 256) -> Iterator[tuple[Any, Any]]:
    images, labels = _unpack(arrays)
    images = read_array("images", images)
    num_labels = count_rows(labels)
    if images.ndim != 4 or 0 in images.shape:
        read_pixels("images", images, num_labels=num_labels)  # refuses
    rows = None if labels is None else read_labels(labels, images.shape, takes_targets=True)
    for start in range(0, len(images), size):
        batch = slice(start, start + size)
        yield images[batch], None if rows is None else rows[batch]


def _unpack(element: Any) -> tuple[Any, Any]:
    if not isinstance(element, (tuple, list)):
        element = (element,)
    if not 1 <= len(element) <= 3 or isinstance(element[0], dict):
        shown = ", ".join(type(part).__name__ for part in element)
        raise TypeError(
            "dataset must yield images, (images, labels) or (images, labels, weights), each one "
            f"array. Received: ({shown}). Map it, for example dataset.map(lambda d: (d['image'], "
            "d['label'])); for a model with several inputs, pass ProbeSet({name: array}, labels)."
        )
    images, labels = (*element, None)[:2]
    if isinstance(images, (tuple, list)) and any(np.ndim(part) > 2 for part in images):
        raise TypeError(
            f"dataset must yield one array of images in each batch. Received: {len(images)} of "
            "them. Map the dataset to one of these; for a model with several inputs, pass "
            "ProbeSet([array, array], labels)."
        )
    check_one_output(labels, count_rows(images))
    return (np.asarray(images) if hasattr(images, "shape") else images), labels


def _is_batch_without_channels(element_spec: Any) -> bool:
    specs = element_spec if isinstance(element_spec, (tuple, list)) else (element_spec,)
    shapes: list[Any] = [getattr(spec, "shape", None) for spec in specs[:2]]
    if any(shape is None or shape.rank is None for shape in shapes) or shapes[0].rank != 3:
        return False
    if len(shapes) == 2:
        return shapes[1].rank > 0 and shapes[1][0] is None
    return shapes[0][0] is None and shapes[0][1] is not None
