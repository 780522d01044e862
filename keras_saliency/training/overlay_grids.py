"""`OverlayGrids`: the probes that are drawn, each with its attention, as one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.history import History
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Heatmaps, Predictions, are_correct
from keras_saliency.rendering import (
    DEFAULT_COLORMAP,
    Caption,
    Portraits,
    colorize_signed,
    defect,
    draw_grid,
    has_bgr_channels,
)


@short_repr
@dataclass(frozen=True)
class Outcomes:
    """What the captions say of the predictions.

    Attributes:
        classes: int array (n,), the predicted classes; None for an output without classes.
        confidence: float array (n,), their probabilities.
        scores: float array (n,), the user's score instead; None where it is not known.
    """

    classes: np.ndarray | None
    confidence: np.ndarray
    scores: np.ndarray | None = None

    @classmethod
    def of(cls, predictions: Predictions) -> "Outcomes":
        """Returns those of an observation."""
        if predictions.has_classes:
            return cls(predictions.classes, predictions.confidence)
        return cls(None, predictions.confidence, predictions.logits[:, 0])

    @classmethod
    def kept(cls, history: History, epoch: int) -> "Outcomes":
        """Returns those that a history keeps of an epoch; scores are not among them."""
        entry = history.entries[epoch]
        has_classes = np.isfinite(entry.confidence).any()
        return cls(entry.classes if has_classes else None, entry.confidence)


@short_repr
class DrawnProbes(NamedTuple):
    """One method's picture, and what it is made of.

    Attributes:
        picture: uint8 RGB array (height, width, 3).
        tiles: uint8 RGB array (H, W, 3) of each probe.
        captions: `Caption` of each.
    """

    picture: np.ndarray
    tiles: list[np.ndarray]
    captions: list[Caption]


class OverlayGrids:
    """Draws the overlays of the probes that are drawn.

    Args:
        probes: `ProbeSet`.
        drawn: indices of those that are drawn, ascending.
        signed: names of methods that are drawn by their signed attributions, where there are any.

    Attributes:
        plain: uint8 RGB arrays (H, W, 3), the probes without attention.
        is_of_images: whether they are images, and neither signals nor volumes.
        image_size: (H, W) of the probes, or what signals and volumes have in their place.
    """

    def __init__(self, probes: ProbeSet, drawn: np.ndarray, signed: Sequence[str] = ()):
        self._probes, self._drawn = probes, drawn
        self._portraits = Portraits(probes.drawn(probes.images), probes.display_images, drawn)
        self.plain = self._portraits.plain
        self.is_of_images = self._portraits.is_of_images
        self.image_size = probes.image_shape[:-1]
        self._signed = tuple(signed) if self.is_of_images else ()
        self._is_bgr = self.is_of_images and has_bgr_channels(probes.model_inputs)

    def colormap(self, method: str) -> str | None:
        """Returns the colormap of a method, None for those drawn by their signed attributions."""
        return None if method in self._signed else DEFAULT_COLORMAP

    def as_rgb(self, signals: np.ndarray) -> np.ndarray:
        """Returns signals (n, H, W, C) with their channels in the order R, G, B."""
        return signals[..., ::-1] if self._is_bgr else signals

    def draw(self, heatmaps: Heatmaps, outcomes: Outcomes, title: str) -> DrawnProbes:
        """Draws the overlays of one method."""
        method, empty, signal = heatmaps.method, heatmaps.empty, heatmaps.signal
        is_signed = method in self._signed and signal is not None
        plain, tiles, captions = [], [], []
        for place, i in enumerate(self._drawn):
            heatmap = heatmaps.native[i]
            alone, tile = self._portraits.attended(place, heatmap, empty[i])
            note = defect(heatmap, empty[i])
            if is_signed and signal is not None and not note:
                tile = colorize_signed(self.as_rgb(signal[place]))
            plain.append(alone)
            tiles.append(tile)
            captions.append(self._caption(i, outcomes, note))
        colormap = None if is_signed else DEFAULT_COLORMAP
        picture = draw_grid(
            tiles, captions, images=plain, title=f"{method}, {title}", colormap=colormap
        )
        return DrawnProbes(picture, tiles, captions)

    def _caption(self, i: int, outcomes: Outcomes, note: str) -> Caption:
        probes = self._probes
        name, label = probes.names[i], probes.label_text(i)
        if outcomes.classes is None:
            score = "" if outcomes.scores is None else f"score {outcomes.scores[i]:.3g}"
            return Caption(name, label, score, None, None, note)
        correct = are_correct(outcomes.classes, probes)
        return Caption(
            name,
            label,
            probes.class_text(int(outcomes.classes[i])),
            float(outcomes.confidence[i]),
            None if correct is None else bool(correct[i]),
            note,
        )


def heading_of(epoch: int, is_baseline: bool) -> str:
    """Returns what the end of an epoch is called in pictures."""
    return "start" if is_baseline else f"epoch {epoch + 1}"
