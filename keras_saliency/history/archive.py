"""The file of a history: one .npz of plain arrays, uncompressed, without pickle."""

import contextlib
import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.files import TROUBLE, written_whole
from keras_saliency._utils.notify import notify
from keras_saliency.history.entry import Entry, MapComparison, held
from keras_saliency.history.npz import MAX_SIDE, Arrays, write
from keras_saliency.history.store import EpochStore
from keras_saliency.records import StoredMaps

_MOST_COMPARED = 2**27  # pixels of a map at the size at which it is compared, 0.5 GB
_FORMAT, _VERSION = "keras_saliency.history", 1
_Result = TypeVar("_Result")


def to_arrays(store: EpochStore, **more: Any) -> dict[str, np.ndarray]:
    """Turns a history into arrays by name; "metadata" is JSON as uint8.

    Names of methods and statistics are in the metadata only, since a
    user's method may have any name; heatmaps are numbered. `more` goes into the metadata.
    """
    entries = store.entries

    def epochs_with(method: str, statistic: str) -> list[int]:
        return [e for e, entry in entries.items() if statistic in entry.statistics.get(method, {})]

    maps = _readable_maps(store)
    probabilities = _readable_probabilities(store)
    series = [(m, s, epochs_with(m, s)) for m in store.methods for s in store.stored_statistics(m)]
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "epochs": store.epochs,
        "seconds": store.seconds,
        "baselines": [epoch for epoch, entry in entries.items() if entry.is_baseline],
        "names": store.names,
        "class_names": store.class_names,
        "series": series,
        "heatmaps": [list(place) for place in maps],
        "probabilities": list(probabilities),
        "comparisons": _comparisons(store),
        **more,
    }
    arrays = {
        "metadata": np.frombuffer(json.dumps(metadata).encode(), np.uint8),
        "classes": store.predictions,
        "confidence": store.confidence,
    }
    if store.labels is not None:
        arrays["labels" if store.labels.ndim == 1 else "multi_hot"] = store.labels
    rows = [entries[e].statistics[m][s] for m, s, epochs in series for e in epochs]
    arrays["values"] = np.array(rows, np.float32).reshape(len(rows), store.num_probes or 0)
    for i, stored in enumerate(maps.values()):
        arrays[f"codes_{i}"], arrays[f"scales_{i}"] = stored
    arrays |= {f"probabilities_{i}": rows for i, rows in enumerate(probabilities.values())}
    return arrays


def _comparisons(store: EpochStore) -> list[tuple[str, list[int], bool, list[int]]]:
    """Returns how maps are compared: method, size, whether they are smoothed, epochs."""
    epochs: dict[tuple[str, MapComparison], list[int]] = {}
    for epoch, entry in store.entries.items():
        for item in entry.comparisons.items():
            epochs.setdefault(item, []).append(epoch)
    return [(method, list(c.size), c.is_grainy, some) for (method, c), some in epochs.items()]


def _readable_maps(store: EpochStore) -> dict[tuple[str, int], StoredMaps]:
    """Returns the maps by (method, epoch), with a notice of those that are no longer on disk."""
    found, gone = {}, []
    for method in store.methods:
        for epoch, entry in store.entries.items():
            if method in entry.heatmaps:
                try:
                    found[method, epoch] = entry.heatmaps[method]
                except (ValueError, *TROUBLE):
                    gone.append(epoch)
    if gone:
        notify(
            f"keras_saliency: heatmaps of the epochs {sorted(set(gone))} are no longer on disk "
            "and are left out."
        )
    return found


def _readable_probabilities(store: EpochStore) -> dict[int, np.ndarray]:
    """Returns the classes' probabilities by epoch, without those that are no longer on disk."""
    found = {}
    for epoch, entry in store.entries.items():
        if entry.probabilities is not None:
            with contextlib.suppress(ValueError, *TROUBLE):
                found[epoch] = entry.probabilities()
    return found


def save(arrays: Mapping[str, np.ndarray], path: str | os.PathLike[str] | BinaryIO) -> None:
    """Writes arrays to a path, in one step, or to a file that is open."""
    if isinstance(path, str | os.PathLike):
        with written_whole(os.fspath(path)) as file:
            write(file, arrays)
    else:
        write(path, arrays)


def load(path: str | os.PathLike[str] | BinaryIO) -> EpochStore:
    """Reads a history from a path, or from a file that is open.

    Raises:
        ValueError: if the file is broken, or no history.
    """
    return read(path, from_arrays)


def read(
    path: str | os.PathLike[str] | BinaryIO, use: Callable[[Mapping[str, np.ndarray]], _Result]
) -> _Result:
    """Returns `use(arrays)`; each array is read when `use` asks for it.

    Raises:
        ValueError: if the file is broken, or no history.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return use(Arrays(archive))
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # zipfile, numpy and json have a dozen kinds for broken files
        name = getattr(path, "name", path)
        raise ValueError(
            f"{name} is no history that can be read: {error}. "
            "Pass a file that History.save wrote, or start a new run."
        ) from error


def read_metadata(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Returns the metadata of a history's arrays.

    Raises:
        ValueError: if they are of another kind or version.
    """
    metadata = json.loads(arrays["metadata"].tobytes().decode())
    if metadata["format"] != _FORMAT:
        raise ValueError("it is another kind of file")
    if metadata["version"] != _VERSION:
        raise ValueError(f"it has version {metadata['version']}, this program reads {_VERSION}")
    return metadata


