"""`TabEvents`: what the Saliency tab shows of a run, as the events of `tab.schema`."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.opencv import cv2
from keras_saliency._utils.spread import spread_evenly
from keras_saliency.probes import ProbeSet
from keras_saliency.records import EpochReport, Heatmaps
from keras_saliency.rendering import (
    Portraits,
    displayable_volumes,
    encode_jpeg,
    encode_picture,
    encode_png,
)
from keras_saliency.tab import schema

Events = dict[tuple[str, int], list[bytes]]  # parts of each event by tag and step
_MAP_SIDE, _PICTURE_SIDE = 56, 256  # pixels of the longer side at most
_MASK_SIDE = 128  # pixels of the longer side at most
_PNG_SIDE = 64  # pixels of the longer side, up to which a picture is kept without loss


class TabEvents:
    """Turns reports into the events of the tab.

    Of more than 256 probes 256 are shown, spread over the set.

    Args:
        probes: `ProbeSet`.

    Attributes:
        shown: indices of the probes that the tab shows, ascending.
    """

    def __init__(self, probes: ProbeSet):
        self._probes = probes
        self.shown = spread_evenly(len(probes), schema.MOST_PROBES)
        self._is_begun = False
        self._has_issues = False

    def events(self, report: EpochReport) -> Events:
        """Returns the parts of each event by tag and step.

        The probes come with the first report; an observation inside an epoch has findings only.
        """
        events: Events = {}
        if not self._is_begun:
            events[schema.PROBES, report.step] = [self._describe(report)]
            events[schema.PICTURES, report.step] = [self._pictures()]
            self._is_begun = True
        if report.tested and report.batch is None:
            head = schema.encode_head(lines=report.tested.splitlines())
            events[schema.TESTED, report.step] = [head]
        for epoch, metrics in report.metrics.items():
            events[schema.METRICS, epoch] = [schema.encode_head(metrics=_finite(metrics))]
        if report.heatmaps and report.batch is None:
            events |= {(tag, report.step): parts for tag, parts in self._measured(report)}
            if report.label_issues or self._has_issues:  # none any more is news, too
                events[schema.LABELS, report.step] = [self._labels(report)]
        for number, alert in enumerate(report.findings, report.num_earlier_findings):
            picture = alert.evidence
            head = schema.encode_head(has_picture=picture is not None, **alert.to_dict())
            events[schema.FINDINGS, number] = [head]
            if picture is not None:
                events[schema.EVIDENCE, number] = [encode_picture(picture)]
        return events

    def _measured(self, report: EpochReport) -> Iterator[tuple[str, list[bytes]]]:
        shown, predictions = self.shown, report.predictions
        rows = {"score": predictions.logits[:, 0]}
        if predictions.has_classes:
            rows = {"predicted": predictions.classes, "confidence": predictions.confidence}
            correct = predictions.is_correct(self._probes)
            if correct is not None:
                rows["correct"] = correct
        fingerprint = self._probes.fingerprint
        rows = {name: values[shown] for name, values in rows.items()}
        yield schema.PREDICTIONS, schema.encode_rows(rows, fingerprint)
        for method, heatmaps in report.heatmaps.items():
            numbers = report.statistics.get(method, {})
            rows = {name: values[shown] for name, values in numbers.items()}
            maps, means = compact(heatmaps, shown)
            with np.errstate(invalid="ignore"):
                rows["map_maximum"] = maps.max(axis=(1, 2))
            yield schema.NUMBERS + method, schema.encode_rows(rows, fingerprint)
            parts = schema.encode_maps(maps, means, heatmaps.empty[shown], fingerprint)
            yield schema.MAPS + method, parts

    def _describe(self, report: EpochReport) -> bytes:
        probes, shown = self._probes, self.shown
        classes = probes.class_labels
        labels = None if classes is None else [int(c) for c in classes[shown]]
        groups = None if probes.groups is None else [str(probes.groups[i]) for i in shown]
        class_names = None if probes.class_names is None else list(map(str, probes.class_names))
        return schema.encode_head(
            start=report.step if report.is_baseline else None,
            methods=list(report.heatmaps),
            advice=[
                f"{m}: {found.advice}." for m, found in report.heatmaps.items() if found.advice
            ],
            fingerprint=probes.fingerprint,
            indices=[int(i) for i in shown],
            total=len(probes),
            names=[probes.names[i] for i in shown],
            label_texts=[probes.label_text(i) for i in shown],
            labels=labels,
            groups=groups,
            class_names=class_names,
            image_size=[int(side) for side in probes.image_shape[:-1]],
        )

    def _labels(self, report: EpochReport) -> bytes:
        self._has_issues = bool(report.label_issues)
        shown = set(self.shown.tolist())
        issues = [vars(i) for i in report.label_issues if i.probe_index in shown]
        return schema.encode_head(probes=self._probes.fingerprint, issues=issues)

    def _pictures(self) -> bytes:
        contents = [_encode(picture) for picture in self._drawn()]
        head: dict[str, Any] = {"sizes": list(map(len, contents)), "objects": None}
        head["probes"] = self._probes.fingerprint
        masks, are_found = self._objects()
        if masks is not None:
            masks = _reduced(masks)
            head["objects"] = {"found": are_found, "shape": list(masks.shape)}
            contents.append(schema.encode_masks(masks))
        return schema.pack(schema.encode_head(**head), *contents)

    def _objects(self) -> tuple[np.ndarray | None, bool]:
        """The objects that swaps spare, bool (m, H, W), and whether the program has found them.

        An object that is not found for sure is left out; None where no swap can rely on any.
        """
        probes, shown = self._probes, self.shown
        if probes.object_masks is not None:
            return probes.object_masks[shown], False
        swapped = probes.for_swaps  # the first are the probes
        found = swapped.found_objects
        if found is None or not found.is_usable(swapped.known_classes):
            return None, True
        return found.masks[shown] & found.is_sure[shown, None, None], True

    def _drawn(self) -> list[np.ndarray]:
        drawn = self._probes.drawn(self._probes.images)
        if drawn.ndim == 5:
            # Some at a time: each call looks at the range of all, and makes whole volumes.
            parts = np.array_split(self.shown, -(-len(self.shown) // 8))
            return [v.max(axis=0) for some in parts for v in displayable_volumes(drawn, some)]
        return Portraits(drawn, self._probes.display_images, self.shown).plain


def compact(heatmaps: Heatmaps, shown: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns some maps as they are sent to the tab, and what is uniform attention in them.

    Larger ones are averaged by area to at most 56 pixels a side. Signals are one row;
    volumes are projected along the depth by their maximum.

    Returns:
        float32 (m, h, w) and float32 (m,), the means of the maps as they were.
    """
    maps = heatmaps.native[shown]
    inside = tuple(range(1, maps.ndim))
    with np.errstate(invalid="ignore"):
        means = maps.mean(axis=inside, dtype=np.float64).astype(np.float32)
    maps = {2: lambda m: m[:, None], 3: lambda m: m, 4: lambda m: m.max(axis=1)}[maps.ndim](maps)
    height, width = maps.shape[1:]
    factor = math.ceil(max(height, width) / _MAP_SIDE)  # whole, so that no pixel is shared
    if factor > 1:
        size = max(1, round(width / factor)), max(1, round(height / factor))
        maps = np.stack([cv2.resize(m, size, interpolation=cv2.INTER_AREA) for m in maps])
    return np.asarray(maps, np.float32), means


def _reduced(masks: np.ndarray) -> np.ndarray:
    """Masks as they are sent to the tab, bool (m, h, w), of at most 128 pixels a side.

    Signals are one row; of volumes it is what the object covers, seen along the depth.
    """
    inside = {2: lambda m: m[:, None], 3: lambda m: m, 4: lambda m: m.any(axis=1)}
    masks = inside[masks.ndim](masks)
    height, width = masks.shape[1:]
    factor = max(height, width) / _MASK_SIDE
    if factor <= 1:
        return masks
    size = max(1, round(width / factor)), max(1, round(height / factor))
    shares = [cv2.resize(m.astype(np.float32), size, interpolation=cv2.INTER_AREA) for m in masks]
    return np.stack(shares) >= 0.5


def _finite(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _encode(picture: np.ndarray) -> bytes:
    side = max(picture.shape[:2])
    if side > _PICTURE_SIDE:
        height, width = (max(1, round(s * _PICTURE_SIDE / side)) for s in picture.shape[:2])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return encode_png(picture) if side <= _PNG_SIDE else encode_jpeg(picture)
