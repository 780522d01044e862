"""Files and folders, local or remote, whatever they are called.

Local ones are read by Python and not by TensorFlow, which knows no names but UTF-8 and waits
for ever for a named pipe. An address such as "gs://bucket/folder" is TensorFlow's.
"""

import os
import stat
from collections.abc import Iterator
from typing import Any

from keras_saliency._utils.arguments import is_remote, shown

# No image of an accepted size needs a longer file.
MAX_BYTES = 1_000_000_000


def is_folder(path: str) -> bool:
    """Whether there is a folder of this name."""
    return _gfile().isdir(path) if is_remote(path) else os.path.isdir(path)


def list_folder(path: str) -> list[str]:
    """Returns the names of files and folders in a folder, sorted."""
    if not is_remote(path):
        return sorted(os.listdir(path))
    # gfile ends the folders of some remote file systems with a slash.
    return sorted(name.rstrip("/") for name in _gfile().listdir(path))


def walk_folder(path: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields (folder, folders in it, files in it) of a folder and all below it."""
    # gfile follows links to folders, which may turn in circles; os.walk does not, as in Keras.
    return _gfile().walk(path) if is_remote(path) else os.walk(path)


def read_file(path: str | bytes | os.PathLike[str]) -> bytes:
    """Returns the content of a file.

    Raises:
        ValueError: if it cannot be read, is no regular file or longer than a gigabyte.
    """
    path = os.fsdecode(path)
    try:
        if is_remote(path):
            return _read_remote(path)
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(
                f"{shown(path, 300)} must be a regular file. Received: a folder, pipe or device. "
                "Remove it."
            )
        _check_length(path, found.st_size)
        with open(path, "rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise ValueError(f"{shown(path, 300)} cannot be read ({error}).") from error


def as_text(name: str) -> str:
    """Returns a file's name as text; bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _read_remote(path: str) -> bytes:
    from tensorflow import errors

    try:
        _check_length(path, _gfile().stat(path).length)
        with _gfile().GFile(path, "rb") as file:
            return file.read()
    except errors.OpError as error:
        raise ValueError(f"{shown(path, 300)} cannot be read ({error}).") from error


def _check_length(path: str, length: int) -> None:
    if length > MAX_BYTES:
        raise ValueError(
            f"{shown(path, 300)} must be a file of at most {MAX_BYTES:,} bytes. "
            f"Received: {length:,}. Shrink or remove the file."
        )


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile
