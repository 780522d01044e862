"""`PatternSwap`: what the images of a class have in common is given to others."""

from collections.abc import Hashable

import numpy as np
import tensorflow as tf

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.planted import frame_mask
from keras_saliency.shortcuts.swaps.scene import Scene

MAX_SHIFT = 0.5  # of the standard deviation of an image's pixels, where objects are not known
NUM_SPLITS = 4  # of each class in two halves
SEEN_SHARE = 0.5  # of a class's images, in which a pixel must lie off the object to count fully
_LEAST_ROOM = 16  # pictures


class PatternSwap(Swap):
    """What the donor's class has in common, less what the recipient's class has.

    Both are means over a half of the images, so that both have the same noise, also where the
    donor is of the recipient's own class: then the halves are two of that class. Without what
    is smooth over an eighth of the image.

    Where objects are known, the mean of a pixel is taken over the images in which it lies off
    the object: else it would have the outline of the class's objects. It is added on the object,
    too, since a pattern lies there as well. In signals and volumes it is added off the object only,
    because clean networks react to it there.
    Where a class's objects always are, its mean is blank, and the blank has their outline. So what
    the donor's class does not show is lent by the recipient's own class, from the other half; and
    what that does not show is left alone.
    Where objects are not known, no more is added than half of an image's standard deviation: a
    pattern is faint, an object is not. A printed frame is no pattern.

    Args:
        scene: `Scene`.
        is_everywhere: whether the means are of all pixels, as they are where no objects are known.
            Where all objects cover a place, nothing is known of the pattern there otherwise.
        region: bool (H, W), where it is added. Defaults to None, everywhere.
    """

    def __init__(self, scene: Scene, is_everywhere: bool = False, region: np.ndarray | None = None):
        super().__init__(scene)
        self._region = np.ones(scene.size, bool) if region is None else region
        self._is_everywhere = is_everywhere or scene.spared_objects is None

    def rows(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        halves = pairs.donors % (2 * NUM_SPLITS)
        lent = self._means(pairs.donors, pairs.classes, halves)
        instead = self._means(pairs.recipients, pairs.classes, halves)
        return lent, instead, self._means(pairs.recipients, pairs.classes, halves ^ 1)

    @property
    def shared(self) -> tuple[np.ndarray | tf.Tensor, ...]:
        most = np.inf
        if self.scene.spared_objects is None:
            most = MAX_SHIFT * self.scene.once(_mean_deviation)
        return self._region, *self.scene.once(_Means).tensors, np.float32(most)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        lent, instead, own, region, means, shares, most = numbers
        share = tf.gather(shares, lent)[..., None]
        given = share * tf.gather(means, lent) + (1 - share) * tf.gather(means, instead)
        shift = tf.clip_by_value(given - tf.gather(means, own), -most, most)
        shift *= tf.gather(shares, own)[..., None]
        shift *= tf.cast(region, tf.float32)[..., None]  # XLA takes twice as long to select
        if bank.masks is not None and bank.images.shape.rank != 4:  # see the class
            is_off = bank.off_objects(ends[0])
            shift = tf.where(is_off[..., None], shift, 0.0)
        return bank.take(ends[0]) + shift

    def _means(self, images: np.ndarray, asked: np.ndarray, halves: np.ndarray) -> np.ndarray:
        """The numbers of the means, (m,): of half of the images that have the label of each."""
        has_class = self.scene.class_labels.has_class
        if not self.scene.class_labels.is_multi_label:
            asked = has_class[images].argmax(axis=1)
        ends = asked.tolist(), has_class[images, asked].tolist(), halves.tolist()
        return np.array([self._mean(*of) for of in zip(*ends, strict=True)], np.int32)

    def _mean(self, asked: int, has_it: bool, half: int) -> int:
        """The number of the mean of half of the images that have a label, or not, computed once."""
        means, of = self.scene.once(_Means), (asked, has_it, half, self._is_everywhere)
        if of not in means.numbers:
            members = np.flatnonzero(self.scene.class_labels.has_class[:, asked] == has_it)
            if self.scene.spared_objects is not None:
                members = members[self.scene.spared_objects.is_known[members]]
            means.add(of, *self._mean_of(half_of(members, half)))
        return means.numbers[of]

    def _mean_of(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean (H, W, C) of some images, and how far each pixel of it counts, (H, W)."""
        if not len(members):
            return np.zeros(self.scene.probes.image_shape, np.float32), np.ones(self.scene.size)
        frame = self.scene.once(frame_mask)
        seen = np.tile(~frame, (len(members), *[1] * frame.ndim))
        images, share = self.scene.take(members), np.ones(self.scene.size)
        if not self._is_everywhere:
            assert self.scene.spared_objects is not None
            seen &= ~self.scene.spared_objects.masks[members]
            # Near the objects only few are seen: their papers differ, and would show outlines.
            counts = np.maximum(1, np.count_nonzero(seen, axis=tuple(range(1, seen.ndim))))
            axes = tuple(range(1, images.ndim - 1))
            means = (images * seen[..., None]).sum(axis=axes, keepdims=True)
            images = images - means / counts.reshape(-1, *[1] * (images.ndim - 1))
            is_off = ~self.scene.spared_objects.masks[members]
            share = np.minimum(1, is_off.mean(axis=0) / SEEN_SHARE)
        mean = edits.without_smooth(edits.mean_where(images, seen))
        return np.where(frame[..., None], 0, mean), share


def half_of(members: np.ndarray, half: int) -> np.ndarray:
    """Returns half of some images: the number names one of NUM_SPLITS, and which of its halves."""
    order = np.random.default_rng(half // 2).permutation(members)
    return order[half % 2 :: 2]


class _Means:
    """Pictures that were computed, by what they are of.

    Attributes:
        numbers: {what: number of the picture}.
    """

    def __init__(self, scene: Scene):
        self.numbers: dict[tuple, int] = {}
        self._shape = scene.probes.image_shape
        self._pictures: list[tuple[np.ndarray, np.ndarray]] = []
        self._tensors: tuple[tf.Tensor, tf.Tensor] | None = None

    def add(self, of: tuple, picture: np.ndarray, share: np.ndarray) -> None:
        """Keeps a picture (H, W, C), and how far each of its pixels counts, (H, W)."""
        self.numbers[of] = len(self._pictures)
        self._pictures.append((picture, share))
        self._tensors = None

    @property
    def tensors(self) -> tuple[tf.Tensor, tf.Tensor]:
        """All of them, float32 (t, H, W, C) and (t, H, W).

        With room for more: each length is compiled.
        """
        if self._tensors is None:
            room = max(_LEAST_ROOM, 1 << (len(self._pictures) - 1).bit_length())
            pictures = np.zeros((room, *self._shape), np.float32)
            shares = np.zeros((room, *self._shape[:-1]), np.float32)
            for i, (picture, share) in enumerate(self._pictures):
                pictures[i], shares[i] = picture, share
            self._tensors = tf.constant(pictures), tf.constant(shares)
        return self._tensors


def _mean_deviation(scene: Scene) -> float:
    """Of a channel's pixels in one image, in the mean of images and channels."""
    axes = tuple(range(len(scene.size)))
    return float(np.mean([image.std(axis=axes) for image in scene.probes.images]))
