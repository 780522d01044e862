"""The file of a history: one .npz of plain arrays, uncompressed, without pickle."""

import json
import os
import zipfile

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.files import TROUBLE, written_whole
from keras_saliency._utils.notify import notify
from keras_saliency.history.entry import Entry
from keras_saliency.history.npz import MAX_SIDE, Arrays, write
from keras_saliency.records import StoredMaps

_FORMAT, _VERSION = "keras_saliency.history", 1


def to_arrays(history, **more) -> dict[str, np.ndarray]:
    """Turns a history into arrays by name; "metadata" is JSON as uint8.

    Names of methods and statistics are in the metadata only, since a
    user's method may have any name; heatmaps are numbered. `more` goes into the metadata.
    """
    entries = history.entries

    def epochs_with(method, statistic):
        return [e for e, entry in entries.items() if statistic in entry.statistics.get(method, {})]

    methods = history.methods
    maps = _readable_maps(history)
    series = [[m, s, epochs_with(m, s)] for m in methods for s in history[m]]
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "epochs": history.epochs,
        "seconds": history.seconds,
        "baselines": [epoch for epoch, entry in entries.items() if entry.is_baseline],
        "names": history.names,
        "class_names": history.class_names,
        "series": series,
        "heatmaps": [list(place) for place in maps],
        **more,
    }
    arrays = {
        "metadata": np.frombuffer(json.dumps(metadata).encode(), np.uint8),
        "classes": history.predictions,
        "confidence": history.confidence,
    }
    if history.labels is not None:
        arrays["labels"] = history.labels
    rows = [entries[e].statistics[m][s] for m, s, epochs in series for e in epochs]
    arrays["values"] = np.array(rows, np.float32).reshape(len(rows), history.num_probes or 0)
    for i, stored in enumerate(maps.values()):
        arrays[f"codes_{i}"], arrays[f"scales_{i}"] = stored
    return arrays


def _readable_maps(history):
    """{(method, epoch): `StoredMaps`}; what has vanished from disk is left out, and said."""
    found, gone = {}, []
    for method in history.methods:
        for epoch, entry in history.entries.items():
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


def save(arrays: dict, path):
    """Writes arrays to a path, in one step, or to a file that is open."""
    if hasattr(path, "write"):
        write(path, arrays)
        return
    with written_whole(os.fspath(path)) as file:
        write(file, arrays)


def load(path, make_history):
    """Reads a history, made by `make_history(labels=, names=, class_names=)`.

    Raises:
        ValueError: if the file is broken, or no history.
    """
    return read(path, lambda archive: from_arrays(archive, make_history))


def read(path, use):
    """Returns `use(arrays)`, the arrays being read when they are asked for.

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


def read_metadata(arrays) -> dict:
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


def read_maps(arrays, number) -> StoredMaps:
    """Returns the heatmaps that stand at a place of the metadata's list."""
    codes = _floats(arrays[f"codes_{number}"], np.float16)
    return StoredMaps(codes, _floats(arrays[f"scales_{number}"]))


def from_arrays(arrays, make_history, read_heatmaps=True):
    """Makes a history of what `to_arrays` returned, with or without the heatmaps."""
    metadata = read_metadata(arrays)
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
    places = [(m, s, epoch) for m, s, held in metadata["series"] for epoch in held]
    for (method, statistic, epoch), row in zip(places, _floats(arrays["values"]), strict=True):
        statistics[epoch].setdefault(method, {})[statistic] = row
    heatmaps: dict[int, dict] = {epoch: {} for epoch in epochs}
    for i, (method, epoch) in enumerate(metadata["heatmaps"] if read_heatmaps else []):
        heatmaps[epoch][method] = read_maps(arrays, i)
    classes, confidence = arrays["classes"], _floats(arrays["confidence"])
    if classes.dtype != np.int64:
        raise ValueError(f"its classes are {classes.dtype}")
    for epoch, predicted, sureness, cost in zip(epochs, classes, confidence, seconds, strict=True):
        cost = None if cost is None else float(cost)
        baseline = epoch in metadata["baselines"]
        entry = Entry(predicted, sureness, statistics[epoch], heatmaps[epoch], cost, baseline)
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
    if not all(isinstance(epoch, int) and epoch < MAX_SIDE for epoch in metadata["epochs"]):
        raise ValueError(f"its epochs are {shown(metadata['epochs'])}")


def _floats(array, dtype=np.float32):
    if array.dtype != dtype:
        raise ValueError(f"it holds {array.dtype} where {np.dtype(dtype)} was expected")
    return array
