"""Guided methods, against slow twins of their papers' formulas."""

import keras
import numpy as np
import pytest
from helpers import slow_twins as slow
from helpers.explained import TARGETS, TOLERANCE, maps_of, twins_of
from helpers.slow_twins import relative_error


@pytest.mark.parametrize("name", ["guided_backprop", "guided_grad_cam"])
def test_guided_methods_equal_their_papers_formulas(model, images, name):
    formula = getattr(slow, name)
    twins = twins_of(model, images)
    signals = np.array([formula(t, c) for t, c in zip(twins, TARGETS, strict=True)])
    found = maps_of(model, images, name, chunk_size=2)
    assert relative_error(found.signal, signals) < TOLERANCE
    assert relative_error(found.native, np.abs(signals).max(axis=-1)) < TOLERANCE


@pytest.mark.parametrize("name", ["guided_backprop", "guided_grad_cam"])
def test_guided_methods_refuse_what_is_not_rectified(name, images):
    model = keras.Sequential(
        [
            keras.layers.Input((18, 14, 3)),
            keras.layers.Conv2D(4, 3, activation="silu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    with pytest.raises(ValueError, match="needs a ReLU"):
        maps_of(model, images, name)
