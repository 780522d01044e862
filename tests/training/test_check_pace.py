"""Which checks for shortcuts are made: the owed ones, and others within their share of time."""

import keras
import numpy as np
import pytest
from helpers.events import events_of
from helpers.tagged_training import draw, network, probes_of

from keras_saliency import ModelGraph, SaliencyCallback
from keras_saliency.records import Alert
from keras_saliency.shortcuts import Check, Examiner, Finding
from keras_saliency.training.budget import Cost
from keras_saliency.training.check_pace import CheckPace


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def spend(pace, clock, seconds):
    with pace:
        clock.now += seconds
    pace.note_test()


def test_checks_take_a_twentieth_of_what_follows_the_first_epoch():
    clock = Clock()
    pace, spent = CheckPace(clock=clock), 0.0
    pace.expect(1)
    for epoch in range(400):
        pace.begin_epoch()
        clock.now += 9
        pace.end_epoch()
        if epoch == 0:
            began = clock.now
        if epoch > 0 and pace.allows():
            spend(pace, clock, 2)
            spent += 2
            assert spent <= 0.05 * (clock.now - began)
    assert spent > 0.045 * (clock.now - began), "nor much less"


def test_checks_take_a_tenth_of_the_first_epoch_and_its_rest_lapses():
    clock = Clock()
    pace = CheckPace(clock=clock)
    pace.begin_epoch()
    clock.now += 100
    assert pace.allows()
    spend(pace, clock, 4)
    assert pace.allows(), "4 and 4 of 104 seconds"
    spend(pace, clock, 4)
    assert not pace.allows()
    clock.now += 92
    pace.end_epoch()
    clock.now += 79
    assert not pace.allows(), "4 of 79 seconds"
    clock.now += 1
    assert pace.allows()


def test_the_first_check_is_judged_by_the_baseline():
    clock = Clock()
    pace = CheckPace(clock=clock)
    pace.expect(1)
    pace.begin_epoch()
    clock.now += 29
    assert not pace.allows()
    clock.now += 1
    assert pace.allows(), "three times as much as the baseline"


def test_what_is_owed_counts_and_the_next_ones_wait():
    clock = Clock()
    pace = CheckPace(clock=clock)
    pace.begin_epoch()
    pace.end_epoch()
    spend(pace, clock, 10)  # compiles
    spend(pace, clock, 1)
    clock.now += 220 - 11
    assert not pace.allows()
    clock.now += 20
    assert pace.allows(), "11 and 1 of 240 seconds: the next one compiles nothing"


def test_observations_that_keep_a_share_by_themselves_may_all_check():
    clock = Clock()
    pace = CheckPace(0.01, clock)
    pace.begin_epoch()
    spend(pace, clock, 1000)
    assert pace.allows()


def test_only_checks_that_were_left_out_are_told_of():
    for share, told in ((None, "below 5 %"), (0.02, "below 2 %")):
        pace = CheckPace(share)
        pace.note_due(0, True)
        assert pace.described() == ""
        pace.note_due(1, False)
        pace.note_due(2, False)
        assert pace.described() == f"Checked 1 of 3 epochs to stay {told}."
        pace.note_due(2, True)
        assert pace.described() == f"Checked 2 of 3 epochs to stay {told}."


def test_the_cost_is_of_all_that_the_training_has_waited_for():
    clock = Clock()
    cost = Cost(clock)
    for _ in range(3):
        cost.begin_epoch()
        clock.now += 9
        with cost:
            clock.now += 1
    assert cost.described() == "Observing took 3.0 s, 10 % of training."
    assert cost.seconds(is_end=True) == {"blocking_seconds": 1.0, "share_of_epoch": 0.1}
    clock.now += 1000
    assert cost.described() == "Observing took 3.0 s, 10 % of training.", "so far"


