"""The pattern of a class, added to images of other classes."""

import numpy as np
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import SIZE, TAG, reads_tag, slow_grown, tagged

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    Pairs,
    PatternSwap,
    edits,
    run_trial,
)


def test_pattern_adds_the_classs_mean_less_that_of_the_recipients_class(rng):
    probes = tagged(rng)
    scene, _ = scene_of(probes, reads_tag)
    pairs = Pairs(np.array([1, 2, 2]), np.array([0, 4, 3]), np.array([1, 2, 2]))
    swap = PatternSwap(scene)
    for recipient, c, edited in zip(pairs.recipients, pairs.classes, swap.edit(pairs), strict=True):
        of_class, of_own = (
            edits.without_smooth(
                np.mean([probes.images[i] for i in range(30) if i % 3 == k], axis=0)
            )
            for k in (c, recipient % 3)
        )
        most = 0.5 * np.mean([i[..., c].std() for i in probes.images for c in range(3)])
        added = np.clip(of_class - of_own, -most, most)
        assert (added[TAG] != (of_class - of_own)[TAG]).any(), "the tag is more than faint"
        np.testing.assert_allclose(edited, probes.images[recipient] + added, atol=1e-5)


def test_shapes_at_one_place_are_no_pattern(rng):
    """As digits are: the mean of a class is its object, which makes any recipient one of it."""
    shapes = rng.random((3, *SIZE)) < 0.3
    labels = np.arange(30) % 3
    images = 0.2 + 0.6 * shapes[labels][..., None] + rng.normal(0, 0.05, (30, *SIZE, 3))
    images = images.astype(np.float32)

    def reads_shape(x):
        return x.mean(axis=-1).reshape(len(x), -1) @ (2.0 * shapes - 1).reshape(3, -1).T

    scene, _ = scene_of(ProbeSet(images, labels), reads_shape)
    assert (scene.is_said.argmax(axis=1) == labels).all()
    outcomes = run_trial(scene, PatternSwap(scene), [0, 1, 2], 60, rng)
    assert len(outcomes) == 3
    assert max(outcome.adoption for outcome in outcomes) == 0


def test_objects_have_a_rim_of_a_thirty_second_of_the_side_and_at_least_a_pixel(rng):
    for size, side in (((16, 24), 1), ((47, 60), 1), ((48, 70), 2), ((224, 100), 3)):
        masks = rng.random((3, *size)) < 0.01
        probes = ProbeSet(rng.random((3, *size, 1)), [0, 1, 2], object_masks=masks)
        scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
        for grown, mask in zip(scene.objects, probes.object_masks, strict=True):
            np.testing.assert_array_equal(grown, slow_grown(mask, side))


def test_pattern_with_masks_shifts_object_and_background_apart_and_leaves_the_rim(rng):
    masks = np.zeros((30, *SIZE), bool)
    for i, mask in enumerate(masks):
        mask[4 + i % 4 : 10, 6:12] = True
    probes = tagged(rng, object_masks=masks)
    scene, _ = scene_of(probes, reads_tag)
    rims = np.stack([slow_grown(mask, 1) for mask in masks]) & ~masks

    def mean(label, sides):
        members = np.flatnonzero(probes.labels == label)
        pixels = probes.images[members].astype(np.float64)
        found = np.empty((*SIZE, 3))
        everywhere = pixels[sides[members]].mean(axis=0)
        for y, x in np.ndindex(*SIZE):
            has = sides[members][:, y, x]
            found[y, x] = pixels[has, y, x].mean(axis=0) if has.sum() > 1 else everywhere
        return edits.without_smooth(found)

    edited = PatternSwap(scene).edit(Pairs(np.array([1]), np.array([3]), np.array([1])))[0]
    shifts = [mean(1, sides) - mean(0, sides) for sides in (masks, ~masks & ~rims)]
    expected = np.where(masks[3][..., None], *shifts) * ~rims[3][..., None]
    np.testing.assert_allclose(edited - probes.images[3], expected, atol=1e-5)


def test_pattern_with_masks_keeps_what_both_halves_of_many_images_have(rng):
    images = rng.normal(0.5, 0.2, (40, *SIZE, 3)).astype(np.float32)
    checks = 0.3 * (-1.0) ** np.add.outer(range(SIZE[0]), range(SIZE[1]))[..., None]
    right = np.arange(SIZE[1]) >= SIZE[1] // 2
    images[1::2, :, right] += checks[:, right]
    masks = np.zeros((40, *SIZE), bool)
    masks[:, 0, 0] = True
    scene, _ = scene_of(ProbeSet(images, np.arange(40) % 2, object_masks=masks), reads_tag)
    pairs = Pairs(np.array([1]), np.array([0]), np.array([1]))
    shift = PatternSwap(scene).edit(pairs)[0] - images[0]
    by_chance, by_class = np.abs(shift[3:, :5]).mean(), (shift * checks)[3:, -5:].mean() / 0.09
    assert by_class > 0.9
    few = ProbeSet(images[:30], np.arange(30) % 2, object_masks=masks[:30])  # 15 of a class
    scene, _ = scene_of(few, reads_tag)
    assert by_chance < 0.6 * np.abs(PatternSwap(scene).edit(pairs)[0] - images[0])[3:, :5].mean()
