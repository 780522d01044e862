"""A run's history on disk: one file per epoch, RUN/history/epoch_00012.npz."""

import contextlib
import dataclasses
import functools
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.files import TROUBLE, UNFINISHED, written_whole
from keras_saliency.history import archive
from keras_saliency.history.entry import MapsOnDisk
from keras_saliency.history.store import EpochStore
from keras_saliency.history.stored_findings import evidence_arrays, read_findings
from keras_saliency.records import Alert, StoredMaps

NewColumn = tuple[str, float, bytes]  # method, position, encoded image
Column = tuple[int, str, float, bytes]  # epoch, method, position, encoded image
_Result = TypeVar("_Result")

_FILE_NAME = re.compile(r"epoch_(-?\d{4,9})\.npz")


class RunFiles:
    """Writes and reads the epochs of one run.

    Heatmaps and probabilities of an epoch that is on disk are no longer held in memory. Each file
    is written whole or not at all, and can be loaded by itself with `History.load`.

    Args:
        run_dir: the run's directory.
        identity: what makes epochs comparable, as plain JSON: probes, methods, target.
    """

    def __init__(self, run_dir: str, identity: dict[str, Any]):
        self._folder = history_dir(run_dir)
        self._identity = identity
        # Columns and findings of epochs that could not be written yet.
        self._owed: dict[int, tuple[list[NewColumn], list[Alert]]] = {}

    def write(
        self,
        store: EpochStore,
        epoch: int,
        columns: Iterable[NewColumn] = (),
        findings: Iterable[Alert] = (),
    ) -> None:
        """Writes an epoch, after those that could not be written before.

        Args:
            store: holds the epoch; a `History`.
            epoch: which one.
            columns: new columns of filmstrips, (method, position, encoded image) each.
            findings: `Alert`s of the epoch.

        Raises:
            OSError, tf.errors.OpError: if the disk is full or gone. The epoch stays in
            memory, and is written with the next one.
        """
        self._owed[epoch] = list(columns), list(findings)
        self.write_owed(store)

    def add_findings(self, epoch: int, findings: Sequence[Alert]) -> None:
        """Adds findings to an epoch that was written already, or that could not be.

        Raises:
            OSError, tf.errors.OpError: if the disk is full or gone.
        """
        if epoch in self._owed:
            self._owed[epoch][1].extend(findings)
            return

        def amended(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            known = archive.read_metadata(arrays).get("findings", [])
            added = [finding.to_dict() for finding in findings]
            return archive.with_metadata(arrays, findings=[*known, *added])

        arrays = _read(self._path(epoch), amended)
        with written_whole(self._path(epoch)) as file:
            archive.save(arrays, file)

    def write_owed(self, store: EpochStore) -> None:
        """Writes the epochs that could not be written before; raises as `write` does."""
        errors: list[Exception] = []
        for owed in sorted(self._owed):
            try:
                self._write(store, owed, *self._owed[owed])
            except TROUBLE:
                raise
            except Exception as error:  # this epoch's own fault: it must not block the others
                errors.append(error)
            del self._owed[owed]
        if errors:
            raise errors[0]

    def _write(
        self, store: EpochStore, epoch: int, columns: list[NewColumn], findings: list[Alert]
    ) -> None:
        entry = store.entries[epoch]
        alone = EpochStore(labels=store.labels, names=store.names, class_names=store.class_names)
        alone.insert(epoch, entry)
        more = {
            "run": self._identity,
            "map_shapes": entry.map_shapes,
            "columns": [[method, float(position)] for method, position, _ in columns],
            "findings": [finding.to_dict() for finding in findings],
        }
        arrays = archive.to_arrays(alone, **more)
        for i, (_, _, image) in enumerate(columns):
            arrays[f"column_{i}"] = np.frombuffer(image, np.uint8)
        arrays |= evidence_arrays(findings)
        with written_whole(self._path(epoch)) as file:
            archive.save(arrays, file)
        self._leave_on_disk(store, epoch, entry.map_shapes, archive.read_metadata(arrays))

    def read(self, store: EpochStore) -> tuple[list[Column], list[Alert], list[str]]:
        """Reads all epochs of the run into a `History`.

        Returns:
            The columns of filmstrips, (epoch, method, position, encoded image) each, in order;
            the findings; and a sentence for each file that cannot be read.
        """
        columns: list[Column] = []
        findings: list[Alert] = []
        complaints: list[str] = []
        for epoch in _epochs_in(self._folder):
            try:
                add = functools.partial(self._add, store, epoch)
                new_columns, new_findings = _read(self._path(epoch), add)
                columns += new_columns
                findings += new_findings
            except (ValueError, *TROUBLE) as error:
                complaints.append(str(error))
        return columns, findings, complaints

    def _add(
        self, store: EpochStore, epoch: int, arrays: Mapping[str, np.ndarray]
    ) -> tuple[list[Column], list[Alert]]:
        metadata = archive.read_metadata(arrays)
        alone = archive.from_arrays(arrays, is_whole=False)
        if alone.epochs != [epoch]:
            raise ValueError(f"it holds the epochs {alone.epochs}")
        if metadata["run"] != self._identity:
            raise ValueError("it is of another run")
        shapes = {method: metadata["map_shapes"][method] for method, _ in metadata["heatmaps"]}
        columns = [
            (epoch, method, position, arrays[f"column_{i}"].tobytes())
            for i, (method, position) in enumerate(metadata["columns"])
        ]
        findings = read_findings(metadata, arrays)
        store.insert(epoch, alone.entries[epoch])
        self._leave_on_disk(store, epoch, shapes, metadata)
        return columns, findings

    def remove(self, store: EpochStore, epoch: int) -> None:
        """Removes an epoch that was trained again and not observed again."""
        store.remove(epoch)
        self._owed.pop(epoch, None)
        if tf.io.gfile.exists(self._path(epoch)):
            tf.io.gfile.remove(self._path(epoch))

    def _leave_on_disk(
        self,
        store: EpochStore,
        epoch: int,
        shapes: Mapping[str, Sequence[int]],
        metadata: Mapping[str, Any],
    ) -> None:
        path, methods = self._path(epoch), [method for method, _ in metadata["heatmaps"]]
        is_known = metadata.get("probabilities") == [epoch]  # older versions kept none
        entry = dataclasses.replace(
            store.entries[epoch],
            heatmaps=MapsOnDisk(shapes, functools.partial(_read_maps, path, methods)),
            probabilities=functools.partial(_read_probabilities, path) if is_known else None,
        )
        store.insert(epoch, entry)

    def clean(self) -> None:
        """Removes what a killed process has left half written."""
        with contextlib.suppress(*TROUBLE):
            for name in tf.io.gfile.listdir(self._folder):
                if name.endswith(UNFINISHED):
                    tf.io.gfile.remove(tf.io.gfile.join(self._folder, name))

    def _path(self, epoch: int) -> str:
        return tf.io.gfile.join(self._folder, _file_name(epoch))


def read_identity(run_dir: str) -> dict[str, Any] | None:
    """Returns the identity of the run in a directory, None where no file of it can be read."""
    folder = history_dir(run_dir)
    for epoch in reversed(_epochs_in(folder)):
        path = tf.io.gfile.join(folder, _file_name(epoch))
        try:
            identity = _read(path, lambda arrays: archive.read_metadata(arrays)["run"])
        except (ValueError, *TROUBLE):
            continue
        if isinstance(identity, dict):
            return identity
    return None


def read_epochs(run_dir: str) -> list[int]:
    """Returns the epochs of a run that are on disk, ascending."""
    return _epochs_in(history_dir(run_dir))


def read_findings_of(run_dir: str, epoch: int) -> list[Alert]:
    """Returns the findings in the file of one epoch.

    Raises:
        ValueError, OSError, tf.errors.OpError: if it cannot be read.
    """

    def use(arrays: Mapping[str, np.ndarray]) -> list[Alert]:
        return read_findings(archive.read_metadata(arrays), arrays)

    return _read(tf.io.gfile.join(history_dir(run_dir), _file_name(epoch)), use)


def load_run(run_dir: str) -> EpochStore:
    """Reads the history of a run; see `History.load`.

    Raises:
        ValueError: if the directory holds no epoch, or one that cannot be read.
    """
    epochs = _epochs_in(history_dir(run_dir))
    if not epochs:
        raise ValueError(
            f"{run_dir} holds no history. Pass a run's directory, such as logs/saliency."
        )
    path = tf.io.gfile.join(history_dir(run_dir), _file_name(epochs[0]))
    first = _read(path, functools.partial(archive.from_arrays, is_whole=False))
    store = EpochStore(labels=first.labels, names=first.names, class_names=first.class_names)
    _, _, complaints = RunFiles(run_dir, read_identity(run_dir) or {}).read(store)
    if complaints:
        raise ValueError("; ".join(complaints))
    return store


def _read_maps(path: str, methods: Sequence[str], method: str) -> StoredMaps:
    """Reads a method's heatmaps; `methods` are all that the file has, in their order."""
    return _read(path, lambda arrays: archive.read_maps(arrays, methods.index(method)))


def _read_probabilities(path: str) -> np.ndarray:
    """Reads the probabilities of the one epoch of a file."""
    return _read(path, lambda arrays: archive.read_probabilities(arrays, 0))


def _file_name(epoch: int) -> str:
    return f"epoch_{epoch:05d}.npz"


def _epochs_in(folder: str) -> list[int]:
    if not tf.io.gfile.isdir(folder):
        return []
    matches = [_FILE_NAME.fullmatch(name) for name in tf.io.gfile.listdir(folder)]
    return sorted(int(match[1]) for match in matches if match)


def _read(path: str, use: Callable[[Mapping[str, np.ndarray]], _Result]) -> _Result:
    if not is_remote(path):
        return archive.read(path, use)
    with tf.io.gfile.GFile(path, "rb") as file:
        return archive.read(io.BytesIO(file.read()), use)


def history_dir(run_dir: str) -> str:
    """Returns where a run keeps its history."""
    return tf.io.gfile.join(run_dir, "history")
