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

    def scores(self, pairs: Pairs, said: np.ndarray) -> np.ndarray:
        """Returns how the model does on the edited recipients: 1.0 right, 0.0 wrong, (m,).

        Args:
            pairs: `Pairs`.
            said: bool (m, k), which classes it says they have. In a multi-label task only the
                label that is asked for counts.
        """
        has_class = self.scene.class_labels.has_class[pairs.recipients]
        if self.scene.class_labels.is_multi_label:
            rows = np.arange(len(pairs))
            return (said[rows, pairs.classes] == has_class[rows, pairs.classes]).astype(float)
        return (said == has_class).all(axis=1).astype(float)

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
