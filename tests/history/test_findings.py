"""`keras_saliency.findings`: what all runs below a directory have found, from files."""

import json
import os
import shutil

import keras
import numpy as np
import pytest
from helpers.tagged_training import draw, network, probes_of
from helpers.training import fit

import keras_saliency
from keras_saliency import SaliencyCallback
from keras_saliency.history import archive


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """A training with an alert, in the run fold_10/saliency."""
    keras.utils.set_random_seed(3)
    model = network()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    callback = SaliencyCallback(
        probes_of(),
        tmp_path_factory.mktemp("logs"),
        detectors=["stationary"],
        run_name="fold_10/saliency",
    )
    fit(callback, draw(240, 1), model)
    assert callback.alerts
    return callback


@pytest.fixture
def logs(tagged, tmp_path):
    """Its run three times."""
    for name in ("fold_10/saliency", "fold_2/saliency", "fold_2/saliency_2"):
        shutil.copytree(tagged.run_dir, tmp_path / name)
    return tmp_path


def fields(alerts):
    return [alert.to_dict() for alert in alerts]


def test_they_are_those_of_the_callbacks_in_natural_order(tagged, logs):
    found = keras_saliency.findings(logs)
    assert list(found) == ["fold_2/saliency", "fold_2/saliency_2", "fold_10/saliency"]
    for alerts in found.values():
        assert fields(alerts) == fields(tagged.findings)
        for read, original in zip(alerts, tagged.findings, strict=True):
            assert (read.evidence is None) == (original.evidence is None)
            if read.evidence is not None:
                assert read.evidence.shape == original.evidence.shape
                off = read.evidence.astype(float) - original.evidence
                assert np.abs(off).mean() < 8  # a JPEG
    assert any(alert.evidence is not None for alert in found["fold_10/saliency"])


def test_a_run_itself_may_be_asked(tagged):
    assert [fields(a) for a in keras_saliency.findings(tagged.run_dir).values()] == [
        fields(tagged.findings)
    ]


def test_a_damaged_run_does_not_end_it(tagged, logs):
    for path in (logs / "fold_2" / "saliency" / "history").iterdir():
        path.write_bytes(b"no history")
    first, *_ = sorted((logs / "fold_2" / "saliency_2" / "history").iterdir())
    first.write_bytes(first.read_bytes()[:100])
    with pytest.warns(UserWarning, match="cannot be read") as caught:
        found = keras_saliency.findings(logs)
    assert list(found) == ["fold_2/saliency_2", "fold_10/saliency"]  # never "nothing found"
    assert len(caught) == 2 and fields(found["fold_10/saliency"]) == fields(tagged.findings)


def test_runs_of_older_versions_have_no_evidence(tagged, logs):
    """Theirs hold neither evidence nor, at first, the accuracy loss."""
    for path in (logs / "fold_2" / "saliency" / "history").iterdir():
        arrays = archive.read(path, lambda found: {name: found[name] for name in found})
        metadata = json.loads(arrays["metadata"].tobytes())
        for finding in metadata["findings"]:
            del finding["accuracy_loss"], finding["loss_interval"]
        kept = {n: a for n, a in arrays.items() if not n.startswith("evidence")}
        kept["metadata"] = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
        archive.save(kept, path)
    found = keras_saliency.findings(logs)["fold_2/saliency"]
    assert [a.message for a in found] == [a.message for a in tagged.findings]
    assert all(a.evidence is None and a.accuracy_loss is None for a in found)


def test_no_runs_and_no_directory(tmp_path):
    assert keras_saliency.findings(tmp_path) == {}
    with pytest.raises(ValueError, match="log_dir must be a directory"):
        keras_saliency.findings(tmp_path / "nothing")


def test_a_name_that_is_no_utf_8_costs_only_its_own_run(tagged, tmp_path):
    shutil.copytree(tagged.run_dir, tmp_path / "good")
    shutil.copytree(tagged.run_dir, os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff"))
    with pytest.warns(UserWarning, match=r"not UTF-8 are left out: .*bad.*xff"):
        found = keras_saliency.findings(tmp_path)
    assert list(found) == ["good"]
