"""Which places are suspicious: images and saliency propose them, swaps decide."""

import numpy as np

from keras_saliency._utils.boxes import box_masks, hottest_boxes, window_sums
from keras_saliency.shortcuts.alignment import MAX_ALIGNMENT, alignment
from keras_saliency.shortcuts.detector import Proposal
from keras_saliency.shortcuts.loss import estimate_loss
from keras_saliency.shortcuts.swaps import BoxSwap, PairDrawer, Scene, edits, filters
from keras_saliency.shortcuts.trying import said_after

WINDOW_SHARE = 0.22  # of the shorter side
MAX_MARGIN = 0.15  # of a side: where objects are not known, windows begin that near to an end
PATCH_SHARE = 0.25  # of each side, of a patch that moves
_NUM_WINDOWS, _NUM_TRIED = 3, 24  # of a fold: windows that are tried, recipients for each
_MIN_FREE = 0.3  # of a window that lies off the objects, in the mean
_ODD = 3  # pixels: the window over which a difference between classes is smoothed
_MOST = 100.0  # beyond ten standard errors, more is not more suspicious


def taking_part(scene: Scene) -> np.ndarray:
    """Returns the images whose objects can be spared, all where none are known, int (m,)."""
    if scene.objects is None:
        return np.arange(len(scene.probes))
    return np.flatnonzero(scene.objects.is_known)


