"""Which labels are probably wrong: confident learning."""

import numpy as np

_TOLERANCE = 1e-6  # of a comparison of probabilities, as in cleanlab


def least_accuracy(num_classes: int) -> float:
    """Returns how often a model must be right before its predictions say something.

    Below that, any edit changes predictions, and another class than the label means nothing.
    """
    return min(0.70, max(1 / num_classes + 0.25, 2.5 / num_classes))


def find_label_issues(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which probes are probably labelled wrong, and what their label may be.

    A probe counts as class j if its probability of j is at least the mean that the probes labelled
    j give to j; of several such classes, as the most probable of all. Probes that count as another
    class than their label lie off the diagonal of the confident joint: these are the issues,
    unless the label is the most probable class all the same.

    Args:
        labels: int (n,), in 0 … k - 1.
        probabilities: float (n, k), of a model that was not trained on the probes.

    Returns:
        Indices of the probes, int (m,), the smallest probability of the label first; and the
        class that each counts as, int (m,). Both are empty where nothing is wrong.

    References:
        Northcutt et al., Confident Learning: Estimating Uncertainty in Dataset Labels, 2021,
        https://arxiv.org/abs/1911.00068. It is `cleanlab.filter.find_label_issues` with
        filter_by="confident_learning" and return_indices_ranked_by="self_confidence". We leave
        out its calibration, which needs more images of each class than probes usually have.
    """
    n, k = probabilities.shape
    if n == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    probabilities = probabilities.astype(np.float64)
    given = probabilities[np.arange(n), labels]
    sizes = np.bincount(labels, minlength=k)
    sums = np.bincount(labels, weights=given, minlength=k)
    with np.errstate(invalid="ignore"):  # a class without a probe has no threshold
        thresholds = np.where(sizes > 0, np.maximum(sums / sizes, 2 * _TOLERANCE), np.inf)
    confident = probabilities >= thresholds - _TOLERANCE
    most = probabilities.argmax(axis=1)
    counted = np.where(confident.sum(axis=1) > 1, most, confident.argmax(axis=1))
    is_issue = confident.any(axis=1) & (counted != labels)
    is_issue &= given + _TOLERANCE < probabilities.max(axis=1)
    found = np.flatnonzero(is_issue)
    found = found[np.argsort(given[found], kind="stable")]
    return found, counted[found]
