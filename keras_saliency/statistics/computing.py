"""Computes the statistics and drifts of one epoch."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Predictions
from keras_saliency.statistics.map_sets import fill, map_set_of
from keras_saliency.statistics.maps import Maps
from keras_saliency.statistics.measures import MEASURES, REFERENCES
from keras_saliency.statistics.recording import Recording
from keras_saliency.statistics.registry import (
    STATISTICS,
    Attention,
    MapSet,
    Probes,
    Statistic,
    probes_at,
)

Recordings = Mapping[str, Recording]  # by method
References = Mapping[str, Recordings]
# (name, function, *arguments) -> what the function returns, or None where it failed.
Attempt = Callable[..., np.ndarray | None]


def compute(
    attention: Attention,
    probes: ProbeSet,
    predictions: Predictions | None = None,
    others: Sequence[Attention] = (),
) -> dict[str, np.ndarray]:
    """Computes every attention statistic that the probes allow.

    Args:
        attention: `Attention` of one method in one epoch.
        probes: `ProbeSet`; of its labels, object_masks, groups and cue_map,
            those that are None make the statistics that need them absent.
        predictions: `Predictions` of the same probes, for `group_accuracy_gap`.
        others: the other methods' `Attention`, for `method_agreement`.

    Returns:
        {statistic: float32 (n,)}, NaN where undefined.
    """
    arguments: dict[str, object] = {"predictions": predictions, "others": others or None}
    return {
        entry.name: entry.measure(
            attention, probes, **{n: arguments[n] for n in entry.needs if n in arguments}
        )
        for entry in applicable(probes, len(attention.image_size), **arguments)
    }


def compute_drift(
    attention: Attention, references: Mapping[str, Attention | None]
) -> dict[str, np.ndarray]:
    """Compares attention with earlier epochs in every measure.

    Args:
        attention: `Attention` of one method in one epoch.
        references: {"previous", "first" or "start": `Attention` of the same
            method, or None, which makes its drifts absent}.

    Returns:
        {"<measure>_<reference>": float32 (n,)}, NaN where undefined.

    Raises:
        ValueError: if a reference has another name.
    """
    computed = {}
    for reference, earlier in references.items():
        if reference not in REFERENCES:
            raise ValueError(
                f"references holds an unknown reference {reference!r}. "
                f"Pass some of: {', '.join(map(repr, REFERENCES))}."
            )
        if earlier is not None:
            for name, entry in MEASURES.items():
                computed[f"{name}_{reference}"] = entry.compare(attention, earlier)
    return computed


def applicable(probes: Probes, num_axes: int, **arguments: object) -> list[Statistic]:
    """Returns the statistics that can be computed for maps with this number of axes.

    The probes and the arguments must hold what they need.
    """
    return [
        entry
        for entry in STATISTICS.values()
        if entry.num_axes <= num_axes
        and all(
            (arguments[need] if need in arguments else _known(probes, need)) is not None
            for need in entry.needs
        )
    ]


def _known(probes: Probes, need: str) -> object:
    # To statistics, labels are classes; targets of a regression are none.
    is_target = need == "labels" and getattr(probes, "has_targets", False)
    return None if is_target else getattr(probes, need, None)


def compute_all(
    recordings: Recordings,
    probes: Probes,
    predictions: Predictions | None,
    references: References,
    *,
    only: Collection[str] | None = None,
    attempt: Attempt | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Computes the statistics and drifts of all methods in one epoch.

    However many probes there are, memory holds those of one chunk at image size, see `chunks`.

    Args:
        recordings: {method: `Recording`}.
        probes: `ProbeSet`.
        predictions: `Predictions` of the same probes; None makes what needs them absent.
        references: {"previous", "first" or "start": {method: `Recording`}}.
        only: names of the statistics wanted, such as "drift_previous". Defaults to None, all.
        attempt: (name, function, *arguments) -> result, or None where it failed; failed
            statistics are left out. Defaults to None, a plain call.

    Returns:
        {method: {statistic: float32 (n,)}}, NaN where undefined.
    """
    return _Job(recordings, probes, predictions, references, only, attempt or _call).compute()


def _call(name: str, function: Callable[..., np.ndarray], *arguments: Any) -> np.ndarray:
    return function(*arguments)


