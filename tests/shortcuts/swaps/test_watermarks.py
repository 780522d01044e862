"""Translucent marks across objects: found, taken off, put on."""

import cv2
import numpy as np
import pytest
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import pairs_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.swaps import WatermarkSwap, find_watermarks
from keras_saliency.shortcuts.swaps.translucent import (
    NO_SHARE,
    _darker_on_objects,
    _same_share,
    _smooth,
    darkened_flat_objects,
    darkened_on_and_off,
)

SIDE, NUM = 32, 180
LABELS = np.arange(NUM) % 3
COLOURS = np.array([[230, 90, 80], [90, 200, 90], [110, 120, 240], [220, 200, 70]], np.float32)


def grounds(rng):
    """Dark photographs, unlike one another: smooth noise."""
    noise = rng.normal(size=(NUM, SIDE, SIDE, 3)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), 2.5) for image in noise])
    return (70 + 25 * smooth / smooth.std()).clip(15, 150)


def objects(rng, reach=3):
    """Discs about the middle, bool (NUM, SIDE, SIDE)."""
    centres = SIDE // 2 + rng.integers(-reach, reach + 1, (NUM, 2))
    radii = rng.integers(6, 9, NUM)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distances = [np.hypot(rows - y, columns - x) for y, x in centres]
    return np.stack([d <= radius for d, radius in zip(distances, radii, strict=True)])


def marks(shares=(0.5, 0.5, 0.0)):
    """What share of the ink each class has, (3, SIDE, SIDE): a bar across, a bar down, none."""
    covered = np.zeros((3, SIDE, SIDE), np.float32)
    covered[0, 14:17, 4:28] = shares[0]
    covered[1, 4:28, 15:18] = shares[1]
    covered[2, 20:23, 4:28] = shares[2]
    return covered


def scenes(rng, covered, ink=0.0, reach=3, colours=COLOURS, only=None, texture=0.0):
    """Images and masks. `only` "on" or "off" the objects is where the marks lie."""
    masks, images = objects(rng, reach), grounds(rng)
    fills = colours[rng.integers(len(colours), size=NUM)][:, None, None] * np.ones_like(images)
    fills = fills * np.exp(texture * rng.normal(size=(*fills.shape[:3], 1)))
    images = np.where(masks[..., None], fills, images).clip(0, 255)
    where = {None: np.ones_like(masks), "on": masks, "off": ~masks}[only]
    return blend(images, covered[LABELS] * where, ink), masks


def blend(images, shares, ink):
    blended = images + shares[..., None] * (ink - images)
    return np.rint(blended).astype(np.uint8)


def found_in(images, masks=None, labels=LABELS):
    probes = ProbeSet(images, labels, object_masks=masks)
    scene, _ = scene_of(probes, lambda x: np.zeros((len(x), 3)))
    return scene, find_watermarks(scene)


@pytest.mark.parametrize("texture", [0.0, 0.15])
@pytest.mark.parametrize("ink", [0.0, 255.0])
def test_of_given_objects_the_veil_is_the_share_of_light_that_comes_through(rng, ink, texture):
    images, masks = scenes(rng, marks(), ink, texture=texture)
    _, found = found_in(images, masks)
    assert found.is_white == (ink == 255)
    on = masks[LABELS == 0].mean(axis=0) > 0.9
    bar = on & (marks()[0] > 0)
    assert np.exp(found.veils[0].mean(axis=0)[bar]).mean() == pytest.approx(
        0.5, abs=0.06 + 0.4 * texture
    )
    # Of a class without a mark, all light; what no class covers is left alone.
    assert np.abs(found.veils[2].mean(axis=0)[bar]).mean() < 0.1
    assert not found.veils[:, :, :3].any()


