"""`Evidence`: recipients before and after a swap, gathered by a check and drawn for a finding."""

import math
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.boxes import box_of, box_slices
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet
from keras_saliency.rendering.curves import draw_curve
from keras_saliency.rendering.display_range import displayable, displayable_volumes
from keras_saliency.rendering.grid import Caption, draw_grid
from keras_saliency.rendering.overlays import outline
from keras_saliency.rendering.sheet import INK, NOTE_INK, Heading, fit_tile
from keras_saliency.rendering.slices import draw_slices, strongest_slices
from keras_saliency.shortcuts.swaps import Pairs, Scene, Swap

Box = tuple[int, ...]  # starts, then ends, half-open
Marks = dict[str, Box]  # what is outlined in a picture: {"white" or "orange": box}
Pictures = list[np.ndarray]  # uint8 RGB, of any size

NUM_SHOWN = 4  # recipients
_TILE, _FRAME = 240, 2  # pixels: of a picture's longer side at least, of a line
_MOST_FRAMED = 0.6  # of an image: what changes more of it is changed all over
_INKS = {"white": INK, "orange": NOTE_INK}


@short_repr
@dataclass(frozen=True, eq=False)
class Evidence:
    """Recipients before and after a swap, to be drawn.

    Attributes:
        pairs: `Pairs` that are shown.
        after: edited pixels (m, H, W, C), in the probes' range and dtype.
        said_before: names of the classes that the model says each recipient has.
        said_after: the same after the swap.
        boxes: int (m, 4), (m, 2) for signals, (m, 6) for volumes: what to outline in `after`;
            None where nothing is.
    """

    pairs: Pairs
    after: np.ndarray
    said_before: list[str]
    said_after: list[str]
    boxes: np.ndarray | None


def gather_evidence(scene: Scene, swap: Swap, pairs: Pairs, region: Box | None = None) -> Evidence:
    """Returns some recipients that the swap has changed, each once.

    Args:
        scene: `Scene`.
        swap: the `Swap`.
        pairs: `Pairs` in which it has changed the prediction.
        region: box to outline, or None for the swap's own boxes.
    """
    _, first = np.unique(pairs.recipients, return_index=True)
    shown = pairs.take(np.sort(first)[:NUM_SHOWN])
    after = swap.edited(shown)
    return Evidence(
        pairs=shown,
        after=scene.value_range.clip(after),
        said_before=_said(scene, scene.take(shown.recipients), shown),
        said_after=_said(scene, after, shown),
        boxes=swap.boxes(shown) if region is None else np.tile(region, (len(shown), 1)),
    )


def _said(scene: Scene, pixels: np.ndarray, pairs: Pairs) -> list[str]:
    """Names of the classes that the model says recipients have whose pixels are these."""
    texts = []
    for is_said in scene.class_labels.says(scene.predict(pixels, pairs.recipients)):
        classes = [scene.probes.class_text(c) for c in np.flatnonzero(is_said)]
        texts.append(", ".join(classes) or "none")
    return texts


def draw_evidence(probes: ProbeSet, evidence: Evidence, title: str) -> np.ndarray:
    """Draws recipients before and after a swap, with what the model says of both.

    What was put in is white (in a frame, for images), and what works in it, where that is
    known, orange.

    Args:
        probes: `ProbeSet` of all images that are swapped.
        evidence: `Evidence`.
        title: stands above the picture.

    Returns:
        uint8 RGB array (height, width, 3).
    """
    draw = {3: _draw_signals, 4: _draw_images, 5: _draw_volumes}[probes.images.ndim]
    marks = [_marks(probes, evidence, i) for i in range(len(evidence.pairs))]
    before, after = draw(probes, evidence, marks)
    names = {name for boxes in marks for name in boxes}
    note = "Left: a probe. Right: the same after the swap"
    note += ", the swapped part in white" if "white" in names else ""
    note += ", what works in it in orange" if "orange" in names else ""
    return draw_grid(
        after,
        _captions(probes, evidence),
        images=before,
        title=Heading(title, f"{note}. Below: what the model says of both."),
        min_tile=_TILE,
        colormap=None,
    )


