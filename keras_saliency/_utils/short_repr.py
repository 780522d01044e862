"""`short_repr`: records that hold arrays are shown in a line."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from keras_saliency._utils.arguments import shown

_MOST_LETTERS, _MOST_OF_FIELD, _MOST_ENTRIES = 280, 60, 8
_Class = TypeVar("_Class", bound=type)
_PLAIN = (str, int, float, bool, type(None))


def short_repr(cls: _Class) -> _Class:
    """Gives a dataclass or a named tuple a `repr` of at most 280 characters; a decorator.

    A notebook shows what the last line of a cell returns, and `print` a whole list: arrays are
    shown by type and shape, long texts and collections in part, and None is left out.
    """
    cls.__repr__ = _describe  # type: ignore[assignment]
    return cls


def _describe(record: Any) -> str:
    is_named_tuple = isinstance(record, tuple)
    names = record._fields if is_named_tuple else [f.name for f in dataclasses.fields(record)]
    values = {name: getattr(record, name, None) for name in names}
    parts = [f"{name}={_show(value)}" for name, value in values.items() if value is not None]
    text, end = ", ".join(parts), ""
    room = _MOST_LETTERS - len(type(record).__name__) - len("(, ...)")
    while len(text) > room and len(parts) > 1:
        parts, end = parts[:-1], ", ..."
        text = ", ".join(parts)
    return f"{type(record).__name__}({text}{end})"


def _show(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.4g}"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{getattr(dtype, 'name', dtype)}{shape}"
    if isinstance(value, Mapping):
        keys = ", ".join(str(key) for key in list(value)[:_MOST_ENTRIES])
        more = ", ..." if len(value) > _MOST_ENTRIES else ""
        return f"{{{keys[:_MOST_OF_FIELD]}{more}}}"
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        if len(value) <= _MOST_ENTRIES and all(isinstance(entry, _PLAIN) for entry in value):
            return shown(value, _MOST_OF_FIELD)
        kinds = sorted({type(entry).__name__ for entry in value})
        return f"<{len(value)} of {', '.join(kinds[:3])}>"
    if isinstance(value, _PLAIN):
        return shown(value, _MOST_OF_FIELD)
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))[:_MOST_OF_FIELD]
    text = shown(value, 2 * _MOST_OF_FIELD)
    return text if len(text) <= _MOST_OF_FIELD else f"{type(value).__name__}(...)"
