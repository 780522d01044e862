"""Which classes are tested for shortcuts, and which have too few probes."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.probes import ProbeSet
from keras_saliency.shortcuts.coverage import Untested
from keras_saliency.shortcuts.swaps import MAX_CLASSES, ClassLabels

MIN_DONORS, MIN_RECIPIENTS = 4, 10  # distinct images, to say anything


def choose_classes(class_labels: ClassLabels, wanted: list[int] | None) -> list[int]:
    """Returns the classes that are tested, ascending: those wanted, or the most frequent.

    Raises:
        ValueError: if those wanted are none of the model's.
    """
    classes = class_labels.frequent_classes() if wanted is None else wanted
    if max(classes) >= class_labels.num_classes:
        raise ValueError(
            f"classes must be below {class_labels.num_classes}, the number of the model's "
            f"classes. Received: {classes}."
        )
    return classes


def check_classes(classes: Any) -> list[int]:
    """Returns class numbers as ints, ascending; refuses anything else."""
    values = list(classes) if isinstance(classes, Iterable) else []
    wrong = [c for c in values if isinstance(c, bool) or not isinstance(c, int | np.integer)]
    if wrong or not values or min(values) < 0:
        raise ValueError(f"classes must be a list of class numbers. Received: {shown(classes)}.")
    return sorted({int(c) for c in values})


def classes_with_too_few(
    probes: ProbeSet, class_labels: ClassLabels, classes: list[int]
) -> list[Untested]:
    """Returns the classes in which no swap can be proven."""
    if len(probes) < MIN_RECIPIENTS:
        text = f"anything ({len(probes)} probes; at least {MIN_RECIPIENTS} are needed)"
        return [Untested("all classes", "too few", text)]
    counts = class_labels.has_class.sum(axis=0)
    few = [c for c in classes if counts[c] < MIN_DONORS or len(probes) - counts[c] < MIN_DONORS]
    found = [
        Untested(
            probes.class_text(c),
            "too few",
            f'class "{probes.class_text(c)}", which {counts[c]} of {len(probes)} probes have '
            f"(at least {MIN_DONORS} with it and {MIN_DONORS} without are needed, 10 are better)",
        )
        for c in few[:5]
    ]
    if len(few) > 5:
        found.append(Untested("classes", "too few", f"{len(few) - 5} more such classes"))
    if len(classes) == MAX_CLASSES < class_labels.num_classes:
        text = f"classes other than the {MAX_CLASSES} that most probes have"
        found.append(Untested("classes", "too few", text))
    return found
