"""Patches that move: what the maps show in each image, and whether it recurs in a class.

A tag or a sticker may lie anywhere. The same picture at different places of most images of a class
is no part of an object: objects do not look the same twice, pixel by pixel, not even in two
photographs of one thing.
"""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.boxes import box_slices, hottest_boxes
from keras_saliency._utils.opencv import cv2, in_fours
from keras_saliency._utils.spread import spread_evenly
from keras_saliency.shortcuts.alignment import are_aligned
from keras_saliency.shortcuts.detector import Proposal, taking_part
from keras_saliency.shortcuts.swaps import BoxSwap, Scene, edits, planted_pixels

PATCH_SHARE = 0.25  # of each side of the image, of a patch
PART_SHARE = 0.6  # of a side of the patch: the part that is looked for elsewhere
SMALL_SHARE = 0.5  # the same where images are not aligned; icons have smaller parts in common
MIN_SIDE = 4  # pixels of the part
MIN_DEVIATION = 20.0  # grey levels: a part with less shows nothing
MAX_DIFFERENCE = 8.0  # grey levels, root of the mean square: nearer pictures are the same
MOVED_SHARE = 0.25  # of a side: the median distance from where it is in the median
_NUM_PATCHES, _NUM_IMAGES = 3, 12  # of a class: that are looked for, and that are searched


