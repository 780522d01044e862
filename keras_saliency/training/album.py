"""Which pictures a run has: an overlay grid and a filmstrip for each method."""

import numpy as np

from keras_saliency._utils.spread import spread_evenly
from keras_saliency.probes.image_headers import read_header
from keras_saliency.records import EpochReport
from keras_saliency.rendering import (
    Caption,
    Filmstrip,
    Portraits,
    colorize_signed,
    decode_picture,
    defect,
    displayable,
    draw_features,
    draw_grid,
    encode_picture,
    has_bgr_channels,
)

_EVERY_EPOCH_UNTIL = 10
_GROWTH = 1.1  # afterwards, filmstrips are written when the epoch number has grown by a tenth


class Album:
    """The pictures of one run, of `num_drawn` probes.

    Args:
        probes: `ProbeSet`.
        num_drawn: how many probes are drawn.
        methods: names of the methods.
        signed: names of those that are drawn by their signed attributions.

    Attributes:
        drawn: indices of the probes that are drawn, ascending. They are spread over the
            set, because probes are often sorted by class.
    """

    def __init__(self, probes, num_drawn, methods, signed=()):
        self._probes = probes
        self.drawn = spread_evenly(len(probes), num_drawn)
        self._portraits = Portraits(probes.drawn(probes.images), probes.display_images, self.drawn)
        is_of_images = self._portraits.is_of_images
        self._signed = tuple(signed) if is_of_images else ()
        self._is_bgr = is_of_images and has_bgr_channels(probes.model_inputs)
        names = [probes.names[i] for i in self.drawn]
        self._filmstrips = {
            method: Filmstrip(
                self._portraits.plain,
                names,
                title=method,
                colormap=None if method in self._signed else "viridis",
            )
            for method in methods
        }
        self._columns: list[tuple[str, float, bytes]] = []
        self._next_filmstrip = 0.0
        self._unwritten: EpochReport | None = None

    def draw(self, report: EpochReport) -> dict[str, np.ndarray]:
        """Draws one epoch: an overlay grid per method, and a filmstrip where one is due.

        A column of a filmstrip is drawn here, once.

        Returns:
            uint8 RGB arrays by tag.
        """
        pictures = {}
        is_inside = report.batch is not None
        heading = f"epoch {report.epoch + 1}"
        if is_inside or report.is_baseline:
            heading = f"batch {report.step}" if is_inside else "start"
        title = report.when if is_inside else heading
        for method, filmstrip in self._filmstrips.items():
            plain, tiles, captions = self._draw_tiles(report, method)
            kind = "batch_overlays" if is_inside else "overlays"
            pictures[f"saliency/{method}/{kind}"] = draw_grid(
                tiles,
                captions,
                images=plain,
                title=f"{method}, {title}",
                colormap=None if method in self._signed else "viridis",
            )
            filmstrip.add(heading, report.position, tiles, captions)
            picture = encode_picture(filmstrip.last_column())
            self._columns.append((method, report.position, picture))
        pictures |= self._draw_features(report.features, heading)
        self._unwritten = report
        if not is_inside and report.epoch >= self._next_filmstrip:
            pictures |= self._draw_filmstrips()
            if report.epoch + 1 >= _EVERY_EPOCH_UNTIL:
                self._next_filmstrip = report.epoch * _GROWTH
        return pictures

    def take_columns(self) -> list[tuple[str, float, bytes]]:
        """Returns what was drawn since the last time: (method, position, encoded image).

        Columns that the filmstrip has dropped since are left out.
        """
        columns, self._columns = self._columns, []
        return [c for c in columns if c[1] in self._filmstrips[c[0]].epochs]

    def restore(self, columns) -> None:
        """Puts columns back that an earlier process has drawn, in their order.

        One of another size, as of another `num_drawn`, is left out, and not decoded.
        """
        for method, position, content in columns:
            filmstrip, header = self._filmstrips.get(method), read_header(content)
            if filmstrip and header and (header.height, header.width) == filmstrip.column_size:
                filmstrip.restore(position, decode_picture(content))

    def cut(self, epoch: float) -> None:
        """Drops the columns from an epoch on, because it is trained again."""
        for filmstrip in self._filmstrips.values():
            filmstrip.cut(epoch)
        self._columns, self._next_filmstrip, self._unwritten = [], 0.0, None

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

    def _draw_features(self, views, heading):
        if not views:
            return {}
        pictures, drawn = {}, self._probes.drawn(self._probes.images)
        for view in views:
            shown = np.unique(view.probes)
            places = np.searchsorted(shown, view.probes)
            images = displayable(drawn, self._probes.display_images, shown)[places]
            signals = view.signals[..., ::-1] if self._is_bgr else view.signals
            names = [[self._probes.names[i] for i in row] for row in view.probes]
            title = f"{view.layer}, {heading}"
            picture = draw_features(view.channels, view.maxima, signals, images, names, title)
            if picture is not None:
                pictures[f"saliency/features/{view.layer.replace('/', '_')}"] = picture
        return pictures

    def _draw_tiles(self, report, method):
        heatmaps = report.heatmaps[method]
        empty = heatmaps.empty
        plain, tiles, captions = [], [], []
        for place, i in enumerate(self.drawn):
            heatmap = heatmaps.native[i]
            note = defect(heatmap, empty[i])
            alone, tile = self._portraits.attended(place, heatmap, empty[i])
            if method in self._signed and not note:
                signal = heatmaps.signal[place]
                tile = colorize_signed(signal[..., ::-1] if self._is_bgr else signal)
            plain.append(alone)
            tiles.append(tile)
            captions.append(self._caption(i, report.predictions, note))
        return plain, tiles, captions

    def _caption(self, i, predictions, note):
        names, label = self._probes.names, self._probes.label_text(i)
        if not predictions.has_classes:
            score = f"score {predictions.logits[i, 0]:.3g}"
            return Caption(names[i], label, score, None, None, note)
        predicted = int(predictions.classes[i])
        correct = None
        if self._probes.labels is not None:
            correct = predicted == self._probes.labels[i]
        elif self._probes.multi_hot is not None:
            correct = bool(self._probes.multi_hot[i, predicted])
        return Caption(
            names[i],
            label,
            self._probes.class_text(predicted),
            float(predictions.confidence[i]),
            correct,
            note,
        )
