"""How probes are drawn, with attention and without: images, signals, volumes."""

import numpy as np

from keras_saliency.rendering.curves import draw_curve
from keras_saliency.rendering.display_range import displayable, displayable_volumes
from keras_saliency.rendering.overlays import defect, overlay
from keras_saliency.rendering.slices import draw_slices, middle_slices, strongest_slices


class Portraits:
    """The probes that are drawn.

    Args:
        images: array (n, H, W, C), (n, length, C) or (n, D, H, W, C).
        display_images: array (n, H', W', C'), drawn instead of images; or None.
        drawn: indices of those that are drawn.

    Attributes:
        plain: uint8 RGB arrays (H, W, 3), one for each of them.
    """

    def __init__(self, images: np.ndarray, display_images: np.ndarray | None, drawn: np.ndarray):
        self.is_of_images = images.ndim == 4
        if images.ndim == 3:
            self._probes = np.asarray(images[drawn], np.float64)
            self.plain = [draw_curve(signal) for signal in self._probes]
        elif images.ndim == 5:
            self._probes = displayable_volumes(images, drawn)
            slices = middle_slices(images.shape[1])
            self.plain = [draw_slices(volume, slices) for volume in self._probes]
        else:
            # The notice about an unknown range covers all probes, so all of them are checked.
            self._probes = displayable(images, display_images, drawn)
            self.plain = list(self._probes)

    def attended(
        self, place: int, heatmap: np.ndarray, empty: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws one of them with its heatmap.

        Args:
            place: its number among those drawn.
            heatmap: float array (h, w), (l,) or (d, h, w).
            empty: the verdict of `Heatmaps.empty`.

        Returns:
            The probe alone, and with attention, uint8 RGB arrays of one size. An unusable map
            is not drawn: the probe is struck through and stamped with the reason.
        """
        probe, plain = self._probes[place], self.plain[place]
        if self.is_of_images:
            return plain, overlay(plain, heatmap, empty=empty)
        if defect(heatmap, empty):
            return plain, overlay(plain, np.zeros((1, 1)), empty=True)
        if probe.ndim == 2:
            return plain, draw_curve(probe, heatmap)
        slices = strongest_slices(heatmap, len(probe))
        return draw_slices(probe, slices), draw_slices(probe, slices, heatmap)
