"""The swaps: what of a donor is put into a recipient."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_saliency._utils.boxes import box_masks
from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene

DARK_SHARE = 0.1  # of the range of pixels: what is darker hardly shows how bright an image is

# From pairs to the box of each of them, int (m, 4); or one box for all.
BoxesOf = Callable[[Pairs], np.ndarray] | Sequence[int] | np.ndarray


class Swap:
    """One kind of swap of one scene.

    Args:
        scene: `Scene`.
    """

    def __init__(self, scene: Scene):
        self.scene = scene

    def edit(self, pairs: Pairs) -> np.ndarray:
        """Returns the edited recipients, float32 (m, H, W, C)."""
        raise NotImplementedError

    def boxes(self, pairs: Pairs) -> np.ndarray | None:
        """Returns (y0, x0, y1, x1) of what is exchanged, int (m, 4); None where it is no box.

        For signals (m, 2), for volumes (m, 6): starts, then ends.
        """
        return None


class RegionSwap(Swap):
    """All pixels of a region, off the objects of donor and recipient where these are spared.

    Args:
        scene: `Scene`.
        region: bool (H, W).
        spares_objects: whether the objects of both stay where they are.
    """

    def __init__(self, scene: Scene, region: np.ndarray, spares_objects: bool):
        super().__init__(scene)
        self._region, self._spares_objects = region, spares_objects

    def edit(self, pairs: Pairs) -> np.ndarray:
        recipients, donors = (self.scene.take(e) for e in (pairs.recipients, pairs.donors))
        return edits.swap_pixels(recipients, donors, self._areas(pairs))

    def _areas(self, pairs: Pairs) -> np.ndarray:
        """Which pixels are exchanged, bool (m, H, W) or, where they are the same, (H, W)."""
        return self._off_objects(self._region, pairs)

    def _off_objects(self, areas: np.ndarray, pairs: Pairs) -> np.ndarray:
        if not self._spares_objects:
            return areas
        assert self.scene.objects is not None
        masks = self.scene.objects.masks
        return areas & ~masks[pairs.recipients] & ~masks[pairs.donors]


class BoxSwap(RegionSwap):
    """A box of each donor, at its own place.

    Args:
        scene: `Scene`.
        boxes: function from `Pairs` to int (m, 4), or one box.
        spares_objects: whether the objects of both stay where they are.
    """

    def __init__(self, scene: Scene, boxes: BoxesOf, spares_objects: bool):
        super().__init__(scene, np.ones(scene.size, bool), spares_objects)
        self._boxes = boxes

    def boxes(self, pairs: Pairs) -> np.ndarray:
        if callable(self._boxes):
            return self._boxes(pairs)
        return np.tile(self._boxes, (len(pairs), 1))

    def _areas(self, pairs: Pairs) -> np.ndarray:
        return self._off_objects(box_masks(self.boxes(pairs), self.scene.size), pairs)


class GainSwap(Swap):
    """How bright each channel is: its 95th percentile above the least value that pixels have.

    Where objects are known, of what lies off them, which does not depend on what is shown; of the
    objects where that is dark.
    """

    def edit(self, pairs: Pairs) -> np.ndarray:
        gains = self.scene.once(gains_of_images)
        recipients, low = self.scene.take(pairs.recipients), self.scene.value_range.low
        return edits.exchange_gains(
            recipients, gains[pairs.recipients], gains[pairs.donors], low.astype(np.float32)
        )


def gains_of_images(scene: Scene) -> np.ndarray:
    """Returns each channel's 95th percentile above the least value, float32 (n, C)."""
    if scene.objects is None:
        return _gains(scene, np.ones((len(scene.probes), *scene.size), bool))
    known = scene.objects.is_known
    gains = _gains(scene, ~scene.objects.masks)
    span = scene.value_range.high - scene.value_range.low
    if (np.median(gains[known], axis=0) > DARK_SHARE * span).any():
        return gains
    return _gains(scene, scene.objects.masks)


def _gains(scene: Scene, masks: np.ndarray) -> np.ndarray:
    """The gains of pixels inside of masks, (n, H, W), (n, C); of all where a mask is empty."""
    gains = []
    for row, mask in enumerate(masks):
        pixels = scene.take(slice(row, row + 1))[0]
        inside = pixels[mask] if mask.any() else pixels.reshape(-1, pixels.shape[-1])
        gains.append(edits.gains(inside[None], scene.value_range.low)[0])
    return np.stack(gains)
