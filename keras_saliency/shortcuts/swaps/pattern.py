"""`PatternSwap`: what the images of a class have in common is given to others."""

import numpy as np

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.kinds import Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene

MAX_SHIFT = 0.5  # of the standard deviation of an image's pixels, where objects are not known
NUM_SPLITS = 4  # of each class in two halves


class PatternSwap(Swap):
    """What the donor's class has in common, less what the recipient's class has.

    Both are means over a half of the images, so that both have the same noise, also where the
    donor is of the recipient's own class: then the halves are two of that class. Without what
    is smooth over an eighth of the image.

    Where objects are known, the mean of a pixel is taken over the images in which it lies off
    the object: else it would have the outline of the class's objects. It is added to all pixels,
    since a pattern or a watermark lies on the object, too. In signals and volumes it is added off
    the object only, because clean networks react to it there.
    Where objects are not known, no more is added than half of an image's standard deviation: a
    pattern is faint, an object is not.
    """

    def edit(self, pairs: Pairs) -> np.ndarray:
        taken = np.zeros((len(pairs), *self.scene.probes.image_shape), np.float32)
        for i in range(len(pairs)):
            donor, recipient, asked = (
                int(e[i]) for e in (pairs.donors, pairs.recipients, pairs.classes)
            )
            half = donor % (2 * NUM_SPLITS)
            lent = self._mean(donor, asked, half)
            np.subtract(lent, self._mean(recipient, asked, half ^ 1), out=taken[i])
        if self.scene.objects is None:
            most = MAX_SHIFT * self.scene.once(_mean_deviation)
            np.clip(taken, -most, most, out=taken)
        elif len(self.scene.size) != 2:  # see the class
            taken[self.scene.objects.masks[pairs.recipients]] = 0
        return edits.shift_by(self.scene.take(pairs.recipients), taken)

    def _mean(self, image: int, asked: int, half: int) -> np.ndarray:
        """The mean of half of the images with the labels of one, (H, W, C), computed once."""
        has_class = self.scene.class_labels.has_class
        if self.scene.class_labels.is_multi_label:
            kind = asked, int(has_class[image, asked])
            is_kind = has_class[:, asked] == has_class[image, asked]
        else:
            kind = int(has_class[image].argmax()), 1
            is_kind = has_class[:, kind[0]]
        kept = self.scene.kept.setdefault(PatternSwap, {})
        if (kind, half) not in kept:
            members = np.flatnonzero(is_kind)
            if self.scene.objects is not None:
                members = members[self.scene.objects.is_known[members]]
            order = np.random.default_rng(half // 2).permutation(members)
            kept[kind, half] = self._mean_of(order[half % 2 :: 2])
        return kept[kind, half]

    def _mean_of(self, members: np.ndarray) -> np.ndarray:
        if not len(members):
            return np.zeros(self.scene.probes.image_shape, np.float32)
        pixels = self.scene.take(members)
        if self.scene.objects is None:
            return edits.without_smooth(pixels.mean(axis=0))
        off = ~self.scene.objects.masks[members]
        return edits.without_smooth(edits.mean_where(pixels, off))


def _mean_deviation(scene: Scene) -> float:
    """Of a channel's pixels in one image, in the mean of images and channels."""
    axes = tuple(range(len(scene.size)))
    return float(np.mean([image.std(axis=axes) for image in scene.probes.images]))
