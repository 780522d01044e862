"""The swaps: what of a donor is put into a recipient, and what is done instead as a control."""

from collections.abc import Callable

import numpy as np

from keras_saliency.interventions import edits
from keras_saliency.interventions.pairs import Pairs, draw_controls
from keras_saliency.interventions.regions import box_masks
from keras_saliency.interventions.scene import Scene

PATCH_SHARE = 0.25  # of each side: a patch is 1/16 of an image, 1/64 of a volume
MAX_KEPT = 2**22  # values of the probes whose spectra are kept: 16 MB
MIN_HALF = 8  # images; half of fewer would leave out what all have, too
Control = Callable[[Pairs, np.random.Generator], np.ndarray]


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

    def controls(self) -> dict[str, Control]:
        """Returns {what is done instead: function from (pairs, rng) to edited recipients}."""
        return {"donors of the recipient's own class": self._with_own_donors}

    def boxes(self, pairs: Pairs) -> np.ndarray | None:
        """Returns (y0, x0, y1, x1) of what is exchanged, int (m, 4); None where it is no box.

        Of signals (m, 2), of volumes (m, 6): starts, then ends.
        """
        return None

    def _with_own_donors(self, pairs, rng):
        return self.edit(draw_controls(pairs, self.scene.task.has_class, rng))

    def _both(self, pairs) -> tuple[np.ndarray, np.ndarray]:
        return self.scene.pixels[pairs.recipients], self.scene.pixels[pairs.donors]


class RingSwap(Swap):
    """The outer ring.

    Where colour or texture is legitimate, its second control is the middle, of the same area:
    where a texture fills the frame, the middle moves as much as the ring does. Otherwise that
    would hide cues, because the middle has the object.
    """

    def edit(self, pairs):
        return edits.swap_ring(*self._both(pairs))

    def controls(self):
        if not self.scene.fills_frame:
            return super().controls()
        return {**super().controls(), "the middle of the image": self._middle}

    def _middle(self, pairs, rng):
        return edits.swap_pixels(*self._both(pairs), edits.centre_mask(*self.scene.size))


class SurroundingsSwap(Swap):
    """All but the middle half of each side: of an image, its middle quarter."""

    def edit(self, pairs):
        return edits.swap_pixels(*self._both(pairs), edits.surroundings_mask(*self.scene.size))


class StatisticsSwap(Swap):
    """Each channel's mean and standard deviation."""

    def edit(self, pairs):
        means, deviations = self.scene.once(_statistics_of_probes)
        own, lent = ((means[e], deviations[e]) for e in (pairs.recipients, pairs.donors))
        return edits.exchange_statistics(self.scene.pixels[pairs.recipients], own, lent)


