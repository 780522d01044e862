"""Occlusion, against its slow twin."""

import numpy as np
import pytest
from helpers import slow_twins as slow
from helpers.explained import TARGETS, maps_of
from helpers.slow_twins import relative_error

from keras_saliency.methods import (
    METHODS,
)


@pytest.mark.parametrize(("patch", "stride"), [(4, 2), (5, 5), (14, 3)])
def test_occlusion_is_the_mean_loss_over_patches(model, images, patch, stride):
    weights, method = model.get_weights(), METHODS["occlusion"](patch, stride, 0.1)
    expected = [
        slow.occlusion(slow.Twin(weights, image), weights, c, patch, stride, 0.1)
        for image, c in zip(images, TARGETS, strict=True)
    ]
    found = maps_of(model, images, method, chunk_size=2).native
    assert relative_error(found, np.maximum(expected, 0)) < 1e-3
