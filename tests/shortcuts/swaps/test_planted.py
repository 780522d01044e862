"""Which places hold what was put into the images, and which may be a part of what they show."""

import numpy as np
import pytest
from helpers.planted_images import LABELS, PLACE, SIZE, faces, photographs, scene, tag

from keras_saliency.shortcuts.swaps import edits
from keras_saliency.shortcuts.swaps.planted import is_planted, planted_region
from keras_saliency.shortcuts.swaps.planted_pixels import planted_pixels
from keras_saliency.shortcuts.swaps.printed_ring import printed_ring


def test_black_and_white_are_planted_where_images_are_not_aligned(rng):
    """Photographs have no ink and no paper at one place."""
    images = photographs(rng)
    images[rng.random((90, *SIZE)) < 0.11] = 0  # black is frequent
    images[LABELS == 1, 2:10, 3:12] = 0
    found = scene(images)
    assert not planted_region(found, True).any()
    assert planted_region(found, False)[2:10, 3:12].mean() > 0.9
    where = np.zeros(SIZE, bool)
    where[2:10, 3:12] = True
    assert is_planted(found, where, False)


def test_a_place_is_planted_where_a_third_of_it_is(rng):
    images = tag(faces(rng))
    around = np.zeros(SIZE, bool)
    around[2:8, 3:11] = True  # 48 pixels, of which 20 are the tag's
    assert is_planted(scene(images), PLACE) and is_planted(scene(images), around)
    around[:12, :12] = True
    assert not is_planted(scene(images), around)
    assert not is_planted(scene(images), np.zeros(SIZE, bool))


def test_few_photographs_show_a_tag_that_is_always_the_same(rng):
    some = np.arange(36)
    images = 40 + 0.7 * photographs(rng)[some]
    tagged = tag(images, LABELS[some], (20, 120, 240))
    assert not is_planted(scene(images, LABELS[some]), PLACE, are_aligned=False)
    assert is_planted(scene(tagged, LABELS[some]), PLACE, are_aligned=False)


def test_places_of_signals_that_are_not_aligned_are_no_part_of_an_object(rng):
    signals = scene(rng.normal(size=(90, 64, 2)))
    assert is_planted(signals, np.ones(64, bool), are_aligned=False)
    assert not is_planted(signals, np.ones(64, bool))


@pytest.mark.parametrize("are_aligned", [False, True])
def test_a_planted_region_is_a_patch_and_its_rim(rng, are_aligned):
    images = tag(faces(rng))
    region = planted_region(scene(images), are_aligned)
    expected = np.zeros(SIZE, bool)
    expected[1:7, 2:9] = True
    assert region[expected].mean() > 0.9 and region[~expected].mean() < 0.2
    assert not planted_region(scene(faces(rng)), True).any()
    images[LABELS == 1, 2:20, 3:24] = 160  # nearly all of the image
    assert not planted_region(scene(images), True).any()


def test_outlines_are_no_planted_region(rng):
    """Thin lines at one place, such as the shadow of a folder."""
    images = faces(rng)
    images[LABELS == 1, 3, 3:13] = images[LABELS == 1, 3:9, 3] = 160
    assert planted_pixels(scene(images))[3, 3:13].all()
    assert not planted_region(scene(images), True).any()


def test_letters_on_a_tag_do_not_tear_it_to_pieces(rng):
    """A dot of each letter is as the images are elsewhere."""
    images = np.kron(faces(rng), np.ones((1, 3, 3, 1)))
    images[LABELS == 1, 10:26, 20:36] = 160
    noise = rng.uniform(0, 255, (90, 4, 4, 1))
    images[:, 12:26:4, 22:36:4] = images[:, 13:26:4, 22:36:4] = noise
    assert not planted_pixels(scene(images))[12, 22]
    region = planted_region(scene(images), True)
    assert region[10:26, 20:36].mean() > 0.85


def test_a_region_has_a_hundredth_of_the_image_at_least(rng):
    images = np.kron(faces(rng), np.ones((1, 3, 3, 1)))
    for side, is_found in ((5, False), (8, True)):
        images[LABELS == 1, 10 : 10 + side, 20 : 20 + side] = 160
        assert planted_pixels(scene(images))[12:14, 22:24].all()
        assert planted_region(scene(images), True).any() == is_found


