"""`Settings`: what the user has asked for, checked."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.history import History
from keras_saliency.probes import ProbeSet
from keras_saliency.shortcuts import NOTHING_LEGITIMATE, Battery, Legitimate


@dataclass(frozen=True)
class Settings:
    """What the user has asked for, checked; see `SaliencyCallback`."""

    probes: ProbeSet
    log_dir: str
    methods: list
    target: Any  # a word, a class or a function
    log_keys: tuple[str, ...]
    num_drawn: int
    chunk_size: int
    sinks: list
    battery: Battery | None = None
    detect_freq: int = 1
    legitimate: Legitimate = NOTHING_LEGITIMATE
    output: str | int | None = None
    feature_layers: tuple[str, ...] = ()

    def new_history(self) -> History:
        """Returns an empty history of the probes."""
        probes = self.probes
        return History(labels=probes.labels, names=probes.names, class_names=probes.class_names)


def check_share(name: str, value) -> float | None:
    """Returns a share of the whole as a float, or None; refuses anything else.

    Raises:
        ValueError: if it is no number above 0 and at most 1.
    """
    if value is None:
        return None
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not 0 < value <= 1:
        raise ValueError(
            f"{name} must be a share, above 0 and at most 1, or None. Received: {value!r}. "
            "Pass 0.05 for 5 %."
        )
    return float(value)


def check_log_dir(log_dir) -> str:
    """Returns a log directory as a string; refuses what can be none."""
    if not isinstance(log_dir, str | os.PathLike) or os.fspath(log_dir) in ("", b""):
        raise TypeError(
            f"log_dir must be a path. Received: {log_dir!r}. Pass a directory such as 'logs'."
        )
    path = os.fsdecode(log_dir)
    is_text = path.encode(errors="replace").decode() == path  # no lone surrogates
    if "\0" in path or len(path) > 4096 or not is_text:
        raise ValueError(f"log_dir is no path that a file system takes. Received: {shown(path)}.")
    return path


def check_on_alert(on_alert):
    """Returns what is done at an alert: "warn", "stop" or a function of an `Alert`."""
    if callable(on_alert) or (isinstance(on_alert, str) and on_alert in ("warn", "stop")):
        return on_alert
    raise ValueError(
        f'on_alert must be "warn", "stop" or a function of an Alert. Received: {shown(on_alert)}.'
    )
