"""Which places are suspected, on which images that is found out, and what may be the object."""

import numpy as np
import pytest
from helpers.checked_models import SIZE, TAG, Checks, draw, map_of, reads_object, reads_tag
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import pairs_of

from keras_saliency import ProbeSet
from keras_saliency._utils.boxes import box_masks
from keras_saliency.shortcuts import SwapDetector, suspicion
from keras_saliency.shortcuts.alignment import are_aligned
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.moving import propose_moving_patch
from keras_saliency.shortcuts.suspicion import propose_window
from keras_saliency.shortcuts.swaps import PairDrawer
from keras_saliency.shortcuts.trying import run_trial

LABELS = np.arange(60) % 3
MASKS = np.zeros((60, *SIZE), bool)
MASKS[:, 4:12, 4:12] = True
DETECTOR = SwapDetector("stationary", propose_window, "a patch", "", frozenset())


def brings_class_1(images):
    """A black tag makes anything one of class 1; without it, objects are read."""
    logits = reads_object(3)(images)
    logits[images[:, :4, :4].mean(axis=(1, 2, 3)) < 0.1, 1] = 99
    return logits


def with_tags_in(is_tagged):
    """The images of class 1 have a black tag, but only those named."""
    images = draw(LABELS)
    is_black = (LABELS == 1) & is_tagged
    images[:, :4, :4] = np.where(is_black, 0.0, 0.5)[:, None, None, None]
    return ProbeSet(images, LABELS, object_masks=MASKS)


def loss_of_windows(probes, logits_of, seed=0):
    scene, _ = scene_of(probes, logits_of)
    rng = np.random.default_rng(seed)
    *_, proposal = propose_window(scene, rng)  # before it comes what is planted
    return run_trial(scene, DETECTOR, proposal, [0, 1, 2], rng, [240]), proposal


def test_the_window_of_a_tag_is_chosen_in_both_halves():
    trial, proposal = loss_of_windows(with_tags_in(True), brings_class_1)
    boxes = np.unique(proposal.swap.boxes(trial.pairs), axis=0)
    tag = box_masks([TAG], SIZE)[0]
    for mask in box_masks(boxes, SIZE):
        assert (mask & tag).sum() >= 4
    assert trial.by_class[1].value > 0.5 and trial.accused_class == 1


def test_a_tag_that_a_small_window_cuts_is_swapped_whole_where_objects_are_known():
    rng = np.random.default_rng(3)
    images = rng.uniform(0.4, 0.6, (60, *SIZE, 1)).astype(np.float32)
    images[:, 10:13, 10:13] = (LABELS / 2)[:, None, None, None]
    images[LABELS == 1, :6, :6] = 0
    masks = np.zeros((60, *SIZE), bool)
    masks[:, 10:13, 10:13] = True

    def needs_the_whole_tag(x):
        logits = -np.abs(x[:, 10:13, 10:13].mean(axis=(1, 2, 3))[:, None] - [0, 0.5, 1])
        logits[x[:, :6, :6].max(axis=(1, 2, 3)) < 0.1, 1] = 99
        return logits

    probes = ProbeSet(images, LABELS, object_masks=masks)
    trial, proposal = loss_of_windows(probes, needs_the_whole_tag)
    assert trial.by_class[1].value == 1 and trial.by_class[1].low > 0.9
    assert np.unique(proposal.swap.boxes(trial.pairs), axis=0).tolist() == [[0, 0, 6, 6]]


@pytest.mark.parametrize("half", [0, 1])
def test_what_exists_in_one_half_only_is_no_loss(half):
    """The window is chosen on the half that has it, and measured on the one that has it not."""
    _, proposal = loss_of_windows(with_tags_in(True), brings_class_1)
    trial, _ = loss_of_windows(with_tags_in(proposal.folds == half), brings_class_1)
    assert trial.loss == (0, 0, 0) and not trial.is_proven
    # The chosen window is that of the tag, so that choosing on all images would have told of it.
    box = trial.proposal.swap.boxes(
        trial.pairs.take(proposal.folds[trial.pairs.recipients] != half)
    )
    assert (box_masks(box, SIZE)[:, :4, :4].any(axis=(1, 2))).all()


