"""Writes .npz files, and reads those that are not trusted.

Nothing in them is executed, and nothing larger than the file is made.
"""

import io
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

MAX_SIDE = 2**31  # of an array


def write(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to an open file, like np.savez, but raises cleanly where the disk is full."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of an .npz file, each read when it is asked for.

    Args:
        archive: an open `zipfile.ZipFile`.

    Raises:
        ValueError: if it is packed, or announces more than it holds.
    """

    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive
        members = archive.infolist()
        # A small file could otherwise unpack to any size, by what it packs or by parts that
        # lie on one another.
        if any(m.compress_type != zipfile.ZIP_STORED for m in members):
            raise ValueError("it is compressed")
        held = archive.fp.seek(0, os.SEEK_END)  # type: ignore[union-attr]
        if sum(max(m.file_size, m.compress_size) for m in members) > held:
            raise ValueError("it announces more than it holds")
        self._members = {m.filename.removesuffix(".npy"): m for m in members}

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns one array, after its header has been compared with the bytes that are there."""
        member = self._members[name]
        content = io.BytesIO(self._archive.read(member))
        if np.lib.format.read_magic(content) != (1, 0):
            raise ValueError(f"{member.filename!r} is no array of the kind that save writes")
        shape, _, dtype = np.lib.format.read_array_header_1_0(content)
        announced = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=1) < 0 or max(shape, default=0) > MAX_SIDE:
            raise ValueError(f"{member.filename!r} holds objects, or no shape that an array has")
        if announced != member.file_size - content.tell():
            raise ValueError(f"{member.filename!r} announces {announced} bytes, but holds others")
        content.seek(0)
        return np.lib.format.read_array(content, allow_pickle=False)
