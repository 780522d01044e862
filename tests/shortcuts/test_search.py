"""Alerts in real trainings on images whose corner gives the class away."""

import warnings

import keras
import numpy as np
import pytest
from helpers.events import events_of
from helpers.tagged_training import TAG, draw, network, probes_of, train

from keras_saliency import Alert, Battery, ProbeSet, SaliencyCallback, confirm
from keras_saliency.records import Moment
from keras_saliency.shortcuts import Check, Finding
from keras_saliency.shortcuts.search import ShortcutSearch
from keras_saliency.sinks import Sink
from keras_saliency.training.schedule import EarlyChecks


class AtEnd(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.weights = [np.array(w) for w in self.model.weights]


def of_ours(caught):
    return [str(w.message) for w in caught if "keras_saliency" in str(w.message)]


class Kept(Sink):
    """Keeps the reports."""

    def open(self, run_dir, settings):
        self.reports = []

    def write(self, report):
        self.reports.append(report)


def quick():
    return {"detectors": ["stationary"], "sinks": Kept()}


class TaggedRun:
    """One training with all that is default, and all checks, whatever time they take."""

    def __init__(self, directory):
        self.kept, self.at_end = Kept(), AtEnd()
        self.callback = SaliencyCallback(
            probes_of(),
            directory,
            sinks=["tensorboard", self.kept],
            max_overhead=1.0,
            on_error="raise",
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.model, self.history = train([self.callback, self.at_end])
        self.warnings = of_ours(caught)
        self.events = events_of(directory / "saliency")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return TaggedRun(tmp_path_factory.mktemp("logs"))


def test_the_tag_is_alerted_once_and_told_in_a_warning(run):
    (alert,) = run.callback.alerts
    assert (alert.severity, alert.detector) == ("alert", "stationary")
    assert alert.loss_interval[0] > 0.04 and alert.accuracy_loss > 0.3
    y0, x0, y1, x1 = alert.region
    assert y0 < 4 and x0 < 4 and y1 <= 6 and x1 <= 6, "where the tag is"
    told = [words for words in run.warnings if "the model relies on" in words]
    assert told == [f"keras_saliency: {alert.message}"]


def test_a_suspect_comes_before_its_alert(run):
    findings = run.callback.findings
    assert [f.severity for f in findings] == ["suspect", "alert"]
    assert all(isinstance(f, Alert) for f in findings)


def test_the_loss_is_in_logs_from_the_first_epoch_and_finite(run):
    loss = run.history["shortcut_loss"]
    assert len(loss) == 2 and np.isfinite(loss).all()
    assert all(0 <= a <= 1 for a in loss) and loss[-1] > 0.3
    written = [r.logs["shortcut_loss"] for r in run.kept.reports if "grad_cam_drift" in r.logs]
    assert written[1:] == loss and written[0] == 0, "after the baseline"


def test_tensorboard_has_the_alerts_the_summary_and_the_evidence(run):
    alerts, summary = (
        run.events[tag][-1][2].reshape(-1)[0].decode()
        for tag in ("saliency/alerts", "saliency/summary")
    )
    assert run.events["saliency/alerts"][0][1] == "text"
    rows = alerts.splitlines()
    assert len(rows) == len(run.callback.findings)
    assert sum(row.startswith("* **alert**") for row in rows) == len(run.callback.alerts)
    assert "Found: 1 alert." in summary
    assert "background, which needs" in summary
    pictures = {tag for tag in run.events if tag.startswith("saliency/alert_evidence/")}
    assert {run.events[tag][0][1] for tag in pictures} == {"images"}
    first = run.callback.alerts[0]
    assert f"saliency/alert_evidence/{first.detector}_{first.class_index}" in pictures


def test_evidence_is_a_picture(run):
    for finding in run.callback.findings:
        assert finding.evidence.dtype == np.uint8 and finding.evidence.shape[2] == 3
        assert min(finding.evidence.shape[:2]) > 16 and np.ptp(finding.evidence) > 100


def test_each_finding_is_in_one_report(run):
    told = [finding for report in run.kept.reports for finding in report.findings]
    assert sorted(map(id, told)) == sorted(map(id, run.callback.findings))


def test_a_training_is_the_same_bit_for_bit_with_and_without_detectors(run, tmp_path):
    weights = [run.at_end.weights]
    for callbacks in ([], [SaliencyCallback(probes_of(), tmp_path, detectors=None)]):
        at_end = AtEnd()
        _, history = train([*callbacks, at_end])
        weights.append(at_end.weights)
        assert "shortcut_loss" not in history
        assert history["loss"] == run.history["loss"]
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    without = callbacks[0]
    assert without.alerts == without.findings == []
    tags = events_of(tmp_path / "saliency")
    assert not [tag for tag in tags if "alert" in tag or tag == "saliency/summary"]


def test_stop_stops_the_training_at_the_first_alert(tmp_path):
    callback = SaliencyCallback(probes_of(), tmp_path, on_alert="stop", **quick())
    with pytest.warns(UserWarning, match="the model relies on"):
        _, history = train([callback], epochs=6)
    assert callback.alerts and len(history["loss"]) == callback.alerts[0].epoch + 1 < 6


def test_a_function_is_handed_each_alert_and_its_failure_ends_nothing(tmp_path):
    handed = []

    def fails(alert):
        handed.append(alert)
        raise RuntimeError("no network")

    callback = SaliencyCallback(probes_of(), tmp_path, on_alert=fails, **quick())
    with pytest.warns(UserWarning) as caught:
        _, history = train([callback])
    assert len(history["loss"]) == 2
    assert handed == callback.alerts and len(handed) == 1
    failures = [words for words in of_ours(caught) if "no network" in words]
    assert len(failures) == 1 and "on_alert failed" in failures[0]


def test_checks_at_the_ends_of_epochs_need_not_be_at_every_one(tmp_path):
    kept = Kept()
    callback = SaliencyCallback(
        probes_of(), tmp_path, detect_freq=2, max_overhead=1.0, **quick() | {"sinks": kept}
    )
    with pytest.warns(UserWarning, match="the model relies on"):
        history = train([callback], epochs=5)[1]["shortcut_loss"]
    assert history[3] == history[2] > 0.3
    summary = kept.reports[-1].texts["saliency/summary"]
    assert "9 checks of 3 classes" in summary, "6 early ones, and epochs 1, 3 and 5"


def test_a_loop_of_ones_own_is_alerted_and_can_be_stopped(run, tmp_path):
    handed = []
    for on_alert in (handed.append, "stop"):
        callback = SaliencyCallback(
            probes_of(), tmp_path, on_alert=on_alert, on_error="raise", **quick()
        )
        with pytest.warns(UserWarning, match="the model relies on"):
            for epoch in range(3):
                report = callback.observe(run.model, epoch)
                severities = [f.severity for f in report.findings]
                assert severities == [["suspect"], ["alert"], []][epoch]
        callback.close()
        assert callback.alerts
    assert len(handed) == len(callback.alerts)
    assert run.model.stop_training
    run.model.stop_training = False


class StubExaminer:
    """Finds what it is told to."""

    def __init__(self, findings):
        self.findings = findings

    def check(self, *_):
        return Check(1.0, True, [], self.findings, 0.3)


def test_suspects_are_reported_and_only_alerts_are_handed_on():
    """What may be part of the object stays a suspect, and nobody is warned of it."""
    alerts = [
        Alert(s, s, 0, 0, None, 0.3, (0.2, 0.4), 1, 0, 9, 9, None, (), s)
        for s in ("suspect", "alert")
    ]
    search = ShortcutSearch(StubExaminer([Finding(alert) for alert in alerts]), probes_of(), 1)
    assert search.check(None, None, {}, Moment(0)) == 0.3
    assert search.findings == alerts and search.take_unreported() == tuple(alerts)
    assert search.take_new_alerts() == alerts[1:]
    assert search.take_new_alerts() == [] and search.take_unreported() == ()


def test_swaps_are_of_raw_pixels_before_preprocess(tmp_path):
    given = []

    def preprocess(images):
        given.append(images)
        return images.astype(np.float32) / 255

    images, labels = draw(36, 2)
    probes = ProbeSet((images * 255).round().astype(np.uint8), labels, preprocess=preprocess)
    callback = SaliencyCallback(probes, tmp_path, **quick())
    with pytest.warns(UserWarning, match="the model relies on"):
        train([callback])
    arrays = [images for images in given if isinstance(images, np.ndarray)]
    assert len(arrays) > 5 and {images.dtype for images in arrays} == {np.dtype(np.uint8)}
    assert callback.alerts[0].detector == "stationary"


def test_classes_of_another_model_are_refused_before_the_first_step(tmp_path):
    callback = SaliencyCallback(probes_of(), tmp_path, detectors=Battery(classes=[3]))
    at_end = AtEnd()
    with pytest.raises(ValueError, match="classes must be below 3"):
        train([callback, at_end])
    assert not hasattr(at_end, "weights") and not list(tmp_path.iterdir())


def test_probes_without_labels_say_once_that_nothing_is_tested(tmp_path):
    callback = SaliencyCallback(probes_of().images, tmp_path, **quick())
    with pytest.warns(UserWarning) as caught:
        _, history = train([callback], epochs=1)
    told = [words for words in of_ours(caught) if "not tested for shortcuts" in words]
    assert len(told) == 1 and "the probes have no labels" in told[0]
    assert "shortcut_loss" not in history and callback.alerts == []
    tested, cost = callback.summary().splitlines()
    assert tested == (
        "Nothing was tested, so nothing is known of shortcuts: the probes have no labels."
    )
    assert cost.startswith("Observing took ") and cost.endswith(" % of training.")


def guess(callbacks, verbose=0):
    """A training whose labels say nothing, so that no check is open."""
    keras.utils.set_random_seed(3)
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    images, labels = draw(36, 1)
    model.fit(images, labels[::-1] * 0, epochs=2, verbose=verbose, callbacks=callbacks)


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_a_run_whose_checks_were_all_closed_says_that_nothing_was_tested(tmp_path, capsys, verbose):
    callback = SaliencyCallback(probes_of(), tmp_path)
    assert "this callback was not run" in callback.summary()
    guess([callback], verbose)
    summary = callback.summary()
    assert "Nothing was tested, so nothing is known of shortcuts: at every check" in summary
    assert "It was right about 33 % of the probes at best, and tests begin at 70 %" in summary
    assert "Found" not in summary
    assert (summary in capsys.readouterr().out) == (verbose > 0)
    [(_, _, text)] = events_of(tmp_path / "saliency")["saliency/summary"]
    assert b"Nothing was tested" in text.item()


def test_each_epoch_tells_the_tab_what_was_tested_so_far(run):
    told = [report.tested for report in run.kept.reports if report.batch is None]
    assert "no check was made" in told[0], "before training"
    checks = [int(text.split()[2]) for text in told[1:]]
    assert checks == [4, 8, 8], "three early ones and the end, twice; and the closing report"
    assert all("Found" not in text for text in told)
    assert all(line in run.callback.summary() for line in told[-1].splitlines())


def test_without_detectors_the_summary_says_so_and_nothing_is_printed(tmp_path, capsys):
    callback = SaliencyCallback(probes_of(), tmp_path, detectors=None)
    guess([callback], verbose=2)
    assert "detectors=None" in callback.summary()
    assert "Nothing was tested" not in capsys.readouterr().out


def test_a_class_called_legitimate_with_too_few_probes_is_warned_of():
    """Whether to warn is decided by the reason, not by words that a class's name may hold."""
    images, labels = draw(24, 2)
    labels = np.where(np.arange(24) < 3, 0, 1)
    names = ["legitimate", "tells nothing for images"]
    settings = SaliencyCallback(ProbeSet(images, labels, class_names=names)).settings
    with pytest.warns(UserWarning, match='not tested for shortcuts: class "legitimate", which 3'):
        ShortcutSearch.begin(settings, 2)


def test_early_checks_are_at_each_quarter_of_the_first_two_epochs():
    checks = EarlyChecks(8)
    due = []
    for epoch in range(3):
        checks.begin_epoch(epoch)
        due.append([batch for batch in range(8) if checks.is_due(batch)])
    assert due == [[2, 4, 6], [2, 4, 6], []]
    assert checks.share(2) == 0.25
    unknown = EarlyChecks(None)
    unknown.begin_epoch(0)
    assert not any(unknown.is_due(batch) for batch in range(12))
    unknown.begin_epoch(1)
    assert [batch for batch in range(12) if unknown.is_due(batch)] == [3, 6, 9]
    for num_batches in (1, 2):
        few = EarlyChecks(num_batches)
        few.begin_epoch(0)
        assert [b for b in range(num_batches) if few.is_due(b)] == list(range(1, num_batches))


def test_models_of_tf_keras_are_alerted_too(tmp_path):
    tf_keras = pytest.importorskip("tf_keras")
    callback = SaliencyCallback(probes_of(), tmp_path, on_error="raise", **quick())
    with pytest.warns(UserWarning, match="the model relies on"):
        model, history = train([callback], engine=tf_keras)
    assert {a.detector for a in callback.alerts} == {"stationary"}
    assert history["shortcut_loss"][-1] > 0.3
    assert confirm(model, probes_of(), TAG).severity == "alert"
