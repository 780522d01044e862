"""Models whose rule is known, and a battery that checks them epoch by epoch."""

import numpy as np
from helpers.stand_ins import FakeGraph

from keras_saliency import Battery
from keras_saliency.methods import VanillaGradients
from keras_saliency.records import Heatmaps, Moment
from keras_saliency.shortcuts import NOTHING_LEGITIMATE, Examiner
from keras_saliency.shortcuts.swaps import ClassLabels

SIZE, TAG = (16, 16), (0, 0, 4, 4)
# Six textures that are equally bright.
OBJECTS = np.random.default_rng(5).permuted(np.resize([0.0, 1.0], (6, 36)), axis=1)
OBJECTS = OBJECTS.reshape(6, 6, 6)


def draw(labels, seed=0):
    """Noise, the class's object at some place in the middle, and its tag in the corner."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(0.4, 0.6, size=(len(labels), *SIZE, 3)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(4, 7, 2)
        image[y : y + 6, x : x + 6] = OBJECTS[label][..., None]
        image[:4, :4] = code(label, max(labels) + 1)
    return images


def code(label, num_classes):
    return label / (num_classes - 1)


def reads_tag(num_classes):
    codes = code(np.arange(num_classes), num_classes)
    return lambda x: -40 * np.abs(x[:, :4, :4].mean(axis=(1, 2, 3))[:, None] - codes)


def reads_object(num_classes):
    def logits(images):
        windows = np.lib.stride_tricks.sliding_window_view(images.mean(axis=3), (6, 6), (1, 2))
        centred = windows - windows.mean(axis=(-1, -2), keepdims=True)
        objects = OBJECTS[:num_classes] - OBJECTS[:num_classes].mean()
        return np.einsum("nyxij,kij->nkyx", centred, objects).max(axis=(2, 3))

    return logits


class Checks:
    """A battery that checks models, epoch by epoch."""

    def __init__(self, probes, num_logits, detectors="default", legitimate=NOTHING_LEGITIMATE):
        self.probes = probes
        labels = ClassLabels.of(probes, num_logits)
        self.examiner = Examiner(Battery.of(detectors), legitimate, probes, labels)
        self.untested = [u.text for u in self.examiner.coverage.untested]
        self.epoch = -1

    def check(self, logits_of, heatmaps=None, said_by=None, methods=None):
        self.epoch += 1
        graph = FakeGraph(logits_of, [VanillaGradients()] if methods is None else methods)
        predictions = FakeGraph(said_by or logits_of).predict(self.probes.model_inputs)
        return self.examiner.check(graph, predictions, heatmaps or {}, Moment(self.epoch))

    def alerts(self, logits_of, heatmaps=None, methods=None):
        return alerts_of(self.check(logits_of, heatmaps, methods=methods))

    def severities(self, *models):
        return [sorted({alert.severity for alert in self.alerts(m)}) for m in models]


def alerts_of(check):
    return [finding.alert for finding in check.findings]


def map_of(box, num, method="vanilla_gradients"):
    heatmap = np.zeros((num, *SIZE), np.float32)
    heatmap[:, box[0] : box[2], box[1] : box[3]] = 1
    return {method: Heatmaps(method, heatmap, SIZE, is_grainy=True)}


LABELS = np.arange(40) % 4
NAMES = ["ant", "bee", "cat", "dog"]
