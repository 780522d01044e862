"""Texts: names of probes and classes, and groups."""

import numpy as np

from keras_saliency.probes.arrays import check_length, frozen


def read_groups(groups, images_shape) -> np.ndarray:
    """Reads one hashable for each probe; returns a frozen array (n,) of text."""
    if hasattr(groups, "__array__"):
        groups = np.asarray(groups).tolist()
    groups = _as_list("groups", groups, "a list of one group for each probe")
    check_length("groups", groups, images_shape, "group")
    for index, group in enumerate(groups):
        try:
            hash(group)
        except TypeError as error:
            raise TypeError(
                f"groups must be hashable. Received: {group!r} at index {index}. "
                "Pass one string or number for each probe."
            ) from error
    return frozen([g.decode(errors="replace") if isinstance(g, bytes) else str(g) for g in groups])


def check_names(names, images_shape) -> tuple[str, ...]:
    """Returns `names` as a tuple; refuses all but one string for each probe."""
    names = _check_strings("names", names)
    check_length("names", names, images_shape, "name")
    return names


def check_class_names(class_names) -> tuple[str, ...]:
    """Returns `class_names` as a tuple; refuses all but different strings."""
    class_names = _check_strings("class_names", class_names)
    twice = [name for i, name in enumerate(class_names) if name in class_names[:i]]
    if twice or not class_names:
        received = f'"{twice[0]}" twice' if twice else "an empty list"
        raise ValueError(
            f"class_names must be different strings. Received: {received}. Name each class once."
        )
    return class_names


def _check_strings(argument, values) -> tuple[str, ...]:
    values = _as_list(argument, values, "a list of strings")
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise TypeError(
                f"{argument} must be strings. Received: {value!r} at index {index}. Pass str(…)."
            )
    return tuple(str(value) for value in values)


def _as_list(argument, values, expected) -> list:
    if isinstance(values, (str, bytes, set, frozenset, dict)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be {expected}. Received: {values!r}. Pass a list.")
    return list(values)
