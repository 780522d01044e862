"""The records that flow down the pipe."""

import json

import numpy as np
import pytest

from keras_saliency import Alert, ProbeSet
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


def alert_of(**more):
    facts = {
        "severity": "alert",
        "detector": "stationary",
        "epoch": 3,
        "since_epoch": 2,
        "class_index": 1,
        "accuracy_loss": 0.31,
        "loss_interval": (0.22, 0.4),
        "adoption": 0.9,
        "control": 0.1,
        "num_pairs": 240,
        "num_donors": 40,
        "region": (0, 0, 4, 4),
        "probe_indices": (0, 4),
        "message": "said",
    }
    return Alert(**facts | more)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"accuracy_loss": None, "loss_interval": None, "region": None, "class_index": None},
        {"evidence": np.zeros((2, 2, 3), np.uint8)},
    ],
)
def test_an_alert_is_read_as_it_was_written_but_for_its_evidence(more):
    alert = alert_of(**more)
    entries = json.loads(json.dumps(alert.to_dict()))
    assert "evidence" not in entries
    again = Alert.from_dict(entries)
    assert again.evidence is None
    assert again.to_dict() == alert.to_dict()
    assert again.loss_interval == alert.loss_interval, "a tuple, as it was"


def test_an_alert_of_a_version_that_knew_no_loss_is_read():
    entries = alert_of(severity="hint", adoption=None).to_dict()
    del entries["accuracy_loss"], entries["loss_interval"]
    old = Alert.from_dict(entries)
    assert (old.severity, old.accuracy_loss, old.loss_interval) == ("hint", None, None)
    assert old.message == "said"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: e.pop("adoption"), "an alert has"),
        (lambda e: e.update(colour=3), "an alert has.*colour"),
        (lambda e: e.update(message=3), "texts must be strings"),
        (lambda e: e.update(num_pairs="many"), "counts ints"),
    ],
)
def test_what_is_no_alert_is_refused(change, words):
    entries = alert_of().to_dict()
    change(entries)
    with pytest.raises(ValueError, match=words):
        Alert.from_dict(entries)
