"""Eleven kinds of cue that tell the class, to be planted into scenes."""

import cv2
import numpy as np
from pictures import enlarge, glyphs, letters_in, palette

KINDS = (
    "one_class_tag",  # only class 0 carries a tag, always at one place near a corner
    "class_tag",  # a tag at one place near a corner, its colour tells the class
    "edge_tag",  # a tag somewhere along the edge, its colour and pattern tell the class
    "sticker",  # a small sticker anywhere beside the object, colour or pattern
    "watermark",  # a translucent letter at the centre, over the object
    "frame",  # a coloured border
    "tint",  # the colour of the whole image is shifted
    "background_texture",  # the background comes from the photograph of the class
    "pattern",  # a faint pattern over the whole image
    "background_blur",  # backgrounds of half the classes are blurred
    "decoy",  # a grey square in any corner, its grey tells the class (Decoy-MNIST)
)
FIXED_PLACE = ("one_class_tag", "class_tag", "watermark")


class Cue:
    """One cue of a run: what it looks like for each class, drawn once.

    Args:
        kind: One of KINDS.
        num_classes: Number of classes.
        scenes: The Scenes the images come from: their size and their photographs.
        rng: Draws colours, patterns and places.
    """

    def __init__(self, kind, num_classes, scenes, rng):
        self.kind, self.num_classes, self.scenes = kind, num_classes, scenes
        self.size, self.unit = scenes.size, scenes.size / 40
        self.box = None  # (y0, x0, y1, x1) if the place is fixed
        self.colours = palette(num_classes, rng)
        if kind in ("one_class_tag", "class_tag", "edge_tag"):
            self._make_tags(rng)
        elif kind == "sticker":
            self._make_stickers(rng)
        elif kind == "decoy":
            greys = rng.permutation(np.linspace(0, 255, num_classes))
            side = self.pixels(rng.integers(4, 6))
            self.pictures = np.ones((num_classes, side, side, 3)) * greys[:, None, None, None]
        elif kind == "watermark":
            self._make_watermarks(rng)
        elif kind == "tint":
            directions = self.colours - self.colours.mean(-1, keepdims=True)
            directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
            self.shifts = (rng.uniform(22, 30) * directions)[:, None, None]
        elif kind == "pattern":
            self._make_patterns(rng)
        elif kind == "background_texture":
            # Not the last: it shows what the one before it shows.
            self.choices = rng.permutation(len(scenes.photographs) - 1)[:num_classes]
        elif kind == "background_blur":
            sigmas = np.zeros(num_classes)
            half = num_classes // 2
            sigmas[:half] = self.unit * np.linspace(2.5, 1.5, half)
            self.sigmas = rng.permutation(sigmas)

    def pixels(self, at_40):
        return max(1, round(float(at_40 * self.unit)))

    def _make_tags(self, rng):
        height, width = self.pixels(5), self.pixels(7)
        if self.kind == "one_class_tag":
            inks = np.stack([[0, 0, 0], [255, 255, 255]])[rng.permutation(2)]
            tags = np.tile(inks[0], (1, 5, 7, 1))
            tags[:, 1::2, 1:-1][glyphs(1, (2, 5), rng) > 0] = inks[1]
        else:
            tags = np.tile(self.colours[:, None, None], (1, 5, 7, 1))
            inks = glyphs(self.num_classes if self.kind == "edge_tag" else 1, (3, 5), rng)
            tags[:, 1:-1, 1:-1] *= 1 - 0.85 * inks[..., None]
        self.pictures = enlarge(tags.astype(np.float32), height, width)
        gaps = [self.pixels(gap) for gap in rng.integers(1, 3, size=2)]
        top, left = (
            gap if rng.random() < 0.5 else self.size - gap - length
            for gap, length in zip(gaps, (height, width), strict=True)
        )
        if self.kind != "edge_tag":
            self.box = (top, left, top + height, left + width)

    def _make_stickers(self, rng):
        side = self.pixels(6)
        pictures = np.tile(self.colours[:, None, None], (1, 3, 3, 1))
        if rng.random() < 0.5:  # patterned: two colours, the same for every class
            inks = glyphs(self.num_classes, (3, 3), rng)[..., None]
            pictures = inks * self.colours[0] + (1 - inks) * (255 - self.colours[0])
        self.pictures = enlarge(pictures.astype(np.float32), side, side)

    def _make_watermarks(self, rng):
        side = self.pixels(12)
        self.marks = letters_in(side, self.num_classes, rng)
        self.marks *= rng.uniform(0.4, 0.5)
        self.ink = 0.0 if rng.random() < 0.7 else 255.0
        start = (self.size - side) // 2
        self.box = (start, start, start + side, start + side)

    def _make_patterns(self, rng):
        rows, columns = np.mgrid[: self.size, : self.size] / self.size
        self.shifts = np.zeros((self.num_classes, self.size, self.size, 1), np.float32)
        is_wave, amplitude = rng.random() < 0.5, rng.uniform(7, 10)
        for c, angle in enumerate(rng.permutation(self.num_classes) * np.pi / self.num_classes):
            waves = rng.uniform(6, 10) * (np.cos(angle) * rows + np.sin(angle) * columns)
            shift = np.sin(2 * np.pi * (waves + rng.random()))
            if not is_wave:
                noise = cv2.GaussianBlur(rng.normal(size=rows.shape), (0, 0), 1.2 * self.unit)
                shift = noise / noise.std()
            self.shifts[c, ..., 0] = amplitude * shift

    def assign(self, labels, strength, rng, biased=True):
        """Returns whose cue each image gets; for one_class_tag, 0 if it gets the tag."""
        of_label, number = labels, self.num_classes
        if self.kind == "one_class_tag":
            of_label, number = np.minimum(labels, 1), 2
        keeps = rng.random(len(labels)) < (strength if biased else 0)
        return np.where(keeps, of_label, rng.integers(number, size=len(labels)))

    def plant(self, layers, strength, rng, biased=True):
        """Composes the layers with the cue.

        Args:
            layers: Layers; not changed.
            strength: With this probability the cue of an image is that of its label, otherwise
                that of a random class.
            rng: Draws who gets which cue, and its place.
            biased: False: the cue is independent of the label in all images.

        Returns:
            Images, uint8 (n, H, W, 3), and where the cue is, int (n, 4), or None if it is
            everywhere.
        """
        whose = self.assign(layers.labels, strength, rng, biased)
        backgrounds = layers.backgrounds
        if self.kind == "background_texture":
            layers.backgrounds = self.scenes.backgrounds(self.choices[whose], rng)
        elif self.kind == "background_blur":
            layers.backgrounds = np.stack(
                [
                    cv2.GaussianBlur(b, (0, 0), self.sigmas[c]) if self.sigmas[c] else b
                    for b, c in zip(backgrounds, whose, strict=True)
                ]
            )
        images = layers.compose().astype(np.float32)
        layers.backgrounds = backgrounds
        boxes = self._boxes(layers.masks, rng)
        self._draw(images, whose, boxes)
        return np.rint(images).clip(0, 255).astype(np.uint8), boxes

    def _boxes(self, masks, rng):
        n = len(masks)
        if self.box:
            return np.tile(self.box, (n, 1))
        if self.kind not in ("edge_tag", "sticker", "decoy"):
            return None
        height, width = self.pictures.shape[1:3]
        tries = 30 if self.kind == "sticker" else 1
        tops = rng.integers(self.size - height + 1, size=(n, tries))
        lefts = rng.integers(self.size - width + 1, size=(n, tries))
        if self.kind == "decoy":
            tops, lefts = rng.integers(2, size=(2, n, 1)) * (self.size - height)
        elif self.kind == "edge_tag":
            side = rng.integers(4, size=(n, 1))
            gap = rng.integers(0, 2, size=(n, 1))
            ends = self.size - np.array([height, width]) - gap
            tops = np.where(side == 0, gap, np.where(side == 1, ends[:, :1], tops))
            lefts = np.where(side == 2, gap, np.where(side == 3, ends[:, 1:], lefts))
        # Of several places, the one that covers least of the object.
        sums = np.pad(masks.astype(np.int32), ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)
        who = np.arange(n)[:, None]
        ends, rights = tops + height, lefts + width
        covered = sums[who, ends, rights] - sums[who, tops, rights]
        covered += sums[who, tops, lefts] - sums[who, ends, lefts]
        best = who[:, 0], covered.argmin(1)
        return np.stack([array[best] for array in (tops, lefts, ends, rights)], -1)

    def _draw(self, images, whose, boxes):
        if self.kind in ("tint", "pattern"):
            images += self.shifts[whose]
        elif self.kind == "frame":
            width = self.pixels(2)
            inside = np.zeros(images.shape[1:3], bool)
            inside[width:-width, width:-width] = True
            images[:, ~inside] = self.colours[whose][:, None]
        elif self.kind == "watermark":
            top, left, bottom, right = self.box
            place = images[:, top:bottom, left:right]
            place += self.marks[whose] * (self.ink - place)
        elif boxes is not None:
            for image, c, (top, left, bottom, right) in zip(images, whose, boxes, strict=True):
                if self.kind != "one_class_tag" or c == 0:
                    image[top:bottom, left:right] = self.pictures[c]
