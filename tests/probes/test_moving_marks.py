"""A mark that moves is a set of pixels that most images of one class have, each elsewhere."""

import numpy as np

from keras_saliency.probes.moving_marks import SIDE, STEP, Patches, find_moving_marks


def marks_in(levels, labels):
    return find_moving_marks(levels, np.asarray(labels)[:, None] == np.unique(labels))


def objects(num=40, channels=1, seed=0):
    """Images with one textured object each."""
    rng = np.random.default_rng(seed)
    levels = np.zeros((num, 24, 28, channels), np.uint8)
    levels[:, 8:18, 6:22] = rng.integers(60, 256, (num, 10, 16, channels))
    return levels, np.arange(num) % 2, rng


def with_tag(levels, labels, rng, tag, is_fixed=False):
    places = np.zeros(levels.shape[:3], bool)
    height, width = tag.shape[:2]
    for image, label, place in zip(levels, labels, places, strict=True):
        y, x = (2, 3) if is_fixed else rng.integers(0, (25 - height, 29 - width))
        if label:
            image[y : y + height, x : x + width] = tag
            place[y : y + height, x : x + width] = True
    return places


def make_tag(rng, height=4, width=5, channels=1):
    return rng.integers(0, 256, (height, width, channels), np.uint8)


def test_codes_are_equal_where_patches_are():
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 3, (3, 9, 8, 2), np.uint8) * STEP  # few values: many equal patches
    levels[0, :4] = 0
    patches = Patches.of(levels)
    slow = {}
    for number, image in enumerate(levels):
        for y in range(9 - SIDE + 1):
            for x in range(8 - SIDE + 1):
                patch = image[y : y + SIDE, x : x + SIDE]
                if (patch != patch[0, 0]).any():
                    slow[number, y, x] = patch.tobytes()
    keys = [(i, *p) for i, p in zip(patches.images.tolist(), patches.places.tolist(), strict=True)]
    assert keys == list(slow)
    pairs = set(zip(slow.values(), patches.codes.tolist(), strict=True))
    assert len(pairs) == len(set(slow.values())) == len(set(patches.codes.tolist()))


def test_a_tag_that_moves_is_found_wherever_it_is():
    for channels in (1, 3):
        levels, labels, rng = objects(channels=channels)
        places = with_tag(levels, labels, rng, make_tag(rng, channels=channels))
        levels[0, 1:5, 1:6] = levels[1][places[1]].reshape(4, 5, channels)
        places[0, 1:5, 1:6] = True  # an image of the other class
        found = marks_in(levels, labels)
        # On a plain ground a patch may take in some of that, which is no part of an object.
        found &= places | levels.any(axis=-1)
        np.testing.assert_array_equal(found, places)


def test_clean_images_and_tags_of_both_classes_have_no_marks():
    levels, labels, rng = objects()
    assert not marks_in(levels, labels).any()
    with_tag(levels, np.ones_like(labels), rng, make_tag(rng))
    assert not marks_in(levels, labels).any()


def test_what_stays_at_its_place_or_is_tiny_does_not_count():
    levels, labels, rng = objects()
    with_tag(levels, labels, rng, make_tag(rng), is_fixed=True)
    assert not marks_in(levels, labels).any()
    levels, labels, rng = objects()
    with_tag(levels, labels, rng, make_tag(rng, 3, 5))
    assert not marks_in(levels, labels).any()


def test_patches_that_do_not_lie_alike_to_each_other_are_no_mark():
    levels, labels, rng = objects()
    one, other = make_tag(rng, 3, 4), make_tag(rng, 3, 4)
    both = with_tag(levels, labels, rng, one) | with_tag(levels, labels, rng, other)
    assert both.any() and not marks_in(levels, labels).any()


def test_a_mark_needs_ten_images_of_its_class_and_of_others():
    levels, labels, rng = objects(18)
    with_tag(levels, labels, rng, make_tag(rng))
    assert not marks_in(levels, labels).any()
    assert not marks_in(np.zeros((24, 2, 2, 1), np.uint8), np.arange(24) % 2).any()
