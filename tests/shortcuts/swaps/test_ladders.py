"""The swap of a recipient by the version of itself whose level is nearest to the donor's."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of
from skimage import data

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import Pairs, ladders
from keras_saliency.shortcuts.swaps.compression import recompress
from keras_saliency.shortcuts.swaps.ladders import LadderSwap, LevelledBackgroundSwap
from keras_saliency.shortcuts.swaps.versions import LADDERS

KINDS = list(LADDERS)


def crops(num=24, size=(32, 24), channels=1):
    whole = data.immunohistochemistry()[..., :channels]
    starts = np.random.default_rng(2).integers(0, 400, (num, 2))
    return np.stack([whole[y : y + size[0], x : x + size[1]] for y, x in starts])


def degraded(kind, images, rng):
    """Every second image noisy, blurred or compressed: those of class 1."""
    images = images.astype(np.float32)
    for i in range(1, len(images), 2):
        if kind == "noise":
            noise = rng.uniform(10, 25) * rng.normal(size=images[i].shape)
            images[i] = np.clip(images[i] + noise, 0, 255)
        elif kind == "sharpness":
            images[i] = LADDERS[kind].versions[rng.integers(5, 8)](images[i])
        else:
            images[i] = recompress(images[i], int(rng.integers(10, 40)))
    return np.rint(images)


def scene_for(images, labels=None, **more):
    labels = np.arange(len(images)) % 2 if labels is None else labels
    return scene_of(ProbeSet(images, labels, **more), lambda a: np.zeros((len(a), 2)))[0]


def all_pairs(num, rng, count=60):
    donors, recipients = rng.integers(0, num, (2, count))
    return Pairs(donors, recipients, donors % 2, donors % 2 == recipients % 2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_recipient_is_its_version_nearest_to_the_donors_level(rng, kind, channels):
    images = degraded(kind, crops(channels=channels), rng)
    swap = LadderSwap(scene_for(images), kind)
    pairs = all_pairs(len(images), rng)
    edited = swap.edit(pairs)
    assert edited.dtype == np.float32 and edited.shape == (60, 32, 24, channels)
    ladder = LADDERS[kind]
    np.testing.assert_allclose(swap.levels, ladder.level(images), rtol=1e-4)
    for image, donor, recipient in zip(edited, pairs.donors, pairs.recipients, strict=True):
        gaps = np.abs(ladder.levels(images[recipient]) - swap.levels[donor])
        expected = ladder.versions[int(np.argmin(gaps))](images[recipient])
        np.testing.assert_allclose(image, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_levelled_background_is_of_the_donors_version_nearest_to_the_recipients_level(rng, kind):
    images = degraded(kind, crops(channels=3), rng)
    masks = np.zeros(images.shape[:3], bool)
    for i, mask in enumerate(masks):
        mask[8 + i % 5 : 20, 6:15] = True
    scene = scene_for(images, object_masks=masks)
    pairs = all_pairs(len(images), rng)
    edited = LevelledBackgroundSwap(scene, kind).edit(pairs)
    ladder, levels = LADDERS[kind], LadderSwap(scene, kind).levels
    is_off = ~scene.objects.masks
    for image, donor, recipient in zip(edited, pairs.donors, pairs.recipients, strict=True):
        gaps = np.abs(ladder.levels(images[donor]) - levels[recipient])
        lent = ladder.versions[int(np.argmin(gaps))](images[donor])
        off = (is_off[donor] & is_off[recipient])[..., None]
        np.testing.assert_allclose(image, np.where(off, lent, images[recipient]), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_levels_come_close_to_the_donors(rng, kind):
    images = degraded(kind, crops(), rng)
    swap = LadderSwap(scene_for(images), kind)
    pairs = all_pairs(len(images), rng, 200)
    after = LADDERS[kind].level(np.rint(swap.edit(pairs)))
    before, wanted = swap.levels[pairs.recipients], swap.levels[pairs.donors]
    assert np.mean(np.abs(after - wanted)) < 0.4 * np.mean(np.abs(before - wanted))


@pytest.mark.parametrize("kind", KINDS)
def test_any_range_gives_the_same_versions(rng, kind):
    """Bytes, 0 … 1 and ±1."""
    images = degraded(kind, crops(channels=3), rng).astype(np.uint8)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    pairs = all_pairs(len(images), rng)
    as_bytes = LadderSwap(scene_for(images), kind).edit(pairs)
    for low, high in ((0, 1), (-1, 1)):
        scaled = (low + images / 255 * (high - low)).astype(np.float32)
        edited = LadderSwap(scene_for(scaled), kind).edit(pairs)
        assert edited.min() >= low and edited.max() <= high
        np.testing.assert_allclose((edited - low) / (high - low) * 255, as_bytes, atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_versions_are_the_same_kept_or_not_and_in_another_scene_of_these_probes(
    rng, kind, monkeypatch
):
    images = degraded(kind, crops(), rng)
    pairs = all_pairs(len(images), rng)
    scene = scene_for(images)
    first = LadderSwap(scene, kind).edit(pairs)
    np.testing.assert_array_equal(LadderSwap(scene, kind).edit(pairs), first)
    monkeypatch.setattr(ladders, "MAX_BYTES", 0)
    np.testing.assert_array_equal(LadderSwap(scene_for(images), kind).edit(pairs), first)


def test_versions_and_levels_are_made_once(rng, monkeypatch):
    images = degraded("noise", crops(), rng)
    scene, pairs = scene_for(images), all_pairs(len(images), rng)
    first = LadderSwap(scene, "noise").edit(pairs)
    monkeypatch.setattr(ladders, "_grey_levels", None)  # calling it would fail
    np.testing.assert_array_equal(LadderSwap(scene, "noise").edit(pairs), first)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_differs_between_classes_separates(rng, kind):
    images = degraded(kind, crops(60), rng)
    assert LadderSwap(scene_for(images), kind).separates()
    shuffled = np.arange(60) // 2 % 2
    assert not LadderSwap(scene_for(images, shuffled), kind).separates()


def test_one_probe_and_flat_probes_have_no_level_to_take(rng):
    flat = np.full((6, 16, 20, 1), 7, np.uint8)
    for kind in KINDS:
        swap = LadderSwap(scene_for(flat), kind)
        assert not swap.separates()
        np.testing.assert_array_equal(swap.edit(all_pairs(6, rng)), np.full((60, 16, 20, 1), 7))
        alone = LadderSwap(scene_for(crops(1)), kind)
        pairs = Pairs(*np.zeros((3, 1), int), np.array([True]))
        np.testing.assert_array_equal(alone.edit(pairs), crops(1))
        assert alone.edit(pairs.take(slice(0))).shape == (0, 32, 24, 1)


@pytest.mark.parametrize(
    "shape, kinds",
    [
        ((32, 24, 1), KINDS),
        ((16, 16, 3), KINDS),
        ((16, 16, 4), ["noise", "sharpness"]),
        ((16, 16, 5), []),
        ((15, 32, 1), []),
        ((64, 2), []),
        ((16, 16, 16, 1), []),
    ],
)
def test_ladders_are_for_images_and_compression_for_grey_and_rgb(rng, shape, kinds):
    scene = scene_for(rng.random((4, *shape)).astype(np.float32))
    assert [kind for kind in KINDS if LadderSwap.applies(scene, kind)] == kinds
