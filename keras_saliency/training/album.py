"""Which pictures a run has: an overlay grid and a filmstrip for each method."""

from collections.abc import Iterable, Sequence

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.probes.image_headers import read_header
from keras_saliency.records import EpochReport, FeatureView
from keras_saliency.rendering import (
    Filmstrip,
    decode_picture,
    displayable,
    draw_features,
    encode_picture,
)
from keras_saliency.training.overlay_grids import Outcomes, OverlayGrids, heading_of

Column = tuple[str, float, bytes]  # method, position, encoded image
_EVERY_EPOCH_UNTIL = 10
_GROWTH = 1.1  # afterwards, filmstrips are written when the epoch number has grown by a tenth


class Album:
    """The pictures of one run, of the probes that are drawn.

    Args:
        probes: `ProbeSet`.
        drawn: indices of the probes that are drawn, ascending.
        methods: names of the methods.
        signed: names of those that are drawn by their signed attributions.

    Attributes:
        grids: `OverlayGrids`, which draws the overlays.
    """

    def __init__(
        self,
        probes: ProbeSet,
        drawn: np.ndarray,
        methods: Sequence[str],
        signed: Sequence[str] = (),
    ):
        self._probes = probes
        self._drawn = drawn
        self.grids = OverlayGrids(probes, drawn, signed)
        names = [probes.names[i] for i in drawn]
        self._filmstrips = {
            method: Filmstrip(
                self.grids.plain, names, title=method, colormap=self.grids.colormap(method)
            )
            for method in methods
        }
        self._columns: list[Column] = []
        self._next_filmstrip = 0.0
        self._has_unwritten = False

    def draw(self, report: EpochReport) -> dict[str, np.ndarray]:
        """Draws one observation: an overlay grid per method, and a filmstrip where one is due.

        A column of a filmstrip is drawn here, once.

        Returns:
            uint8 RGB arrays by tag.
        """
        pictures, moment = {}, report.moment
        heading = heading_of(moment.epoch, moment.is_baseline)
        if moment.is_inside:
            heading = f"batch {moment.step}"
        title = moment.when if moment.is_inside else heading
        outcomes = Outcomes.of(report.predictions)
        for method, filmstrip in self._filmstrips.items():
            picture, tiles, captions = self.grids.draw(report.heatmaps[method], outcomes, title)
            kind = "batch_overlays" if moment.is_inside else "overlays"
            pictures[f"saliency/{method}/{kind}"] = picture
            filmstrip.add(heading, moment.position, tiles, captions)
            column = encode_picture(filmstrip.last_column())
            self._columns.append((method, moment.position, column))
        pictures |= self._draw_features(report.features, heading)
        self._has_unwritten = True
        if not moment.is_inside and moment.epoch >= self._next_filmstrip:
            pictures |= self.take_unwritten()
            if moment.epoch + 1 >= _EVERY_EPOCH_UNTIL:
                self._next_filmstrip = moment.epoch * _GROWTH
        return pictures

    @property
    def filmstrip_tags(self) -> frozenset[str]:
        """Tags of the filmstrips. By these they are known: a layer, too, may be called so."""
        return frozenset(map(_filmstrip_tag, self._filmstrips))

    def take_columns(self) -> list[Column]:
        """Returns what was drawn since the last time: (method, position, encoded image).

        Columns that the filmstrip has dropped since are left out.
        """
        columns, self._columns = self._columns, []
        return [c for c in columns if c[1] in self._filmstrips[c[0]].epochs]

    def restore(self, columns: Iterable[Column]) -> None:
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
        self._columns, self._next_filmstrip, self._has_unwritten = [], 0.0, False

    def take_unwritten(self) -> dict[str, np.ndarray]:
        """Returns the filmstrips by tag if they have grown since the last time, else nothing."""
        if not self._has_unwritten:
            return {}
        self._has_unwritten = False
        return {_filmstrip_tag(m): f.picture() for m, f in self._filmstrips.items()}

    def _draw_features(self, views: Sequence[FeatureView], heading: str) -> dict[str, np.ndarray]:
        if not views:
            return {}
        pictures, drawn = {}, self._probes.drawn(self._probes.images)
        for view in views:
            shown = np.unique(view.probes)
            places = np.searchsorted(shown, view.probes)
            images = displayable(drawn, self._probes.display_images, shown)[places]
            signals = self.grids.as_rgb(view.signals)
            names = [[self._probes.names[i] for i in row] for row in view.probes]
            title = f"{view.layer}, {heading}"
            picture = draw_features(view.channels, view.maxima, signals, images, names, title)
            if picture is not None:
                pictures[f"saliency/features/{view.layer.replace('/', '_')}"] = picture
        return pictures


def _filmstrip_tag(method: str) -> str:
    return f"saliency/{method}/filmstrip"
