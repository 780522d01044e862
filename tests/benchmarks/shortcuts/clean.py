"""Eleven kinds of run without any shortcut, some of which look as if there were one."""

import cv2
import numpy as np
from cues import Cue
from scenes import OTHER_ANIMALS, TEXTURES, Scenes, random_colours

CLEAN_KINDS = (
    "random_place",
    "centred",
    "distractor",  # a second, smaller object that tells nothing
    "independent_tag",  # half the images carry a tag that tells nothing
    "black_background",
    "texture",  # the task is texture: any animal, of any colour, with the texture of the class
    "label_noise",  # 15 % of the training labels are wrong
    "tiny_network",
    "large_learning_rate",
    "augmentation",  # random flips and translations inside the model
    "transfer",  # convolutions trained on other classes before
)
WRONG_LABELS = 0.15
SHADE, CONTRAST = 0.65, 0.5  # of textures: brightness, and standard deviation over it


def _textured(colours, crops, labels):
    """Shades colours (n, 1, 1, 3) by crops of one mean, and of one contrast in each class.

    With the photographs' own colours, two classes would be told by these: that is a shortcut.
    """
    shades = crops.mean(axis=-1, keepdims=True)
    shades -= shades.mean(axis=(1, 2), keepdims=True)
    for label in np.unique(labels):
        shades[labels == label] /= shades[labels == label].std()
    return np.clip(SHADE * colours * (1 + CONTRAST * shades), 0, 255).astype(np.float32)


class NoCue:
    """Stands where a Cue stands, in a clean run: composes scenes, plants nothing telling."""

    def __init__(self, kind, num_classes, scenes, rng):
        self.kind, self.num_classes, self.scenes = kind, num_classes, scenes
        self.box = None
        if kind == "distractor":
            self.others = Scenes(scenes.split, scenes.size, "other_animals", OTHER_ANIMALS)
            self.are_animals = rng.random() < 0.5
        elif kind == "independent_tag":
            self.tag = Cue("one_class_tag", num_classes, scenes, rng)
        elif kind == "texture":
            self.textures = rng.permutation(TEXTURES[scenes.split])[:num_classes]

    def plant(self, layers, strength, rng, biased=True):
        """Composes the layers. See Cue.plant; strength and biased do not matter."""
        if self.kind == "independent_tag":
            return self.tag.plant(layers, 0, rng)[0], None
        backgrounds, fills = layers.backgrounds, layers.fills
        if self.kind == "black_background":
            layers.backgrounds = np.zeros_like(backgrounds)
        elif self.kind == "distractor":
            layers.backgrounds = self._distract(backgrounds, rng)
        elif self.kind == "texture":
            crops = self.scenes.backgrounds(layers.labels, rng, self.textures, brightness=1)
            layers.fills = _textured(fills, crops, layers.labels)
        images = layers.compose()
        layers.backgrounds, layers.fills = backgrounds, fills
        return images, None

    def _distract(self, backgrounds, rng):
        n, size = backgrounds.shape[:2]
        if self.are_animals:
            labels = rng.integers(len(OTHER_ANIMALS), size=n)
            papers = self.others.papers(labels, rng, sides=(0.3, 0.42))
        else:
            papers = np.stack([self._shape(size, rng) for _ in range(n)])[..., None]
        blend = backgrounds + papers * (random_colours(n, rng) - backgrounds)
        return np.rint(blend).astype(np.uint8)

    def _shape(self, size, rng):
        """Returns a disc, a triangle or a rectangle somewhere, float32 (size, size)."""
        radius = size * rng.uniform(0.11, 0.17)
        centre = rng.uniform(radius, size - radius, size=2)
        corners = rng.choice((3, 4, 24))
        angles = rng.uniform(0, 7) + np.arange(corners) * 2 * np.pi / corners
        points = centre + radius * np.stack([np.cos(angles), np.sin(angles)], -1)
        paper = np.zeros((size, size), np.uint8)
        points = np.rint(points * 16).astype(np.int32)
        cv2.fillPoly(paper, [points], 255, lineType=cv2.LINE_AA, shift=4)
        return paper.astype(np.float32) / 255
