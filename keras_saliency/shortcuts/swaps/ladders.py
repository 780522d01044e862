"""Swaps of noise, sharpness or compression: of a whole image, and of its background."""

from collections.abc import Callable, Hashable
from functools import partial

import numpy as np
import tensorflow as tf

from keras_saliency.shortcuts.swaps import acquisition, edits
from keras_saliency.shortcuts.swaps.bank import Bank, Ends
from keras_saliency.shortcuts.swaps.kinds import RegionSwap, Rows
from keras_saliency.shortcuts.swaps.levels import LevelSwap
from keras_saliency.shortcuts.swaps.pairs import Pairs
from keras_saliency.shortcuts.swaps.scene import Scene
from keras_saliency.shortcuts.swaps.versions import LADDERS, Ladder

MAX_BYTES = 200_000_000  # of versions that are kept
# Of the share of variance between classes over whole images, that near their edges: with blur 0.23
# at least (thin letters), of objects with finer details up to a third, mostly a tenth.
OUTER_SHARE = 0.25
# The same of corners, for all but one of them, where most images have detail in each: with blur
# mostly above 0.5 (not on staves of music), of objects with finer details mostly below 0.2.
CORNER_SHARE = 0.45
MIN_DETAIL = 2.0  # grey levels: the deviation of a corner that has detail


class LadderSwap(LevelSwap):
    """The recipient becomes the version of itself whose level is nearest to the donor's.

    No pixel of the donor is lent.

    Args:
        scene: `Scene` of images, see `applies`.
        kind: "noise", "sharpness" or "compression".
    """

    def __init__(self, scene: Scene, kind: str):
        super().__init__(scene)
        self.kind = kind

    @staticmethod
    def applies(scene: Scene, kind: str) -> bool:
        """Returns whether a ladder is for the scene: images, grey or RGB for compression.

        Signals and volumes have no ladder, nor have images of less than 16 pixels, in which
        noise, edges and detail are the same few pixels.
        """
        *size, num_channels = scene.probes.image_shape
        is_image = len(size) == 2 and min(size) >= 2 * acquisition.MIN_SIDE
        return is_image and num_channels in LADDERS[kind].channels

    @property
    def levels(self) -> np.ndarray:
        """The level of each probe, float32 (n,)."""
        return self.scene.once(_LEVELS[self.kind])

    def separates(self) -> bool:
        """Returns whether the property differs between classes; where not, no swap is needed."""
        return acquisition.separates(self.levels, self.scene.class_labels.has_class)

    def is_of_whole_images(self) -> bool:
        """Returns whether sharpness differs between classes near the edges of images, too.

        Where it does in the middle only, the objects of a class have finer details.
        """
        has_class = self.scene.class_labels.has_class
        outer = self.scene.once(_outer_sharpness)
        if not (self.is_of_corners() and acquisition.separates(outer, has_class)):
            return False
        share = acquisition.class_share(self.levels, has_class)
        return acquisition.class_share(outer, has_class) >= OUTER_SHARE * share

    def is_of_corners(self) -> bool:
        """Returns whether sharpness differs between classes in the corners of images, too.

        Large objects reach the edges, but hardly the corners. Where these have no detail, as of a
        flat background, nothing is known against it.
        """
        corners = self.scene.once(_corner_sharpness)
        if corners is None:
            return True
        has_class = self.scene.class_labels.has_class
        shares = sorted(acquisition.class_share(of_one, has_class) for of_one in corners)
        return shares[1] >= CORNER_SHARE * acquisition.class_share(self.levels, has_class)

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        return _nearest(self.scene, self.kind, pairs.recipients, pairs.donors)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        return _taken(bank, ends[0], *numbers)


class LevelledBackgroundSwap(RegionSwap):
    """The background of the donor's version whose level is nearest to the recipient's.

    What another background costs beyond this one is its noise, sharpness or compression.

    Args:
        scene: `Scene` whose objects are known, see `LadderSwap.applies`.
        kind: "noise", "sharpness" or "compression".
    """

    def __init__(self, scene: Scene, kind: str):
        super().__init__(scene, np.ones(scene.size, bool), True)
        self.kind = kind

    def rows(self, pairs: Pairs) -> tuple[Rows, ...]:
        versions = _nearest(self.scene, self.kind, pairs.donors, pairs.recipients)
        return (*super().rows(pairs), *versions)

    @staticmethod
    def make(bank: Bank, variant: Hashable, ends: Ends, *numbers: tf.Tensor) -> tf.Tensor:
        partners, *versions, area = numbers
        lent = _taken(bank, ends[1], *versions)
        area &= bank.off_objects(*ends, partners)
        return edits.swap_pixels(bank.take(ends[0]), lent, area)


def _nearest(
    scene: Scene, kind: str, changed: np.ndarray, models: np.ndarray
) -> "tuple[_Versions, np.ndarray]":
    """The versions of some images that are nearest to others' levels, and which differ, (m,)."""
    climbed, levels = scene.once(_CLIMBED[kind]), scene.once(_LEVELS[kind])
    rungs = np.abs(climbed.levels(changed) - levels[models, None]).argmin(axis=1)
    return _Versions(climbed, changed, rungs), rungs > 0


def _taken(bank: Bank, rows: tf.Tensor, versions: tf.Tensor, is_changed: tf.Tensor) -> tf.Tensor:
    """Versions in grey levels as pixels, and the images themselves where these do not differ."""
    low, high = bank.value_range.low, bank.value_range.high
    scaled = tf.cast(versions, tf.float64) * ((high - low) / 255) + low
    is_changed = tf.reshape(is_changed, [-1, *[1] * (versions.shape.rank - 1)])
    return tf.where(is_changed, tf.cast(scaled, tf.float32), bank.take(rows))


