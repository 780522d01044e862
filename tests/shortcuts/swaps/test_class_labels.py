"""Labels as yes or no for each class, and what a model says of them."""

import numpy as np
import pytest

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    ClassLabels,
)

IMAGES = np.zeros((4, 2, 2, 1), np.float32)


def test_softmax_says_the_largest_and_the_margin_is_its_lead(rng):
    task = ClassLabels.of(ProbeSet(IMAGES, [0, 1, 2, 2]), 3)
    logits = rng.normal(size=(4, 3))
    for row, said, margins in zip(logits, task.says(logits), task.margins(logits), strict=True):
        for c in range(3):
            best_other = max(row[j] for j in range(3) if j != c)
            assert margins[c] == pytest.approx(row[c] - best_other)
            assert said[c] == (row[c] > best_other)
    assert task.margins(np.array([[1.0, 1.0, 0.0]])).tolist() == [[0, 0, -1]]
    np.testing.assert_array_equal(task.has_class, np.eye(3, dtype=bool)[[0, 1, 2, 2]])


def test_one_unit_is_two_classes(rng):
    task = ClassLabels.of(ProbeSet(IMAGES, [0, 1, 1, 0]), 1)
    logits = np.array([[-2.0], [3.0], [-1.0], [0.5]])
    assert task.num_classes == 2 and not task.is_multi_label
    assert task.says(logits)[:, 1].tolist() == [False, True, False, True]
    assert task.says(logits)[:, 0].tolist() == [True, False, True, False]
    np.testing.assert_array_equal(task.margins(logits), [[2, -2], [-3, 3], [1, -1], [-0.5, 0.5]])
    assert task.accuracy(task.says(logits)) == 0.5


def test_each_label_of_a_multi_label_head_is_said_by_itself():
    labels = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1], [1, 0, 0]])
    task = ClassLabels.of(ProbeSet(IMAGES, labels), 3)
    logits = np.where(labels, 2.0, -3.0)
    logits[0, 0] = -0.1
    assert task.is_multi_label
    np.testing.assert_array_equal(task.says(logits), logits > 0)
    np.testing.assert_array_equal(task.margins(logits), logits)
    assert task.accuracy(task.says(logits)) == pytest.approx(11 / 12)
    assert task.frequent_classes(limit=2) == [0, 1]


def test_unlabelled_probes_have_no_task_and_empty_classes_are_not_frequent():
    assert ClassLabels.of(ProbeSet(IMAGES), 3) is None
    task = ClassLabels.of(ProbeSet(IMAGES, [0, 4, 4, 2]), 5)
    assert task.frequent_classes(20) == [0, 2, 4] and task.frequent_classes(1) == [4]