class AmplitudeSwap(Swap):
    """Fourier amplitudes. Each probe is in several pairs, and is transformed once.

    Of few and small probes once for all looks.
    """

    def edit(self, pairs):
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

    The control leaves the donor's object out as well, since its outline alone may tell the class.
    """

    def edit(self, pairs):
        return self._edit(pairs, False)

    def controls(self):
        return {"donors of the recipient's own class": self._with_own_background}

    def _edit(self, pairs, holes):
        masks = self.scene.objects
        return edits.swap_background(
            *self._both(pairs), masks[pairs.recipients], masks[pairs.donors], holes
        )

    def _with_own_background(self, pairs, rng):
        own = draw_controls(pairs, self.scene.task.has_class, rng)
        return self._edit(own, self.scene.objects[pairs.donors])


class PatternSwap(Swap):
    """What the images of a class have in common, less what those of the recipient's class have.

    Without what is smooth over an eighth of the image. With masks, the mean of a pixel is taken
    over the images in which it lies on the object, and over those in which it does not, and each
    is given to such pixels of the recipient: else the mean has the outline of the class's
    objects where these are centred. The rim of an object counts on neither side. Of 16 images
    and more, what only half of them have is left out: the mean of a textured class has texture
    by chance. The control takes as many probes without the class at random.
    """

    def edit(self, pairs):
        classes, of_pair = np.unique(pairs.classes, return_inverse=True)
        has_class = self.scene.task.has_class
        means = [self._kept_means(has_class[:, c]) for c in classes]
        return self._shift(pairs, [means[i] for i in of_pair])

    def controls(self):
        return {"the mean of other probes": self._with_others}

    def _with_others(self, pairs, rng):
        has_class = self.scene.task.has_class
        lent = []
        for c in pairs.classes:
            others = np.flatnonzero(~has_class[:, c])
            count = min(len(others), int(has_class[:, c].sum()))
            lent.append(self._means(rng.choice(others, count, replace=False)))
        return self._shift(pairs, lent)

    def _shift(self, pairs, lent):
        """Gives each recipient a mean in place of that of the probes with its own labels."""
        has_class = self.scene.task.has_class
        kinds, of_pair = np.unique(has_class[pairs.recipients], axis=0, return_inverse=True)
        own = [self._kept_means((has_class == kind).all(axis=1)) for kind in kinds]
        differences = np.empty((len(own[0]), len(pairs), *own[0].shape[1:]), np.float32)
        for i, (mean, kind) in enumerate(zip(lent, of_pair.ravel(), strict=True)):
            np.subtract(mean, own[kind], out=differences[:, i])
        pixels = self.scene.pixels[pairs.recipients]
        if self.scene.masks is None:
            return edits.shift_by(pixels, differences[0])
        on_object, off_object = differences
        off_object[self.scene.objects[pairs.recipients]] = 0
        is_on = self.scene.masks[pairs.recipients]
        off_object[is_on] = on_object[is_on]
        return edits.shift_by(pixels, off_object)

    def _kept_means(self, is_member):
        """The means of some probes, which no training changes: computed at the first look."""
        kept = self.scene.kept.setdefault(PatternSwap, {})
        key = is_member.tobytes()
        if key not in kept:
            kept[key] = self._means(np.flatnonzero(is_member))
        return kept[key]

    def _means(self, members):
        """The mean of all pixels; with masks, that of the objects' and that of the others.

        (1 or 2, H, W, C).
        """
        pixels, masks = self.scene.pixels[members], self.scene.masks
        if masks is None:
            return edits.without_smooth(pixels.mean(axis=0))[None]
        sides = masks[members], ~self.scene.objects[members]

        def means_of(some):
            parts = (edits.mean_where(pixels[some], side[some]) for side in sides)
            return np.stack([edits.without_smooth(part) for part in parts])

        means = means_of(slice(None))
        if len(members) < 2 * MIN_HALF:
            return means
        halves = [means_of(slice(start, None, 2)) for start in (0, 1)]
        shares = [edits.common_share(first, second) for first, second in zip(*halves, strict=True)]
        return means * np.stack(shares)


class PatchSwap(Swap):
    """A patch of each donor, at its own place. Its second control is a patch at a random place.

    Args:
        scene: `Scene`.
        boxes: function from (donors, classes) to int (m, 4).
        spares_object: whether the donor's object stays behind. Defaults to False.
    """

    def __init__(self, scene, boxes, spares_object=False):
        super().__init__(scene)
        self._boxes = boxes
        self._spares_object = spares_object

    def boxes(self, pairs):
        return self._boxes(pairs.donors, pairs.classes)

    def edit(self, pairs):
        return edits.swap_pixels(*self._both(pairs), self._inside(self.boxes(pairs), pairs))

    def controls(self):
        return {**super().controls(), "patches at random places": self._elsewhere}

    def _inside(self, boxes, pairs):
        objects = self.scene.objects[pairs.donors] if self._spares_object else None
        return box_masks(boxes, self.scene.size, objects)

    def _elsewhere(self, pairs, rng):
        boxes = self.boxes(pairs)
        first, last = np.split(boxes, 2, axis=1)
        sizes = last - first
        starts = rng.integers(0, np.array(self.scene.size) - sizes + 1)
        moved = np.hstack([starts, starts + sizes])
        return edits.swap_pixels(*self._both(pairs), self._inside(moved, pairs))


def _statistics_of_probes(scene):
    return edits.statistics(scene.pixels)


def _spectra_of_probes(scene):
    return edits.spectra(scene.pixels)
