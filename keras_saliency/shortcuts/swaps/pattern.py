"""`PatternSwap`: what the images of a class have in common is given to others."""

import numpy as np

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.kinds import Control, Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene

MAX_SHIFT = 0.5  # of the standard deviation of an image's pixels, where there are no masks
MIN_HALF = 8  # images; half of fewer would leave out what all have, too


class PatternSwap(Swap):
    """What the images of a class have in common, less what those of the recipient's class have.

    Without what is smooth over an eighth of the image. Where the objects of a class are at one
    place, as digits are, its mean is their shape; so without masks no more is added than half of
    an image's standard deviation: a pattern is faint, an object is not.

    With masks, the mean of a pixel is taken over the images in which it lies on the object, and
    over those in which it does not, and each is given to such pixels of the recipient: else the
    mean has the outline of the class's objects where these are centred. The rim of an object
    counts on neither side. Of 16 images and more, what only half of them have is left out: the
    mean of a textured class has texture by chance. The control takes as many probes without the
    class at random.
    """

    def edit(self, pairs: Pairs) -> np.ndarray:
        classes, of_pair = np.unique(pairs.classes, return_inverse=True)
        has_class = self.scene.class_labels.has_class
        means = [self._kept_means(has_class[:, c]) for c in classes]
        return self._shift(pairs, [means[i] for i in of_pair])

    def controls(self) -> tuple[Control, ...]:
        return (Control("other probes", "the mean of other probes", self._with_others),)

    def _with_others(self, pairs: Pairs, rng: np.random.Generator) -> np.ndarray:
        has_class = self.scene.class_labels.has_class
        lent = []
        for c in pairs.classes:
            others = np.flatnonzero(~has_class[:, c])
            count = min(len(others), int(has_class[:, c].sum()))
            lent.append(self._means(rng.choice(others, count, replace=False)))
        return self._shift(pairs, lent)

    def _shift(self, pairs: Pairs, lent: list[np.ndarray]) -> np.ndarray:
        """Gives each recipient a mean in place of that of the probes with its own labels."""
        has_class = self.scene.class_labels.has_class
        kinds, of_pair = np.unique(has_class[pairs.recipients], axis=0, return_inverse=True)
        own = [self._kept_means((has_class == kind).all(axis=1)) for kind in kinds]
        differences = np.empty((len(own[0]), len(pairs), *own[0].shape[1:]), np.float32)
        for i, (mean, kind) in enumerate(zip(lent, of_pair.ravel(), strict=True)):
            np.subtract(mean, own[kind], out=differences[:, i])
        pixels = self.scene.pixels[pairs.recipients]
        if self.scene.masks is None:
            most = MAX_SHIFT * self.scene.once(_mean_deviation)
            return edits.shift_by(pixels, np.clip(differences[0], -most, most, out=differences[0]))
        on_object, off_object = differences
        off_object[self.scene.objects[pairs.recipients]] = 0
        is_on = self.scene.masks[pairs.recipients]
        off_object[is_on] = on_object[is_on]
        return edits.shift_by(pixels, off_object)

    def _kept_means(self, is_member: np.ndarray) -> np.ndarray:
        """The means of some probes, which no training changes: computed at the first check."""
        kept = self.scene.kept.setdefault(PatternSwap, {})
        key = is_member.tobytes()
        if key not in kept:
            kept[key] = self._means(np.flatnonzero(is_member))
        return kept[key]

    def _means(self, members: np.ndarray) -> np.ndarray:
        """The mean of all pixels; with masks, that of the objects' and that of the others.

        (1 or 2, H, W, C).
        """
        pixels, masks = self.scene.pixels[members], self.scene.masks
        if masks is None:
            return edits.without_smooth(pixels.mean(axis=0))[None]
        sides = masks[members], ~self.scene.objects[members]

        def means_of(some: slice) -> np.ndarray:
            parts = (edits.mean_where(pixels[some], side[some]) for side in sides)
            return np.stack([edits.without_smooth(part) for part in parts])

        means = means_of(slice(None))
        if len(members) < 2 * MIN_HALF:
            return means
        halves = [means_of(slice(start, None, 2)) for start in (0, 1)]
        shares = [edits.common_share(first, second) for first, second in zip(*halves, strict=True)]
        return means * np.stack(shares)


def _mean_deviation(scene: Scene) -> float:
    """Of a channel's pixels in one image, in the mean of images and channels."""
    return float(np.mean([probe.std(axis=tuple(range(probe.ndim - 1))) for probe in scene.pixels]))
