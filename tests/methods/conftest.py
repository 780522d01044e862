"""The images and the network of the slow twins."""

import numpy as np
import pytest
from helpers.networks import small_cnn


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, 18, 14, 3)).astype(np.float32)


@pytest.fixture
def model():
    return small_cnn((18, 14, 3))
