"""`ClassLabels`: which classes a probe has, and which a model predicts, for every kind of head."""

from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.probes import ProbeSet

MAX_CLASSES = 20  # that are tested where the user names none


@short_repr
@dataclass(frozen=True, eq=False)
class ClassLabels:
    """The labels as yes or no for each class, in a multi-label task for each label by itself.

    Attributes:
        has_class: bool (n, k), the labels; k = 2 for a one-unit head.
        is_multi_label: whether a probe may have several classes or none.
    """

    has_class: np.ndarray
    is_multi_label: bool

    @classmethod
    def of(cls, probes: ProbeSet, num_logits: int) -> "ClassLabels | None":
        """Returns the labels of probes for a model with so many logits; None without labels."""
        if probes.multi_hot is not None:
            return cls(probes.multi_hot > 0, True)
        if probes.class_labels is None:
            return None
        return cls(_one_hot(probes.class_labels, max(2, num_logits)), False)

    def says(self, logits: np.ndarray) -> np.ndarray:
        """Returns which classes these logits (m, k) say, bool (m, k)."""
        if self.is_multi_label:
            return np.asarray(logits) > 0
        if logits.shape[1] == 1:
            is_second = logits[:, 0] > 0
            return np.stack([~is_second, is_second], axis=1)
        return _one_hot(np.argmax(logits, axis=1), logits.shape[1])

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """Returns how far each class is from being said, (m, k), positive where it is."""
        logits = np.asarray(logits, np.float64)
        if self.is_multi_label:
            return logits
        if logits.shape[1] == 1:
            return np.concatenate([-logits, logits], axis=1)
        ordered = np.sort(logits, axis=1)
        best_other = np.where(logits == ordered[:, -1:], ordered[:, -2:-1], ordered[:, -1:])
        return logits - best_other

    @property
    def num_classes(self) -> int:
        """The number of classes, k."""
        return self.has_class.shape[1]

    def accuracy(self, is_said: np.ndarray) -> float:
        """Returns the share of probes (of labels, in a multi-label task) that are right."""
        right = is_said == self.has_class
        return float(right.mean() if self.is_multi_label else right.all(axis=1).mean())

    def frequent_classes(self, limit: int = MAX_CLASSES) -> list[int]:
        """Returns the classes with most probes, at most `limit`, ascending."""
        counts = self.has_class.sum(axis=0)
        most = np.argsort(-counts, kind="stable")[:limit]
        return sorted(int(c) for c in most if counts[c])


def _one_hot(classes: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns bool (n, k); classes may be many, so no square of them is made."""
    found = np.zeros((len(classes), num_classes), bool)
    found[np.arange(len(classes)), classes] = True
    return found
