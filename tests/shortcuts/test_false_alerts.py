"""How often detectors alert by chance in whole trainings."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.many_trials import ManyTrials

from keras_saliency.shortcuts import Proposal, SwapDetector
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.streaks import NUM_FOR_ALERT
from keras_saliency.shortcuts.swaps import ClassLabels
from keras_saliency.shortcuts.trying import run_trial

DETECTOR = SwapDetector("tag", lambda *_: [], "a tag", "", frozenset())
PROMISED = 0.01  # of trainings without shortcuts: at most so many alert by chance


class Outcomes:
    """A swap after which the model is right or not, as it is told, bool (n, n)."""

    def __init__(self, scene, is_right):
        self.scene, self.is_right = scene, is_right

    def predict(self, pairs):
        return np.zeros((len(pairs), self.scene.class_labels.num_classes))

    def scores(self, pairs, said):
        return self.is_right[pairs.recipients, pairs.donors].astype(float)


@pytest.mark.parametrize("num_classes", [2, 5])
def test_many_trials_at_once_are_those_that_run_one_by_one(num_classes):
    num, num_images = 60, 40
    rng = np.random.default_rng(num_classes)
    labels = np.arange(num_images) % num_classes
    scene = SimpleNamespace(
        class_labels=ClassLabels(np.eye(num_classes, dtype=bool)[labels], False)
    )
    is_own = labels[:, None] == labels
    shares = 0.9 - rng.uniform(0, 0.3, num)[:, None, None] * ~is_own
    is_right = rng.random((num, num_images, num_images)) < shares
    is_thorough, rows = np.arange(num) % 2 > 0, np.arange(num_images)
    many = ManyTrials(num_images, num_classes, np.random.default_rng(7))
    proven = many.run(
        lambda active, pairs: is_right[active][:, pairs.recipients, pairs.donors], num, is_thorough
    )
    assert 0.1 < proven[is_thorough].mean() < 0.9
    for i in range(num):
        proposal = Proposal(Outcomes(scene, is_right[i]), rows, rows)
        trial = run_trial(
            scene, DETECTOR, proposal, range(num_classes), np.random.default_rng(7),
            is_thorough=bool(is_thorough[i]),
        )  # fmt: skip
        assert trial.is_proven == proven[i], i


@pytest.mark.slow
def test_of_10000_silent_detectors_no_more_alert_than_is_promised():
    """20 checks each. Images differ in how easy they are, and some spoil whoever they lend to.

    The donor's class makes no difference. A training has all detectors, which may all be wrong
    at different times, so that each has its part of the promise.
    """
    num, num_images, num_checks = 10_000, 40, 20
    rng = np.random.default_rng(11)
    right = rng.uniform(0.6, 1, (num, num_images)).astype(np.float32)
    spoilt = (rng.random(right.shape) < 0.2) * rng.uniform(0, 0.6, right.shape)

    def draw(active, pairs):
        shares = right[np.ix_(active, pairs.recipients)]
        shares = shares * (1 - spoilt[np.ix_(active, pairs.donors)])
        return (rng.random(shares.shape) < shares).astype(np.float32)

    streaks, has_alert = np.zeros(num, int), np.zeros(num, bool)
    layouts = [ManyTrials(num_images, 2, rng) for _ in range(4)]
    for check in range(num_checks):
        is_thorough = streaks == NUM_FOR_ALERT - 1
        proven = layouts[check % len(layouts)].run(draw, num, is_thorough)
        streaks = np.where(proven, streaks + 1, 0)
        has_alert |= streaks >= NUM_FOR_ALERT
    assert has_alert.mean() <= PROMISED / len(SWAP_DETECTORS), has_alert.sum()
