"""`Recording`: all maps of a method in an epoch, as stored; and all statistics of an epoch."""

import functools
import math
from collections.abc import Iterator

import numpy as np

from keras_saliency.records import StoredMaps, all_zero
from keras_saliency.statistics.drift import MEASURES
from keras_saliency.statistics.maps import Maps, chunks, inside
from keras_saliency.statistics.registry import STATISTICS, Attention, Statistic, probes_at


class Recording:
    """One method's stored maps in one epoch, prepared for some probes at a time.

    Args:
        method: name of the method.
        stored: `StoredMaps` of all probes.
        image_size: (H, W) of the probes; (length,) of signals, (D, H, W) of volumes.

    Attributes:
        stored: `StoredMaps` of all probes.
        empty: which maps are all zero, bool (n,).
        non_finite: which maps were not finite, bool (n,).
        num_pixels: H * W, of one map at that size.
    """

    def __init__(self, method: str, stored: StoredMaps, image_size: tuple[int, ...]):
        self.method = method
        self.image_size = image_size
        self.num_pixels = math.prod(image_size)
        self.stored = stored
        self.non_finite = ~np.isfinite(stored.scales)
        axes = inside(stored.codes)
        means = [stored.codes[rows].mean(axis=axes, dtype=np.float64) for rows in self.chunks()]
        self.empty = all_zero(np.concatenate(means) * stored.scales, stored.scales)

    def chunks(self) -> Iterator[np.ndarray]:
        """Yields indices of probes, as many at once as memory should hold at image size."""
        return chunks(np.arange(len(self.stored.scales)), self.num_pixels)

    def attention(self, indices) -> Attention:
        """Prepares some probes' maps."""
        if len(indices) == len(self.empty):
            indices = slice(None)  # all, without a copy
        native = self.stored.restore(indices)
        maps = Maps.from_native(self.method, native, self.empty[indices], self.non_finite[indices])
        return Attention.from_maps(self.method, maps, self.image_size)

    # The following four make it fit for a statistic of a set, as `Maps` at image size are.
    def take(self, indices) -> Maps:
        """Returns some probes' maps at image size."""
        return self.attention(indices).image

    @property
    def undefined(self) -> np.ndarray:
        """Which maps are all zero or not finite, bool (n,)."""
        return self.empty | self.non_finite

    @functools.cached_property
    def comparable(self) -> np.ndarray:
        """Which maps point anywhere: neither undefined nor constant, bool (n,)."""
        return np.concatenate([self.take(some).comparable for some in self.chunks()])


def applicable(probes, num_axes, **arguments) -> list[Statistic]:
    """Returns the statistics of maps with so many axes whose needs the others meet."""
    return [
        entry
        for entry in STATISTICS.values()
        if entry.num_axes <= num_axes
        and all(
            (arguments[need] if need in arguments else getattr(probes, need, None)) is not None
            for need in entry.needs
        )
    ]


def compute_all(
    recordings, probes, predictions, references, *, only=None, attempt=None
) -> dict[str, dict[str, np.ndarray]]:
    """Computes the statistics and drifts of all methods in one epoch.

    Memory holds as many probes at image size as `chunks` says, however many there are.

    Args:
        recordings: {method: `Recording`}.
        probes: `ProbeSet`.
        predictions: `Predictions` of the same probes.
        references: {"previous", "first" or "start": {method: `Recording`}}.
        only: names of the statistics wanted, such as "drift_previous". Defaults to None, all.
        attempt: (name, function, *arguments) -> result, or None where it failed; what
            failed is left out. Defaults to None, a plain call.

    Returns:
        {method: {statistic: float32 (n,)}}, NaN where undefined.
    """
    job = _Job(recordings, probes, predictions, references, only, attempt or _call)
    return {method: job.compute(method) for method in recordings}


def _call(name, function, *arguments):
    return function(*arguments)


class _Job:
    """The statistics of one epoch; see `compute_all`."""

    def __init__(self, recordings, probes, predictions, references, only, attempt):
        self._recordings = recordings
        self._references = references
        self._probes = probes
        self._predictions = predictions
        self._only = only
        self._attempt = attempt
        others = len(recordings) > 1 or None
        num_axes = max((len(r.image_size) for r in recordings.values()), default=2)
        self._entries = applicable(probes, num_axes, predictions=predictions, others=others)
        self._attentions: dict = {}  # of the chunk at hand, since methods are compared

    def compute(self, method):
        recording = self._recordings[method]
        indices = list(recording.chunks())
        found: dict[str, list] = {}
        for some in indices:
            self._compute_some(method, some, found)
        # Of a single chunk the maps are at hand; else they are made again, chunk by chunk.
        maps = self._at(method, indices[0]) if len(indices) == 1 else recording
        for entry in self._entries:
            if entry.of_set and self._wanted(entry.name):
                given = {"predictions": self._predictions} if "predictions" in entry.needs else {}
                self._note(found, entry.name, _measure(entry, given), maps, self._probes)
        order = [e.name for e in self._entries if e.name in found]
        order += [name for name in found if name not in STATISTICS]
        return {n: np.concatenate(found[n]) for n in order if found[n] is not None}

    def _compute_some(self, method, some, found):
        attention = self._at(method, some)
        probes = probes_at(self._probes, some)
        for entry in self._entries:
            if not entry.of_set and self._wanted(entry.name):
                given = {}
                if "others" in entry.needs:
                    given["others"] = [self._at(m, some) for m in self._recordings if m != method]
                self._note(found, entry.name, _measure(entry, given), attention, probes)
        earlier: dict[int, Attention] = {}  # references are often one epoch
        for reference, by_method in self._references.items():
            recording = by_method.get(method)
            if recording is None:
                continue
            for measure in MEASURES.values():
                name = f"{measure.name}_{reference}"
                if self._wanted(name):
                    if id(recording) not in earlier:
                        earlier[id(recording)] = recording.attention(some)
                    then = earlier[id(recording)]
                    self._note(found, name, measure.compare, attention, then)

    def _at(self, method, some):
        key = (method, int(some[0]))
        if key not in self._attentions:
            self._attentions = {k: v for k, v in self._attentions.items() if k[1] == key[1]}
            self._attentions[key] = self._recordings[method].attention(some)
        return self._attentions[key]

    def _wanted(self, name):
        return self._only is None or name in self._only

    def _note(self, found, name, function, *arguments):
        if name in found and found[name] is None:
            return  # it failed for earlier probes
        values = self._attempt(name, function, *arguments)
        found[name] = None if values is None else [*found.get(name, []), values]


def _measure(entry, given):
    return functools.partial(entry.measure, **given) if given else entry.measure
