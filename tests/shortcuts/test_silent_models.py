"""How often something is proven where nothing depends on the donor's class."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts import Proposal, SwapDetector, Trial
from keras_saliency.shortcuts.swaps import BoxSwap, PairDrawer
from keras_saliency.shortcuts.trying import STAGES

DETECTOR = SwapDetector("tag", lambda *_: [], "a tag", "", frozenset())


@pytest.fixture(scope="module")
def silent():
    """Returns a function that makes a trial in which nothing depends on the donor's class."""
    num, num_classes = 60, 4
    labels = np.arange(num) % num_classes
    probes = ProbeSet(np.zeros((num, 2, 2, 1), np.float32), labels)
    scene, _ = scene_of(probes, lambda x: np.zeros((len(x), num_classes)))
    rows, rng = np.arange(num), np.random.default_rng(6)
    drawer = PairDrawer(scene.class_labels, range(num_classes), rows, rows, rng)
    draws = [drawer.draw(STAGES[1]) for _ in range(40)]

    def make(is_right):
        """`is_right` is a function from pairs to whether the model is right about them."""
        pairs = draws[rng.integers(len(draws))]
        return Trial(
            DETECTOR,
            Proposal(BoxSwap(scene, (0, 0, 1, 1), False), rows, rows),
            range(num_classes),
            pairs,
            np.zeros((len(pairs), num_classes), bool),
            is_right(pairs).astype(float),
            scene.class_labels.has_class,
            False,
        )

    return make


@pytest.mark.parametrize("spoilers", [0, 0.2], ids=["recipients differ", "donors differ too"])
def test_of_a_thousand_silent_models_less_than_one_in_a_hundred_is_proven_twice(silent, spoilers):
    """Some recipients are easier than others; some donors spoil whoever they lend to."""
    rng, is_proven = np.random.default_rng(7), []
    for _ in range(1000):
        right = rng.uniform(0.6, 1, 60)
        spoilt = (rng.random(60) < spoilers) * rng.uniform(0, 0.6, 60)

        def is_right(pairs, right=right, spoilt=spoilt):
            return rng.random(len(pairs)) < right[pairs.recipients] * (1 - spoilt[pairs.donors])

        is_proven.append([silent(is_right).is_proven for _ in range(2)])
    assert np.mean(is_proven) <= 0.03, np.mean(is_proven)
    assert np.all(is_proven, axis=1).mean() <= 0.01


def test_a_model_that_no_edit_changes_is_never_proven(silent):
    rng = np.random.default_rng(8)
    for _ in range(50):
        is_right = rng.random(60) < 0.8
        trial = silent(lambda pairs, is_right=is_right: is_right[pairs.recipients])
        assert trial.worst == (0, 0, 0)
