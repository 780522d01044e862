"""Small pieces of photographs that were never compressed, and objects cut out of them."""

import numpy as np
from skimage import data


def crops(size=32, num=8, colour=False):
    """float32 (num, size, size, C) in whole grey levels."""
    whole = data.immunohistochemistry() if colour else data.brick()[..., None]
    starts = np.random.default_rng(5).integers(0, 400, (num, 2))
    return np.stack([whole[y : y + size, x : x + size] for y, x in starts]).astype("f4")


def object_on_black(num=8):
    """A bright disc with some texture on black, as in Fashion-MNIST."""
    y, x = np.mgrid[:28, :28]
    disc = ((y - 13) ** 2 + (x - 14) ** 2 < 80)[..., None]
    return np.where(disc, 60 + 0.7 * crops(28, num), 0).astype(np.float32)