def with_metadata(arrays: Mapping[str, np.ndarray], **more: Any) -> dict[str, np.ndarray]:
    """Returns a history's arrays with other metadata under some keys."""
    metadata = {**read_metadata(arrays), **more}
    encoded = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    return {**{name: arrays[name] for name in arrays}, "metadata": encoded}


def read_maps(arrays: Mapping[str, np.ndarray], number: int) -> StoredMaps:
    """Returns the heatmaps at a place in the metadata's list."""
    codes = _floats(arrays[f"codes_{number}"], np.float16)
    return StoredMaps(codes, _floats(arrays[f"scales_{number}"]))


def read_probabilities(arrays: Mapping[str, np.ndarray], number: int) -> np.ndarray:
    """Returns the classes' probabilities at a place in the metadata's list, float16 (n, k)."""
    found = _floats(arrays[f"probabilities_{number}"], np.float16)
    if found.shape[:-1] != arrays["classes"].shape[1:]:
        raise ValueError(f"its probabilities have the shape {found.shape}")
    return found


def from_arrays(arrays: Mapping[str, np.ndarray], is_whole: bool = True) -> EpochStore:
    """Reads what `to_arrays` returned, with or without heatmaps and probabilities."""
    metadata = read_metadata(arrays)
    epochs, seconds = metadata["epochs"], metadata["seconds"]
    _check_metadata(metadata)
    labels = arrays.get("labels")
    multi_hot = arrays.get("multi_hot")
    for known, num_axes in ((labels, 1), (multi_hot, 2)):
        if known is not None and (known.dtype != np.int64 or known.ndim != num_axes):
            raise ValueError(f"its labels are {known.dtype} of shape {known.shape}")
    labels = labels if multi_hot is None else multi_hot
    store = EpochStore(labels=labels, names=metadata["names"], class_names=metadata["class_names"])
    statistics: dict[int, dict[str, dict[str, np.ndarray]]] = {epoch: {} for epoch in epochs}
    rows = [(m, s, epoch) for m, s, epochs_of in metadata["series"] for epoch in epochs_of]
    for (method, statistic, epoch), row in zip(rows, _floats(arrays["values"]), strict=True):
        statistics[epoch].setdefault(method, {})[statistic] = row
    heatmaps: dict[int, dict[str, StoredMaps]] = {epoch: {} for epoch in epochs}
    for i, (method, epoch) in enumerate(metadata["heatmaps"] if is_whole else []):
        heatmaps[epoch][method] = read_maps(arrays, i)
    places = metadata.get("probabilities", []) if is_whole else []  # older versions kept none
    probabilities = {e: held(read_probabilities(arrays, i)) for i, e in enumerate(places)}
    comparisons: dict[int, dict[str, MapComparison]] = {epoch: {} for epoch in epochs}
    for method, size, is_grainy, epochs_of in metadata.get("comparisons", []):  # newer, as well
        for epoch in epochs_of:
            comparisons[epoch][method] = MapComparison(tuple(size), is_grainy)
    classes, confidence = arrays["classes"], _floats(arrays["confidence"])
    if classes.dtype != np.int64:
        raise ValueError(f"its classes are {classes.dtype}")
    for epoch, predicted, sureness, cost in zip(epochs, classes, confidence, seconds, strict=True):
        cost = None if cost is None else float(cost)
        baseline = epoch in metadata["baselines"]
        entry = Entry(
            predicted,
            sureness,
            statistics[epoch],
            heatmaps[epoch],
            cost,
            baseline,
            probabilities.get(epoch),
            comparisons[epoch],
        )
        store.insert(epoch, entry)
    return store


def _check_metadata(metadata: dict[str, Any]) -> None:
    """Refuses anything but text where History.save writes text, and epochs that are too large."""
    lists = [metadata[key] for key in ("names", "class_names") if metadata[key] is not None]
    lists += [[*entry[:2]] for entry in metadata["series"]]
    lists += [[entry[0]] for entry in metadata["heatmaps"]]
    for texts in lists:
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"it holds {shown(texts)} where text was expected")
    for method, size, is_grainy, _ in metadata.get("comparisons", []):
        sides = [side for side in size if type(side) is int and 0 < side < MAX_SIDE]
        if not isinstance(method, str) or type(is_grainy) is not bool or len(sides) < len(size):
            raise ValueError(f"its heatmaps are compared at the size {shown(size)}")
        if math.prod(sides) > _MOST_COMPARED:
            raise ValueError(f"its heatmaps are compared at the size {shown(size)}, too large")
    if not all(isinstance(epoch, int) and epoch < MAX_SIDE for epoch in metadata["epochs"]):
        raise ValueError(f"its epochs are {shown(metadata['epochs'])}")


def _floats(array: np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
    if array.dtype != dtype:
        raise ValueError(f"it holds {array.dtype} where {np.dtype(dtype)} was expected")
    return array
