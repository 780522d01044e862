"""Labels: class numbers, one-hot and multi-hot rows."""

import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet


def make_images(num=6, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


IMAGES = make_images()


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 2, 0, 1, 2],
        np.array([0, 1, 2, 0, 1, 2], np.uint8),
        np.array([[0], [1], [2], [0], [1], [2]]),
        [0.0, 1.0, 2.0, 0.0, 1.0, 2.0],
        np.eye(3)[[0, 1, 2, 0, 1, 2]],
        np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 2]],
        tf.constant([0, 1, 2, 0, 1, 2]),
    ],
)
def test_class_numbers_and_one_hot_rows_become_int64_labels(labels):
    probes = ProbeSet(IMAGES, labels)
    assert probes.labels.dtype == np.int64
    assert probes.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert probes.multi_hot is None


def test_bool_labels_are_zero_and_one():
    assert ProbeSet(IMAGES[:2], [True, False]).labels.tolist() == [1, 0]


def test_multi_hot_rows_are_kept_even_if_a_row_is_all_zero():
    rows = [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    probes = ProbeSet(IMAGES[:3], rows, class_names=["cat", "dog", "owl"])
    assert probes.labels is None
    assert probes.multi_hot.dtype == np.float32
    np.testing.assert_array_equal(probes.multi_hot, rows)
    assert [probes.label_text(i) for i in range(3)] == ["cat, owl", "", "dog"]


@pytest.mark.parametrize(
    ("labels", "error", "match"),
    [
        (
            [0] * 12,
            ValueError,
            r"labels has 12 entries but images has 6. Received: labels.shape=\(12,\), "
            r"images.shape=\(6, 5, 7, 3\). Pass one label for each probe.",
        ),
        (np.eye(3), ValueError, r"labels has 3 entries but images has 6"),
        (3, ValueError, r"labels must have shape \(n,\).*Received: shape \(\)"),
        (np.zeros((6, 5, 7)), ValueError, r"Received: shape \(6, 5, 7\)"),
        (np.zeros((6, 0)), ValueError, r"Received: shape \(6, 0\)"),
        ([0, 1, -1, 0, 1, 2], ValueError, "from 0 on. Received: -1 at index 2"),
        ([0, 1, 0.5, 0, 1, 2], ValueError, "whole numbers. Received: 0.5 at index 2"),
        ([0, 1, np.nan, 0, 1, 2], ValueError, "NaN or infinite. Received: nan at index 2"),
        ([0, 1, 1e30, 0, 1, 2], ValueError, r"below 2\*\*31. Received: 1e\+30 at index 2"),
        (np.eye(6) * 0.9, ValueError, r"zeros and ones. Received: 0.9 at index 0.*argmax"),
        (np.eye(6) * np.nan, ValueError, "NaN or infinite. Received: nan at index 0"),
        (np.arange(12).reshape(6, 2), ValueError, "Received: 2 at index 1"),
        (["cat"] * 6, TypeError, "labels must hold real numbers. Received: .* of dtype <U3"),
        ([0, 1, None, 0, 1, 2], TypeError, "Received: .* of dtype object"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, error, match):
    with pytest.raises(error, match=match):
        ProbeSet(IMAGES, labels)


@pytest.mark.parametrize(
    ("labels", "num_classes", "match"),
    [
        (
            [0, 1, 2] * 2,
            2,
            "labels out of range for the model. Received: label 2 at index 2.*2 log",
        ),
        ([0, 1, 2] * 2, 1, r"label 2 at index 2, for a model with a one-unit head \(classes 0 and"),
        (np.ones((6, 3)), 4, "multi-hot labels of 3 classes, for a model with 4 logits"),
        (np.ones((6, 2)), 1, "multi-hot labels of 2 classes"),
    ],
)
def test_labels_out_of_range_for_the_model_are_refused(labels, num_classes, match):
    with pytest.raises(ValueError, match=match):
        ProbeSet(IMAGES, labels).check_num_classes(num_classes)


@pytest.mark.parametrize(
    ("labels", "num_classes"),
    [([0, 1, 2] * 2, 3), ([0, 1] * 3, 1), (np.ones((6, 3)), 3), (None, 1)],
)
def test_labels_in_range_for_the_model_pass(labels, num_classes):
    ProbeSet(IMAGES, labels).check_num_classes(num_classes)
