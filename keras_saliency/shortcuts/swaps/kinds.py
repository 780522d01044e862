"""The swaps: what of a donor is put into a recipient."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_saliency._utils.boxes import box_masks
from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene

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
    """How bright each channel is: its 95th percentile above the least value that pixels have."""

    def edit(self, pairs: Pairs) -> np.ndarray:
        gains = self.scene.once(gains_of_images)
        recipients, low = self.scene.take(pairs.recipients), self.scene.value_range.low
        return edits.exchange_gains(
            recipients, gains[pairs.recipients], gains[pairs.donors], low.astype(np.float32)
        )


def gains_of_images(scene: Scene) -> np.ndarray:
    """Returns each channel's 95th percentile above the least value, float32 (n, C)."""
    low = scene.value_range.low
    return np.stack(
        [edits.gains(scene.take(slice(i, i + 1)), low)[0] for i in range(len(scene.probes))]
    )
