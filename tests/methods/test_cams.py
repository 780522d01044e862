"""Class activation maps, against slow twins of their papers' formulas."""

import keras
import numpy as np
import pytest
from helpers import slow_twins as slow
from helpers.explained import TARGETS, TOLERANCE, maps_of, twins_of
from helpers.slow_twins import relative_error

from keras_saliency.methods import (
    GradCAMPlusPlus,
    ScoreCAM,
)


@pytest.mark.parametrize("max_channels", [None, 3])
def test_score_cam_equals_its_algorithm(model, images, max_channels):
    weights, twins = model.get_weights(), twins_of(model, images)
    expected = []
    for twin, c in zip(twins, TARGETS, strict=True):
        spread = twin.a2.var(axis=(0, 1))
        chosen = None if max_channels is None else np.argsort(-spread)[:max_channels]
        expected.append(slow.score_cam(twin, weights, c, chosen))
    found = maps_of(model, images, ScoreCAM(max_channels=max_channels), chunk_size=2)
    assert relative_error(found.native, expected) < TOLERANCE


def test_hires_cam_of_a_linear_head_adds_up_to_the_logit(images):
    model = keras.Sequential(
        [
            keras.layers.Input((18, 14, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomUniform(0.1, 1)),
        ]
    )
    found = maps_of(model, images, "hires_cam").native
    logits = model.predict(images, verbose=0)[np.arange(3), TARGETS]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), logits, rtol=1e-4)


def test_tiny_gradients_do_not_vanish_in_grad_cam_plus_plus(model, images):
    """Cubes of 1e-20 are 0 in float32; the formula has no unit, so they must not matter."""
    expected = maps_of(model, images, "grad_cam_plus_plus").native
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1e-18)
    found = maps_of(model, images, GradCAMPlusPlus()).native
    # With ever smaller gradients alpha goes to a half, wherever there is a gradient.
    assert np.isfinite(found).all() and found.max() > 0
    assert found.max() < 1e-10 * expected.max()
