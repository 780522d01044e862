"""`Legitimate`: what a model may decide by, as the user says."""

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.boxes import BOXES, box_masks, check_box
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS

LEGITIMATE_CUES = tuple(sorted(set().union(*(d.legitimate for d in SWAP_DETECTORS.values()))))


@dataclass(frozen=True)
class Legitimate:
    """What the user calls legitimate.

    Attributes:
        cues: names of cues, such as "colour".
        boxes: (y0, x0, y1, x1) in pixels, half-open. For signals (start, end), for volumes
            (z0, y0, x0, z1, y1, x1).
    """

    cues: frozenset[str] = frozenset()
    boxes: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, legitimate: Any, image_size: Sequence[int]) -> "Legitimate":
        """Checks `legitimate=[...]`.

        Raises:
            TypeError: if it is no list of names and boxes.
            ValueError: if a name is unknown, a box does not lie in the image, or boxes cover it.
        """
        if isinstance(legitimate, Legitimate):
            return legitimate
        box = BOXES[len(image_size)]
        if isinstance(legitimate, str) or not isinstance(legitimate, list | tuple):
            raise TypeError(
                f"legitimate must be a list of words and of boxes {box}. Received: "
                f"{shown(legitimate)}. Words: {', '.join(LEGITIMATE_CUES)}."
            )
        if legitimate and all(isinstance(entry, numbers.Real) for entry in legitimate):
            raise TypeError(
                f"legitimate must be a list; a box in it is written legitimate=[{box}]. Received: "
                f"{shown(legitimate)}."
            )
        cues, boxes = [], []
        for entry in legitimate:
            if isinstance(entry, str):
                if entry not in LEGITIMATE_CUES:
                    raise ValueError(
                        f'legitimate holds "{entry}". Pass boxes {box} or some of: '
                        f"{', '.join(LEGITIMATE_CUES)}."
                    )
                cues.append(entry)
            else:
                boxes.append(check_box("legitimate", entry, image_size))
        found = cls(frozenset(cues), tuple(boxes))
        mask = found.mask(image_size)
        if mask is not None and mask.all():
            raise ValueError(
                "legitimate holds boxes that cover the whole image, so nothing is left to swap. "
                "Pass smaller boxes, or detectors=None to switch the search off."
            )
        return found

    def mask(self, image_size: Sequence[int]) -> np.ndarray | None:
        """Returns the boxes as one bool (H, W), None without boxes."""
        if not self.boxes:
            return None
        return np.any(box_masks(self.boxes, image_size), axis=0)


NOTHING_LEGITIMATE = Legitimate()
