"""`Evidence`: recipients before and after a swap, gathered and drawn."""

import math
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.boxes import box_of, box_slices
from keras_saliency.rendering.curves import draw_curve
from keras_saliency.rendering.display_range import displayable, displayable_volumes
from keras_saliency.rendering.grid import Caption, draw_grid
from keras_saliency.rendering.overlays import outline
from keras_saliency.rendering.sheet import INK, NOTE_INK, fit_tile
from keras_saliency.rendering.slices import draw_slices, strongest_slices
from keras_saliency.shortcuts.swaps import Outcome, Pairs, Scene, Swap

NUM_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Evidence:
    """Recipients before and after a swap, to be drawn.

    Attributes:
        pairs: `Pairs` that are shown.
        after: edited pixels (m, H, W, C), in the probes' range and dtype.
        said_before: what the model says of each recipient, in words.
        said_after: the same after the swap.
        boxes: int (m, 4), of signals (m, 2), of volumes (m, 6): what to outline in `after`;
            None where nothing is.
    """

    pairs: Pairs
    after: np.ndarray
    said_before: list[str]
    said_after: list[str]
    boxes: np.ndarray | None


def gather_evidence(scene: Scene, swap: Swap, outcome: Outcome, probes, region=None) -> Evidence:
    """Returns some recipients that the swap has moved, each once.

    Args:
        scene: `Scene`.
        swap: the `Swap`.
        outcome: its `Outcome`; where it has moved nothing, the first pairs are shown.
        probes: `ProbeSet`, for the names of classes.
        region: box to outline, or None for the swap's own boxes.
    """
    found = np.flatnonzero(outcome.is_moved)
    if not len(found):
        found = np.arange(len(outcome.pairs))
    _, first = np.unique(outcome.pairs.recipients[found], return_index=True)
    shown = outcome.pairs.take(found[np.sort(first)[:NUM_SHOWN]])
    after = scene.edited(swap.edit, shown)
    boxes = swap.boxes(shown) if region is None else np.tile(region, (len(shown), 1))

    def said(pixels):
        words = []
        for is_said in scene.class_labels.says(scene.predict(pixels, shown.recipients)):
            classes = [probes.class_text(c) for c in np.flatnonzero(is_said)]
            words.append(", ".join(classes) or "none")
        return words

    before = said(scene.pixels[shown.recipients])
    return Evidence(shown, scene.value_range.clip(after), before, said(after), boxes)


_TILE, _FRAME = 240, 2  # pixels: of a picture's longer side at least, of a line


_MOST_FRAMED = 0.6  # of an image: what changes more of it is changed all over


_INKS = {"white": INK, "orange": NOTE_INK}


def draw_evidence(probes, evidence, title: str) -> np.ndarray:
    """Draws recipients before and after a swap, with what the model says of both.

    What was put in is white (of images, in a frame), and what works in it, where that is
    known, orange.

    Args:
        probes: `ProbeSet`.
        evidence: `Evidence`.
        title: the finding in words.

    Returns:
        uint8 RGB array (height, width, 3).
    """
    pairs = evidence.pairs
    draw = {3: _draw_signals, 4: _draw_images, 5: _draw_volumes}[probes.images.ndim]
    marked = [_marked(probes, evidence, i) for i in range(len(pairs))]
    before, after = draw(probes, evidence, marked)
    captions = [
        Caption(
            f"{probes.names[r]} ({probes.label_text(r)}), with that of {probes.names[d]} "
            f"({probes.label_text(d)})",
            prediction=f"{said_before} → {said_after}",
            correct=said_after == probes.label_text(r),
        )
        for r, d, said_before, said_after in zip(
            pairs.recipients,
            pairs.donors,
            evidence.said_before,
            evidence.said_after,
            strict=True,
        )
    ]
    names = {name for boxes in marked for name in boxes}
    note = "Left: a probe. Right: the same after the swap"
    note += ", the swapped part in white" if "white" in names else ""
    note += ", what works in it in orange" if "orange" in names else ""
    return draw_grid(
        after,
        captions,
        images=before,
        title=title,
        min_tile=_TILE,
        colormap=None,
        note=f"{note}. Below: what the model says of both.",
    )


def _marked(probes, evidence, i):
    """What is marked in a picture: {"white" or "orange": box}."""
    before, after = probes.images[evidence.pairs.recipients[i]], evidence.after[i]
    gap = np.abs(after.astype(np.float64) - before).max(axis=-1)
    is_changed = gap > 1e-3 * max(np.ptp(before), np.ptp(after), 1e-12)
    accused = None if evidence.boxes is None else tuple(int(s) for s in evidence.boxes[i])
    if not is_changed.any():
        return {} if accused is None else {"orange": accused}
    changed, found = box_of(is_changed), {}
    if _area(changed) <= _MOST_FRAMED * gap.size:
        found["white"] = changed
    if accused is not None and _overlap(accused, changed) <= 0.5:
        found["orange"] = accused
    return found


def _draw_images(probes, evidence, marked):
    # Together with the probes, so that both are drawn in one range of pixels.
    both = probes.drawn(np.concatenate([probes.images, evidence.after]))
    tiles = []
    pictures = displayable(both, drawn=np.arange(len(probes), len(both)), tells=False)
    for picture, boxes in zip(pictures, marked, strict=True):
        tile = fit_tile(picture, _TILE, 2 * _TILE)
        scale = tile.shape[0] / picture.shape[0]
        for name, box in boxes.items():
            tile = outline(tile, [round(side * scale) for side in box], _INKS[name], _FRAME)
        tiles.append(tile)
    return displayable(both, drawn=evidence.pairs.recipients, tells=False), tiles


def _draw_signals(probes, evidence, marked):
    before = probes.drawn(probes.images[evidence.pairs.recipients]).astype(np.float64)
    after = probes.drawn(evidence.after).astype(np.float64)
    both = np.concatenate([before, after], axis=1)
    spans = np.stack([both.min(axis=1), both.max(axis=1)], axis=1)
    return [draw_curve(s, span=span) for s, span in zip(before, spans, strict=True)], [
        draw_curve(s, span=span, marks=[(*box, _INKS[name]) for name, box in boxes.items()])
        for s, span, boxes in zip(after, spans, marked, strict=True)
    ]


def _draw_volumes(probes, evidence, marked):
    both = probes.drawn(np.concatenate([probes.images, evidence.after]))
    recipients = evidence.pairs.recipients
    befores = displayable_volumes(both, recipients)
    afters = displayable_volumes(both, np.arange(len(probes), len(both)))
    plain, tiles = [], []
    for i, (recipient, before, after) in enumerate(zip(recipients, befores, afters, strict=True)):
        gap = np.abs(evidence.after[i].astype(np.float64) - probes.images[recipient]).max(axis=-1)
        slices = strongest_slices(gap, len(gap))
        marks = [(box, _INKS[name]) for name, box in marked[i].items()]
        plain.append(draw_slices(before, slices))
        tiles.append(draw_slices(after, slices, marks=marks))
    return plain, tiles


def _area(box):
    return math.prod(max(0, part.stop - part.start) for part in box_slices(box))


def _overlap(box, other):
    """Returns the area that two boxes share, over the area of both, in [0, 1]."""
    half = len(box) // 2
    shared = *np.maximum(box[:half], other[:half]), *np.minimum(box[half:], other[half:])
    return _area(shared) / (_area(box) + _area(other) - _area(shared))
