"""The records that flow down the pipe. Read this module first.

A `ModelGraph` turns probes into one `Heatmaps` per method and one
`Predictions`; everything below it (statistics, history, pictures, sinks)
takes these records and never the model.
"""

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from keras_saliency._utils.resize import alongside, average_by_area, resize
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.cards import finding_card, report_card

if TYPE_CHECKING:
    from keras_saliency.probes import ProbeSet

# A heatmap whose mean is this much smaller than the largest value among the
# maps of its method is rounding dust: drawing or ranking it would show noise.
EMPTY_MEAN = 1e-8


def all_zero(means: np.ndarray, maxima: np.ndarray) -> np.ndarray:
    """Returns which maps count as all zero, bool (n,); those that are not finite do not.

    All zero means: mean <= 1e-8 times the largest value among the finite maps of a
    method, so that rounding dust counts as zero.

    Args:
        means: each map's mean, (n,).
        maxima: each map's largest value, (n,).
    """
    finite = np.isfinite(means)
    return finite & (means <= EMPTY_MEAN * maxima[finite].max(initial=0))


@short_repr
class StoredMaps(NamedTuple):
    """One method's heatmaps as they are kept: float16 of map / maximum.

    The maximum is kept beside them, since gradients are often smaller than the smallest
    float16. Statistics are of maps of native size that are kept so; in history, larger ones are
    reduced.

    Attributes:
        codes: float16 array (n, h, w), in [0, 1]; NaN for a map that was not finite. (n, l) for
            signals, (n, d, h, w) for volumes.
        scales: float32 array (n,), each map's maximum.
    """

    codes: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, maps: np.ndarray, size: tuple[int, ...] | None = None) -> "StoredMaps":
        """Encodes heatmaps (n, h, w), map by map, so that no second float32 copy is made.

        Args:
            maps: float array (n, h, w).
            size: (h', w') to which they are averaged by area. Defaults to None, their own.

        Raises:
            ValueError: if the array has not one axis to three beside that of the probes.
        """
        maps = np.asarray(maps, np.float32)
        if not 2 <= maps.ndim <= 4:
            raise ValueError(f"heatmaps must be (n, h, w). Received: {maps.shape}.")
        inside = tuple(range(1, maps.ndim))
        scales = maps.max(axis=inside, initial=0)
        with np.errstate(invalid="ignore"):  # float64 sums of float32 are finite if all terms are
            scales[~np.isfinite(maps.sum(axis=inside, dtype=np.float64))] = np.nan
        codes = np.empty((len(maps), *(size or maps.shape[1:])), np.float16)
        divisors = alongside(np.where(scales == 0, np.float32(1), scales), maps)
        block = max(1, 2**20 // max(1, maps[:1].size))
        with np.errstate(invalid="ignore"):
            for start in range(0, len(maps), block):
                rows = slice(start, start + block)
                if size is None or size == maps.shape[1:]:
                    np.divide(maps[rows], divisors[rows], out=codes[rows], casting="same_kind")
                    continue
                # Of maps with maximum 1, since the sum of an area may be no float32 any more.
                averages = average_by_area(maps[rows] / divisors[rows], size)
                peaks = averages.max(axis=inside, initial=0)
                peaks[np.isnan(scales[rows])] = np.nan
                scales[rows] *= peaks
                codes[rows] = averages / alongside(np.where(peaks == 0, 1, peaks), averages)
        return cls(codes, scales)

    def restore(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Returns the heatmaps of some probes, float32 (m, h, w)."""
        maps = self.codes[rows].astype(np.float32)
        return maps * alongside(self.scales[rows], maps)


def are_correct(classes: np.ndarray, probes: "ProbeSet") -> np.ndarray | None:
    """Returns whether each predicted class is a label of its probe, bool (n,).

    None without labels, and with the targets of a regression.
    """
    if probes.labels is not None:
        is_target = probes.labels.dtype.kind == "f"
        return None if is_target else classes == probes.labels
    if probes.multi_hot is not None:
        return probes.multi_hot[np.arange(len(classes)), classes] > 0
    return None


@short_repr
@dataclass(frozen=True)
class Predictions:
    """What the model says about each probe.

    Attributes:
        logits: float32 array (n, k), the scores before softmax or sigmoid;
            k = 1 for a one-unit head.
        probabilities: float32 array (n, k), in [0, 1]; softmax of the logits,
            or their sigmoid for sigmoid heads and for k = 1.
        has_classes: whether there are classes; else `logits` holds the user's score (n, 1).
    """

    logits: np.ndarray
    probabilities: np.ndarray
    has_classes: bool = True

    @property
    def classes(self) -> np.ndarray:
        """Predicted class of each probe, int64 (n,); 0 or 1 for k = 1."""
        if self.logits.shape[1] == 1:
            return (self.logits[:, 0] > 0).astype(np.int64)
        return self.logits.argmax(axis=1)

    def is_correct(self, probes: "ProbeSet") -> np.ndarray | None:
        """Returns whether each predicted class is a label of the probe, bool (n,).

        None without labels, with the targets of a regression, and where the output has no
        classes.
        """
        return are_correct(self.classes, probes) if self.has_classes else None

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float32 (n,), in [0, 1]; NaN without classes."""
        if not self.has_classes:
            return np.full(len(self.logits), np.nan, np.float32)
        if self.logits.shape[1] == 1:
            positive = self.probabilities[:, 0]
            return np.where(self.classes == 1, positive, 1 - positive)
        return np.take_along_axis(self.probabilities, self.classes[:, None], axis=1)[:, 0]

    @property
    def by_class(self) -> np.ndarray | None:
        """Probability of each class, float32 (n, k), k at least 2; None without classes."""
        if not self.has_classes:
            return None
        if self.logits.shape[1] == 1:
            return np.concatenate([1 - self.probabilities, self.probabilities], axis=1)
        return self.probabilities


@short_repr
@dataclass(frozen=True)
class Heatmaps:
    """One method's heatmaps for all probes, un-normalised.

    Attributes:
        method: name of the method.
        native: float32 array (n, h, w), non-negative, at the size at which
            the method computes them (Grad-CAM: that of its layer); (n, l) for signals,
            (n, d, h, w) for volumes.
        image_size: (H, W) of the probes.
        signal: float32 array (m, H, W, C), the signed attributions of the m
            probes that are drawn, for methods that are looked at as pictures (DeconvNet);
            otherwise None.
        is_grainy: whether statistics smooth the maps, as `Method.is_grainy` says.
        advice: why maps that are all zero are to be expected for the model, and what to use
            instead; "" where they are not.
    """

    method: str
    native: np.ndarray
    image_size: tuple[int, ...]
    signal: np.ndarray | None = None
    is_grainy: bool = False
    advice: str = ""

    def at_image_size(self) -> np.ndarray:
        """Heatmaps resized linearly to the image, float32 (n, H, W)."""
        return resize(self.native, self.image_size)

    @property
    def non_finite(self) -> np.ndarray:
        """Which maps hold NaN or infinity, bool (n,)."""
        with np.errstate(invalid="ignore"):  # float64 sums of float32 are finite if all terms are
            return ~np.isfinite(self.native.sum(axis=self._inside, dtype=np.float64))

    @property
    def empty(self) -> np.ndarray:
        """Which maps are finite but all zero (see `all_zero`), bool (n,)."""
        with np.errstate(invalid="ignore"):
            means = self.native.mean(axis=self._inside, dtype=np.float64)
        return all_zero(means, self.native.max(axis=self._inside))

    @property
    def _inside(self) -> tuple[int, ...]:
        return tuple(range(1, self.native.ndim))

    def problems(self) -> dict[str, str]:
        """Says which maps are no maps: a sentence by kind, "not finite" and "all zero"."""
        sentences = {}
        for kind, flags in (("not finite", self.non_finite), ("all zero", self.empty)):
            if flags.any():
                named = ", ".join(str(i) for i in np.flatnonzero(flags)[:10])
                more = ", ..." if flags.sum() > 10 else ""
                sentences[kind] = (
                    f"{self.method}: {int(flags.sum())} of {len(flags)} heatmaps are {kind} "
                    f"(images {named}{more})."
                )
        return sentences


@short_repr
@dataclass(frozen=True, eq=False)
class Alert:
    """What a detector has found in one class.

    Attributes:
        severity: "suspect" (proven by a swap once, or what was swapped may belong to the object) or
            "alert" (proven at two checks in a row); in runs of older versions also "hint".
        detector: name of the detector.
        epoch: 0-based; the epoch at whose end, or inside which, it was found.
        since_epoch: the epoch in which its streak began.
        class_index: the class whose cue it is, or None.
        accuracy_loss: the accuracy that depends on what was swapped, a fraction in [-1, 1];
            None where nothing was swapped.
        loss_interval: (low, high), its 95 % confidence interval; None without a swap.
        adoption: share of recipients that are predicted as the donor's class after the swap;
            None for a finding without a swap.
        control: the same share with donors of the recipient's own class.
        num_pairs: how many pairs of donor and recipient were tried.
        num_donors: how many distinct donors lent to them.
        region: (y0, x0, y1, x1) in pixels, half-open, where one place is accused; else None. For
            signals (start, end), for volumes (z0, y0, x0, z1, y1, x1).
        probe_indices: the probes that carry what is accused, or that show it best.
        message: the finding as a sentence.
        evidence: uint8 RGB picture of recipients before and after the swap, or None.
    """

    severity: str
    detector: str
    epoch: int
    since_epoch: int
    class_index: int | None
    accuracy_loss: float | None
    loss_interval: tuple[float, float] | None
    adoption: float | None
    control: float | None
    num_pairs: int
    num_donors: int
    region: tuple[int, ...] | None
    probe_indices: tuple[int, ...]
    message: str
    evidence: np.ndarray | None = None

    def _repr_html_(self) -> str:
        return finding_card(self)

    def to_dict(self) -> dict:
        """Returns everything but the evidence as plain Python, fit for JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "evidence"}

    @classmethod
    def from_dict(cls, entries: dict) -> "Alert":
        """Reads what `to_dict` wrote, also that of versions that knew no accuracy loss.

        Raises:
            ValueError: if it is anything else.
        """
        alert: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in dict(entries).items()
        }
        for name in ("accuracy_loss", "loss_interval"):
            alert.setdefault(name, None)
        names = {f.name for f in fields(cls)} - {"evidence"}
        if set(alert) != names:
            raise ValueError(f"an alert has {sorted(names)}. Received: {sorted(alert)}.")
        texts = (alert[name] for name in ("severity", "detector", "message"))
        counts = (alert[name] for name in ("epoch", "since_epoch", "num_pairs", "num_donors"))
        if not (all(isinstance(t, str) for t in texts) and all(isinstance(c, int) for c in counts)):
            raise ValueError("an alert's texts must be strings, and its counts ints.")
        return cls(**alert)


@dataclass(frozen=True)
class LabelIssue:
    """A probe whose label is probably wrong, by confident learning.

    Attributes:
        probe_index: its index.
        name: its name.
        label: the class that it is labelled as.
        suggested: the class that the model takes it for.
        probability: the label's probability, mean over the epochs trained, in [0, 1].
    """

    probe_index: int
    name: str
    label: int
    suggested: int
    probability: float


@short_repr
@dataclass(frozen=True, eq=False)
class FeatureView:
    """What excites the strongest channels of a layer.

    Attributes:
        layer: the layer's name.
        channels: int array (k,), the strongest first.
        probes: int array (k, t), those that excite each of them most, the strongest first.
        maxima: float array (k, t), their activations.
        signals: float array (k, t, H, W, C), these projected back to the pixels by DeconvNet.
    """

    layer: str
    channels: np.ndarray
    probes: np.ndarray
    maxima: np.ndarray
    signals: np.ndarray


@short_repr
@dataclass(frozen=True)
class Moment:
    """When an observation is made.

    Attributes:
        epoch: 0-based; the epoch before the first for the baseline `start`.
        is_baseline: whether this is the model before its first epoch.
        batch: inside an epoch, how many of its batches were trained; None at its end.
        batches_trained: inside an epoch, how many batches were trained since epoch 0.
        place: inside an epoch, where it is on the axis of epochs, between `epoch` - 1 and `epoch`.
    """

    epoch: int
    is_baseline: bool = False
    batch: int | None = None
    batches_trained: int | None = None
    place: float | None = None

    @property
    def is_inside(self) -> bool:
        """Whether it lies inside an epoch."""
        return self.batch is not None

    @property
    def is_end(self) -> bool:
        """Whether it is the end of an epoch that was trained."""
        return not self.is_inside and not self.is_baseline

    @property
    def step(self) -> int:
        """Inside an epoch, how many batches were trained since epoch 0; else the epoch."""
        return self.epoch if self.batches_trained is None else self.batches_trained

    @property
    def position(self) -> float:
        """Its place on the axis of epochs: the epoch, or a fraction less."""
        return self.epoch if self.place is None else self.place

    @property
    def when(self) -> str:
        """When it was, for messages; epochs and batches are counted from 1."""
        if self.is_baseline:
            return "before training"
        epoch = f"epoch {self.epoch + 1}"
        return f"{epoch}, batch {self.batch}" if self.is_inside else epoch


@short_repr
@dataclass(frozen=True)
class EpochReport:
    """Everything that is known of one observation.

    Attributes:
        moment: `Moment` of the observation. Its attributes `epoch`, `is_baseline`, `batch`,
            `step`, `position` and `when` can be read from the report, too.
        probes: `ProbeSet` that was observed.
        predictions: `Predictions` for all probes.
        heatmaps: `Heatmaps` by method.
        statistics: float32 arrays (n,) by method and statistic, NaN where undefined.
        logs: the keys and values that go into Keras's `logs`, all finite.
        metrics: what Keras has logged, such as its loss, of each epoch since the report before.
        scalars: value by tag, without those that are undefined.
        pictures: uint8 RGB array (height, width, 3) by tag.
        filmstrips: tags of the pictures that grow by a column an epoch.
        texts: plain text by tag.
        findings: `Alert`s of all severities, new since the report before.
        tested: what the search for shortcuts has tested so far, as lines of text.
        num_earlier_findings: how many findings the run had before these.
        features: a `FeatureView` for each layer that was asked for.
        label_issues: the probes whose label is probably wrong, judged by the epochs so far.
    """

    moment: Moment
    probes: "ProbeSet"
    predictions: Predictions
    heatmaps: dict[str, Heatmaps] = field(default_factory=dict)
    statistics: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    logs: dict[str, float] = field(default_factory=dict)
    metrics: dict[int, dict[str, float]] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    filmstrips: frozenset[str] = frozenset()
    texts: dict[str, str] = field(default_factory=dict)
    findings: tuple[Alert, ...] = ()
    num_earlier_findings: int = 0
    tested: str = ""
    features: tuple[FeatureView, ...] = ()
    label_issues: tuple[LabelIssue, ...] = ()

    # Those of the moment.
    epoch: ClassVar = property(attrgetter("moment.epoch"))
    is_baseline: ClassVar = property(attrgetter("moment.is_baseline"))
    batch: ClassVar = property(attrgetter("moment.batch"))
    step: ClassVar = property(attrgetter("moment.step"))
    position: ClassVar = property(attrgetter("moment.position"))
    when: ClassVar = property(attrgetter("moment.when"))

    def _repr_html_(self) -> str:
        return report_card(self)

    def is_filmstrip(self, tag: str) -> bool:
        """Whether a picture grows from report to report, so that only the newest is needed."""
        return tag in self.filmstrips
