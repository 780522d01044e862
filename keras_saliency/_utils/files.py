"""Files that are written as a whole or not at all."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from typing import BinaryIO

import tensorflow as tf

from keras_saliency._utils.arguments import is_remote

# What a disk that is full, gone or read-only raises. Writing is tried again when it comes back.
TROUBLE = (OSError, tf.errors.OpError)

UNFINISHED = ".unfinished"  # ends the names of files that are being written


@contextlib.contextmanager
def written_whole(path: str) -> Iterator[BinaryIO]:
    """Context with a binary file, which replaces that at the path as a whole when the context ends.

    A temporary file beside it, fsync, rename. Missing directories are made.
    """
    folder = path.rpartition("/")[0]
    if folder:
        tf.io.gfile.makedirs(folder)
    unfinished = f"{path}.{uuid.uuid4().hex[:8]}{UNFINISHED}"
    try:
        if is_remote(path):
            with tempfile.TemporaryFile() as file:
                yield file
                file.seek(0)
                with tf.io.gfile.GFile(unfinished, "wb") as remote:
                    shutil.copyfileobj(file, remote)
            tf.io.gfile.rename(unfinished, path, overwrite=True)
            return
        with open(unfinished, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        _sync_directory(folder or ".")
    except BaseException:
        with contextlib.suppress(*TROUBLE):
            tf.io.gfile.remove(unfinished)
        raise


def _sync_directory(folder: str) -> None:
    """Makes a rename survive a crash, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_if_empty(directory: str) -> None:
    """Removes a directory that is empty, if that is possible."""
    with contextlib.suppress(*TROUBLE):
        if tf.io.gfile.isdir(directory) and not tf.io.gfile.listdir(directory):
            tf.io.gfile.rmtree(directory)
