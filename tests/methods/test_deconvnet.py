"""DeconvNet projects the activation of a channel."""

import numpy as np
import pytest
from helpers import slow_twins as slow
from helpers.explained import TOLERANCE, maps_of, twins_of
from helpers.networks import small_cnn
from helpers.slow_twins import relative_error

from keras_saliency.methods import DeconvNet


@pytest.fixture
def images(rng):
    return rng.normal(size=(5, 18, 14, 3)).astype(np.float32)


@pytest.mark.parametrize("channel", ["strongest", 2])
def test_deconvnet_projects_an_activation_as_zeiler_and_fergus_do(images, channel):
    model = small_cnn()
    found = maps_of(model, images, DeconvNet(layer="conv_2", channel=channel), None)
    twins = twins_of(model, images)
    chosen = None if channel == "strongest" else channel
    expected = [slow.deconvnet_of_strongest(t, chosen)[0] for t in twins]
    assert relative_error(found.native, expected) < TOLERANCE


def test_strongest_channel_is_chosen_for_each_probe(images):
    model = small_cnn()
    strongest = {int(t.a2.max(axis=(0, 1)).argmax()) for t in twins_of(model, images)}
    assert len(strongest) > 1, "the test's images must not agree on the channel"
