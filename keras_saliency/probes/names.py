"""Texts: names of probes and classes, and groups."""

import itertools
from collections import Counter
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.probes.arrays import check_length, frozen

_MAX_CLASSES = 1_000_000


def read_groups(groups: object, images_shape: tuple[int, ...]) -> np.ndarray:
    """Reads one hashable for each probe; returns a frozen array (n,) of text."""
    if hasattr(groups, "__array__"):
        groups = np.asarray(groups).tolist()
    listed = _as_list("groups", groups, "a list of one group for each probe", images_shape[0])
    check_length("groups", listed, images_shape, "group")
    texts = []
    for index, group in enumerate(listed):
        try:
            hash(group)
            text = group.decode(errors="replace") if isinstance(group, bytes) else str(group)
        except Exception as error:  # whatever the user's own __hash__ or __str__ raises
            raise TypeError(
                "groups must be readable as text and hashable. "
                f"Received: {shown(group)} at index {index} ({type(error).__name__}). "
                "Pass one string or number for each probe."
            ) from error
        # Arrays drop NUL at the end of a text, which would make two groups one.
        texts.append(text.replace("\0", "\\0"))
    return frozen(texts)


def check_names(names: object, images_shape: tuple[int, ...]) -> tuple[str, ...]:
    """Returns `names` as a tuple; refuses all but one string for each probe."""
    checked = _check_strings("names", names, images_shape[0])
    check_length("names", checked, images_shape, "name")
    return checked


def check_class_names(class_names: object) -> tuple[str, ...]:
    """Returns `class_names` as a tuple; refuses all but different strings."""
    checked = _check_strings("class_names", class_names, _MAX_CLASSES)
    if len(checked) > _MAX_CLASSES:
        raise ValueError(
            f"class_names must be at most {_MAX_CLASSES} strings. Received: more. "
            "Name each class once, in a list."
        )
    counts = Counter(checked)
    if len(counts) < len(checked) or not checked:
        most_common = counts.most_common(1)
        received = f"{shown(most_common[0][0])} twice" if most_common else "an empty list"
        raise ValueError(
            f"class_names must be different strings. Received: {received}. Name each class once."
        )
    return checked


def _check_strings(argument: str, values: object, most: int) -> tuple[str, ...]:
    listed = _as_list(argument, values, "a list of strings", most)
    for index, value in enumerate(listed):
        if not isinstance(value, str):
            raise TypeError(
                f"{argument} must be strings. Received: {shown(value)} at index {index}. "
                "Pass str(…)."
            )
    return tuple(str(value) for value in listed)


def _as_list(argument: str, values: object, expected: str, most: int) -> list[Any]:
    """Returns a list of the values, or of the first `most` + 1: an iterator may never end."""
    is_text_or_unordered = isinstance(values, (str, bytes, set, frozenset, dict))
    if not is_text_or_unordered and hasattr(values, "__iter__"):
        try:
            if hasattr(values, "__len__"):
                return list(values)
            return list(itertools.islice(values, most + 1))
        except Exception as error:  # whatever the user's own iterator raises
            raise TypeError(
                f"{argument} cannot be read as a list. Received: {shown(values)} "
                f"({type(error).__name__}: {error}). Pass a list."
            ) from error
    raise TypeError(f"{argument} must be {expected}. Received: {shown(values)}. Pass a list.")
