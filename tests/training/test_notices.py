"""What a user reads during `fit`: each warning at the user's line, and on a line of its own."""

import inspect
import io
import re
import sys
import warnings

import keras
import numpy as np
import pytest
from helpers.networks import small_cnn
from helpers.tagged_training import draw, network, probes_of
from helpers.training import compiled

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency.sinks import Sink


class Broken(Sink):
    def open(self, run_dir, settings):
        raise OSError("full")

    def write(self, report):
        raise OSError("full")


def dead():
    """A network whose maps are all zero, which is told from the background thread."""
    model = compiled(small_cnn())
    model.layers[-1].set_weights([np.zeros_like(w) for w in model.layers[-1].get_weights()])
    return model


def caught_while(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [w for w in caught if "heatmaps" in str(w.message) or "keras_saliency" in str(w.message)]


def points_here(call, told):
    """Whether all point into the function that was called, at a line that has `told`."""
    lines, first = inspect.getsourcelines(call)
    for w in caught_while(call):
        assert w.filename == __file__, w
        yield told in lines[w.lineno - first]


def test_notices_of_all_threads_point_at_the_line_of_fit(tmp_path, data, probes):
    model, callback = dead(), SaliencyCallback(probes, tmp_path, sinks=[Broken()])

    def user():
        model.optimizer.learning_rate.assign(0.0)
        model.fit(*data, epochs=2, verbose=0, callbacks=[callback])

    found = list(points_here(user, "model.fit("))
    assert len(found) >= 4 and all(found), "too few probes, a sink twice, maps that are all zero"


def test_notices_of_a_loop_of_ones_own_point_at_observe(tmp_path, probes):
    model, callback = dead(), SaliencyCallback(probes, tmp_path, sinks=[Broken()])

    def user():
        callback.observe(model, 0)

    found = list(points_here(user, "callback.observe("))
    assert len(found) >= 3 and all(found)


def test_warnings_of_arguments_point_at_the_call(probes):
    model = dead()

    def construct():
        SaliencyCallback(ProbeSet(probes.images))

    def maps():
        explain(model, probes, 0)

    def choose():
        ProbeSet.from_dataset((probes.images, np.arange(len(probes))), max_probes=3, per_class=9)

    for user, told in ((construct, "SaliencyCallback("), (maps, "explain("), (choose, "from_data")):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            user()
        lines, first = inspect.getsourcelines(user)
        assert caught and all(w.filename == __file__ for w in caught)
        assert all(told in lines[w.lineno - first] for w in caught)


def on_screen(text):
    """What a terminal shows: a carriage return goes back, a backspace one letter."""
    rows = [[]]
    column = 0
    for letter in re.sub(r"\x1b\[[0-9;]*m", "", text):
        if letter == "\n":
            rows.append([])
            column = 0
        elif letter == "\r":
            column = 0
        elif letter == "\b":
            column = max(0, column - 1)
        else:
            rows[-1][column : column + 1] = [letter]
            column += 1
    return ["".join(row).rstrip() for row in rows]


@pytest.mark.parametrize("verbose", [1, "auto", 2, 0])
def test_no_notice_tears_the_progress_bar(tmp_path, monkeypatch, verbose):
    keras.utils.set_random_seed(3)
    model = network()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    callback = SaliencyCallback(probes_of(), tmp_path, detectors=["stationary"], sinks=[])
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: screen.write(f"WARNED {message}\n")
        model.fit(*draw(240, 1), epochs=2, batch_size=16, verbose=verbose, callbacks=[callback])
    rows = on_screen(screen.getvalue())
    alerts = [row for row in rows if "the model relies on" in row]
    assert alerts and all(row.startswith("WARNED ") for row in alerts)
    bars = [row for row in rows if "15/15" in row]
    assert len(bars) == (2 if verbose else 0) or verbose in (1, "auto")
    assert all(row.startswith("15/15") for row in bars)
    assert ("Shortcut tests: " in screen.getvalue()) == bool(verbose)