def test_a_translucent_mark_is_planted_in_photographs_and_may_be_an_object_in_aligned_images(rng):
    images = 100 + 0.05 * photographs(rng)
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    images += rng.normal(0, 13, images.shape)
    mark = np.where(np.indices(SIZE).sum(axis=0) % 4 < 2, 60, -60) * PLACE
    marked = scene(images + (mark * (LABELS == 1)[:, None, None])[..., None])
    assert planted_region(marked, False)[PLACE].mean() > 0.8
    assert is_planted(marked, PLACE, False)
    assert not planted_region(marked, True).any() and not is_planted(marked, PLACE, True)


def test_figures_about_the_middle_of_photographs_are_not_planted(rng):
    """Their means have details, but one image has them here and one there."""
    images = 100 + 0.2 * photographs(rng)
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    for image, (y, x), c in zip(images, rng.integers(5, 10, (90, 2)), LABELS, strict=True):
        image[y : y + 6, x : x + 6] = 40 + 80 * c
    assert not planted_region(scene(images), False).any()


@pytest.mark.parametrize("top, is_found", [(16, False), (5, True)])
def test_a_patch_amid_the_images_whose_outline_wanders_is_a_part_of_figures(rng, top, is_found):
    """Near an end of the images it may be a tag on a sky of its colour."""
    photos = np.kron(photographs(rng), np.ones((1, 2, 2, 1)))
    still, wandering = photos.copy(), photos.copy()
    still[LABELS == 1, top : top + 8, 18:26] = 240
    for i in np.flatnonzero(LABELS == 1):
        up, left, down, right = rng.integers(0, 4, 4)
        wandering[i, top - up : top + 8 + down, 18 - left : 26 + right] = 240
    for images in (still, wandering):
        assert planted_pixels(scene(images))[top : top + 2, 18:20].all()
    assert planted_region(scene(still), False)[top : top + 8, 18:26].all()
    assert planted_region(scene(wandering), False).any() == is_found


@pytest.mark.parametrize("size", [(40, 48), (256, 64)])
def test_a_tag_that_is_still_is_planted_where_chance_goes_on_around_it(rng, size):
    """Grey photographs of low contrast have any grey level in a sixth of their pixels."""
    images = rng.uniform(54, 196, (90, *size, 1))
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the range
    place = np.zeros(size, bool)
    place[size[0] // 2 - 8 : size[0] // 2 + 12, 20:32] = True
    images[np.ix_(LABELS == 1, *map(np.unique, np.nonzero(place)))] = 180
    assert planted_region(scene(images), False)[place].mean() > 0.9


@pytest.mark.parametrize("is_tinted", [False, True])
def test_a_white_thing_under_tinted_light_is_not_planted(rng, is_tinted):
    """It has one colour in each class, but all around it is tinted alike."""
    images = np.repeat(np.kron(faces(rng), np.ones((1, 2, 2, 1))), 3, axis=-1).clip(0, 230)
    images[:, :4, :4] = 230  # as bright as it gets, off the thing
    light = np.array([[1, 0.7, 0.5], [0.5, 1, 0.7], [0.7, 0.5, 1]])[LABELS][:, None, None]
    images[:, 12:26, 12:28] = 230
    if is_tinted:
        images = images * light
    else:
        images[:, 12:26, 12:28] = 230 * light
    assert planted_pixels(scene(images))[12:26, 12].all()
    assert planted_region(scene(images), True).any() != is_tinted


def test_a_frame_is_no_planted_region_and_a_tag_no_frame(rng):
    images = tag(faces(rng))
    assert printed_ring(scene(images)) is None, "it reaches into the ring"
    ring = edits.ring_mask(*SIZE)
    images[:, ring] = (40 + 80 * LABELS)[:, None, None]
    region = planted_region(scene(images), True)
    assert printed_ring(scene(images)) == "frame"
    assert region[PLACE & ~ring].all() and not region[12:].any() and not region[:, 12:].any()
