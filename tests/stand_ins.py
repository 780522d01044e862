"""What statistics are given in tests: probes, predictions and attention, without a model."""

from dataclasses import dataclass

import numpy as np

from keras_saliency.records import Heatmaps, Predictions
from keras_saliency.statistics import Attention


@dataclass
class Probes:
    """Stands in for `ProbeSet`."""

    labels: np.ndarray | None = None
    multi_hot: np.ndarray | None = None
    object_masks: np.ndarray | None = None
    groups: np.ndarray | None = None
    cue_map: np.ndarray | None = None
    class_names: tuple | None = None


def full_probes(rng, num, size):
    masks = np.zeros((num, *size), bool)
    masks[:, : size[0] // 2 + 1, : size[1] // 2 + 1] = True
    index = np.arange(num)
    return Probes(
        labels=index % 2,
        object_masks=masks,
        groups=np.array(["a", "b"])[index // 2 % 2],
        cue_map=rng.random(size).astype(np.float32),
    )


def predicted(classes):
    logits = np.eye(2, dtype=np.float32)[np.asarray(classes)]
    return Predictions(logits, logits)


def attend(native, image_size=None, method="grad_cam"):
    native = np.asarray(native, np.float32)
    return Attention.from_heatmaps(Heatmaps(method, native, image_size or native.shape[1:]))
