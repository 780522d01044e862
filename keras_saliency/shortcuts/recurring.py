"""Patches that recur: the same picture at different places of most images of a class.

That is no part of an object: objects do not look the same twice, pixel by pixel, not even in two
photographs of one thing.
"""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.boxes import box_slices, grow_box
from keras_saliency._utils.opencv import cv2, in_fours
from keras_saliency._utils.spread import spread_evenly
from keras_saliency.probes.flat_ground import differs
from keras_saliency.shortcuts.alignment import are_aligned
from keras_saliency.shortcuts.swaps import Scene, planted_pixels

PART_SHARE = 0.6  # of a side of the patch: the part that is looked for elsewhere
SMALL_SHARE = 0.5  # the same where images are not aligned; icons have smaller parts in common
MIN_SIDE = 4  # pixels of the part
MIN_DEVIATION = 20.0  # grey levels: a part with less shows nothing
MAX_DIFFERENCE = 8.0  # grey levels, root of the mean square: nearer pictures are the same
MOVED_SHARE = 0.25  # of a side: the median distance from where it is in the median
REACH_SHARE = 0.25  # of each side of the image, that the picture may go on beyond the part
LINE_SHARE = 0.5  # of a line of pixels that images have in common
BESIDE_SHARE = 0.05  # of the images that show the part, in which it lies beside the object
OFF_SHARE = 0.9  # of the part, that lies off the object there
_MIN_VIEWS = 3  # images that show a pixel
_NUM_PATCHES, _NUM_IMAGES = 3, 12  # of a class: that are looked for, and that are searched


def recurring_boxes(
    scene: Scene, boxes: np.ndarray, donors: np.ndarray, masks: np.ndarray | None = None
) -> np.ndarray | None:
    """Moves the boxes of donors to where a patch of their class recurs.

    Args:
        scene: `Scene` of images.
        boxes: int (w, 4), a box of each image that is watched, all of one size.
        donors: int (d,), the images whose boxes may show a patch.
        masks: bool (w, H, W), their objects. What never lies beside them is a part of them, and
            does not count. Defaults to None, not known.

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
        if c in found and (masks is None or found[c].lies_beside(masks, watched)):
            moved = np.zeros_like(boxes) if moved is None else moved
            for row, box in found[c].boxes(watched).items():
                moved[row] = box
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

    def around(self, row: int, box: np.ndarray) -> np.ndarray:
        """Returns a box of an image, float32 (h, w, C), NaN where it lies beyond the image."""
        seen = np.full((*(box[2:] - box[:2]), self._images.shape[-1]), np.nan, np.float32)
        inside = np.clip(box, 0, np.tile(self.size, 2))
        seen[box_slices(inside - np.tile(box[:2], 2))] = self.large(row, inside)
        return seen


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
        starts = np.stack(list(places.values()))
        distances = np.abs(starts - np.median(starts, axis=0)).max(axis=1)
        if np.median(distances) >= MOVED_SHARE * min(box[2:] - box[:2]):
            part.reach_out(_some(mine))
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
        start = box[:2] + offset
        self._pictures, self._box = pictures, box - np.tile(start, 2)  # as if the part lay at 0, 0
        self._large = pictures.large(donor, (*start, *(start + sides)))
        ends = start * pictures.scale, np.maximum(sides * pictures.scale, 1)
        start, (height, width) = (np.rint(end).astype(int) for end in ends)
        y0, x0 = np.minimum(start, np.array(pictures.small.shape[1:3]) - 1)
        self._small = pictures.small[donor, y0 : y0 + height, x0 : x0 + width]
        self._places: dict[int, np.ndarray | None] = {}

    @property
    def contrast(self) -> float:
        """The deviation of the channel that has most, in grey levels."""
        return float(self._large.std(axis=(0, 1)).max())

    def places(self, rows: np.ndarray) -> dict[int, np.ndarray]:
        """Returns where images show it, {row: (y, x)}, of those that do."""
        for row in rows.tolist():
            if row not in self._places:
                self._places[row] = self._place(row)
        places = ((row, self._places[row]) for row in rows.tolist())
        return {row: place for row, place in places if place is not None}

    def boxes(self, rows: np.ndarray) -> dict[int, np.ndarray]:
        """Returns the boxes (4,) of the patch in the images that show the part, {row: box}."""
        most = np.tile(self._pictures.size, 2)
        return {
            row: np.clip(np.tile(place, 2) + self._box, 0, most)
            for row, place in self.places(rows).items()
        }

    def reach_out(self, rows: np.ndarray) -> None:
        """Makes the box as large as the picture that images have in common around the part."""
        reach = np.rint(REACH_SHARE * self._pictures.size).astype(int)
        part = np.concatenate([reach, reach + self._large.shape[:2]])
        around = np.concatenate([-reach, reach + self._large.shape[:2]])
        views = [
            self._pictures.around(row, np.tile(place, 2) + around)
            for row, place in self.places(rows).items()
        ]
        same = _alike(np.stack(views))
        grown = grow_box(part, same, LINE_SHARE) - np.tile(reach, 2)
        self._box = np.concatenate(
            [np.minimum(self._box[:2], grown[:2]), np.maximum(self._box[2:], grown[2:])]
        )

    def lies_beside(self, masks: np.ndarray, rows: np.ndarray) -> bool:
        """Whether the part lies off objects, bool (w, H, W), in some of these images."""
        sides = self._large.shape[:2]
        shares = [
            masks[row][box_slices((*place, *(place + sides)))].mean()
            for row, place in self.places(rows).items()
        ]
        num_beside = np.count_nonzero(np.array(shares) <= 1 - OFF_SHARE)
        return bool(num_beside >= max(2, BESIDE_SHARE * len(shares)))

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


def _alike(views: np.ndarray) -> np.ndarray:
    """Which pixels are the same in most views (m, h, w, C) that have them, bool (h, w)."""
    counts = np.count_nonzero(~np.isnan(views[..., 0]), axis=0)
    views[:, counts == 0] = 0
    is_same = ~differs(views, np.nanmedian(views, axis=0))
    return is_same.sum(axis=0) >= planted_pixels.SAME_SHARE * np.maximum(counts, _MIN_VIEWS)


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
