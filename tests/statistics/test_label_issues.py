"""Confident learning, by hand and against what cleanlab has found."""

import numpy as np
import pytest

from keras_saliency.statistics import find_label_issues, least_accuracy


def test_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 1])
    of_class_1 = np.array([0.1, 0.2, 0.9, 0.9, 0.7, 0.2])
    probabilities = np.stack([1 - of_class_1, of_class_1], axis=1)
    # Thresholds: (0.9 + 0.8 + 0.1) / 3 = 0.6 for class 0, (0.9 + 0.7 + 0.2) / 3 = 0.6 for class 1.
    rows, suggested = find_label_issues(labels, probabilities)
    assert rows.tolist() == [2, 5]  # 0.1 and 0.2 for their label
    assert suggested.tolist() == [1, 0]


def test_what_is_not_as_sure_as_the_others_are_is_no_issue():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9]])
    # Predicted as class 1, but with 0.6, and the threshold of class 1 is 0.9.
    assert find_label_issues(labels, probabilities)[0].size == 0


def test_a_class_that_counts_is_suggested_and_not_the_predicted_one():
    labels = np.array([0, 0, 1, 1, 2])
    probabilities = np.array(
        [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.5, 0.2, 0.3], [0.1, 0.8, 0.1], [0.4, 0.4, 0.2]]
    )
    # Probe 2: class 0 has the threshold 0.9, class 1 has 0.5, and class 2 has 0.2.
    rows, suggested = find_label_issues(labels, probabilities)
    assert rows.tolist() == [2] and suggested.tolist() == [2]


def test_the_same_as_cleanlab():
    """Values of cleanlab 2.9.0, of the arrays below:

    find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence",
                      filter_by="confident_learning")
    """
    rng = np.random.default_rng(24)
    labels = rng.integers(0, 4, 60)
    truth = np.where(rng.random(60) < 0.15, rng.integers(0, 4, 60), labels)
    logits = rng.normal(size=(60, 4)) + 2.2 * np.eye(4)[truth]
    probabilities = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 3)
    assert (probabilities.argmax(axis=1) != labels).sum() == 13  # more than what is an issue
    rows, suggested = find_label_issues(labels, probabilities)
    assert rows.tolist() == [44, 8, 20, 56, 55, 12]
    assert (suggested != labels[rows]).all()


def test_a_class_without_a_probe_is_never_suggested():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.2, 0.1, 0.7], [0.9, 0.1, 0], [0.1, 0.9, 0], [0.1, 0.9, 0]])
    assert find_label_issues(labels, probabilities)[0].size == 0


def test_the_degenerate_trio():
    assert find_label_issues(np.zeros(0, int), np.zeros((0, 3)))[0].size == 0
    assert find_label_issues(np.array([1]), np.array([[0.9, 0.1]]))[0].size == 0
    assert find_label_issues(np.array([0, 1]), np.full((2, 2), 0.5))[0].size == 0


@pytest.mark.parametrize(("num_classes", "least"), [(2, 0.70), (5, 0.5), (10, 0.35), (1000, 0.251)])
def test_the_least_accuracy(num_classes, least):
    assert least_accuracy(num_classes) == pytest.approx(least)