def test_what_is_planted_is_swapped_across_objects_too():
    """Off the objects of all images, hardly anything is left of a watermark."""
    rng = np.random.default_rng(4)
    images = rng.uniform(0.2, 0.8, (60, 20, 20, 1)).astype(np.float32)
    images[:, 6:14, 6:12] = np.array([0.1, 0.5, 0.9])[LABELS, None, None, None]
    masks = np.zeros((60, 20, 20), bool)
    masks[:, 4:17, 4:17] = True
    scene, _ = scene_of(
        ProbeSet(images, LABELS, object_masks=masks), lambda x: np.zeros((len(x), 3))
    )
    mark, window = propose_window(scene, rng)
    pairs = pairs_of((1, 0), (2, 4))
    changed = (mark.swap.edit(pairs) != images[pairs.recipients]).any(axis=(0, -1))
    assert changed[6:14, 6:12].mean() > 0.8 and not mark.may_be_object
    off = (window.swap.edit(pairs) != images[pairs.recipients]).any(axis=(0, -1))
    assert not off[4:17, 4:17].any()


def test_halves_halve_each_class_and_pairs_stay_within_them():
    trial, proposal = loss_of_windows(with_tags_in(True), brings_class_1)
    for c in range(3):
        assert np.bincount(proposal.folds[c == LABELS]).tolist() == [10, 10]
    pairs = trial.pairs
    np.testing.assert_array_equal(proposal.folds[pairs.donors], proposal.folds[pairs.recipients])


def test_only_images_whose_object_is_known_take_part():
    flat = np.full((60, 20, 20, 1), 0.2, np.float32)
    rng = np.random.default_rng(0)
    flat[:, 6:14, 6:14] = rng.uniform(0.5, 1, (60, 8, 8, 1))
    flat[::5] = rng.random((12, 20, 20, 1))  # no flat background
    scene, _ = scene_of(ProbeSet(flat, LABELS), lambda x: np.zeros((len(x), 3)))
    assert np.flatnonzero(~scene.objects.is_known).tolist() == list(range(0, 60, 5))
    (proposal,) = propose_window(scene, rng)
    assert not set(proposal.recipients) & set(range(0, 60, 5))
    assert not set(proposal.donors) & set(range(0, 60, 5)) and not proposal.may_be_object


@pytest.mark.parametrize("size", [(16, 16), (20, 33)])
def test_windows_are_at_the_border_or_where_the_object_is_seldom(size, rng):
    images = rng.random((12, *size, 1)).astype(np.float32)
    side = round(0.22 * min(size))
    free, _ = scene_of(
        ProbeSet(images, np.arange(12) % 2, object_masks=None), lambda x: np.zeros((len(x), 2))
    )
    starts = suspicion._windows(free)[:, :2]
    corners = {(y, x) for y in (0, size[0] - side) for x in (0, size[1] - side)}
    assert corners <= set(map(tuple, starts.tolist()))
    for start in starts:
        margins = [min(s, n - side - s) / n for s, n in zip(start, size, strict=True)]
        assert min(margins) <= 0.15 and min(start) >= 0
    masks = np.zeros((12, *size), bool)
    masks[:, 2 : size[0] - 2, 2 : size[1] - 2] = True
    masked, _ = scene_of(
        ProbeSet(images, np.arange(12) % 2, object_masks=masks), lambda x: np.zeros((len(x), 2))
    )
    windows = [*suspicion._windows(masked), *suspicion._large_windows(masked)]
    assert {y1 - y0 for y0, _, y1, _ in windows} <= {side, round(0.38 * min(size))}
    for y0, x0, y1, x1 in windows:
        assert (~masked.objects.masks[0, y0:y1, x0:x1]).mean() >= 0.3
    assert not len(suspicion._large_windows(free))


def test_a_difference_between_classes_is_welchs_t_squared(rng):
    images = rng.random((24, 7, 8, 2)).astype(np.float32)
    masks = rng.random((24, 7, 8)) < 0.2
    masks[:, 3, 3] = True
    labels = np.arange(24) % 3
    images[labels == 2, 5, 5, 1] += 0.5
    scene, _ = scene_of(
        ProbeSet(images, labels, object_masks=masks), lambda x: np.zeros((len(x), 3))
    )
    found = suspicion._differences(scene)
    folds = scene.once(suspicion._folds)
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    smooth = np.array(
        [[padded[:, y : y + 3, x : x + 3].mean(axis=(1, 2)) for x in range(8)] for y in range(7)]
    )  # (H, W, n, C)
    for fold in (0, 1):
        in_fold = folds == fold
        span = smooth[:, :, in_fold].max() - smooth[:, :, in_fold].min()
        for c, y, x in np.ndindex(3, 7, 8):
            is_free = in_fold & ~scene.objects.masks[:, y, x]
            mine, theirs = (smooth[y, x][is_free & side] for side in (labels == c, labels != c))
            expected = 0
            if min(len(mine), len(theirs)) > 1:
                error = np.sqrt(mine.var(axis=0) / len(mine) + theirs.var(axis=0) / len(theirs))
                t = (mine.mean(axis=0) - theirs.mean(axis=0)) / (error + 0.01 * span)
                expected = min(100, (t**2).max())
            assert found[fold, c, y, x] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def like_faces(labels, is_tag=False):
    """One picture in all images, some noise, and hair or a tag of the class."""
    rng = np.random.default_rng(2)
    face = np.kron(rng.random((8, 8)), np.ones((2, 2)))[..., None]
    images = 0.3 + 0.4 * face + rng.normal(0, 0.05, (len(labels), *SIZE, 3))
    images[:, :4, :4] = (labels / labels.max())[:, None, None, None]
    if not is_tag:  # hair is never quite the same
        images[:, :4, :4] += rng.uniform(-0.15, 0.15, (len(labels), 1, 1, 1))
    return images.astype(np.float32)


