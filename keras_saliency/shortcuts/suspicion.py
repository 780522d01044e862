"""Which window is suspicious: images and saliency propose it, swaps decide."""

from collections.abc import Callable

import numpy as np

from keras_saliency._utils.boxes import box_masks, box_slices, window_sums
from keras_saliency._utils.welch import against_others
from keras_saliency.shortcuts.alignment import are_aligned
from keras_saliency.shortcuts.detector import Proposal, taking_part
from keras_saliency.shortcuts.loss import estimate_loss
from keras_saliency.shortcuts.swaps import (
    BoxSwap,
    LitBoxSwap,
    PairDrawer,
    Pairs,
    RegionSwap,
    Scene,
    corner_marks,
    filters,
    is_lit_by_class,
    is_planted,
    planted_region,
)
from keras_saliency.shortcuts.trying import said_after

WINDOW_SHARE = 0.22  # of the shorter side
LARGE_SHARE = 0.38  # of a window for tags that the other one would cut, where objects are known
MAX_MARGIN = 0.15  # of a side: where objects are not known, windows begin that near to an end
_NUM_WINDOWS, _NUM_TRIED = 3, 24  # of a fold: windows that are tried, recipients for each
_MIN_FREE = 0.3  # of a window that lies off the objects, in the mean
_ODD = 3  # pixels: the window over which a difference between classes is smoothed
_BOX_SHARE = 0.7  # of a box that is planted, from which on it is named
_MOST = 100.0  # beyond ten standard errors, more is not more suspicious


