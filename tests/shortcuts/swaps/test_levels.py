"""Levels of a whole image: mistakes that a level leads to, and those of a spoilt image."""

import numpy as np
from helpers.tagged_scenes import pairs_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import ClassLabels, Scene, ValueRange
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