def _captions(probes: ProbeSet, evidence: Evidence) -> list[Caption]:
    pairs = evidence.pairs
    of_pairs = zip(
        pairs.recipients, pairs.donors, evidence.said_before, evidence.said_after, strict=True
    )
    return [
        Caption(
            f"{probes.names[r]} ({probes.label_text(r)}), with that of {probes.names[d]} "
            f"({probes.label_text(d)})",
            prediction=f"{said_before} → {said_after}",
            correct=said_after == probes.label_text(r),
        )
        for r, d, said_before, said_after in of_pairs
    ]


def _marks(probes: ProbeSet, evidence: Evidence, i: int) -> Marks:
    before, after = probes.images[evidence.pairs.recipients[i]], evidence.after[i]
    gap = np.abs(after.astype(np.float64) - before).max(axis=-1)
    is_changed = gap > 1e-3 * max(np.ptp(before), np.ptp(after), 1e-12)
    accused = None if evidence.boxes is None else tuple(int(s) for s in evidence.boxes[i])
    if not is_changed.any():
        return {} if accused is None else {"orange": accused}
    marks, changed = Marks(), box_of(is_changed)
    if _area(changed) <= _MOST_FRAMED * gap.size:
        marks["white"] = changed
    if accused is not None and _overlap(accused, changed) <= 0.5:
        marks["orange"] = accused
    return marks


def _area(box: Box) -> int:
    return math.prod(max(0, part.stop - part.start) for part in box_slices(box))


def _overlap(box: Box, other: Box) -> float:
    """Returns the area that two boxes share, over the area of both, in [0, 1]."""
    half = len(box) // 2
    shared = *np.maximum(box[:half], other[:half]), *np.minimum(box[half:], other[half:])
    return _area(shared) / (_area(box) + _area(other) - _area(shared))


def _draw_images(
    probes: ProbeSet, evidence: Evidence, marks: list[Marks]
) -> tuple[Pictures, Pictures]:
    # Together with the probes, so that both are drawn in one range of pixels.
    both = probes.drawn(np.concatenate([probes.images, evidence.after]))
    tiles = []
    pictures = displayable(both, drawn=np.arange(len(probes), len(both)), tells=False)
    for picture, boxes in zip(pictures, marks, strict=True):
        tile = fit_tile(picture, _TILE, 2 * _TILE)
        scale = tile.shape[0] / picture.shape[0]
        for name, box in boxes.items():
            tile = outline(tile, [round(side * scale) for side in box], _INKS[name], _FRAME)
        tiles.append(tile)
    return list(displayable(both, drawn=evidence.pairs.recipients, tells=False)), tiles


def _draw_signals(
    probes: ProbeSet, evidence: Evidence, marks: list[Marks]
) -> tuple[Pictures, Pictures]:
    before = probes.drawn(probes.images[evidence.pairs.recipients]).astype(np.float64)
    after = probes.drawn(evidence.after).astype(np.float64)
    both = np.concatenate([before, after], axis=1)
    spans = np.stack([both.min(axis=1), both.max(axis=1)], axis=1)
    plain, tiles = [], []
    for first, second, span, boxes in zip(before, after, spans, marks, strict=True):
        inked = [(box, _INKS[name]) for name, box in boxes.items()]
        plain.append(draw_curve(first, span=span))
        tiles.append(draw_curve(second, span=span, marks=inked))
    return plain, tiles


def _draw_volumes(
    probes: ProbeSet, evidence: Evidence, marks: list[Marks]
) -> tuple[Pictures, Pictures]:
    both = probes.drawn(np.concatenate([probes.images, evidence.after]))
    recipients = evidence.pairs.recipients
    before = displayable_volumes(both, recipients)
    after = displayable_volumes(both, np.arange(len(probes), len(both)))
    gaps = np.abs(evidence.after.astype(np.float64) - probes.images[recipients]).max(axis=-1)
    plain, tiles = [], []
    for first, second, gap, boxes in zip(before, after, gaps, marks, strict=True):
        slices = strongest_slices(gap, len(gap))
        inked = [(box, _INKS[name]) for name, box in boxes.items()]
        plain.append(draw_slices(first, slices))
        tiles.append(draw_slices(second, slices, marks=inked))
    return plain, tiles
