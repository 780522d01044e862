"""`Settings`: what the user has asked for, checked."""

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import check_int, check_names, shown
from keras_saliency._utils.short_repr import short_repr
from keras_saliency._utils.spread import spread_evenly
from keras_saliency.attribution.target import check_target
from keras_saliency.history import History, check_history_maps
from keras_saliency.methods import Method, get_methods
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts import Battery, Legitimate
from keras_saliency.sinks import Sink, get_sinks
from keras_saliency.training.log_keys import check_log_keys

# Folders of `keras.callbacks.TensorBoard`, and those inside a run.
_TAKEN = frozenset({"train", "validation", "history", "pictures"})
_COUNTS = ("epoch_freq", "batch_freq", "num_drawn", "detect_freq", "chunk_size")


@short_repr
@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the user has asked for. The fields are the arguments of `SaliencyCallback`.

    They are given as the user gives them; afterwards they are checked, and have the types below.
    `battery` is made of `detectors`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if an argument is out of range.
    """

    probes: ProbeSet
    log_dir: str
    methods: list[Method]
    target: Any  # a word, a class or a function
    output: str | int | None
    epoch_freq: int
    batch_freq: int | None
    max_overhead: float | None
    history_maps: str | None
    log_keys: tuple[str, ...]
    num_drawn: int
    chunk_size: int
    sinks: list[Sink]
    on_error: str
    battery: Battery | None
    detect_freq: int
    legitimate: Legitimate
    on_alert: str | Callable[[Alert], Any]
    feature_layers: tuple[str, ...]
    run_name: str

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("probes", ProbeSet.of(self.probes))
        put("methods", get_methods(self.methods))
        for name in _COUNTS:
            if getattr(self, name) is not None or name != "batch_freq":
                put(name, check_int(name, getattr(self, name)))
        put("chunk_size", min(self.chunk_size, len(self.probes)))
        put("max_overhead", check_share("max_overhead", self.max_overhead))
        check_history_maps(self.history_maps)
        put("log_dir", check_log_dir(self.log_dir))
        put("run_name", check_run_name(self.run_name))
        put("target", check_target(self.target, self.probes))
        put("log_keys", check_log_keys(self.log_keys, self.probes, len(self.methods)))
        put("sinks", get_sinks(self.sinks))
        put("battery", Battery.of(self.battery))
        size = self.probes.image_shape[:-1]
        put("legitimate", Legitimate.of(self.legitimate, size))
        check_on_alert(self.on_alert)
        put("feature_layers", check_names("feature_layers", self.feature_layers))
        if self.feature_layers:
            self.probes.require_images("SaliencyCallback(feature_layers=...)")

    @cached_property
    def drawn(self) -> np.ndarray:
        """Indices of the probes that are drawn, ascending.

        They are spread over the set, because probes are often sorted by class.
        """
        return spread_evenly(len(self.probes), self.num_drawn)

    def without_displays(self) -> "Settings":
        """Returns the same without the sinks that only show something."""
        kept = [sink for sink in self.sinks if not sink.is_display]
        return self if len(kept) == len(self.sinks) else dataclasses.replace(self, sinks=kept)

    def new_history(self) -> History:
        """Returns an empty history of the probes."""
        probes = self.probes
        names, class_names = probes.names, probes.class_names
        return History(labels=probes.known_classes, names=names, class_names=class_names)


class SettingsByName:
    """Lets the settings of a callback be read from it by their names.

    What is assigned to one is checked, with all others, and counts from the next `fit` on.
    """

    settings: Settings


def _setting(name: str) -> property:
    def assign(callback: SettingsByName, value: Any) -> None:
        callback.settings = dataclasses.replace(callback.settings, **{name: value})

    return property(attrgetter(f"settings.{name}"), assign)


for _name in (
    *("probes", "log_dir", "methods", "target", "epoch_freq", "batch_freq", "max_overhead"),
    *("history_maps", "log_keys", "num_drawn", "chunk_size", "sinks", "on_error", "battery"),
    *("legitimate", "on_alert", "run_name"),
):
    setattr(SettingsByName, _name, _setting(_name))


def check_share(name: str, value: Any) -> float | None:
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


def check_log_dir(log_dir: Any) -> str:
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


def check_run_name(run_name: Any) -> str:
    """Returns the name of a run, a relative path such as "fold_3/saliency".

    Raises:
        TypeError: if it is no string.
        ValueError: if it leads out of the log directory, or into what another writer owns.
    """
    if not isinstance(run_name, str):
        raise TypeError(
            f"run_name must be a string. Received: {shown(run_name)}. "
            'Pass a relative path such as "fold_3/saliency".'
        )
    parts = run_name.split("/")
    is_text = run_name.encode(errors="replace").decode() == run_name and run_name.isprintable()
    is_long = len(run_name) > 1000 or any(len(part.encode()) > 200 for part in parts if is_text)
    if not is_text or is_long or "\\" in run_name or ":" in run_name:
        raise ValueError(
            f"run_name holds what the name of a folder cannot. Received: {shown(run_name)}. "
            'Pass a relative path such as "fold_3/saliency".'
        )
    if not all(part.strip() and part not in (".", "..") for part in parts):
        raise ValueError(
            f"run_name must be a path below log_dir, without empty parts, . and .. . Received: "
            f'{shown(run_name)}. Pass a relative path such as "fold_3/saliency".'
        )
    taken = _TAKEN.intersection(parts)
    if taken:
        raise ValueError(
            f'run_name may not hold "{min(taken)}", a folder that Keras or a run itself writes '
            f'to. Received: {shown(run_name)}. Pass another name, such as "fold_3/saliency".'
        )
    return run_name


def check_on_alert(on_alert: Any) -> str | Callable[[Alert], Any]:
    """Returns what is done at an alert: "warn", "stop" or a function of an `Alert`."""
    if callable(on_alert) or (isinstance(on_alert, str) and on_alert in ("warn", "stop")):
        return on_alert
    raise ValueError(
        f'on_alert must be "warn", "stop" or a function of an Alert. Received: {shown(on_alert)}.'
    )
