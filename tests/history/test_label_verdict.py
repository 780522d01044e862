"""Labels that are judged by a history: which epochs count, and what cannot be judged."""

import io
import pickle

import numpy as np
import pytest

from keras_saliency import History
from keras_saliency.history import RunFiles
from keras_saliency.records import LabelIssue

LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
# Probability of class 1: probes 2 and 6 are labelled wrong.
SURE, LESS_SURE = [0.1, 0.2, 0.9, 0.1, 0.9, 0.7, 0.2, 0.9], [0.3, 0.2, 0.7, 0.1, 0.9, 0.7, 0.4, 0.9]


def append(history, epoch, of_class_1, is_baseline=False):
    of_class_1 = np.array(of_class_1)
    both = np.stack([1 - of_class_1, of_class_1], axis=1)
    predictions = both.argmax(axis=1), both.max(axis=1)
    history.append(epoch, predictions, {}, {}, None, is_baseline, both)


def make(*epochs, labels=LABELS):
    history = History(labels=labels, names=list("abcdefgh"))
    append(history, -1, [1, 1, 1, 1, 0, 0, 0, 0], is_baseline=True)
    for epoch, of_class_1 in enumerate(epochs):
        append(history, epoch, of_class_1)
    return history


def test_the_probes_that_are_labelled_wrong():
    found = make(SURE, LESS_SURE).label_issues()
    assert [(i.probe_index, i.name, i.label, i.suggested) for i in found] == [
        (2, "c", 0, 1),
        (6, "g", 1, 0),
    ]
    # The mean over both epochs, and not the untrained model.
    assert [i.probability for i in found] == pytest.approx([0.2, 0.3], abs=1e-3)
    assert isinstance(found[0], LabelIssue)


def test_an_epoch_that_is_trained_again_or_forgotten_does_not_count():
    history = make(SURE, SURE)
    assert history.label_issues()
    append(history, 1, LESS_SURE)
    assert history.label_issues()[0].probability == pytest.approx(0.2, abs=1e-3)
    history.remove(1)
    assert history.label_issues()[0].probability == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize("way", ["pickle", "save"])
def test_a_copy_gives_the_same_verdict(way):
    history = make(SURE, SURE)
    if way == "pickle":
        again = pickle.loads(pickle.dumps(history))
    else:
        file = io.BytesIO()
        history.save(file)
        file.seek(0)
        again = History.load(file)
    assert again.label_issues() == history.label_issues() and again == history


def test_from_disk_it_is_the_same_and_memory_holds_no_probabilities(tmp_path):
    history, files = make(SURE, SURE), RunFiles(str(tmp_path), {})
    found = history.label_issues()
    for epoch in history.epochs:
        files.write(history, epoch)
    assert history.label_issues() == History.load(tmp_path).label_issues() == found
    (tmp_path / "history" / "epoch_00001.npz").unlink()
    fresh = pickle.loads(pickle.dumps(history))  # what is gone is left out
    assert fresh.label_issues() == found
    assert history.entries[0].probabilities is not history.entries[1].probabilities
    with pytest.raises(FileNotFoundError):
        history.entries[1].probabilities()


def test_an_epoch_that_is_not_finite_is_left_out():
    history = make(SURE)
    append(history, 1, [np.nan] * 8)
    assert history.label_issues() == make(SURE).label_issues()


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (History(names=["a"]), "no labels, or the targets of a regression"),
        (History(labels=[[1, 0], [1, 1]]), "several labels each"),
        (History(labels=[0, 1]), "no epoch was observed yet"),
        (make(), "no epoch was observed yet"),
        (make([0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1]), "agrees with 12% of the labels.*70%"),
    ],
)
def test_what_cannot_be_judged_says_why(history, reason):
    with pytest.raises(ValueError, match=reason):
        history.label_issues()
    assert history.label_verdict().sentence().startswith("Labels: not judged, since")


def test_a_run_of_older_versions_says_why():
    history = History(labels=[0, 1])
    history.append(0, ([0, 1], [0.9, 0.9]), {}, {})
    with pytest.raises(ValueError, match="no probabilities"):
        history.label_issues()


def test_the_sentence_names_the_first_probes():
    assert make([0.1, 0.2, 0.9, 0.1, 0.9, 0.7, 0.7, 0.9]).label_verdict().sentence() == (
        "Labels: 1 of 8 probes may be labelled wrong, or the model errs: 2. "
        "The model agrees with 88% of the labels. callback.label_issues() lists them."
    )
    clean = make([0.1, 0.2, 0.1, 0.1, 0.9, 0.7, 0.7, 0.9]).label_verdict().sentence()
    assert clean.startswith("Labels: none of 8 probes seems to be labelled wrong.")
