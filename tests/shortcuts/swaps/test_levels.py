"""Levels of a whole image: mistakes that a level leads to, and those of a spoilt image."""

import numpy as np
from helpers.tagged_scenes import pairs_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    ClassLabels,
    Objects,
    Scene,
    TintSwap,
    ValueRange,
    tints_of_backgrounds,
)
from keras_saliency.shortcuts.swaps.levels import LevelSwap

LEVELS = np.array([1.0, 1.2, 2.0, 2.2, 3.0, 3.2])
LABELS = np.array([0, 0, 1, 1, 2, 2])


class Level(LevelSwap):
    """Its level is the value of all pixels."""

    @property
    def levels(self):
        return LEVELS


def scene_of(logits_of):
    images = np.broadcast_to(LEVELS[:, None, None, None], (6, 4, 4, 1)).astype(np.float32)
    probes = ProbeSet(images, LABELS)
    labels = ClassLabels.of(probes, 3)

    def predict(pixels, rows):
        return logits_of(pixels)

    return Scene(probes, labels, None, np.zeros((1, 4, 4)), predict, ValueRange.of(probes))


def right(images):
    return -np.abs(images.mean(axis=(1, 2, 3))[:, None] - np.array([1.1, 2.1, 3.1]))


def says(*classes):
    return np.eye(3, dtype=bool)[list(classes)]


def test_a_mistake_towards_the_donors_level_costs_and_one_the_other_way_is_set_off():
    swap = Level(scene_of(right))
    # Recipient 2, of class 1, lent the level of class 2: taken for its own class, for 2, for 0.
    pairs = pairs_of((4, 2), (4, 2), (4, 2))
    np.testing.assert_array_equal(swap.scores(pairs, says(1, 2, 0)), [1, 0, 2])
    # Lent the level of class 0, the other way round.
    pairs = pairs_of((0, 2), (0, 2))
    np.testing.assert_array_equal(swap.scores(pairs, says(2, 0)), [2, 0])


def test_an_image_that_was_taken_for_another_before_shows_nothing():
    def wrong(images):
        return np.tile([0.0, 0.0, 1.0], (len(images), 1))

    swap = Level(scene_of(wrong))
    pairs = pairs_of((4, 0), (5, 4))  # the model always says 2: right for 4, never for 0
    np.testing.assert_array_equal(swap.scores(pairs, says(2, 2)), [1, 1])
    np.testing.assert_array_equal(swap.scores(pairs, says(1, 1)), [1, 2])


def test_channels_have_levels_of_their_own():
    class Tint(LevelSwap):
        @property
        def levels(self):
            return np.stack([LEVELS, np.full(6, 5.0) + 4 * (LABELS == 1)], axis=1)

    swap = Tint(scene_of(right))
    pairs = pairs_of((4, 0), (4, 2))
    np.testing.assert_array_equal(swap._nearer_to_donor(pairs, np.array([2, 2])), [True, True])
    np.testing.assert_array_equal(swap._nearer_to_donor(pairs, np.array([1, 1])), [True, False])


def tinted_scene(shares):
    """Six images (3, 4), of two of each class: backgrounds of such channels, and white objects."""
    images = np.full((6, 3, 4, 3), 250, np.float32)
    images[:, :, :2] = np.asarray(shares, np.float32)[:, None, None]
    images[0, 0, 0] = 0  # the range
    masks = np.zeros((6, 3, 4), bool)
    masks[:, :, 2:] = True
    probes = ProbeSet(images, LABELS, object_masks=masks)
    labels = ClassLabels.of(probes, 3)
    objects = Objects(masks, np.ones(6, bool), are_given=True)
    attention = np.zeros((1, 3, 4))
    return Scene(probes, labels, objects, attention, None, ValueRange.of(probes)), images


def test_the_tint_is_that_of_a_class_whatever_one_background_has():
    shares = [(200, 80, 80), (120, 60, 60), (60, 200, 60), (90, 150, 70), (50, 50, 50), (9, 9, 9)]
    scene, images = tinted_scene(shares)
    least = 0.1 * (scene.value_range.high - scene.value_range.low)
    tints = []
    for image in images:
        logs = np.log(image[:, :2].reshape(-1, 3).mean(axis=0) + least)
        tints.append(logs - logs.mean())
    np.testing.assert_allclose(tints_of_backgrounds(scene), tints, atol=1e-6)
    of_class = np.repeat([np.median(tints[c : c + 2], axis=0) for c in (0, 2, 4)], 2, axis=0)
    donors, recipients = [0, 1, 4, 2], [3, 3, 2, 3]
    (ratios,) = TintSwap(scene).rows(pairs_of(*zip(donors, recipients, strict=True)))
    expected = np.exp(of_class[donors] - of_class[recipients])
    np.testing.assert_allclose(ratios, expected, rtol=1e-5)
    np.testing.assert_allclose(ratios[3], 1)  # both of one class
    np.testing.assert_allclose(np.prod(ratios, axis=1), 1, rtol=1e-5)  # as bright as before
