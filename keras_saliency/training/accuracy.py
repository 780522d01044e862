"""`AccuracyComparison`: whether the probes are prepared like the training data."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_saliency._utils.notify import notify
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Moment, Predictions

# The share of trainings that get the notice although nothing is wrong, over all their epochs.
FALSE_NOTICES = 0.01
# What Keras calls the share of correct classes; "accuracy" is whichever of them fits the labels.
_KEYS = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy")


class AccuracyComparison:
    """Compares the accuracy on the probes with that on the validation data.

    Probes that were scaled otherwise than the training data are classified badly, while
    `val_accuracy` is good. One notice says so, where chance explains the difference in at most 1 %
    of all trainings. The other direction is not judged: probes from the training data are
    classified better.

    The classes' shares in the validation data are taken to be those of the data that the probes
    were chosen from (`ProbeSet.class_counts`). Where these are unknown, any shares are thought
    possible, so that no class of the probes may be as good as `val_accuracy`.

    Args:
        probes: `ProbeSet`.
    """

    def __init__(self, probes: ProbeSet):
        self._probes = probes
        self._num_comparisons = 0
        self._is_told = False

    def compare(self, predictions: Predictions, moment: Moment, logs: Mapping[str, Any]) -> None:
        """Compares at the end of an epoch; notifies once.

        Args:
            predictions: `Predictions` for the probes.
            moment: `Moment` of the observation.
            logs: those of Keras, with a validation accuracy or without.
        """
        expected = _validation_accuracy(logs, predictions.logits.shape[1])
        labels = self._probes.class_labels
        if self._is_told or expected is None or labels is None or not predictions.has_classes:
            return
        classes, sizes = np.unique(labels, return_counts=True)
        if len(classes) < max(2, predictions.logits.shape[1]):
            return  # those without a probe may be the good ones
        self._num_comparisons += 1
        # These add up to no more than `FALSE_NOTICES`, however many epochs there are.
        risk = FALSE_NOTICES / (self._num_comparisons * (self._num_comparisons + 1))
        shares, num_images = self._shares(classes)
        corrects = [
            np.array([is_correct[labels == c].sum() for c in classes])
            for is_correct in _readings(predictions, labels)
        ]
        if all(chance_of(c, sizes, shares, expected, num_images) < risk for c in corrects):
            self._is_told = True
            weights = sizes / sizes.sum() if shares is None else shares
            accuracy = float((weights * corrects[0] / sizes).sum())
            self._tell(accuracy, expected, shares is not None, moment)

    def _shares(self, classes: np.ndarray) -> tuple[np.ndarray | None, int]:
        """The classes' shares, None where they are unknown, and how many images these are of."""
        counts = self._probes.class_counts
        if counts is None or set(counts) != set(classes.tolist()):
            return None, len(self._probes)
        found = np.array([counts[c] for c in classes.tolist()], float)
        return found / found.sum(), int(found.sum())

    def _tell(self, accuracy: float, expected: float, is_weighted: bool, moment: Moment) -> None:
        inputs = self._probes.model_inputs
        weighted = ", weighted by the classes' shares," if is_weighted else ""
        when = f"{moment.when[0].upper()}{moment.when[1:]}"
        notify(
            f"{when}: {accuracy:.0%} of the probes{weighted} are classified correctly, but "
            f"val_accuracy is {expected:.0%}. Chance does not explain this. The probes may not be "
            f"prepared like the training data: the model is given pixels in {inputs.min():g} … "
            f"{inputs.max():g}. Compare this with a batch of the training data, and pass "
            "ProbeSet(..., preprocess=function) where they differ."
        )


def chance_of(
    correct: np.ndarray,
    sizes: np.ndarray,
    shares: np.ndarray | None,
    accuracy: float,
    num_images: int,
) -> float:
    """Returns how probable so few correct probes are, if other images have this accuracy.

    The accuracy of each class is unknown. So this is the largest of Chernoff's bounds over all
    accuracies of the classes that make up the given one. The other images are a sample as well:
    with as many of them as probes, the exponent is half as large.

    Args:
        correct: how many probes of each class are classified correctly, (k,).
        sizes: how many probes each class has, (k,), at least 1.
        shares: the classes' shares, (k,), which sum to 1; None for any shares.
        accuracy: that of the other images, in [0, 1].
        num_images: how many other images there are.

    Returns:
        float in [0, 1].
    """
    if shares is None:
        # At least one class has that accuracy or a better one.
        one = np.ones(1)
        pairs = zip(correct, sizes, strict=True)
        return max(chance_of(one * c, one * n, one, accuracy, num_images) for c, n in pairs)
    accuracy = (accuracy * num_images + 1) / (num_images + 2)  # 1.0 does not exclude an error
    weights = shares / sizes  # of a probe of each class
    seen = float((weights * correct).sum())
    if seen >= accuracy:
        return 1.0
    slopes = np.geomspace(0.01, 300, 50)[:, None] / weights.max()
    drops = -np.expm1(-slopes * weights)  # (num_slopes, k)
    # The accuracies of classes that allow most: a Lagrange multiplier, by bisection of its log.
    gains = sizes * drops / shares
    low = np.log(gains.min(axis=1, keepdims=True))
    high = (np.log(gains) + slopes * weights).max(axis=1, keepdims=True)
    for _ in range(40):
        middle = (low + high) / 2
        classes = np.clip((1 - gains * np.exp(-middle)) / drops, 0, 1)
        is_below = (shares * classes).sum(axis=1, keepdims=True) < accuracy
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    with np.errstate(divide="ignore"):
        bounds = slopes[:, 0] * seen + (sizes * np.log1p(-classes * drops)).sum(axis=1)
    share = num_images / (num_images + sizes.sum())
    return float(np.exp(share * min(0.0, bounds.min())))


def _readings(predictions: Predictions, labels: np.ndarray) -> list[np.ndarray]:
    """Which probes are correct; of one unit in two readings, since Keras asks for output > 0.5."""
    found = [predictions.classes == labels]
    if predictions.logits.shape[1] == 1:
        found.append((predictions.logits[:, 0] > 0.5) == labels)
    return found


def _validation_accuracy(logs: Mapping[str, Any], num_logits: int) -> float | None:
    keys = (*_KEYS, "binary_accuracy") if num_logits == 1 else _KEYS
    values = [logs[f"val_{key}"] for key in keys if f"val_{key}" in logs]
    value = float(values[0]) if values else float("nan")
    return value if 0 <= value <= 1 else None
