"""Which pictures a run has: an overlay grid and a filmstrip for each method."""

import numpy as np

from keras_saliency.records import EpochReport
from keras_saliency.rendering import (
    Caption,
    Filmstrip,
    colorize_signed,
    defect,
    displayable,
    draw_grid,
    has_bgr_channels,
    overlay,
)

_EVERY_EPOCH_UNTIL = 10
_GROWTH = 1.1  # afterwards, filmstrips are written when the epoch number has grown by a tenth


class Album:
    """The pictures of one run, of `num_drawn` probes.

    Args:
        probes: `ProbeSet`.
        num_drawn: how many probes are drawn.
        methods: names of the methods.

    Attributes:
        drawn: indices of the probes that are drawn, ascending. They are spread over the
            set, because probes are often sorted by class.
    """

    def __init__(self, probes, num_drawn, methods):
        self._probes = probes
        num_drawn = min(num_drawn, len(probes))
        self.drawn = np.unique(np.linspace(0, len(probes) - 1, num_drawn).round().astype(int))
        # The notice about an unknown range speaks of all probes, so all are looked at.
        self._images = displayable(probes.images, probes.display_images)[self.drawn]
        self._is_bgr = has_bgr_channels(probes.model_inputs)
        self._methods = methods
        self._filmstrips: dict[str, Filmstrip] = {}
        self._next_filmstrip = 0.0
        self._unwritten: EpochReport | None = None

    def draw(self, report: EpochReport) -> dict[str, np.ndarray]:
        """Draws one epoch: an overlay grid per method, and a filmstrip where one is due.

        Returns:
            uint8 RGB arrays by tag.
        """
        pictures = {}
        when = "start" if report.is_baseline else f"epoch {report.epoch + 1}"
        for method in self._methods:
            tiles, captions = self._draw_tiles(report, method)
            is_signal = report.heatmaps[method].signal is not None
            pictures[f"saliency/{method}/overlays"] = draw_grid(
                tiles,
                captions,
                images=self._images,
                title=f"{method}, {when}",
                colormap=None if is_signal else "viridis",
            )
            self._filmstrip(method, is_signal).add(when, report.epoch, tiles, captions)
        self._unwritten = report
        if report.epoch >= self._next_filmstrip:
            pictures |= self._draw_filmstrips()
            if report.epoch + 1 >= _EVERY_EPOCH_UNTIL:
                self._next_filmstrip = report.epoch * _GROWTH
        return pictures

    def last_report(self) -> EpochReport | None:
        """Returns a report with the filmstrips that have not been drawn yet, None if all have."""
        if self._unwritten is None:
            return None
        report = self._unwritten
        return EpochReport(
            report.epoch, report.predictions, {}, {}, pictures=self._draw_filmstrips()
        )

    def _draw_filmstrips(self):
        self._unwritten = None
        return {f"saliency/{m}/filmstrip": f.picture() for m, f in self._filmstrips.items()}

    def _filmstrip(self, method, is_signal):
        if method not in self._filmstrips:
            self._filmstrips[method] = Filmstrip(
                self._images,
                [self._probes.names[i] for i in self.drawn],
                title=method,
                colormap=None if is_signal else "viridis",
            )
        return self._filmstrips[method]

    def _draw_tiles(self, report, method):
        heatmaps = report.heatmaps[method]
        empty = heatmaps.empty
        tiles, captions = [], []
        for place, i in enumerate(self.drawn):
            heatmap = heatmaps.native[i]
            note = defect(heatmap, empty[i])
            if heatmaps.signal is not None and not note:
                signal = heatmaps.signal[place]
                tiles.append(colorize_signed(signal[..., ::-1] if self._is_bgr else signal))
            else:
                tiles.append(overlay(self._images[place], heatmap, empty=empty[i]))
            captions.append(self._caption(i, report.predictions, note))
        return tiles, captions

    def _caption(self, i, predictions, note):
        predicted = int(predictions.classes[i])
        correct = None
        if self._probes.labels is not None:
            correct = predicted == self._probes.labels[i]
        elif self._probes.multi_hot is not None:
            correct = bool(self._probes.multi_hot[i, predicted])
        return Caption(
            self._probes.names[i],
            self._probes.label_text(i),
            self._probes.class_text(predicted),
            float(predictions.confidence[i]),
            correct,
            note,
        )
