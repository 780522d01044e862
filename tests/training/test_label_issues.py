"""Probes with flipped labels, in a training."""

import keras
import numpy as np
import pytest
from helpers.tagged_training import draw, network
from helpers.training import fit

from keras_saliency import History, ProbeSet, SaliencyCallback


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """A training that learns colours, and probes of which two have the colour of another class."""
    keras.utils.set_random_seed(3)
    images, labels = draw(60, 2)
    labels = np.array(labels)
    labels[[7, 20]] = (labels[[7, 20]] + 1) % 3
    model = network()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    callback = SaliencyCallback(
        ProbeSet(images, labels), tmp_path_factory.mktemp("logs"), detectors=None, on_error="raise"
    )
    fit(callback, draw(240, 1), model, epochs=3)
    return callback, labels


def test_they_are_listed(flipped):
    callback, labels = flipped
    found = callback.label_issues()
    assert {7, 20} == {issue.probe_index for issue in found}
    for issue in found:
        assert issue.label == labels[issue.probe_index] != issue.suggested
        assert issue.suggested == (issue.label - 1) % 3
    assert callback.history.label_issues() == History.load(callback.run_dir).label_issues() == found


def test_the_summary_has_a_line(flipped):
    callback, _ = flipped
    [line] = [li for li in callback.summary().splitlines() if li.startswith("Labels: ")]
    assert line.startswith("Labels: 2 of 60 probes may be labelled wrong")


def test_a_callback_that_was_not_run_says_so(tmp_path, probes):
    with pytest.raises(ValueError, match="no epoch was observed yet"):
        SaliencyCallback(probes, tmp_path).label_issues()