class Watched:
    """A training with a clock of its own, and checks that find what they are told to.

    An epoch takes 10 seconds, maps half a second, a check 2. The k-th check finds the k-th of
    `script`: "closed", "", "pending", or "alert".
    """

    def __init__(self, tmp_path, monkeypatch, script=(), epochs=30, callbacks=(), **options):
        clock, self.moments, self.are_complete = Clock(), [], []

        def check(examiner, graph, predictions, heatmaps, moment, is_complete):
            is_news = (word := dict(enumerate(script)).get(len(self.moments), "")) == "alert"
            self.moments.append(moment)
            self.are_complete.append(is_complete)
            if word == "closed":
                return Check(0.1, False)
            clock.now += 2
            found = Alert("alert", "border", moment.epoch, 0, None, 0.3, (0.2, 0.4), 1, 0, 9, 9,
                          None, (), "told", np.full((40, 40, 3), 99, np.uint8))  # fmt: skip
            findings = [Finding(found)] if is_news else []
            return Check(1.0, True, [], findings, 0.3, is_pending=word == "pending")

        def attribute_slowly(*args, **kwargs):
            clock.now += 0.5
            return attribute(*args, **kwargs)

        class Work(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                clock.now += 2.5

        monkeypatch.undo()  # of a training before
        attribute = ModelGraph.attribute
        monkeypatch.setattr(Examiner, "check", check)
        monkeypatch.setattr(ModelGraph, "attribute", attribute_slowly)
        options = {"num_drawn": 1, "sinks": [], "on_error": "raise", **options}
        self.callback = SaliencyCallback(probes_of(), tmp_path, **options)
        self.callback._clock = clock
        model = network()
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(
            *draw(64, 1), epochs=epochs, batch_size=16, verbose=0,
            callbacks=[Work(), self.callback, *callbacks],
        )  # fmt: skip

    @property
    def checked(self):
        return [m.epoch if m.batch is None else (m.epoch, m.batch) for m in self.moments]


class StopAfter(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == self.epoch


def test_by_default_the_first_and_the_last_epoch_are_checked_and_few_between(tmp_path, monkeypatch):
    run = Watched(tmp_path, monkeypatch)
    assert run.checked[0] == 0 and run.checked[-1] == 29
    assert run.callback.history.epochs == list(range(-1, 30)), "maps are always drawn"
    inner = np.diff(run.checked[:-1])
    assert inner[0] == 8 and set(inner[1:]) <= {3, 4}, "2 seconds are a twentieth of 40"
    summary = run.callback.summary()
    assert f"Checked {len(run.checked)} of 30 epochs to stay below 5 %." in summary
    spent = 2 * len(run.checked) + 31 / 2
    share = round(100 * spent / (300 + spent))
    assert f"Observing took {spent:.1f} s, {share} % of training." in summary


def test_a_short_training_says_that_required_checks_took_more(tmp_path, monkeypatch):
    """First and last are checked, whatever they cost."""
    run = Watched(tmp_path, monkeypatch, epochs=4)
    said = f"Checked {len(run.checked)} of 4 epochs: the checks that are always made took more than"
    assert run.checked[0] == 0 and run.checked[-1] == 3 and len(run.checked) < 4
    assert f"{said} 5 % by themselves, as in any short training." in run.callback.summary()


def test_without_a_limit_all_is_checked(tmp_path, monkeypatch):
    run = Watched(tmp_path, monkeypatch, epochs=4, max_overhead=1.0)
    early = [(e, b) for e in range(2) for b in (1, 2, 3)]
    assert run.checked == [*early[:3], 0, *early[3:], 1, 2, 3]
    assert "to stay below" not in run.callback.summary()


def test_after_a_proof_the_next_opportunity_is_used_whatever_it_costs(tmp_path, monkeypatch):
    run = Watched(tmp_path, monkeypatch, ["pending", "pending", "alert"], epochs=9)
    assert run.checked[:3] == [0, (1, 1), (1, 2)]
    assert run.callback.alerts[0].epoch == 1
    run = Watched(tmp_path, monkeypatch, ["", "pending", "alert"], epochs=12)
    assert run.checked == [0, 8, 9, 11]


def test_a_proof_at_the_end_is_confirmed_at_once(tmp_path, monkeypatch):
    run = Watched(tmp_path, monkeypatch, ["closed", "pending", "alert"], epochs=2)
    assert run.checked == [0, 1, 1]
    assert run.are_complete == [False, True, True]
    assert [alert.epoch for alert in run.callback.alerts] == [1]
    endless = Watched(tmp_path, monkeypatch, ["pending"] * 9, epochs=1)
    assert endless.checked == [0, 0]


def test_until_the_model_was_accurate_once_checks_are_owed(tmp_path, monkeypatch):
    run = Watched(tmp_path, monkeypatch, ["closed"] * 3, epochs=6)
    assert run.checked == [0, 1, 2, 3, 5], "tested in epoch 3 for the first time"


def test_a_training_that_is_stopped_is_checked_at_its_end(tmp_path, monkeypatch):
    run = Watched(
        tmp_path,
        monkeypatch,
        ["", "pending", "alert"],
        callbacks=[StopAfter(2)],
        sinks="tensorboard",
    )
    assert run.checked == [0, 2, 2]
    (alert,) = run.callback.alerts
    assert alert.epoch == 2
    assert "Checked 2 of 3 epochs" in run.callback.summary()
    tags = events_of(tmp_path / "saliency")
    assert tags["saliency/alert_evidence/border"][0][1] == "images"
    assert b"told" in tags["saliency/alerts"][-1][2].item()


def test_what_is_found_at_the_end_is_there_when_the_run_goes_on(tmp_path, monkeypatch):
    script = ["", "pending", "alert"]
    Watched(tmp_path, monkeypatch, script, epochs=30, callbacks=[StopAfter(2)])
    callback = SaliencyCallback(probes_of(), tmp_path, on_error="raise", sinks=[])
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*draw(64, 1), epochs=4, initial_epoch=3, verbose=0, callbacks=[callback])
    assert [alert.message for alert in callback.alerts][:1] == ["told"]
    assert callback.history.epochs == [-1, 0, 1, 2, 3]
    assert callback.history.heatmaps("grad_cam", 2).shape[0] == len(probes_of())


@pytest.mark.parametrize("epoch_freq", [1, 2])
def test_with_max_overhead_observations_are_left_out_but_for_those_that_are_owed(
    tmp_path, monkeypatch, epoch_freq
):
    with pytest.warns(UserWarning, match="more than max_overhead=0.02 allows"):
        run = Watched(
            tmp_path, monkeypatch, ["pending", "alert"], max_overhead=0.02, epoch_freq=epoch_freq
        )
    first = [0, epoch_freq]
    assert run.checked[:2] == first and run.checked[-1] == 29
    assert len(run.checked) < 30 / epoch_freq / 2
    assert "to stay below 2 %" in run.callback.summary()