# Values by statistic, one array for each chunk of probes; None for a statistic that failed.
Found = dict[str, list[np.ndarray] | None]


class _Job:
    """The statistics of one epoch; see `compute_all`."""

    def __init__(
        self,
        recordings: Recordings,
        probes: Probes,
        predictions: Predictions | None,
        references: References,
        only: Collection[str] | None,
        attempt: Attempt,
    ):
        self._recordings = recordings
        self._references = references
        self._probes = probes
        self._predictions = predictions
        self._only = only
        self._attempt = attempt
        others = len(recordings) > 1 or None
        num_axes = max((len(r.image_size) for r in recordings.values()), default=2)
        self._entries = applicable(probes, num_axes, predictions=predictions, others=others)
        self._of_sets = [e for e in self._entries if e.of_set and self._wanted(e.name)]
        # By method, of the chunk at hand, since methods are compared.
        self._attentions: dict[tuple[str, int], Attention] = {}

    def compute(self) -> dict[str, dict[str, np.ndarray]]:
        found: dict[str, Found] = {method: {} for method in self._recordings}
        num = len(self._recordings) if self._of_sets else 0
        sets = {m: map_set_of(r, num) for m, r in self._recordings.items() if num}
        for some in max(map(_chunks, self._recordings.values()), key=len, default=[]):
            for method in self._recordings:
                self._compute_some(method, some, found[method])
                held = sets.get(method)
                if isinstance(held, Maps):
                    fill(held, some, self._at(method, some).image)
        return {method: self._complete(found[method], sets.get(method)) for method in found}

    def _complete(self, found: Found, maps: MapSet | None) -> dict[str, np.ndarray]:
        for entry in self._of_sets:
            given = {"predictions": self._predictions} if "predictions" in entry.needs else {}
            self._note(found, entry.name, _measure(entry, given), maps, self._probes)
        order = [e.name for e in self._entries if e.name in found]
        order += [name for name in found if name not in STATISTICS]
        parts = {name: found[name] for name in order}
        return {name: np.concatenate(some) for name, some in parts.items() if some is not None}

    def _compute_some(self, method: str, some: np.ndarray, found: Found) -> None:
        attention = self._at(method, some)
        probes = probes_at(self._probes, some)
        for entry in self._entries:
            if not entry.of_set and self._wanted(entry.name):
                given: dict[str, Any] = {}
                if "others" in entry.needs:
                    given["others"] = [self._at(m, some) for m in self._recordings if m != method]
                self._note(found, entry.name, _measure(entry, given), attention, probes)
        earlier: dict[int, Attention] = {}  # references are often one epoch
        for reference, by_method in self._references.items():
            recording = by_method.get(method)
            if recording is None:
                continue
            now = attention
            if recording.size != self._recordings[method].size:
                # From history, where maps are reduced: like is compared with like.
                now = self._recordings[method].reduced_to(recording.size).attention(some)
            for measure in MEASURES.values():
                name = f"{measure.name}_{reference}"
                if self._wanted(name):
                    if id(recording) not in earlier:
                        earlier[id(recording)] = recording.attention(some)
                    then = earlier[id(recording)]
                    self._note(found, name, measure.compare, now, then)

    def _at(self, method: str, some: np.ndarray) -> Attention:
        key = (method, int(some[0]))
        if key not in self._attentions:
            self._attentions = {k: v for k, v in self._attentions.items() if k[1] == key[1]}
            self._attentions[key] = self._recordings[method].attention(some)
        return self._attentions[key]

    def _wanted(self, name: str) -> bool:
        return self._only is None or name in self._only

    def _note(
        self, found: Found, name: str, function: Callable[..., np.ndarray], *arguments: Any
    ) -> None:
        earlier = found.get(name, [])
        if earlier is None:
            return  # it failed for earlier probes
        values = self._attempt(name, function, *arguments)
        found[name] = None if values is None else [*earlier, values]


def _chunks(recording: Recording) -> list[np.ndarray]:
    return list(recording.chunks())


def _measure(entry: Statistic, given: dict[str, Any]) -> Callable[..., np.ndarray]:
    return functools.partial(entry.measure, **given) if given else entry.measure
