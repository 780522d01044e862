"""What statistics are given in tests: probes, predictions and attention, without a model."""

from dataclasses import dataclass

import numpy as np

from keras_saliency.records import Heatmaps, Predictions
from keras_saliency.shortcuts.swaps import ClassLabels, Scene, ValueRange
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


def attend(native, image_size=None, is_grainy=False):
    native = np.asarray(native, np.float32)
    size = image_size or native.shape[1:]
    return Attention.from_heatmaps(Heatmaps("a_method", native, size, is_grainy=is_grainy))


class FakeGraph:
    """Stands in for `ModelGraph` where models only predict: a function from pixels to logits.

    `methods` are those that are said to have made the heatmaps.
    """

    def __init__(self, logits_of, methods=()):
        self.logits_of = logits_of
        self.methods = list(methods)
        self.seen = []

    def predict(self, images, rows=None):
        self.seen.append(np.array(images))
        logits = np.asarray(self.logits_of(np.asarray(images)), np.float32)
        return Predictions(logits, logits)


def scene_of(probes, logits_of, **more):
    """The `Scene` of a `ProbeSet` and a function from pixels to logits, and its `FakeGraph`."""
    graph = FakeGraph(logits_of)
    logits = graph.predict(probes.model_inputs).logits
    task = ClassLabels.of(probes, logits.shape[1])
    return Scene.of(probes, task, ValueRange.of(probes), graph, **more), graph
