"""`Evidence`: recipients before and after a swap, to be drawn."""

from dataclasses import dataclass

import numpy as np

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
        for is_said in scene.task.says(scene.predict(pixels, shown.recipients)):
            classes = [probes.class_text(c) for c in np.flatnonzero(is_said)]
            words.append(", ".join(classes) or "none")
        return words

    before = said(scene.pixels[shown.recipients])
    return Evidence(shown, scene.pixel_range.clip(after), before, said(after), boxes)
