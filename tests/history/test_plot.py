"""Curves of a history in Matplotlib."""

import sys

import numpy as np
import pytest

from keras_saliency import History

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

VALUES = {-1: [np.nan, np.nan], 0: [0.2, 0.4], 3: [0.6, np.nan]}


@pytest.fixture
def history():
    history = History(names=["a", "b"])
    for epoch, values in VALUES.items():
        numbers = {"drift_previous": values, "extent": [0.5, 0.7]}
        statistics = {"grad_cam": numbers, "other": {"extent": [0.1, 0.1]}}
        history.append(epoch, ([0, 1], [0.5, 0.5]), statistics, {}, is_baseline=epoch < 0)
    yield history
    plt.close("all")


def test_the_mean_of_the_probes_is_drawn_at_the_epochs_of_the_history(history):
    ax = history.plot("drift_previous")
    [line] = ax.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), [0, 3])  # the first has no value
    np.testing.assert_allclose(line.get_ydata(), [0.3, 0.6])
    assert ax.get_ylabel() == "drift_previous" and line.get_label() == "grad_cam"


def test_each_method_that_has_it_is_a_line_or_the_one_that_is_asked_for(history):
    assert [li.get_label() for li in history.plot("extent").get_lines()] == ["grad_cam", "other"]
    assert len(history.plot("extent", method="other").get_lines()) == 1


def test_axes_are_taken_and_given_back_and_no_figure_is_made_for_them(history):
    _, (left, right) = plt.subplots(1, 2)
    assert history.plot("extent", ax=right) is right and not left.get_lines()
    assert len(plt.get_fignums()) == 1
    assert history.plot("extent").figure is not right.figure


def test_what_cannot_be_drawn_is_refused(history):
    with pytest.raises(KeyError, match="no statistic.*nonsense.*drift_previous"):
        history.plot("nonsense")
    with pytest.raises(KeyError, match="no statistic.*drift_previous.*Known: extent"):
        history.plot("drift_previous", method="other")
    with pytest.raises(KeyError, match="no method.*nonsense"):
        history.plot("extent", method="nonsense")
    with pytest.raises(TypeError, match="ax must be a Matplotlib Axes"):
        history.plot("extent", ax=plt.figure())
    assert History().methods == []
    with pytest.raises(KeyError, match="Known: none"):
        History().plot("extent")


def test_without_matplotlib_it_says_what_to_install(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        history.plot("extent")