def propose_window(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """Suspects the window that costs most when it is swapped.

    The images are in two halves. Of each half, the window is chosen on the other one, so that what
    is measured does not depend on what was chosen.
    """
    rows, folds = taking_part(scene), scene.once(_folds)
    proposals = _propose_planted(scene, rows)
    if not len(scene.once(_windows)):
        return proposals
    chosen, attention = [], scene.attention.mean(axis=0)[None]
    for fold in (0, 1):
        own = rows[folds[rows] == 1 - fold]
        windows = _most_different(scene, attention, 1 - fold)
        costs = _costs(scene, windows, own, rng)
        chosen.append(windows[int(np.argmax(costs))])
    boxes = np.array(chosen)
    is_known = scene.spared_objects is not None
    swap = _swap(scene, lambda pairs: boxes[folds[pairs.recipients]])
    if is_known:
        return [*proposals, Proposal(swap, rows, rows, folds=folds)]
    is_aligned = are_aligned(scene, box_masks(_grown(scene, boxes), scene.size).max(axis=0))
    is_sure = all(is_planted(scene, box, is_aligned) for box in box_masks(boxes, scene.size))
    if is_aligned:
        return [*proposals, Proposal(swap, rows, rows, folds=folds, may_be_object=not is_sure)]
    # Any window of a photograph tells something of its class. What this one costs beyond others
    # is what is special of its place, since the photographs have nothing else in common there.
    elsewhere = _other_windows(scene, boxes, rng)
    less = BoxSwap(scene, lambda pairs: elsewhere[pairs.recipients], False)
    return [*proposals, Proposal(swap, rows, rows, less, not is_sure, folds)]


def _swap(scene: Scene, boxes: Callable[[Pairs], np.ndarray]) -> BoxSwap:
    """Swaps boxes off known objects, under the recipient's light where light tells the class."""
    if scene.once(is_lit_by_class):
        return LitBoxSwap(scene, boxes)
    return BoxSwap(scene, boxes, scene.spared_objects is not None)


def _propose_planted(scene: Scene, rows: np.ndarray) -> list[Proposal]:
    """What was put into the images, whatever its shape, also across objects, as watermarks lie."""
    if len(scene.size) != 2:
        return []
    regions = (scene.once(find) for find in (_planted_region, corner_marks))
    region = next((region for region in regions if region.any()), None)
    if region is None:
        return []
    box = _box_of(region)
    is_box = region[box_slices(box.tolist())].mean() >= _BOX_SHARE
    swap = BoxSwap(scene, box, False) if is_box else RegionSwap(scene, region, False)
    return [Proposal(swap, rows, rows)]


def _planted_region(scene: Scene) -> np.ndarray:
    """Around a mark, nothing says whether the images are aligned: it does that by itself."""
    region = planted_region(scene, are_aligned=False)
    if region.any():
        starts, ends = np.split(_box_of(region), 2)
        margins = (ends - starts) // 2  # not all of it may have been found
        box = np.concatenate([np.maximum(starts - margins, 0), ends + margins])
        if are_aligned(scene, box_masks(box[None], scene.size)[0]):
            region = planted_region(scene, are_aligned=True)
    return region


def _box_of(region: np.ndarray) -> np.ndarray:
    """The box (y0, x0, y1, x1) around a region (H, W)."""
    ends = [np.flatnonzero(region.any(axis=axis))[[0, -1]] + [0, 1] for axis in (1, 0)]
    return np.transpose(ends).ravel()


def _side(scene: Scene, share: float) -> int:
    return max(1, round(share * min(scene.size)))


def _windows(scene: Scene) -> np.ndarray:
    """All windows that may be swapped, int (w, 4)."""
    return _windows_of(scene, _side(scene, WINDOW_SHARE))


def _large_windows(scene: Scene) -> np.ndarray:
    """Larger ones; none where objects are not known, since they would hold a part of one."""
    windows = _windows_of(scene, _side(scene, LARGE_SHARE))
    return windows if scene.spared_objects is not None else windows[:0]


def _windows_of(scene: Scene, side: int) -> np.ndarray:
    axes = []
    for length in scene.size:
        count = max(1, round(2 * (length - side) / side)) + 1
        axes.append(np.unique(np.linspace(0, length - side, count).round().astype(int)))
    starts = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    if scene.spared_objects is None:
        margins = MAX_MARGIN * np.array(scene.size)
        last = np.array(scene.size) - side
        starts = starts[((starts <= margins) | (starts >= last - margins)).any(axis=1)]
    else:
        masks = scene.spared_objects.masks[scene.spared_objects.is_known]
        free = window_sums(1 - masks.mean(axis=0), *[side] * len(axes)) / side ** len(axes)
        starts = starts[free[tuple(starts.T)] >= _MIN_FREE]
    return np.hstack([starts, starts + side])


def _folds(scene: Scene) -> np.ndarray:
    """0 or 1 for each image, so that each class is halved among those that take part."""
    folds = np.zeros(len(scene.probes), int)
    rows = taking_part(scene)
    kinds = scene.class_labels.has_class[rows]
    order = rows[np.lexsort(kinds.T)]
    folds[order] = np.arange(len(order)) % 2
    return folds


def _most_different(scene: Scene, attention: np.ndarray, fold: int) -> np.ndarray:
    """The windows in which the classes differ most, in one half of the images, int (w, 4)."""
    found, largest = scene.once(_by_difference)[fold]
    return np.vstack([_highest(attention, scene.once(_windows), 1, found), largest])


def _by_difference(scene: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each half, the windows in which the classes differ most, and the larger one."""
    windows, large = scene.once(_windows), scene.once(_large_windows)
    return [
        (_highest(maps, windows, _NUM_WINDOWS, windows[:0]), _highest(maps, large, 1, windows[:0]))
        for maps in _differences(scene)
    ]


def _highest(maps: np.ndarray, windows: np.ndarray, count: int, found: np.ndarray) -> np.ndarray:
    """Some windows, then those with the highest sums in any map that are not close to another."""
    if not len(windows):
        return found
    starts, ends = np.split(windows, 2, axis=1)
    side = int(ends[0, 0] - starts[0, 0])
    sums = window_sums(maps, *[side] * starts.shape[1]).max(axis=0)[tuple(starts.T)]
    wanted = len(found) + count
    for i in np.argsort(-sums, kind="stable"):
        distances = np.abs(windows[i] - found).max(axis=1)
        if (distances > side // 2).all() and len(found) < wanted:
            found = np.vstack([found, windows[i]])
    return found


def _differences(scene: Scene) -> np.ndarray:
    """How far each class's mean image is from that of the others, (2, k, H, W), in each half.

    Welch's t squared of blurred images, off the objects, of the channel where it is largest. What
    is at one place in all images of a class, such as a tag, stands out.
    """
    return np.stack([_differences_of(scene, fold) for fold in (0, 1)])


def _differences_of(scene: Scene, fold: int) -> np.ndarray:
    rows = taking_part(scene)
    rows = rows[scene.once(_folds)[rows] == fold]
    has_class = scene.class_labels.has_class[rows].astype(np.float64)
    shape = scene.probes.image_shape
    k = has_class.shape[1]
    counts = np.zeros((k, *shape[:-1], 1))
    sums, squares = np.zeros((k, *shape)), np.zeros((k, *shape))
    low, high = np.inf, -np.inf
    for row, has in zip(rows.tolist(), has_class > 0, strict=True):
        image = filters.box_mean(scene.take(slice(row, row + 1))[0], range(len(shape) - 1), _ODD)
        low, high = min(low, image.min()), max(high, image.max())
        free = np.ones(shape[:-1], bool)
        if scene.spared_objects is not None:
            free = ~scene.spared_objects.masks[row]
        for c in np.flatnonzero(has).tolist():
            counts[c] += free[..., None]
            sums[c] += image * free[..., None]
            squares[c] += image**2 * free[..., None]
    floor = 0.01 * max(1e-12, float(high - low))  # constant pixels differ by nothing
    found = against_others(counts, sums, squares, floor)
    return np.stack([np.minimum((t**2).max(axis=-1), _MOST) for _, t in found])


def _costs(
    scene: Scene, windows: np.ndarray, rows: np.ndarray, rng: np.random.Generator
) -> list[float]:
    """What each window costs on some images, roughly."""
    labels = scene.class_labels
    classes = labels.frequent_classes()
    parts = [
        PairDrawer(labels, classes, rows, rows, rng).draw(_NUM_TRIED) for _ in range(len(windows))
    ]
    # All at once: a call costs more than the edits of one window.
    pairs, counts = Pairs.join(parts), [len(part) for part in parts]
    boxes = np.repeat(windows, counts, axis=0)
    swap = _swap(scene, lambda _: boxes)
    scores = np.split(swap.scores(pairs, said_after(swap, pairs)), np.cumsum(counts)[:-1])
    costs = []
    for part, of_part in zip(parts, scores, strict=True):
        loss = estimate_loss(of_part, part.recipients, part.donors, part.is_own)
        costs.append(-1.0 if loss is None else loss.value)
    return costs


def _other_windows(scene: Scene, boxes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A window for each image, at random, that overlaps none of some boxes, int (n, 4)."""
    windows, side = scene.once(_windows), _side(scene, WINDOW_SHARE)
    is_apart = np.ones(len(windows), bool)
    for box in boxes:
        is_apart &= (np.abs(windows - box) >= side).any(axis=1)
    free = windows[is_apart] if is_apart.any() else windows
    return free[rng.integers(len(free), size=len(scene.probes))]


def _grown(scene: Scene, boxes: np.ndarray) -> np.ndarray:
    """Boxes with half a window more on each side, since a tag may reach out of its window."""
    margin, num_axes = _side(scene, WINDOW_SHARE) // 2, len(scene.size)
    starts, ends = boxes[:, :num_axes] - margin, boxes[:, num_axes:] + margin
    return np.hstack([np.maximum(starts, 0), np.minimum(ends, scene.size)])
