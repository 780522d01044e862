"""What goes into Keras's `logs`: keys, and the statistics that they stand for."""

from typing import Any

from keras_saliency.probes import ProbeSet
from keras_saliency.statistics import STATISTICS, drift_names

# What a short name stands for.
_SHORT_NAMES = {"drift": "drift_previous"}
# The statistics that need more than images and labels, by what they need.
_NEEDS_OF_PROBES = ("object_masks", "groups", "cue_map", "labels")


def statistic_of(key: str) -> str:
    """Returns the statistic that an entry of `log_keys` stands for."""
    return _SHORT_NAMES.get(key, key)


def log_key(method: str, key: str) -> str:
    """Returns what an entry of `log_keys` is called in Keras's `logs`."""
    return f"{method}_{key}"


def check_log_keys(log_keys: Any, probes: ProbeSet, num_methods: int) -> tuple[str, ...]:
    """Refuses statistics that do not exist or that these probes cannot have.

    Raises:
        TypeError: if `log_keys` is no sequence of names.
        ValueError: if a name is unknown, comes twice, or needs what the probes lack.
    """
    is_sequence = isinstance(log_keys, list | tuple)
    if not is_sequence or not all(isinstance(key, str) for key in log_keys):
        raise TypeError(
            f'log_keys must be a sequence of names. Received: {log_keys!r}. Pass ("drift",), say.'
        )
    known = [*_SHORT_NAMES, *STATISTICS, *drift_names()]
    for key in log_keys:
        if key not in known:
            raise ValueError(
                f'log_keys holds an unknown statistic "{key}". Pass some of: {", ".join(known)}.'
            )
        if [statistic_of(k) for k in log_keys].count(statistic_of(key)) > 1:
            raise ValueError(f'log_keys holds "{key}" twice. Received: {log_keys!r}.')
        if key == "method_agreement" and num_methods < 2:
            raise ValueError('log_keys holds "method_agreement", which needs two methods.')
        if key in STATISTICS and STATISTICS[key].num_axes >= len(probes.image_shape):
            raise ValueError(
                f'log_keys holds "{key}", which probes of shape {probes.image_shape} have not.'
            )
        for need in STATISTICS[key].needs if key in STATISTICS else ():
            known_as = "class_labels" if need == "labels" else need
            if need in _NEEDS_OF_PROBES and getattr(probes, known_as) is None:
                raise ValueError(
                    f'log_keys holds "{key}", which needs {need}, but the probes have none. '
                    f"Pass ProbeSet(..., {need}=...) or leave it out."
                )
    return tuple(log_keys)
