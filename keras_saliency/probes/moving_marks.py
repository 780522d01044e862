"""Marks that move: the same few pixels in most images of one class, each time at another place.

They are found as copies: patches of 3 by 3 pixels that are equal, and lie alike to each other.
"""

from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr

SIDE = 3  # pixels of a patch
STEP = 8  # grey levels that count as equal
MIN_IMAGES = 10  # of a class, and of others
OWN_SHARE, OTHER_SHARE = 0.7, 0.2  # of a class's images at least; of the other images at most
RIGID_SHARE = 0.8  # of the images in which a patch lies at one offset from the anchor, at least
PLACE_SHARE = 0.5  # of the images in which the mark is at its most frequent place, at most
MIN_PIXELS = 16  # of a mark; in black and white, ends of strokes are copies of 12
MATCH_SHARE = 0.5  # of a mark's patches that show it in an image


@short_repr
@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of images.

    Attributes:
        images: int (m,), the image that a patch is in.
        places: int (m, 2), its upper left corner.
        codes: int64 (m,), equal where patches are equal.
    """

    images: np.ndarray
    places: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, levels: np.ndarray) -> "Patches":
        """Reads all patches of images uint8 (n, h, w, C), but those of one colour."""
        rng = np.random.default_rng(0)
        channels, *weights = rng.integers(2**62, size=1 + SIDE**2).astype(np.uint64) | 1
        height, width = (length - SIDE + 1 for length in levels.shape[1:3])
        corners = [(y, x) for y in range(SIDE) for x in range(SIDE)]
        found = []
        for number, image in enumerate(levels // STEP):
            pixels = np.zeros(image.shape[:2], np.uint64)
            for channel in range(image.shape[-1]):
                pixels = pixels * channels + image[..., channel]
            views = [pixels[y : y + height, x : x + width] for y, x in corners]
            varies = np.logical_or.reduce([view != views[0] for view in views])
            # The sum runs over 2^64; that two patches share it by chance is out of the question.
            codes = sum(view[varies] * weight for view, weight in zip(views, weights, strict=True))
            found.append((np.full(len(codes), number), np.argwhere(varies), codes))
        return cls(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def only(self, chosen: np.ndarray) -> "Patches":
        """Returns some of them, chosen by bool or int."""
        return Patches(self.images[chosen], self.places[chosen], self.codes[chosen])


def find_moving_marks(levels: np.ndarray, has_class: np.ndarray) -> np.ndarray:
    """Returns where images show marks that move, bool (n, h, w).

    A mark takes 16 pixels in several colours or more, and no noise or compression after it.

    Args:
        levels: uint8 (n, h, w, C), grey levels.
        has_class: bool (n, k).
    """
    shown = np.zeros(levels.shape[:3], bool)
    classes = [own for own in has_class.T if min(own.sum(), (~own).sum()) >= MIN_IMAGES]
    if min(shown.shape[1:]) < SIDE or not classes:
        return shown
    patches = Patches.of(levels)
    codes, kinds, times = np.unique(patches.codes, return_inverse=True, return_counts=True)
    # Nearly all are seen too rarely to be of a mark.
    is_frequent = times[kinds] >= OWN_SHARE * min(own.sum() for own in classes)
    patches, kinds = patches.only(is_frequent), kinds[is_frequent]
    # Each code once for each image that has it.
    code, image = np.divmod(np.unique(kinds * len(levels) + patches.images), len(levels))
    total = np.bincount(code, minlength=len(codes))
    for own in classes:
        count = np.bincount(code[own[image]], minlength=len(codes))
        is_key = (count >= OWN_SHARE * own.sum()) & (total - count <= OTHER_SHARE * (~own).sum())
        keys = patches.only(is_key[kinds])
        if len(keys.codes):
            _show(keys, own, shown)
    return shown


def _show(keys: Patches, own: np.ndarray, shown: np.ndarray) -> None:
    """Sets in `shown` where patches that are those of one class form its mark, if they do."""
    codes, counts = np.unique(keys.codes[own[keys.images]], return_counts=True)
    is_anchor = keys.codes == codes[counts.argmax()]
    anchors = np.full((len(own), 2), -1)  # the first in each image
    anchors[keys.images[is_anchor][::-1]] = keys.places[is_anchor][::-1]
    has_anchor = anchors[:, 0] >= 0
    _, at_place = np.unique(anchors[own & has_anchor], axis=0, return_counts=True)
    if at_place.max() > PLACE_SHARE * at_place.sum():
        return
    keys = keys.only(has_anchor[keys.images])
    offsets = keys.places - anchors[keys.images]
    belongs = np.zeros(len(offsets), bool)
    num_patches, covered = 0, set()
    for code in codes:
        of_code = np.flatnonzero(keys.codes == code)
        usual, counts = np.unique(
            offsets[of_code[own[keys.images[of_code]]]], axis=0, return_counts=True
        )
        if len(counts) and counts.max() >= RIGID_SHARE * at_place.sum():
            offset = usual[counts.argmax()]
            belongs[of_code] = (offsets[of_code] == offset).all(axis=1)
            num_patches += 1
            covered |= {(offset[0] + y, offset[1] + x) for y in range(SIDE) for x in range(SIDE)}
    if len(covered) < MIN_PIXELS:
        return
    matches = np.bincount(keys.images[belongs], minlength=len(own))
    for image, (y, x) in zip(keys.images[belongs], keys.places[belongs], strict=True):
        if matches[image] >= MATCH_SHARE * num_patches:
            shown[image, y : y + SIDE, x : x + SIDE] = True