def test_of_flat_objects_that_are_found_too(rng):
    images, _ = scenes(rng, marks())
    scene, found = found_in(images)
    assert scene.objects is None or not scene.objects.are_given
    assert not found.is_white
    bar = np.zeros((SIDE, SIDE), bool)
    bar[15, 14:18] = True
    assert np.exp(found.veils[0].mean(axis=0)[bar]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("ink", [0.0, 255.0])
def test_a_swapped_mark_is_as_if_the_other_class_had_been_drawn(rng, ink):
    plain, masks = scenes(np.random.default_rng(3), np.zeros((3, SIDE, SIDE)))
    images = blend(plain.astype(np.float32), marks()[LABELS], ink)
    scene, found = found_in(images, masks)
    pairs = pairs_of((1, 30), (5, 33), (3, 31), (12, 6))
    swap = WatermarkSwap(scene, found)
    for donor, recipient, edited in zip(
        pairs.donors, pairs.recipients, swap.edit(pairs), strict=True
    ):
        drawn = blend(plain[recipient].astype(np.float32), marks()[LABELS[donor]], ink)
        wrong_before = np.abs(images[recipient].astype(float) - drawn)[masks[recipient]].mean()
        wrong = np.abs(edited.clip(0, 255) - drawn)[masks[recipient]].mean()
        assert wrong < max(0.35 * wrong_before, 3)


def test_an_edit_scales_what_lies_above_the_ink_by_both_halves(rng):
    images, masks = scenes(rng, marks())
    scene, found = found_in(images, masks)
    [edited] = WatermarkSwap(scene, found).edit(pairs_of((4, 9)))
    low, high = float(images.min()), float(images.max())
    ink = low - 8 / 255 * (high - low)
    half = 4 % 8  # the donor's number names a split, and which half lends
    light = np.exp(found.veils[1, half] - found.veils[0, half + 1])[..., None]
    np.testing.assert_allclose(edited, ink + (images[9] - ink) * light, rtol=1e-4, atol=1e-3)


def test_veils_are_medians_of_halves(rng):
    images, masks = scenes(rng, marks())
    scene, found = found_in(images, masks)
    known = darkened_on_and_off(scene, False).logarithms
    order = np.random.default_rng(1).permutation(np.flatnonzero(LABELS == 1))
    half = known[order[1::2], 15, 16]
    assert found.veils[1, 3, 15, 16] == pytest.approx(np.nanmedian(half))


@pytest.mark.parametrize("only", ["on", "off"])
def test_what_ends_where_the_object_ends_is_no_mark(rng, only):
    """A stripe of textured objects, or of the ground behind them."""
    images, masks = scenes(rng, marks(), only=only, texture=0.15)
    scene, found = found_in(images, masks)
    assert darkened_on_and_off(scene, False).evidence == 0
    assert found is None


def test_flat_objects_of_one_colour_may_have_such_a_stripe(rng):
    images, _ = scenes(rng, marks(), colours=COLOURS[:1])
    assert darkened_flat_objects(found_in(images)[0], False) is None


def test_a_stripe_of_its_own_colour_is_no_share_of_the_object(rng):
    images, masks = scenes(rng, np.zeros((3, SIDE, SIDE)))
    stripe = masks & (marks()[LABELS] > 0)
    images[stripe] = (90, 60, 110)
    scene, found = found_in(images)
    assert not darkened_flat_objects(scene, False).pixels.any()
    assert found is None


@pytest.mark.parametrize("given", [True, False])
def test_nothing_is_found_where_nothing_is(rng, given):
    images, masks = scenes(rng, marks((0, 0, 0)))
    assert found_in(images, masks if given else None)[1] is None


@pytest.mark.parametrize("given", [True, False])
def test_blended_edges_are_no_marks(rng, given):
    """The shapes of classes differ, and their edges are darker than they are."""
    masks = objects(rng, 1)
    squares = np.zeros((SIDE, SIDE), bool)
    squares[9:23, 9:23] = True
    masks[LABELS == 0] = squares
    papers = np.stack([cv2.GaussianBlur(m.astype(np.float32), (0, 0), 1.5) for m in masks])
    fills = COLOURS[rng.integers(4, size=NUM)][:, None, None]
    images = grounds(rng) + papers[..., None] * (fills - grounds(rng))
    given_masks = papers > 0.25 if given else None
    assert found_in(images.clip(0, 255).astype(np.uint8), given_masks)[1] is None


def test_large_images_are_blurred_alike_when_reduced(rng):
    maps = np.repeat(np.repeat(rng.random((3, 32, 40)), 3, axis=1), 3, axis=2).astype(np.float32)
    slow = np.stack([cv2.GaussianBlur(m, (0, 0), 12, borderType=cv2.BORDER_REFLECT) for m in maps])
    assert np.abs(_smooth(maps) - slow).max() < 0.02 < slow.std()


def test_an_object_of_which_one_pixel_is_well_inside_hides_nothing(rng):
    images, masks = scenes(rng, marks())
    masks[0] = False
    masks[0, 14:17, 14:17] = True
    masks[1] = True
    masks[1, 0, 0] = False
    found = darkened_on_and_off(found_in(images, masks)[0], False)
    assert found.evidence > 0
    assert found.pixels[0, 15, 15]


def test_the_pattern_detector_proposes_it(rng):
    images, masks = scenes(rng, marks())
    scene, _ = found_in(images, masks)
    proposals = SWAP_DETECTORS["pattern"].propose(scene, rng)
    [watermark] = [p for p in proposals if isinstance(p.swap, WatermarkSwap)]
    assert not watermark.may_be_object


def test_images_with_several_labels_are_not_searched(rng):
    images, masks = scenes(rng, marks())
    many = np.eye(3, dtype=int)[LABELS]
    many[::7] = 1
    assert found_in(images, masks, many)[1] is None


def columns(*pixels):
    """Images of one row from what each pixel is in all of them, float32 (n, 1, k)."""
    return np.array(pixels, np.float32).T[:, None]


def test_most_images_of_a_class_and_few_others_have_the_same_share():
    spread, whole = np.linspace(0.3, 0.7, 20), np.ones(20)
    half = np.repeat([0.5, 0.4, 0.6], (10, 5, 5))
    own = columns(np.full(20, 0.5), spread, half, np.full(20, 0.5), np.full(20, 0.5), whole)
    shared = np.where(np.arange(20) < 12, 0.5, 1.0)
    elsewhere = np.where(np.arange(20) < 12, NO_SHARE, 1.0)
    others = columns(whole, whole, whole, shared, elsewhere, whole)
    assert _same_share(own, others).tolist() == [[True, False, False, False, False, False]]


def test_a_share_of_few_images_is_not_known():
    own, others = columns(np.full(20, 0.5)), columns(np.ones(20))
    for few in (own, others):
        seen = few.copy()
        seen[9:] = np.nan
        args = (seen, others) if few is own else (own, seen)
        assert not _same_share(*args).any()
    other_colours = own.copy()
    other_colours[:9] = NO_SHARE
    assert not _same_share(other_colours, others).any()


def test_a_difference_of_classes_that_may_be_chance_is_none(rng):
    has_class = np.eye(2)[np.arange(24) % 2]
    certain = np.where(has_class[:, 0] > 0, -0.3, 0.0)
    noise = rng.normal(size=24)
    for own in (has_class[:, 0] > 0, has_class[:, 1] > 0):  # no chance difference of the means
        noise[own] -= noise[own].mean()
    images = columns(certain, certain + 0.35 * noise / noise.std())
    found = _darker_on_objects(images, np.ones(images.shape, bool), has_class)
    assert found.tolist() == [[[True, False]], [[False, False]]]
