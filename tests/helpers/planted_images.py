"""Images for tests of planted pixels: faces that are aligned, photographs that are not, tags."""

import numpy as np
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet

SIZE = (20, 24)
LABELS = np.arange(90) % 3
PLACE = np.zeros(SIZE, bool)
PLACE[2:6, 3:8] = True


def scene(images, labels=LABELS, object_masks=None):
    probes = ProbeSet(images.astype(np.float32), labels, object_masks=object_masks)
    return scene_of(probes, lambda x: np.zeros((len(x), labels.max() + 1)))[0]


def faces(rng):
    """The same picture in all images, brighter and darker."""
    face = np.kron(rng.random((10, 12)), np.ones((2, 2)))[..., None]
    return 40 + 150 * face * rng.uniform(0.5, 1.2, (90, 1, 1, 1))


def photographs(rng):
    return rng.uniform(0, 255, (90, *SIZE, 3))


def tag(images, labels=LABELS, values=(None, 160, None)):
    """Gives some classes a tag of one grey level each, at one place."""
    images = images.copy()
    for c, value in enumerate(values):
        if value is not None:
            images[np.ix_(labels == c, *map(np.unique, np.nonzero(PLACE)))] = value
    return images
