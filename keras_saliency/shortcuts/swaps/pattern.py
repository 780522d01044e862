"""`PatternSwap`: what the images of a class have in common is given to others."""

from collections.abc import Hashable

import numpy as np
import tensorflow as tf

from keras_saliency.shortcuts.swaps import edits, filters
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import Swap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask
from keras_saliency.shortcuts.swaps.scene import Scene

MAX_SHIFT = 0.5  # of the standard deviation of an image's pixels, where objects are not known
NUM_SPLITS = 4  # of each class in two halves
# Of the images of a class, and of any: in so many a pixel must lie off the object to count fully.
SEEN_SHARE, SEEN_OF_ANY = 0.5, 0.2
EDGE_SHARE = 1 / 24  # of the side: how softly a class's own mean ends where its objects begin
_LEAST_ROOM = 16  # pictures


class PatternSwap(Swap):
    """What the donor's class has in common, less what the recipient's class has.

    Both are means over a half of the images, so that both have the same noise, also where the
    donor is of the recipient's own class: then the halves are two of that class. Without what
    is smooth over an eighth of the image.

    Where objects are known, the mean of a pixel is taken over the images in which it lies off
    the object: else it would have the outline of the class's objects. It would still have it where
    objects are always at one place and backgrounds have texture, as that place would be blank. So
    the mean of as many images of any class stands in for what few images of the class show.
    It is added to all pixels, since a pattern or a watermark lies on the object, too. In signals
    and volumes it is added off the object only, because clean networks react to it there.
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
        return lent, self._means(pairs.recipients, pairs.classes, halves ^ 1)

    @property
    def shared(self) -> tuple[np.ndarray | tf.Tensor, ...]:
        most = np.inf
        if self.scene.spared_objects is None:
            most = MAX_SHIFT * self.scene.once(_mean_deviation)
        return self._region, self.scene.once(_Means).tensor, np.float32(most)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        lent, own, region, means, most = numbers
        shift = tf.clip_by_value(tf.gather(means, lent) - tf.gather(means, own), -most, most)
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
            means.add(of, self._completed(half_of(members, half), half))
        return means.numbers[of]

    def _completed(self, members: np.ndarray, half: int) -> np.ndarray:
        """The mean of some images, completed by that of as many others where few are seen."""
        if not len(members):
            return np.zeros(self.scene.probes.image_shape, np.float32)
        mean, objects = self._mean_of(members), self.scene.spared_objects
        if not self._is_everywhere:
            assert objects is not None
            anything = half_of(np.flatnonzero(objects.is_known), half)[: len(members)]
            share = _counts(objects.masks[members], SEEN_SHARE)
            others = _counts(objects.masks[anything], SEEN_OF_ANY)
            mean = share * mean + (1 - share) * others * self._mean_of(anything)
        frame = self.scene.once(frame_mask)
        return np.where(frame[..., None], 0, edits.without_smooth(mean))

    def _mean_of(self, members: np.ndarray) -> np.ndarray:
        frame = self.scene.once(frame_mask)
        seen = np.tile(~frame, (len(members), *[1] * frame.ndim))
        images = self.scene.take(members)
        if not self._is_everywhere:
            assert self.scene.spared_objects is not None
            seen &= ~self.scene.spared_objects.masks[members]
            # Near the objects only few are seen: their papers differ, and would show outlines.
            counts = np.maximum(1, np.count_nonzero(seen, axis=tuple(range(1, seen.ndim))))
            axes = tuple(range(1, images.ndim - 1))
            means = (images * seen[..., None]).sum(axis=axes, keepdims=True)
            images = images - means / counts.reshape(-1, *[1] * (images.ndim - 1))
        return edits.mean_where(images, seen)


def half_of(members: np.ndarray, half: int) -> np.ndarray:
    """Returns half of some images: the number names one of NUM_SPLITS, and which of its halves."""
    order = np.random.default_rng(half // 2).permutation(members)
    return order[half % 2 :: 2]


def _counts(masks: np.ndarray, enough: float) -> np.ndarray:
    """How far each pixel of a mean off some masks (n, H, W) counts, (H, W, 1), in [0, 1].

    1 where a share of the images shows it that is enough, 0 where few do, without an edge between.
    """
    share = np.minimum(1, (~masks).mean(axis=0, dtype=np.float32) / enough)
    smooth = filters.gaussian(share, range(share.ndim), EDGE_SHARE * min(share.shape))
    return np.minimum(share, smooth)[..., None]


class _Means:
    """Pictures that were computed, by what they are of.

    Attributes:
        numbers: {what: number of the picture}.
    """

    def __init__(self, scene: Scene):
        self.numbers: dict[tuple, int] = {}
        self._shape = scene.probes.image_shape
        self._pictures: list[np.ndarray] = []
        self._tensor: tf.Tensor | None = None

    def add(self, of: tuple, picture: np.ndarray) -> None:
        """Keeps a picture (H, W, C)."""
        self.numbers[of] = len(self._pictures)
        self._pictures.append(picture)
        self._tensor = None

    @property
    def tensor(self) -> tf.Tensor:
        """All of them, float32 (t, H, W, C), with room for more: each length is compiled."""
        if self._tensor is None:
            room = max(_LEAST_ROOM, 1 << (len(self._pictures) - 1).bit_length())
            pictures = np.zeros((room, *self._shape), np.float32)
            for i, picture in enumerate(self._pictures):
                pictures[i] = picture
            self._tensor = tf.constant(pictures)
        return self._tensor


def _mean_deviation(scene: Scene) -> float:
    """Of a channel's pixels in one image, in the mean of images and channels."""
    axes = tuple(range(len(scene.size)))
    return float(np.mean([image.std(axis=axes) for image in scene.probes.images]))