class _Climbed:
    """What is known of the versions of a scene's probes; found when it is first asked for.

    The same in every check: versions depend on nothing but the image.

    Args:
        kind: of ladder.
        scene: `Scene`.
    """

    def __init__(self, kind: str, scene: Scene):
        self._kind, self._ladder, self._scene = kind, LADDERS[kind], scene
        ladder = self._ladder
        self.image_shape = scene.probes.image_shape
        num_versions = len(scene.probes), len(ladder.versions)
        self._levels = np.full(num_versions, np.nan, np.float32)
        all_bytes = self._levels.size * int(np.prod(self.image_shape))
        self._kept: dict[tuple[int, int], np.ndarray] | None = (
            {} if all_bytes <= MAX_BYTES else None
        )

    def levels(self, rows: np.ndarray) -> np.ndarray:
        """Returns the levels of the versions of some probes, (m, v)."""
        unknown = np.unique(rows[np.isnan(self._levels[rows, 0])])
        for start in range(0, len(unknown), acquisition.AT_ONCE):
            self._climb(unknown[start : start + acquisition.AT_ONCE])
        return self._levels[rows]

    def _climb(self, rows: np.ndarray) -> None:
        """Finds the levels of the versions of a few probes."""
        self._levels[rows, 0] = self._scene.once(_LEVELS[self._kind])[rows]
        if self._ladder.known_levels is not None:
            self._levels[rows, 1:] = self._ladder.known_levels
            return
        images = np.stack([acquisition.middle(image) for image in self._scene.probes.images[rows]])
        images = _grey_levels(self._scene, images)
        is_whole = images.shape[1:] == self.image_shape
        for rung in range(1, len(self._ladder.versions)):
            made = self._ladder.make(images, rung)
            self._levels[rows, rung] = self._ladder.level(made)
            if is_whole and self._kept is not None:
                kept = zip(rows.tolist(), made.astype(np.uint8), strict=True)
                self._kept.update(((row, rung), version) for row, version in kept)

    def version(self, row: int, rung: int) -> np.ndarray:
        """Returns a version of a probe in grey levels, uint8 (H, W, C)."""
        key = int(row), int(rung)
        version = None if self._kept is None else self._kept.get(key)
        if version is None:
            image = _grey_levels(self._scene, self._scene.probes.images[row])
            version = self._ladder.versions[rung](image).astype(np.uint8)
            if self._kept is not None:
                self._kept[key] = version
        return version


class _Versions:
    """Versions of some probes, made where they are asked for, since all are too many to hold.

    Args:
        climbed: `_Climbed`.
        recipients, rungs: two int (m,); of rung 0, the image itself, nothing is made.
    """

    def __init__(self, climbed: _Climbed, recipients: np.ndarray, rungs: np.ndarray):
        self._climbed, self._recipients, self._rungs = climbed, recipients, rungs

    def __getitem__(self, some: slice) -> np.ndarray:
        """Returns some versions in grey levels, uint8 (m, H, W, C)."""
        ends = self._recipients[some].tolist(), self._rungs[some].tolist()
        versions = np.zeros((len(ends[0]), *self._climbed.image_shape), np.uint8)
        for place, recipient, rung in zip(versions, *ends, strict=True):
            if rung:
                place[...] = self._climbed.version(recipient, rung)
        return versions


def _levels_of_probes(ladder: Ladder, scene: Scene) -> np.ndarray:
    middles = map(acquisition.middle, scene.probes.images)
    return ladder.level(np.stack([_grey_levels(scene, image) for image in middles]))


def _outer_sharpness(scene: Scene) -> np.ndarray:
    levels = [acquisition.sharpness_level(s) for s in _parts(scene, acquisition.edge_strips)]
    return np.mean(levels, axis=0)


def _corner_sharpness(scene: Scene) -> list[np.ndarray] | None:
    """The sharpness of each corner, (n,) each; None unless most images have detail in all."""
    small = _parts(scene, partial(acquisition.corners, least=acquisition.MIN_SIDE))
    deviations = [corner.mean(axis=-1).std(axis=(1, 2)) for corner in small]
    if np.median(np.min(deviations, axis=0)) < MIN_DETAIL:
        return None
    return [acquisition.sharpness_level(c) for c in _parts(scene, acquisition.corners)]


def _parts(
    scene: Scene, of_image: Callable[[np.ndarray], tuple[np.ndarray, ...]]
) -> list[np.ndarray]:
    """The same part of all images in grey levels, (n, h, w, C), for each part of an image."""
    parts = zip(*map(of_image, scene.probes.images), strict=True)
    return [np.stack([_grey_levels(scene, piece) for piece in pieces]) for pieces in parts]


def _grey_levels(scene: Scene, image: np.ndarray) -> np.ndarray:
    """Returns pixels (…, C) in grey levels: their range as 0 … 255, rounded, float32."""
    low, high = scene.value_range.low, scene.value_range.high
    scaled = (image - low) * (255 / np.where(high > low, high - low, 1))
    return np.clip(np.rint(scaled), 0, 255).astype(np.float32)


# One function for each kind, by which `Scene.once` knows what it has made.
_LEVELS = {kind: partial(_levels_of_probes, ladder) for kind, ladder in LADDERS.items()}
_CLIMBED = {kind: partial(_Climbed, kind) for kind in LADDERS}
