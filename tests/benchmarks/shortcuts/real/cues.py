"""Eleven kinds of cue that tell the class, to be planted into real images, grey or coloured."""

import cv2
import numpy as np
from pictures import enlarge, glyphs, letters_in, palette

KINDS = (
    "corner_tag",  # one class only carries a tag near a corner
    "class_tag",  # a tag near a corner; its colour and its pattern tell the class
    "moving_tag",  # the same, anywhere along the edge
    "frame",  # a border in the colour of the class
    "pattern",  # a faint pattern over the whole image, one for each class
    "brightness",  # the image is darkened, by a factor of the class
    "tint",  # the channels are darkened by different factors (coloured images only)
    "watermark",  # a translucent letter at one place
    "jpeg",  # compressed, with a quality of the class
    "noise",  # Gaussian noise, of a strength of the class
    "blur",  # Gaussian blur, of a width of the class
)
FIXED_PLACE = ("corner_tag", "class_tag", "watermark")
LEVELLED = ("brightness", "jpeg", "noise", "blur")
TAGS = ("corner_tag", "class_tag", "moving_tag")


class Cue:
    """One cue of a run: what it looks like for each class, drawn once.

    Args:
        kind: one of KINDS.
        num_classes: number of classes.
        image_shape: (H, W, C), C = 1 or 3.
        strength: 1 for the usual contrast or width; more makes the cue easier to learn.
        halves: for LEVELLED kinds: half of the classes have one level and half another, instead
            of one level for each class.
        rng: draws colours, patterns, levels and places.

    Attributes:
        box: (y0, x0, y1, x1) where the place is fixed, else None.
    """

    def __init__(self, kind, num_classes, image_shape, *, strength=1.0, halves=False, rng):
        self.kind, self.num_classes, self.strength = kind, num_classes, strength
        self.height, self.width, self.channels = image_shape
        self.unit = min(image_shape[:2]) / 40
        self.box = None
        self.carrier = rng.integers(num_classes)  # of corner_tag
        self.colours = palette(num_classes, rng)
        if self.channels == 1:  # spread over black to white, as hues are over the circle
            greys = rng.permutation(np.linspace(30, 255, num_classes))
            self.colours = np.repeat(greys[:, None], 3, axis=1).astype(np.float32)
        if kind in TAGS:
            self._make_tags(rng)
        elif kind == "watermark":
            self._make_watermarks(rng)
        elif kind == "pattern":
            self._make_patterns(rng)
        elif kind in LEVELLED:
            steps = np.linspace(0, 1, 2 if halves else num_classes)
            self.levels = rng.permutation(np.resize(steps, num_classes))

    def _pixels(self, at_40):
        return max(1, round(float(at_40 * self.unit)))

    def _make_tags(self, rng):
        height, width = self._pixels(5 * self.strength), self._pixels(7 * self.strength)
        tags = np.tile(self.colours[:, None, None], (1, 5, 7, 1))
        inks = glyphs(self.num_classes, (3, 5), rng)[..., None]
        dark, light = 0.15 * self.colours[:, None, None], 255 - 0.3 * self.colours[:, None, None]
        inside = tags[:, 1:-1, 1:-1]
        other = np.where(inside.mean(-1, keepdims=True) > 110, dark, light)
        tags[:, 1:-1, 1:-1] = inks * other + (1 - inks) * inside
        self.pictures = enlarge(tags.astype(np.float32), height, width)
        top, left = (
            gap if rng.random() < 0.5 else length - gap - side
            for gap, length, side in zip(
                [self._pixels(1), self._pixels(1)],
                (self.height, self.width),
                (height, width),
                strict=True,
            )
        )
        if self.kind != "moving_tag":
            self.box = (top, left, top + height, left + width)

    def _make_watermarks(self, rng):
        side = self._pixels(13 * max(1, self.strength / 1.8))
        self.marks = letters_in(side, self.num_classes, rng)
        self.marks *= min(0.95, self.strength * rng.uniform(0.35, 0.45))
        self.ink = rng.choice([0.0, 255.0]) if self.channels == 3 else 255.0
        top, left = (rng.integers(length - side + 1) for length in (self.height, self.width))
        self.box = (top, left, top + side, left + side)

    def _make_patterns(self, rng):
        """A fine wave, for networks that average over the image, on a coarse cloud, for others."""
        rows, columns = np.mgrid[: self.height, : self.width] / min(self.height, self.width)
        shifts = np.zeros((self.num_classes, self.height, self.width, 1), np.float32)
        for c, angle in enumerate(rng.permutation(self.num_classes) * np.pi / self.num_classes):
            turns = rng.uniform(7, 10) * (np.cos(angle) * rows + np.sin(angle) * columns)
            wave = np.sin(2 * np.pi * (turns + rng.random()))
            cloud = cv2.GaussianBlur(rng.normal(size=rows.shape), (0, 0), 2 * self.unit)
            shifts[c, ..., 0] = wave / wave.std() + cloud / cloud.std()
        self.shifts = shifts * rng.uniform(6, 8) * self.strength

    def assign(self, labels, fidelity, rng, biased=True):
        """Returns the class whose cue each image gets: its own, or that of a random class.

        Args:
            labels: int (n,).
            fidelity: probability that an image gets the cue of its label; the others draw one.
            rng: draws.
            biased: False: all draw one.
        """
        keeps = rng.random(len(labels)) < (fidelity if biased else 0)
        return np.where(keeps, labels, rng.integers(self.num_classes, size=len(labels)))

    def plant(self, images, whose, rng):
        """Returns the images with the cues of the classes `whose`, uint8 (n, H, W, C)."""
        found = np.repeat(images, 3, axis=-1) if self.channels == 1 else images
        found = found.astype(np.float32)
        if self.kind in TAGS:
            self._stick(found, whose, rng)
        elif self.kind == "frame":
            edge = self._pixels(2 * self.strength)
            is_edge = np.ones((self.height, self.width), bool)
            is_edge[edge:-edge, edge:-edge] = False
            found[:, is_edge] = self.colours[whose][:, None]
        elif self.kind == "watermark":
            top, left, bottom, right = self.box
            place = found[:, top:bottom, left:right]
            place += self.marks[whose] * (self.ink - place)
        elif self.kind == "pattern":
            found += self.shifts[whose]
        elif self.kind == "tint":
            gains = 1 - min(0.95, 0.35 * self.strength) * (1 - self.colours / 255)
            found *= gains[whose][:, None, None]
        elif self.kind == "brightness":
            gains = 1 - min(0.9, 0.55 * self.strength) * self.levels
            found *= gains[whose][:, None, None, None]
        elif self.kind == "noise":
            grain = rng.normal(size=(*found.shape[:3], 1 if self.channels == 1 else 3))
            found += 25 * self.strength * self.levels[whose][:, None, None, None] * grain
        found = np.rint(found).clip(0, 255).astype(np.uint8)
        if self.kind in ("jpeg", "blur"):
            found = np.stack([self._degrade(*of) for of in zip(found, whose, strict=True)])
        return found[..., : self.channels]

    def _stick(self, images, whose, rng):
        height, width = self.pictures.shape[1:3]
        for image, c in zip(images, whose, strict=True):
            if self.box:
                top, left = self.box[:2]
            else:
                ends = self.height - height, self.width - width
                top, left = (rng.integers(end + 1) for end in ends)
                if rng.random() < 0.5:
                    top = rng.choice([0, ends[0]])
                else:
                    left = rng.choice([0, ends[1]])
            if self.kind != "corner_tag" or c == self.carrier:
                image[top : top + height, left : left + width] = self.pictures[c]

    def _degrade(self, image, whose):
        level = self.levels[whose]
        if self.kind == "blur":
            sigma = 1.2 * self.unit * self.strength * level
            return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.1 else image
        # Evenly spaced in the logarithm, as quantisation is felt.
        quality = round(95 * (8 / 95 / self.strength) ** level)
        stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, max(1, quality)])[1]
        return cv2.imdecode(stored, cv2.IMREAD_COLOR)
