"""The file of a history: one .npz of plain arrays, uncompressed, without pickle."""

import contextlib
import io
import json
import math
import os
import zipfile

import numpy as np

from keras_saliency.arguments import shown
from keras_saliency.history.entry import Entry

_FORMAT, _VERSION = "keras_saliency.history", 1
_MAX_SIDE = 2**31  # of an array, and the largest epoch


def to_arrays(history) -> dict[str, np.ndarray]:
    """Turns a history into arrays by name; "metadata" is JSON as uint8.

    Names of methods and statistics are in the metadata only, since a
    user's method may have any name; the arrays are numbered.
    """
    entries = history.entries

    def epochs_with(method, statistic):
        return [e for e, entry in entries.items() if statistic in entry.statistics.get(method, {})]

    methods = history.methods
    series = [[m, s, epochs_with(m, s)] for m in methods for s in history[m]]
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "epochs": history.epochs,
        "seconds": history.seconds,
        "names": history.names,
        "class_names": history.class_names,
        "series": series,
        "heatmaps": [
            [m, epoch] for m in methods for epoch, entry in entries.items() if m in entry.heatmaps
        ],
    }
    arrays = {
        "metadata": np.frombuffer(json.dumps(metadata).encode(), np.uint8),
        "classes": history.predictions,
        "confidence": history.confidence,
    }
    if history.labels is not None:
        arrays["labels"] = history.labels
    for i, (method, statistic, epochs) in enumerate(series):
        arrays[f"series_{i}"] = np.stack([entries[e].statistics[method][statistic] for e in epochs])
    for i, (method, epoch) in enumerate(metadata["heatmaps"]):
        arrays[f"codes_{i}"], arrays[f"scales_{i}"] = entries[epoch].heatmaps[method]
    return arrays


def save(arrays, path):
    """Writes arrays to a path, in one step, or to a file that is open."""
    if hasattr(path, "write"):
        np.savez(path, **arrays)
        return
    path = os.fspath(path)
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        with open(unfinished, "wb") as file:
            np.savez(file, **arrays)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(unfinished)
        raise


def load(path, make_history):
    """Reads a history, made by `make_history(labels=, names=, class_names=)`.

    Raises:
        ValueError: if the file is broken, or no history.
    """
    try:
        return _from_arrays(_read(path), make_history)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # zipfile, numpy and json have a dozen kinds for broken files
        name = getattr(path, "name", path)
        raise ValueError(
            f"{name} is no history that can be read: {error}. "
            "Pass a file that History.save wrote, or start a new run."
        ) from error


def _read(path):
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        # A small file could otherwise unpack to any size, by what it packs or by parts that
        # lie on one another.
        if any(m.compress_type != zipfile.ZIP_STORED for m in members):
            raise ValueError("it is compressed")
        held = archive.fp.seek(0, os.SEEK_END)  # type: ignore[union-attr]
        if sum(max(m.file_size, m.compress_size) for m in members) > held:
            raise ValueError("it announces more than it holds")
        return {m.filename.removesuffix(".npy"): _read_array(archive, m) for m in members}


def _read_array(archive, member):
    """One array; what its header announces is compared with what is there before it is made."""
    content = io.BytesIO(archive.read(member))
    if np.lib.format.read_magic(content) != (1, 0):
        raise ValueError(f"{member.filename!r} is no array of the kind that save writes")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    announced = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=1) < 0 or max(shape, default=0) > _MAX_SIDE:
        raise ValueError(f"{member.filename!r} holds objects, or no shape that an array has")
    if announced != member.file_size - content.tell():
        raise ValueError(f"{member.filename!r} announces {announced} bytes, but holds others")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)


def _from_arrays(arrays, make_history):
    metadata = json.loads(arrays["metadata"].tobytes().decode())
    if metadata["format"] != _FORMAT:
        raise ValueError("it is another kind of file")
    if metadata["version"] != _VERSION:
        raise ValueError(f"it has version {metadata['version']}, this program reads {_VERSION}")
    epochs, seconds = metadata["epochs"], metadata["seconds"]
    _check_words(metadata)
    labels = arrays.get("labels")
    if labels is not None and (labels.dtype != np.int64 or labels.ndim != 1):
        raise ValueError(f"its labels are {labels.dtype} of shape {labels.shape}")
    history = make_history(
        labels=labels,
        names=metadata["names"],
        class_names=metadata["class_names"],
    )
    statistics: dict[int, dict] = {epoch: {} for epoch in epochs}
    for i, (method, statistic, held) in enumerate(metadata["series"]):
        for epoch, row in zip(held, _floats(arrays[f"series_{i}"]), strict=True):
            statistics[epoch].setdefault(method, {})[statistic] = row
    heatmaps: dict[int, dict] = {epoch: {} for epoch in epochs}
    for i, (method, epoch) in enumerate(metadata["heatmaps"]):
        codes, scales = _floats(arrays[f"codes_{i}"], np.float16), _floats(arrays[f"scales_{i}"])
        heatmaps[epoch][method] = (codes, scales)
    classes, confidence = arrays["classes"], _floats(arrays["confidence"])
    if classes.dtype != np.int64:
        raise ValueError(f"its classes are {classes.dtype}")
    for epoch, predicted, sureness, cost in zip(epochs, classes, confidence, seconds, strict=True):
        cost = None if cost is None else float(cost)
        entry = Entry(predicted, sureness, statistics[epoch], heatmaps[epoch], cost)
        history.insert(epoch, entry)
    return history


def _check_words(metadata):
    """Refuses what is no text where History.save writes text, and epochs beyond all counting."""
    lists = [metadata[key] for key in ("names", "class_names") if metadata[key] is not None]
    lists += [[*entry[:2]] for entry in metadata["series"]]
    lists += [[entry[0]] for entry in metadata["heatmaps"]]
    for words in lists:
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"it holds {shown(words)} where text was expected")
    if not all(isinstance(epoch, int) and epoch < _MAX_SIDE for epoch in metadata["epochs"]):
        raise ValueError(f"its epochs are {shown(metadata['epochs'])}")


def _floats(array, dtype=np.float32):
    if array.dtype != dtype:
        raise ValueError(f"it holds {array.dtype} where {np.dtype(dtype)} was expected")
    return array
