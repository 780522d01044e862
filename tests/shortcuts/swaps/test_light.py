"""Whether light tells the class, and swaps under the recipient's light."""

import numpy as np
import pytest
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import pairs_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import LitBoxSwap, gains_of_images, is_lit_by_class

NUM, SIDE = 60, 16
LABELS = np.arange(NUM) % 3
LIGHTS = np.array([0.5, 0.75, 1.0])[LABELS][:, None, None, None]


def scene(rng, of_background=1.0, of_objects=1.0, paper=200.0):
    """Objects on paper, each under light that may depend on the class."""
    masks = np.zeros((NUM, SIDE, SIDE), bool)
    masks[:, 5:11, 5:11] = True
    on = masks[..., None]
    images = rng.uniform(0.9, 1, (NUM, SIDE, SIDE, 3)) * np.where(on, 150.0, paper)
    images *= np.where(on, of_objects, of_background)
    images[0, 0, :2] = [[0] * 3, [255] * 3]  # the range
    probes = ProbeSet(images.clip(0, 255).astype(np.float32), LABELS, object_masks=masks)
    return scene_of(probes, lambda x: np.zeros((len(x), 3)))[0]


def test_light_falls_on_backgrounds_and_on_objects(rng):
    assert is_lit_by_class(scene(rng, LIGHTS, LIGHTS))
    assert not is_lit_by_class(scene(rng))
    assert not is_lit_by_class(scene(rng, of_background=LIGHTS)), "paper of another colour"
    assert not is_lit_by_class(scene(rng, of_objects=LIGHTS)), "objects of another colour"
    assert not is_lit_by_class(scene(rng, LIGHTS, LIGHTS, paper=3)), "black shows no light"


@pytest.mark.parametrize("donor", [1, 2])
def test_a_box_is_as_bright_as_the_recipient(rng, donor):
    lit = scene(rng, LIGHTS, LIGHTS)
    images, gains = lit.probes.images, lit.once(gains_of_images)
    box = (2, 3, 9, 8)
    (edited,) = LitBoxSwap(lit, box).edit(pairs_of((donor, 3)))
    expected = images[3].copy()
    for y, x in np.ndindex(SIDE, SIDE):
        is_on = 5 - 1 <= y < 11 + 1 and 5 - 1 <= x < 11 + 1  # the object and its rim
        if 2 <= y < 9 and 3 <= x < 8 and not is_on:
            expected[y, x] = images[donor, y, x] * gains[3] / gains[donor]
    np.testing.assert_allclose(edited, expected, rtol=1e-4)
    assert abs(edited[2, 4].mean() / images[3, 2, 4].mean() - 1) < 0.15