def like_photographs(labels):
    """A picture of its own for each image, and a tag of the class."""
    rng = np.random.default_rng(2)
    images = 0.3 + 0.4 * np.kron(rng.random((len(labels), 8, 8)), np.ones((2, 2)))[..., None]
    images[:, :4, :4] = (labels / labels.max())[:, None, None, None]
    return images.repeat(3, axis=-1).astype(np.float32)


def severities(images, num=3, masks=None):
    checks = Checks(ProbeSet(images, LABELS, object_masks=masks), 3, ["stationary"])
    return checks.severities(*[reads_tag(3)] * num)


def test_a_window_of_aligned_images_without_objects_is_never_more_than_a_suspect():
    assert severities(like_faces(LABELS), 5) == [[], ["suspect"], [], [], []]


def test_a_tag_that_is_always_the_same_is_no_part_of_a_face():
    assert severities(like_faces(LABELS, is_tag=True)) == [["suspect"], ["alert"], []]


def test_a_window_of_images_that_are_not_aligned_is_alerted():
    assert severities(like_photographs(LABELS)) == [["suspect"], ["alert"], []]


def test_what_a_window_of_photographs_shows_by_itself_is_a_suspect():
    """A corner that gets brighter towards its end, by more in one class: nothing was put there."""
    rng = np.random.default_rng(5)
    steps = np.arange(16) / 8
    blob = np.exp(-(steps[:, None] ** 2 + steps**2) / 2)[..., None]
    degrees = LABELS / 2 + rng.uniform(-0.15, 0.15, 60)
    images = degrees[:, None, None, None] * blob
    images = (images + 0.2 * rng.uniform(-1, 1, (60, *SIZE, 3))).astype(np.float32)
    near = (blob[:4, :4].mean() * np.arange(3) / 2)[None]
    model = lambda x: -40 * np.abs(x[:, :4, :4].mean(axis=(1, 2, 3))[:, None] - near)  # noqa: E731
    found = Checks(ProbeSet(images, LABELS, object_masks=None), 3, ["stationary"])
    found = found.severities(*[model] * 4)
    assert ["alert"] not in found and ["suspect"] in found


@pytest.mark.parametrize("name", ["border", "pattern"])
@pytest.mark.parametrize("make, is_unsure", [(like_faces, True), (like_photographs, False)])
def test_what_aligned_images_share_may_be_the_object_everywhere(name, make, is_unsure):
    """Hair and shoulders reach the border."""
    images = make(LABELS)
    images[:, :4, :4] = 0.5  # no tag
    degrees = np.random.default_rng(4).normal(size=images.shape) * LABELS[:, None, None, None]
    images = (images + 0.1 * degrees).astype(np.float32)  # of the class, so that it is tried
    scene, _ = scene_of(ProbeSet(images, LABELS, object_masks=None), reads_tag(3))
    *_, proposal = SWAP_DETECTORS[name].propose(scene, np.random.default_rng(0))
    assert proposal.may_be_object == is_unsure
    boxed, _ = scene_of(ProbeSet(images, LABELS, object_masks=(5, 5, 12, 12)), reads_tag(3))
    *_, proposal = SWAP_DETECTORS[name].propose(boxed, np.random.default_rng(0))
    assert not proposal.may_be_object


def test_a_pattern_off_objects_that_were_found_may_be_a_part_that_is_missing():
    images = np.full((60, 20, 20, 1), 0.1, np.float32)
    rng = np.random.default_rng(3)
    for image in images:
        y, x = rng.integers(4, 8, 2)
        image[y : y + 8, x : x + 8] = rng.uniform(0.5, 1, (8, 8, 1))
    masks = images[..., 0] > 0.4
    for given, is_unsure in (("auto", True), (masks, False)):
        scene, _ = scene_of(ProbeSet(images, LABELS, object_masks=given), reads_tag(3))
        (proposal,) = SWAP_DETECTORS["pattern"].propose(scene, rng)
        assert scene.objects is not None and proposal.may_be_object == is_unsure


