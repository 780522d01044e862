"""The pattern of a class, given to images of other classes."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import SIZE, TAG, pairs_of, reads_tag, tagged

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import ClassLabels, PairDrawer, PatternSwap, edits, filters
from keras_saliency.shortcuts.trying import said_after


def slow_half(members, half):
    """One of two halves of a class, as the split that `half` names has them."""
    order = np.random.default_rng(half // 2).permutation(members)
    return [member for place, member in enumerate(order) if place % 2 == half % 2]


def halves_of(donor):
    """The donor names a split, and which of its halves lends; the other one is taken away."""
    half = donor % 8
    return half, half + 1 if half % 2 == 0 else half - 1


def test_a_pattern_is_a_mean_of_one_half_less_that_of_another(rng):
    probes = tagged(rng)
    scene, _ = scene_of(probes, reads_tag)
    pairs = pairs_of((1, 0, 1), (10, 4, 1, True), (5, 3, 2))
    for donor, recipient, edited in zip(
        pairs.donors, pairs.recipients, PatternSwap(scene).edit(pairs), strict=True
    ):
        lent, taken = (
            edits.without_smooth(
                np.mean([probes.images[i] for i in slow_half(np.arange(c % 3, 30, 3), half)], 0)
            )
            for c, half in zip((donor, recipient), halves_of(donor), strict=True)
        )
        most = 0.5 * np.mean([i[..., c].std() for i in probes.images for c in range(3)])
        added = np.clip(lent - taken, -most, most)
        if donor % 3 != recipient % 3:
            assert (added[TAG] != (lent - taken)[TAG]).any(), "the tag is more than faint"
        np.testing.assert_allclose(edited, probes.images[recipient] + added, atol=1e-5)


def test_with_objects_a_mean_is_of_what_lies_off_them_and_goes_everywhere(rng):
    """What less than half of a class's images show is completed by as many images of any class.

    There is no edge where one begins to count: at each pixel, its share or that share blurred.
    """
    masks = np.zeros((30, *SIZE), bool)
    for i, mask in enumerate(masks):
        mask[4 + i // 3 % 4 : 10, 6 + i % 3 : 12] = True
    probes = tagged(rng, object_masks=masks)
    scene, _ = scene_of(probes, reads_tag)
    off = ~scene.objects.masks
    centred = [i - i[o].mean(axis=0) for i, o in zip(probes.images, off, strict=True)]

    def mean_of(members):
        return edits.mean_where(np.stack([centred[i] for i in members]), off[members])

    pairs = pairs_of((1, 3, 1), (4, 9, 1), (6, 9, 0))
    for donor, recipient, edited in zip(
        pairs.donors, pairs.recipients, PatternSwap(scene).edit(pairs), strict=True
    ):
        means, shares = [], set()
        for image, part in zip((donor, recipient), halves_of(donor), strict=True):
            half = slow_half(np.arange(image % 3, 30, 3), part)
            anything = slow_half(np.arange(30), part)[: len(half)]
            seen = np.minimum(1, off[half].mean(axis=0) / 0.5)
            of_any = np.minimum(1, off[anything].mean(axis=0) / 0.2)
            shares |= set(seen.ravel())
            share, others = (
                np.minimum(a, filters.gaussian(a, (0, 1), min(SIZE) / 24))[..., None]
                for a in (seen.astype(np.float32), of_any.astype(np.float32))
            )
            mean = share * mean_of(half) + (1 - share) * others * mean_of(anything)
            means.append(edits.without_smooth(mean))
        assert {0, 1} < shares, "some is seen in all images, some in none, some between"
        added = means[0] - means[1]
        np.testing.assert_allclose(edited - probes.images[recipient], added, atol=1e-5)


def test_a_class_does_not_lend_the_outline_of_its_objects(rng):
    """Where its objects always are, its mean is blank; the texture of all classes is elsewhere."""
    labels, masks = np.arange(30) % 3, np.zeros((30, *SIZE), bool)
    for label, rows in enumerate((slice(0, 4), slice(6, 10), slice(12, 16))):
        masks[labels == label, rows, 4:12] = True
    texture = rng.uniform(0, 1, (*SIZE, 3)) + rng.normal(0, 0.01, (30, *SIZE, 3))
    images = np.where(masks[..., None], 0.5, texture).astype(np.float32)
    scene, _ = scene_of(ProbeSet(images, labels, object_masks=masks), lambda x: np.zeros((30, 3)))
    pairs = pairs_of((1, 3, 1), (5, 3, 2), (2, 4, 2))
    added = PatternSwap(scene).edit(pairs) - images[pairs.recipients]
    assert np.abs(added).max() < 0.1


def test_papers_of_many_colours_do_not_show_where_the_objects_end(rng):
    """There, the mean is of few images, and these would have papers of their own."""
    masks = np.zeros((30, *SIZE), bool)
    for i, mask in enumerate(masks):
        mask[2 + rng.integers(4) : 12 - rng.integers(3), 3 + i % 3 : 12] = True
    papers = rng.uniform(0, 1, (30, 1, 1, 3)) + rng.normal(0, 0.01, (30, *SIZE, 3))
    images = np.where(masks[..., None], rng.random((30, *SIZE, 3)), papers).astype(np.float32)
    probes = ProbeSet(images, np.arange(30) % 3, object_masks=masks)
    scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
    pairs = pairs_of((1, 3, 1), (4, 9, 1))
    added = PatternSwap(scene).edit(pairs) - images[pairs.recipients]
    assert np.abs(added).max() < 0.05


def test_of_a_label_the_mean_is_of_the_images_that_have_it_or_have_it_not(rng):
    has = rng.random((30, 2)) < 0.5
    images = rng.random((30, *SIZE, 1)).astype(np.float32)
    scene, _ = scene_of(ProbeSet(images, has.astype(np.float32)), lambda x: np.zeros((len(x), 2)))
    donor, recipient = np.flatnonzero(has[:, 1])[0], np.flatnonzero(~has[:, 1])[0]
    (edited,) = PatternSwap(scene).edit(pairs_of((donor, recipient, 1)))
    lent, taken = (
        edits.without_smooth(images[slow_half(np.flatnonzero(has[:, 1] == value), half)].mean(0))
        for value, half in zip((True, False), halves_of(donor), strict=True)
    )
    most = 0.5 * images.std(axis=(1, 2)).mean()
    np.testing.assert_allclose(
        edited - images[recipient], np.clip(lent - taken, -most, most), atol=1e-5
    )


@pytest.mark.parametrize("is_masked", [False, True])
def test_a_class_of_one_image_has_a_pattern_without_holes(rng, is_masked):
    masks = np.zeros((9, *SIZE), bool)
    masks[:, 3:8, 3:8] = True
    more = {"object_masks": masks} if is_masked else {}
    images = rng.random((9, *SIZE, 1))
    scene, _ = scene_of(ProbeSet(images, [0] * 8 + [1], **more), lambda x: np.zeros((len(x), 2)))
    assert np.isfinite(PatternSwap(scene).edit(pairs_of((8, 0, 1), (0, 8, 0)))).all()


def test_shapes_at_one_place_are_no_pattern(rng):
    """As digits are: the mean of a class is its object, which makes any recipient one of it."""
    shapes = rng.random((3, *SIZE)) < 0.3
    labels = np.arange(30) % 3
    images = 0.2 + 0.6 * shapes[labels][..., None] + rng.normal(0, 0.05, (30, *SIZE, 3))

    def reads_shape(x):
        return x.mean(axis=-1).reshape(len(x), -1) @ (2.0 * shapes - 1).reshape(3, -1).T

    scene, _ = scene_of(ProbeSet(images.astype(np.float32), labels), reads_shape)
    classes = ClassLabels.of(scene.probes, 3)
    pairs = PairDrawer(classes, [0, 1, 2], np.arange(30), np.arange(30), rng).draw(60)
    said = said_after(PatternSwap(scene), pairs)
    np.testing.assert_array_equal(said.argmax(axis=1), labels[pairs.recipients])


def test_a_printed_pattern_is_measured_on_the_objects_too(rng):
    """Where all objects cover a place, nothing is known of it otherwise."""
    masks = np.zeros((30, *SIZE), bool)
    masks[:, 6:12, 6:12] = True
    probes = tagged(rng, object_masks=masks)
    scene, _ = scene_of(probes, reads_tag)
    pairs = pairs_of((1, 3, 1))
    (edited,) = PatternSwap(scene, is_everywhere=True).edit(pairs)
    lent, taken = (
        edits.without_smooth(probes.images[slow_half(np.arange(c % 3, 30, 3), half)].mean(0))
        for c, half in zip((1, 3), halves_of(1), strict=True)
    )
    np.testing.assert_allclose(edited, probes.images[3] + lent - taken, atol=1e-5)
    (spared,) = PatternSwap(scene).edit(pairs)
    assert np.abs(edited - spared)[6:12, 6:12].max() > 0.01


def test_a_printed_frame_is_no_pattern(rng):
    labels = np.arange(60) % 3
    images = rng.uniform(0, 255, (60, *SIZE, 3)).astype(np.float32)
    ring = edits.ring_mask(*SIZE)
    images[:, ring] = (40 + 80 * labels)[:, None, None]
    scene, _ = scene_of(ProbeSet(images, labels, object_masks=None), reads_tag)
    pairs = pairs_of((1, 3, 1), (2, 4, 2))
    changed = PatternSwap(scene).edit(pairs) != images[pairs.recipients]
    assert changed[:, ~ring].any(axis=-1).mean() > 0.9 and not changed[:, ring].any()