def propose_window(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """Suspects the window that costs most when it is swapped.

    The images are in two halves. Of each half, the window is chosen on the other one, so that what
    is measured does not depend on what was chosen.
    """
    rows, folds = taking_part(scene), scene.once(_folds)
    starts = scene.once(_windows)
    if not len(starts):
        return []
    side = _window_side(scene)
    chosen = []
    for fold in (0, 1):
        own = rows[folds[rows] == 1 - fold]
        windows = _most_different(scene, starts, 1 - fold)
        costs = [_cost(scene, start, side, own, rng) for start in windows]
        chosen.append(windows[int(np.argmax(costs))])
    boxes = np.array([[*start, *(s + side for s in start)] for start in chosen])
    swap = BoxSwap(scene, lambda pairs: boxes[folds[pairs.recipients]], scene.objects is not None)
    if scene.objects is not None:
        return [Proposal(swap, rows, rows, folds=folds)]
    if are_aligned(scene, boxes):
        return [Proposal(swap, rows, rows, folds=folds, may_be_object=True)]
    # Any window of a photograph tells something of its class. What this one costs beyond others
    # is what is special of its place, since the photographs have nothing else in common there.
    elsewhere = _other_windows(scene, boxes, rng)
    less = BoxSwap(scene, lambda pairs: elsewhere[pairs.recipients], False)
    return [Proposal(swap, rows, rows, folds=folds, less=less)]


def propose_moving_patch(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """Suspects, in each image that is watched, the window with most attention off the object.

    Where objects are not known, off the middle, in which a part of the object would be taken.
    """
    rows = taking_part(scene)
    attention = np.nan_to_num(scene.attention)
    watched = rows[rows < len(attention)]
    has_attention = attention[watched].reshape(len(watched), -1).sum(axis=1) > 0
    donors = watched[has_attention]
    if scene.objects is None:
        spared = np.broadcast_to(edits.middle_mask(*scene.size), attention.shape)
    else:
        spared = scene.objects.masks[: len(attention)]
    sides = [max(1, round(PATCH_SHARE * length)) for length in scene.size]
    boxes = hottest_boxes(np.where(spared, 0, attention), *sides)
    is_known = scene.objects is not None
    swap = BoxSwap(scene, lambda pairs: boxes[pairs.donors], is_known)
    return [Proposal(swap, rows, donors, may_be_object=not is_known)] if len(donors) else []


def _window_side(scene: Scene) -> int:
    return max(1, round(WINDOW_SHARE * min(scene.size)))


def _windows(scene: Scene) -> np.ndarray:
    """The first corners of all windows that may be swapped, int (w, 2)."""
    side = _window_side(scene)
    axes = []
    for length in scene.size:
        count = max(1, round(2 * (length - side) / side)) + 1
        axes.append(np.unique(np.linspace(0, length - side, count).round().astype(int)))
    starts = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    if scene.objects is None:
        margins = MAX_MARGIN * np.array(scene.size)
        last = np.array(scene.size) - side
        return starts[((starts <= margins) | (starts >= last - margins)).any(axis=1)]
    masks = scene.objects.masks[scene.objects.is_known]
    free = window_sums(1 - masks.mean(axis=0), *[side] * len(axes)) / side ** len(axes)
    return starts[free[tuple(starts.T)] >= _MIN_FREE]


def _folds(scene: Scene) -> np.ndarray:
    """0 or 1 for each image, so that each class is halved among those that take part."""
    folds = np.zeros(len(scene.probes), int)
    rows = taking_part(scene)
    kinds = scene.class_labels.has_class[rows]
    order = rows[np.lexsort(kinds.T)]
    folds[order] = np.arange(len(order)) % 2
    return folds


def _most_different(scene: Scene, starts: np.ndarray, fold: int) -> list[tuple[int, ...]]:
    """The windows in which the classes differ most, in one half of the images."""
    differences = scene.once(_differences)[fold]
    attention = np.nan_to_num(scene.attention).mean(axis=0)[None]
    side = [_window_side(scene)] * len(scene.size)
    found: list[tuple[int, ...]] = []
    for maps, count in ((differences, _NUM_WINDOWS), (attention, 1)):
        sums = window_sums(maps, *side).max(axis=0)[tuple(starts.T)]
        wanted = len(found) + count
        for i in np.argsort(-sums, kind="stable"):
            start = tuple(starts[i].tolist())
            is_apart = all(
                max(abs(a - b) for a, b in zip(start, other, strict=True)) > side[0] // 2
                for other in found
            )
            if is_apart and len(found) < wanted:
                found.append(start)
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
        if scene.objects is not None:
            free = ~scene.objects.masks[row]
        for c in np.flatnonzero(has).tolist():
            counts[c] += free[..., None]
            sums[c] += image * free[..., None]
            squares[c] += image**2 * free[..., None]
    floor = 0.01 * max(1e-12, float(high - low))  # constant pixels differ by nothing
    all_counts, all_sums, all_squares = counts.sum(0), sums.sum(0), squares.sum(0)
    differences = np.zeros((k, *shape[:-1]))
    for c in range(k):
        parts = [
            (counts[c], sums[c], squares[c]),
            (all_counts - counts[c], all_sums - sums[c], all_squares - squares[c]),
        ]
        means = [s / np.maximum(n, 1) for n, s, _ in parts]
        errors = [
            np.maximum(q / np.maximum(n, 1) - m**2, 0) / np.maximum(n, 1)
            for (n, _, q), m in zip(parts, means, strict=True)
        ]
        squared = ((means[0] - means[1]) / (np.sqrt(errors[0] + errors[1]) + floor)) ** 2
        is_seen = (parts[0][0] > 1) & (parts[1][0] > 1)
        differences[c] = np.minimum(np.where(is_seen, squared, 0).max(axis=-1), _MOST)
    return differences


def _cost(
    scene: Scene, start: tuple[int, ...], side: int, rows: np.ndarray, rng: np.random.Generator
) -> float:
    """What a window costs on some images, roughly."""
    box = np.array([*start, *(s + side for s in start)])
    swap = BoxSwap(scene, box, scene.objects is not None)
    classes = scene.class_labels.frequent_classes()
    pairs = PairDrawer(scene.class_labels, classes, rows, rows, rng).draw(_NUM_TRIED)
    scores = swap.scores(pairs, said_after(scene, swap.edit, pairs))
    loss = estimate_loss(scores, pairs.recipients, pairs.donors, pairs.is_own)
    return -1.0 if loss is None else loss.value


def _other_windows(scene: Scene, boxes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A window for each image, at random, that overlaps none of some boxes, int (n, 4)."""
    starts, side = scene.once(_windows), _window_side(scene)
    is_apart = np.ones(len(starts), bool)
    for box in boxes:
        is_apart &= (np.abs(starts - box[: len(scene.size)]) >= side).any(axis=1)
    free = starts[is_apart] if is_apart.any() else starts
    chosen = free[rng.integers(len(free), size=len(scene.probes))]
    return np.hstack([chosen, chosen + side])


def are_aligned(scene: Scene, boxes: np.ndarray | None = None) -> bool:
    """Returns whether the images show the same thing at the same place, some boxes left out."""
    without = np.zeros(scene.size, bool)
    if boxes is not None:
        without |= box_masks(boxes, scene.size).max(axis=0)
    kept = scene.kept.setdefault(alignment, {})
    key = without.tobytes()
    if key not in kept:
        images = (scene.take(slice(row, row + 1))[0] for row in range(len(scene.probes)))
        kept[key] = alignment(images, without)
    return kept[key] > MAX_ALIGNMENT
