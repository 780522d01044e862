"""The folders below a directory, by the names that TensorBoard gives runs."""

import os
from typing import NamedTuple


class Folder(NamedTuple):
    """A folder and what it holds.

    name is relative to the directory that was searched, "." for that itself; files are names.
    """

    name: str
    path: str
    files: list[str]


def folders_below(top: str) -> tuple[list[Folder], list[str]]:
    """Returns a local directory and all folders below it, and those that had to be left out.

    Links to folders are followed, but not in circles: a folder that contains a link to
    itself counts once. TensorFlow opens no path that is not UTF-8, and one such name would end
    the reading of all other runs, so these folders are left out.

    Args:
        top: a path.

    Returns:
        `Folder`s, and printable names of folders that no program can read by their name.
    """
    found, left_out = [], []
    waiting = [(".", top, frozenset[str]())]
    while waiting:
        name, path, above = waiting.pop()
        place = os.path.realpath(path)
        if place in above:
            continue
        try:
            inside = sorted(os.listdir(path), reverse=True)
        except OSError:  # it is gone, or closed to us
            continue
        is_folder = {entry: os.path.isdir(os.path.join(path, entry)) for entry in inside}
        found.append(Folder(name, path, [e for e in inside if not is_folder[e]]))
        for entry in filter(is_folder.get, inside):
            below = entry if name == "." else f"{name}/{entry}"
            if _is_utf_8(entry):
                waiting.append((below, os.path.join(path, entry), above | {place}))
            else:
                left_out.append(os.fsencode(below).decode("utf-8", "backslashreplace"))
    return found, left_out


def _is_utf_8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
