"""`Battery`: which detectors search for shortcuts, and how, as the user asks for it."""

import math
from collections.abc import Iterable
from typing import Any

from keras_saliency._utils.arguments import shown
from keras_saliency.probes import ProbeSet
from keras_saliency.shortcuts.coverage import Untested
from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.legitimate import Legitimate
from keras_saliency.shortcuts.messages import needs_objects
from keras_saliency.shortcuts.swaps import ClassLabels, Objects
from keras_saliency.shortcuts.tested_classes import (
    check_classes,
    choose_classes,
    classes_with_too_few,
)

NAMES = (*SWAP_DETECTORS, GroupGap.name)


class Battery:
    """Which detectors search for shortcuts, configured.

    Args:
        detectors: "default" for all that the probes allow, or a list of their names.
        classes: numbers of the classes that are tested. Defaults to None, all, or the 20
            that most probes have.
        value_range: (low, high), the values that pixels of the probes may have. Defaults
            to None, inferred.

    Raises:
        ValueError: if a name is unknown, or a range is none.
        TypeError: if an argument is of the wrong kind.
    """

    def __init__(
        self,
        detectors: str | list[str] | tuple[str, ...] = "default",
        *,
        classes: Iterable[int] | None = None,
        value_range: tuple[float, float] | None = None,
    ):
        self.is_default = isinstance(detectors, str) and detectors == "default"
        if isinstance(detectors, str):
            detectors = NAMES if detectors == "default" else [detectors]
        if not isinstance(detectors, list | tuple):
            raise TypeError(
                f'detectors must be "default", None or a list of names. Received: '
                f"{shown(detectors)}. Known: {', '.join(NAMES)}."
            )
        for name in detectors:
            if not isinstance(name, str) or name not in NAMES:
                raise ValueError(
                    f"detectors holds an unknown detector {shown(name)}. "
                    f"Pass some of: {', '.join(NAMES)}."
                )
        self.names = tuple(dict.fromkeys(detectors))
        self.classes = None if classes is None else check_classes(classes)
        self.value_range = None if value_range is None else _check_range(value_range)

    @classmethod
    def of(cls, detectors: Any) -> "Battery | None":
        """Returns a battery as it is, makes one of names; None stays None."""
        return detectors if detectors is None or isinstance(detectors, Battery) else cls(detectors)

    @property
    def compares_groups(self) -> bool:
        """Whether the accuracy of groups is to be compared."""
        return GroupGap.name in self.names

    def classes_of(self, class_labels: ClassLabels) -> list[int]:
        """Returns the classes that are tested, ascending.

        Raises:
            ValueError: if `classes` are none of the model's.
        """
        return choose_classes(class_labels, self.classes)

    def choose(
        self,
        probes: ProbeSet,
        class_labels: ClassLabels,
        objects: Objects | None,
        legitimate: Legitimate,
    ) -> tuple[list[SwapDetector], list[Untested]]:
        """Returns the detectors that apply to some images, and what is left out.

        Args:
            probes: `ProbeSet` of all images that are swapped, with labels.
            class_labels: their `ClassLabels`.
            objects: their `Objects`, or None where these are not known.
            legitimate: what the user calls legitimate.
        """
        untested = classes_with_too_few(probes, class_labels, self.classes_of(class_labels))
        is_cautious = self.is_default and probes.images.ndim != 4
        if is_cautious and objects is None:
            text = (
                "signals and volumes without object_masks, where a cue at one place cannot be told "
                "from what is meant (or name those of the detectors that can)"
            )
            untested.append(Untested("signals and volumes", "ambiguous", text))
        unsure, found = [], list[SwapDetector]()
        for name in self.names:
            if name == GroupGap.name:
                continue
            detector = SWAP_DETECTORS[name]
            if legitimate.cues & detector.legitimate:
                untested.append(Untested(name, "legitimate", f"{name}, which is legitimate"))
            elif detector.needs_objects and (objects is None or not objects.leave_room):
                text = needs_objects(name, probes, fill_images=objects is not None)
                untested.append(Untested(name, "needs objects", text))
            elif detector.images_only and probes.images.ndim != 4:
                untested.append(Untested(name, "images only", f"{name}, which is for images"))
            elif is_cautious and (objects is None or not detector.spares_objects):
                unsure.append(name)
            else:
                found.append(detector)
        if unsure:
            names = ", ".join(unsure)
            text = f"{names}, for images unless you name them in detectors"
            untested.append(Untested(names, "images only", text))
        return found, untested


def _check_range(value_range: Any) -> tuple[float, float]:
    try:
        ends = () if isinstance(value_range, str) else value_range
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        low = high = 0.0
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"value_range must be (low, high). Received: {shown(value_range)}.")
    return low, high