def propose_moving_patch(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """Suspects, in each image that is watched, the window with most attention off the object.

    Where objects are not known, off the middle, in which a part of the object would be taken; or,
    if a patch recurs in the images of a class, wherever that is.
    """
    rows = taking_part(scene)
    attention = scene.attention
    watched = rows[rows < len(attention)]
    has_attention = attention.reshape(len(attention), -1).sum(axis=1) > 0
    donors = watched[has_attention[watched]]
    if scene.spared_objects is None:
        spared = np.broadcast_to(edits.middle_mask(*scene.size), attention.shape)
    else:
        spared = scene.spared_objects.masks[: len(attention)]
    sides = [max(1, round(PATCH_SHARE * length)) for length in scene.size]
    boxes = hottest_boxes(attention, *sides, without=spared)
    is_known = is_sure = scene.spared_objects is not None
    if not is_known:
        moved = recurring_boxes(scene, boxes, donors)
        if moved is not None:
            boxes, is_sure = moved, True
    swap = BoxSwap(scene, lambda pairs: boxes[pairs.donors], is_known)
    return [Proposal(swap, rows, donors, may_be_object=not is_sure)] if len(donors) else []


def recurring_boxes(scene: Scene, boxes: np.ndarray, donors: np.ndarray) -> np.ndarray | None:
    """Moves the boxes of donors to where a patch of their class recurs.

    Args:
        scene: `Scene` of images.
        boxes: int (w, 4), a box of each image that is watched, all of one size.
        donors: int (d,), the images whose boxes may show a patch.

    Returns:
        Boxes int (w, 4), empty for images that do not show such a patch: what else they would
        lend may be a part of their object. None where no class has one.
    """
    if len(scene.size) != 2:
        return None
    pictures, moved = scene.once(_Pictures), None
    # What recurs is in the images, wherever later maps look.
    found, sought = scene.kept.setdefault(recurring_boxes, ({}, set()))
    for c, own in enumerate(scene.class_labels.has_class.T > 0):
        watched = donors[own[donors]]
        if min(np.count_nonzero(own), np.count_nonzero(~own)) < planted_pixels.MIN_IMAGES:
            continue
        for donor in watched[:_NUM_PATCHES]:
            key = c, int(donor), *boxes[donor].tolist()
            if c not in found and key not in sought:
                sought.add(key)
                part = _recurring_part(pictures, boxes[donor], donor, own)
                found |= {} if part is None else {c: part}
        if c in found:
            moved = np.zeros_like(boxes) if moved is None else moved
            for row in watched:
                moved[row] = found[c].moved(boxes[row], row)
    return moved


class _Pictures:
    """The images in grey levels: small, where a picture is looked for, and large, to compare."""

    def __init__(self, scene: Scene):
        self._images, self.size = scene.probes.images, np.array(scene.size)
        self.small = scene.once(planted_pixels.levels_of_images)
        self.shares = (PART_SHARE,) if are_aligned(scene) else (PART_SHARE, SMALL_SHARE)
        self.scale = np.array(self.small.shape[1:3]) / scene.size  # of each side
        self._low = float(self._images.min())
        self._unit = (float(self._images.max()) - self._low) / 255 or 1

    def large(self, row: int, box: Sequence[int]) -> np.ndarray:
        """Returns a box of an image, float32 (h, w, C)."""
        pixels = self._images[row][box_slices(box)]
        return (pixels.astype(np.float32) - self._low) / self._unit


def _recurring_part(
    pictures: _Pictures, box: np.ndarray, donor: int, own: np.ndarray
) -> "_Part | None":
    """The part of a donor's box that recurs in its class, and in hardly any other image.

    At different places: the corner of an icon is at the same one, and is a part of it.
    """
    mine = np.setdiff1d(np.flatnonzero(own), donor)
    for part in _parts(pictures, box, donor):
        places = part.places(_some(mine))
        if len(places) < planted_pixels.SAME_SHARE * len(_some(mine)):
            continue
        others = _some(np.flatnonzero(~own))
        if len(part.places(others)) > planted_pixels.OTHER_SHARE * len(others):
            continue
        distances = np.abs(places - np.median(places, axis=0)).max(axis=1)
        if np.median(distances) >= MOVED_SHARE * min(box[2:] - box[:2]):
            return part
    return None


def _parts(pictures: _Pictures, box: np.ndarray, donor: int) -> "list[_Part]":
    """The part of a box that has most contrast, and the one in its middle, of each size.

    A part that is larger than the sticker shows something else, too.
    """
    return [part for share in pictures.shares for part in _parts_of(share, pictures, box, donor)]


def _parts_of(share: float, pictures: _Pictures, box: np.ndarray, donor: int) -> "list[_Part]":
    room = box[2:] - box[:2]
    sides = np.maximum(MIN_SIDE, np.rint(share * room)).astype(int)
    steps = np.rint(1 / pictures.scale).astype(int)
    parts = [
        _Part(pictures, donor, np.array([y, x]), sides, box)
        for y in range(0, room[0] - sides[0] + 1, steps[0])
        for x in range(0, room[1] - sides[1] + 1, steps[1])
    ]
    if not parts:
        return []
    chosen = max(parts, key=lambda part: part.contrast), parts[len(parts) // 2]
    return [part for part in chosen if part.contrast >= MIN_DEVIATION]


class _Part:
    """A part of a patch.

    Args:
        pictures: `_Pictures`.
        donor: the image that shows it.
        offset: pixels by which it lies below and right of the patch's corner, (2,).
        sides: its height and width.
        box: that of the patch.
    """

    def __init__(
        self,
        pictures: _Pictures,
        donor: int,
        offset: np.ndarray,
        sides: np.ndarray,
        box: np.ndarray,
    ):
        self._pictures, self._offset = pictures, offset
        start = box[:2] + offset
        self._large = pictures.large(donor, (*start, *(start + sides)))
        ends = start * pictures.scale, np.maximum(sides * pictures.scale, 1)
        start, (height, width) = (np.rint(end).astype(int) for end in ends)
        y0, x0 = np.minimum(start, np.array(pictures.small.shape[1:3]) - 1)
        self._small = pictures.small[donor, y0 : y0 + height, x0 : x0 + width]

    @property
    def contrast(self) -> float:
        """The deviation of the channel that has most, in grey levels."""
        return float(self._large.std(axis=(0, 1)).max())

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Returns where images show it, (y, x), int (m, 2) for the m that do."""
        places = [self._place(row) for row in rows]
        return np.array([place for place in places if place is not None]).reshape(-1, 2)

    def moved(self, box: np.ndarray, row: int) -> np.ndarray:
        """Returns the box (4,) of an image, moved so that the part lies in it as in the patch.

        Empty where the image does not show it.
        """
        place = self._place(row)
        if place is None:
            return np.zeros_like(box)
        sides = box[2:] - box[:2]
        start = np.clip(place - self._offset, 0, self._pictures.size - sides)
        return np.concatenate([start, start + sides])

    def _place(self, row: int) -> np.ndarray | None:
        """Where an image looks the same, (y, x), or None: sought when small, compared as it is."""
        _, place = _most_similar(self._pictures.small[row], self._small)
        reach = np.rint(1 / self._pictures.scale).astype(int)
        low = np.maximum(np.rint(place / self._pictures.scale).astype(int) - reach, 0)
        high = low + self._large.shape[:2] + 2 * reach
        around = self._pictures.large(row, (*low, *high))
        if min(np.subtract(around.shape, self._large.shape)) < 0:
            return None
        difference, place = _most_similar(around, self._large)
        return low + place if difference <= MAX_DIFFERENCE else None


def _most_similar(image: np.ndarray, picture: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns the least difference of a place, in grey levels, and the place."""
    image, picture = image.astype(np.float32), picture.astype(np.float32)
    channels = zip(in_fours(image), in_fours(picture), strict=True)
    squares = np.sum([cv2.matchTemplate(*some, cv2.TM_SQDIFF) for some in channels], axis=0)
    place = np.unravel_index(int(squares.argmin()), squares.shape)
    return float(np.sqrt(max(0, squares[place]) / picture.size)), np.array(place)


def _some(rows: np.ndarray) -> np.ndarray:
    """Returns at most `_NUM_IMAGES` rows, spread over all."""
    return rows[spread_evenly(len(rows), _NUM_IMAGES)]