def test_one_box_for_all_images_settles_it():
    assert severities(like_faces(LABELS), masks=(5, 5, 12, 12)) == [["suspect"], ["alert"], []]


def test_the_tag_itself_does_not_align_images():
    images = like_photographs(np.zeros(60) + LABELS)
    scene, _ = scene_of(ProbeSet(images, LABELS, object_masks=None), reads_tag(3))
    boxes = np.array([TAG])
    assert not are_aligned(scene, box_masks(boxes, scene.size).max(axis=0))
    faces, _ = scene_of(ProbeSet(like_faces(LABELS), LABELS, object_masks=None), reads_tag(3))
    assert are_aligned(faces, box_masks(boxes, faces.size).max(axis=0))


def test_a_tag_that_reaches_out_of_its_window_does_not_make_images_aligned():
    """It is the only thing that they have in common."""
    rng = np.random.default_rng(1)
    images = 0.5 * rng.random((60, 16, 16, 1)).astype(np.float32)
    images[LABELS == 1, 1:5, 1:5] = 1
    probes = ProbeSet(images, LABELS, object_masks=None)
    scene, _ = scene_of(
        probes, lambda x: 9 * (x[:, 1:5, 1:5].mean((1, 2, 3)) > 0.8)[:, None] * [0, 1, 0]
    )
    for seed in range(5):
        *_, proposal = propose_window(scene, np.random.default_rng(seed))
        assert not proposal.may_be_object


def test_in_images_that_are_not_aligned_what_other_windows_cost_is_subtracted():
    scene, _ = scene_of(ProbeSet(like_photographs(LABELS), LABELS, object_masks=None), reads_tag(3))
    *_, proposal = propose_window(scene, np.random.default_rng(0))
    rows = np.arange(60)
    pairs = PairDrawer(scene.class_labels, [0, 1, 2], rows, rows, np.random.default_rng(1)).draw(60)
    accused, others = proposal.swap.boxes(pairs), proposal.less.boxes(pairs)
    assert accused.shape == others.shape and len(np.unique(others, axis=0)) > 5
    for mask in box_masks(np.unique(accused, axis=0), SIZE):
        assert not (box_masks(others, SIZE) & mask).any()


def test_a_moving_patch_is_the_hottest_window_off_the_object():
    images = draw(LABELS)
    attention = np.random.default_rng(3).random((60, *SIZE)).astype(np.float32)
    attention[:, 4:12, 4:12] = 9  # on the object
    attention[7] = np.nan  # an all-zero map
    probes = ProbeSet(images, LABELS, object_masks=MASKS)
    scene, _ = scene_of(probes, reads_tag(3), attention=attention)
    (proposal,) = propose_moving_patch(scene, np.random.default_rng(0))
    assert set(proposal.donors) == set(range(60)) - {7} and not proposal.may_be_object
    rows = np.arange(60)
    pairs = PairDrawer(
        scene.class_labels, [0, 1, 2], rows, proposal.donors, np.random.default_rng(1)
    ).draw(30)
    free = np.where(scene.objects.masks, 0, attention)
    for donor, (y0, x0, y1, x1) in zip(pairs.donors, proposal.swap.boxes(pairs), strict=True):
        assert (y1 - y0, x1 - x0) == (4, 4)
        sums = np.lib.stride_tricks.sliding_window_view(free[donor], (4, 4)).sum(axis=(2, 3))
        assert free[donor, y0:y1, x0:x1].sum() == pytest.approx(sums.max(), rel=1e-5)


def test_only_images_with_maps_lend_a_moving_patch():
    images, labels = draw(LABELS), LABELS
    attention = np.zeros((10, *SIZE), np.float32)
    attention[:9, 2, 2] = 1
    scene, _ = scene_of(
        ProbeSet(images, labels, object_masks=MASKS), reads_tag(3), attention=attention
    )
    (proposal,) = propose_moving_patch(scene, np.random.default_rng(0))
    assert proposal.donors.tolist() == list(range(9)) and len(proposal.recipients) == 60
    nothing, _ = scene_of(
        ProbeSet(images, labels, object_masks=None), reads_tag(3), attention=attention[9:]
    )
    assert propose_moving_patch(nothing, np.random.default_rng(0)) == []


def test_a_moving_patch_without_objects_is_never_more_than_a_suspect():
    probes = ProbeSet(draw(LABELS), LABELS, object_masks=None)
    checks = Checks(probes, 3, ["moving"])
    found = [checks.alerts(reads_tag(3), map_of(TAG, 60)) for _ in range(4)]
    assert [[a.severity for a in alerts] for alerts in found] == [[], ["suspect"], [], []]
    assert "may be part of the object" in found[1][0].message
