"""`Legitimate`: what a model may decide by, as the user says."""

from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.boxes import BOXES, box_masks, check_box
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS

LEGITIMATE_WORDS = tuple(sorted(set().union(*(d.legitimate for d in SWAP_DETECTORS.values()))))


@dataclass(frozen=True)
class Legitimate:
    """What the user calls legitimate.

    Attributes:
        words: detectors' kinds of cue, such as "colour".
        boxes: (y0, x0, y1, x1) in pixels, half-open. Of signals (start, end), of volumes
            (z0, y0, x0, z1, y1, x1).
    """

    words: frozenset[str] = frozenset()
    boxes: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, legitimate, image_size) -> "Legitimate":
        """Checks `legitimate=[...]`.

        Raises:
            TypeError: if it is no list of words and boxes.
            ValueError: if a word is unknown, or a box does not lie in the image.
        """
        box = BOXES[len(image_size)]
        if isinstance(legitimate, str) or not isinstance(legitimate, list | tuple):
            raise TypeError(
                f"legitimate must be a list of words and of boxes {box}. Received: "
                f"{shown(legitimate)}. Words: {', '.join(LEGITIMATE_WORDS)}."
            )
        words, boxes = [], []
        for entry in legitimate:
            if isinstance(entry, str):
                if entry not in LEGITIMATE_WORDS:
                    raise ValueError(
                        f'legitimate holds "{entry}". Pass boxes {box} or some of: '
                        f"{', '.join(LEGITIMATE_WORDS)}."
                    )
                words.append(entry)
            else:
                boxes.append(check_box("legitimate", entry, image_size))
        return cls(frozenset(words), tuple(boxes))

    def mask(self, image_size) -> np.ndarray | None:
        """Returns the boxes as one bool (H, W), None without boxes."""
        if not self.boxes:
            return None
        return np.any(box_masks(self.boxes, image_size), axis=0)


NOTHING_LEGITIMATE = Legitimate()
