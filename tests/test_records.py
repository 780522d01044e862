"""The records that flow down the pipe."""

import numpy as np
import pytest

from keras_saliency import ProbeSet
from keras_saliency.records import EpochReport, Moment, Predictions

IMAGES = np.zeros((3, 4, 4, 1), np.float32)
LOGITS = np.array([[2, 0, 1], [0, 3, 1], [0, 1, 4]], np.float32)


def predict(logits=LOGITS, has_classes=True):
    return Predictions(logits, np.full(logits.shape, 0.5, np.float32), has_classes)


def test_a_prediction_is_correct_where_it_is_a_label():
    one = ProbeSet(IMAGES, [0, 2, 2])
    np.testing.assert_array_equal(predict().is_correct(one), [True, False, True])
    several = ProbeSet(IMAGES, np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]]))
    np.testing.assert_array_equal(predict().is_correct(several), [True, False, False])
    unit = predict(np.array([[-1], [2], [2]], np.float32))
    np.testing.assert_array_equal(unit.is_correct(ProbeSet(IMAGES, [0, 1, 0])), [1, 1, 0])


def test_without_labels_or_classes_nothing_is_correct_or_wrong():
    assert predict().is_correct(ProbeSet(IMAGES)) is None
    assert predict(LOGITS[:, :1], has_classes=False).is_correct(ProbeSet(IMAGES, [0, 1, 1])) is None


@pytest.mark.parametrize(
    ("moment", "step", "position", "when"),
    [
        (Moment(-1, is_baseline=True), -1, -1, "before training"),
        (Moment(4), 4, 4, "epoch 5"),
        (Moment(1, batch=3, batches_trained=13, place=0.3), 13, 0.3, "epoch 2, batch 3"),
    ],
)
def test_a_report_has_the_attributes_of_its_moment(moment, step, position, when):
    report = EpochReport(moment, ProbeSet(IMAGES), predict())
    assert (report.step, report.position, report.when) == (step, position, when)
    assert (report.epoch, report.batch) == (moment.epoch, moment.batch)
    assert report.is_baseline is moment.is_baseline
    assert moment.is_end is (when == "epoch 5")
