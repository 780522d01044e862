"""The swaps: what of a donor is put into a recipient, and what is done instead as a control."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.boxes import box_masks
from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.pairs import Pairs, draw_controls
from keras_saliency.shortcuts.swaps.scene import Scene

PATCH_SHARE = 0.25  # of each side: a patch is 1/16 of an image, 1/64 of a volume
MAX_KEPT = 2**24  # values of probes; of larger ones nothing is kept: 64 MB

# From (donors, classes), int (m,) each, to the box of each pair, int (m, 4).
BoxesOf = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Control(NamedTuple):
    """What is done instead of a swap, to see what the edit itself brings about.

    Attributes:
        key: what code asks for: "own class", "elsewhere", "middle" or "other probes".
        text: what stands in messages after "with ... instead".
        edit: function from `Pairs` and a random generator to edited recipients.
    """

    key: str
    text: str
    edit: Callable[[Pairs, np.random.Generator], np.ndarray]


class Swap:
    """One kind of swap of one scene.

    Its control is the same edit by a donor of the recipient's own kind, without the class:
    what that brings about is the work of the edit, not of the class.

    Args:
        scene: `Scene`.
    """

    def __init__(self, scene: Scene):
        self.scene = scene

    def edit(self, pairs: Pairs) -> np.ndarray:
        """Returns the edited recipients, float32 (m, H, W, C)."""
        raise NotImplementedError

    def controls(self) -> tuple[Control, ...]:
        """Returns the swap's controls, each with another key."""
        return (Control("own class", "donors of the recipient's own class", self._with_own_donors),)

    def control(self, key: str) -> Control:
        """Returns one of the controls by its key."""
        return next(control for control in self.controls() if control.key == key)

    def boxes(self, pairs: Pairs) -> np.ndarray | None:
        """Returns (y0, x0, y1, x1) of what is exchanged, int (m, 4); None where it is no box.

        For signals (m, 2), for volumes (m, 6): starts, then ends.
        """
        return None

    def _with_own_donors(self, pairs: Pairs, rng: np.random.Generator) -> np.ndarray:
        return self.edit(draw_controls(pairs, self.scene.class_labels.has_class, rng))

    def _both(self, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        return self.scene.pixels[pairs.recipients], self.scene.pixels[pairs.donors]


class RingSwap(Swap):
    """The outer ring.

    Where colour or texture is legitimate, its second control is the middle, of the same area:
    where a texture fills the frame, the middle moves as much as the ring does. Otherwise that
    would hide cues, because the middle has the object.
    """

    def edit(self, pairs: Pairs) -> np.ndarray:
        return edits.swap_ring(*self._both(pairs))

    def controls(self) -> tuple[Control, ...]:
        if not self.scene.fills_frame:
            return super().controls()
        return (*super().controls(), Control("middle", "the middle of the image", self._middle))

    def _middle(self, pairs: Pairs, rng: np.random.Generator) -> np.ndarray:
        return edits.swap_pixels(*self._both(pairs), edits.centre_mask(*self.scene.size))


class SurroundingsSwap(Swap):
    """All but the middle half of each side: of an image, its middle quarter."""

    def edit(self, pairs: Pairs) -> np.ndarray:
        return edits.swap_pixels(*self._both(pairs), edits.surroundings_mask(*self.scene.size))


class StatisticsSwap(Swap):
    """Each channel's mean and standard deviation."""

    def edit(self, pairs: Pairs) -> np.ndarray:
        means, deviations = self.scene.once(_statistics_of_probes)
        own, lent = ((means[e], deviations[e]) for e in (pairs.recipients, pairs.donors))
        return edits.exchange_statistics(self.scene.pixels[pairs.recipients], own, lent)


class AmplitudeSwap(Swap):
    """Fourier amplitudes. Each probe is in several pairs, and is transformed once.

    Those of few and small probes once for all checks.
    """

    def edit(self, pairs: Pairs) -> np.ndarray:
        size = self.scene.size
        if self.scene.pixels.size <= MAX_KEPT:
            spectra = self.scene.once(_spectra_of_probes)
            return edits.exchange_amplitudes(spectra, pairs.recipients, pairs.donors, size)
        ends = np.concatenate([pairs.recipients, pairs.donors])
        probes, of_end = np.unique(ends, return_inverse=True)
        spectra = edits.spectra(self.scene.pixels[probes])
        recipients, donors = np.split(of_end, 2)
        return edits.exchange_amplitudes(spectra, recipients, donors, size)


class BackgroundSwap(Swap):
    """All pixels outside of both objects.

    Where the donor's object was, the recipient's own stay, unless they are sharper than the
    donor's background: sharpness is a cue as well. The control leaves the donor's object out,
    too, since its outline alone may tell the class.
    """

    def edit(self, pairs: Pairs) -> np.ndarray:
        completed = None
        if self.scene.pixels.size <= MAX_KEPT:
            completed = self.scene.once(_completed_backgrounds)
        return self._edit(pairs, self.scene.objects[pairs.donors], completed)

    def _edit(
        self, pairs: Pairs, holes: np.ndarray, completed: np.ndarray | None = None
    ) -> np.ndarray:
        """`completed`: the probes with their holes filled, where that is known of these holes."""
        recipients, donors = self._both(pairs)
        fineness = self.scene.once(_fineness_of_backgrounds)
        is_sharper = fineness[pairs.recipients] > fineness[pairs.donors]
        is_sharper &= ~holes.all(axis=tuple(range(1, holes.ndim)))  # else nothing surrounds them
        if completed is None:
            fill = edits.complete(donors[is_sharper], holes[is_sharper])
        else:
            fill = completed[pairs.donors[is_sharper]]
        filled = recipients.copy()
        filled[is_sharper] = fill
        masks = self.scene.objects[pairs.recipients]
        return edits.swap_background(recipients, donors, masks, holes, filled)

    def _with_own_donors(self, pairs: Pairs, rng: np.random.Generator) -> np.ndarray:
        own = draw_controls(pairs, self.scene.class_labels.has_class, rng)
        masks = self.scene.objects
        return self._edit(own, masks[own.donors] | masks[pairs.donors])


class PatchSwap(Swap):
    """A patch of each donor, at its own place. Its second control is a patch at a random place.

    Args:
        scene: `Scene`.
        boxes: function from (donors, classes) to int (m, 4).
        spares_object: whether the donor's object stays behind. Defaults to False.
    """

    def __init__(self, scene: Scene, boxes: BoxesOf, spares_object: bool = False):
        super().__init__(scene)
        self._boxes = boxes
        self._spares_object = spares_object

    def boxes(self, pairs: Pairs) -> np.ndarray:
        return self._boxes(pairs.donors, pairs.classes)

    def edit(self, pairs: Pairs) -> np.ndarray:
        return edits.swap_pixels(*self._both(pairs), self._inside(self.boxes(pairs), pairs))

    def controls(self) -> tuple[Control, ...]:
        elsewhere = Control("elsewhere", "patches at random places", self._elsewhere)
        return (*super().controls(), elsewhere)

    def _inside(self, boxes: np.ndarray, pairs: Pairs) -> np.ndarray:
        objects = self.scene.objects[pairs.donors] if self._spares_object else None
        return box_masks(boxes, self.scene.size, objects)

    def _elsewhere(self, pairs: Pairs, rng: np.random.Generator) -> np.ndarray:
        boxes = self.boxes(pairs)
        first, last = np.split(boxes, 2, axis=1)
        sizes = last - first
        starts = rng.integers(0, np.array(self.scene.size) - sizes + 1)
        moved = np.hstack([starts, starts + sizes])
        return edits.swap_pixels(*self._both(pairs), self._inside(moved, pairs))


def _statistics_of_probes(scene: Scene) -> edits.Statistics:
    return edits.statistics(scene.pixels)


def _spectra_of_probes(scene: Scene) -> np.ndarray:
    return edits.spectra(scene.pixels)


def _fineness_of_backgrounds(scene: Scene) -> np.ndarray:
    return _one_by_one(edits.fineness, scene.pixels, ~scene.objects)


def _completed_backgrounds(scene: Scene) -> np.ndarray:
    return _one_by_one(edits.complete, scene.pixels, scene.objects)


def _one_by_one(
    edit: Callable[[np.ndarray, np.ndarray], np.ndarray], images: np.ndarray, masks: np.ndarray
) -> np.ndarray:
    """Edits one image at a time, because of the memory that an edit needs on the way."""
    pairs = zip(images, masks, strict=True)
    return np.concatenate([edit(image[None], mask[None]) for image, mask in pairs])
