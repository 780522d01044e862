import json
import sys

import numpy as np
import pytest

from keras_saliency.history import History

N = 4
LABELS = [0, 0, 1, 1]


def numbers(*values):
    return np.array(values, np.float32)


def append(history, epoch, classes=(0, 1, 1, 1), statistics=None, heatmaps=None, seconds=None):
    statistics = statistics or {"grad_cam": {"gini": numbers(1, 2, 3, np.nan) + epoch}}
    if heatmaps is None:
        heatmaps = {"grad_cam": np.random.default_rng(0).random((N, 3, 5)) + len(history.epochs)}
    history.append(
        epoch, (np.array(classes), numbers(0.9, 0.8, 0.7, 0.6)), statistics, heatmaps, seconds
    )


@pytest.fixture
def history():
    history = History(labels=LABELS, names=["a", "b", "c", "d"], class_names=["cat", "dog"])
    append(history, -1, classes=(1, 1, 0, 1), seconds=0.5)
    drift = {"gini": numbers(0, 0, 0, 0), "drift_previous": numbers(0.1, 0.2, 0.3, 0.4)}
    append(history, 0, statistics={"grad_cam": drift})
    append(history, 1, classes=(0, 0, 0, 1), statistics={"grad_cam": drift, "deconvnet": drift})
    return history


def test_series_hold_a_row_for_each_epoch_and_nan_where_a_statistic_is_missing(history):
    series = history["grad_cam"]["drift_previous"]
    assert series.dtype == np.float32 and series.shape == (3, N)
    np.testing.assert_array_equal(np.isnan(series).all(axis=1), [True, False, False])
    np.testing.assert_allclose(series[1], [0.1, 0.2, 0.3, 0.4])
    assert np.isnan(history["deconvnet"]["gini"][:2]).all()
    assert history.epochs == [-1, 0, 1]
    assert history.methods == ["grad_cam", "deconvnet"]
    assert list(history["grad_cam"]) == ["gini", "drift_previous"]
    assert history.seconds == [0.5, None, None]
    assert history.predictions.shape == history.confidence.shape == (3, N)
    assert history.predictions.tolist()[2] == [0, 0, 0, 1]


def test_an_epoch_is_replaced_and_epochs_stay_sorted(history):
    append(history, 7)
    append(history, 3)
    append(history, 0, statistics={"grad_cam": {"gini": numbers(9, 9, 9, 9)}})
    assert history.epochs == [-1, 0, 1, 3, 7]
    assert history["grad_cam"]["gini"][1].tolist() == [9, 9, 9, 9]
    assert np.isnan(history["grad_cam"]["drift_previous"][1]).all()


def test_what_is_appended_is_copied():
    history, values, maps = History(), numbers(1, 2, 3, 4), np.ones((N, 2, 2), np.float32)
    append(history, 0, statistics={"m": {"gini": values}}, heatmaps={"m": maps})
    values[:], maps[:] = 0, 0
    assert history["m"]["gini"].tolist() == [[1, 2, 3, 4]]
    assert (history.heatmaps("m", 0) == 1).all()


def test_heatmaps_survive_float16_at_any_magnitude(rng):
    maps = rng.random((N, 3, 5)).astype(np.float32)
    maps *= np.array([1e-30, 1e30, 1, 70000], np.float32)[:, None, None]
    maps[2, 0, 0], maps[3] = np.inf, 0
    history = History()
    append(history, 0, heatmaps={"grad_cam": maps})
    restored = history.heatmaps("grad_cam", 0)
    assert restored.dtype == np.float32
    np.testing.assert_allclose(restored[:2], maps[:2], rtol=2**-11 + 1e-6)
    assert np.isnan(restored[2]).all()
    assert (restored[3] == 0).all()


def test_a_small_value_is_off_by_at_most_3e_8_of_the_maximum():
    maps = np.logspace(-12, 0, N * 200, dtype=np.float32).reshape(1, N, 200)
    history = History()
    history.append(0, ([0], [1.0]), {}, {"m": maps})
    error = np.abs(history.heatmaps("m", 0) - maps)
    assert (error <= np.maximum(maps / 2048, 3e-8)).all()


def test_splits_tell_what_became_of_the_predictions(history):
    # From epoch 0 to 1: probe 1 goes 1 -> 0 (its label), probe 2 goes 1 -> 0 (not its label).
    splits = history.splits("grad_cam", "drift_previous")
    assert set(splits) == {"stayed", "corrected", "flipped"}
    assert all(
        s.shape == (3,) and s.dtype == np.float32 and np.isnan(s[0]) for s in splits.values()
    )
    np.testing.assert_allclose(splits["stayed"][2], 0.25)
    np.testing.assert_allclose(splits["corrected"][2], 0.2)
    np.testing.assert_allclose(splits["flipped"][2], 0.3)


def test_class_means_leave_undefined_probes_out(history):
    means = history.class_means("grad_cam", "gini")
    np.testing.assert_allclose(means[0], [0.5, 0, 0])
    np.testing.assert_allclose(means[1], [2, 0, 0])
    with pytest.raises(ValueError, match="has no labels"):
        History().class_means("grad_cam", "gini")


def test_a_multi_hot_probe_counts_for_each_of_its_classes(tmp_path):
    history = History(labels=np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 0]], np.float32))
    append(history, 0, classes=(0, 0, 0, 0), statistics={"m": {"gini": numbers(1, 2, 3, np.nan)}})
    append(history, 1, classes=(2, 2, 1, 2), statistics={"m": {"gini": numbers(4, 6, 8, 9)}})
    history.save(tmp_path / "history.npz")
    for held in (history, History.load(tmp_path / "history.npz")):
        means = held.class_means("m", "gini")
        assert list(means) == [0, 2]  # no probe has class 1
        np.testing.assert_allclose(means[0], [1, 6.5])
        np.testing.assert_allclose(means[2], [1.5, 5])
        # 0 -> 2 is right for the first two, and not for the last one; 0 -> 1 never is.
        splits = held.splits("m", "gini")
        np.testing.assert_allclose(splits["corrected"][1], 5)
        np.testing.assert_allclose(splits["flipped"][1], 8.5)
    assert History.load(tmp_path / "history.npz") == history


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"epoch": 0.5}, "epoch must be an int"),
        ({"epoch": -2}, "at least -1"),
        ({"classes": (0, 1)}, r"classes must have shape \(4,\). Received: \(2,\)"),
        ({"statistics": {"m": {"gini": numbers(1)}}}, r"statistics\['m'\]\['gini'\] must have"),
        ({"heatmaps": {"grad_cam": np.ones((N, 3, 4))}}, r"were \(3, 5\) in earlier epochs"),
        ({"heatmaps": {"grad_cam": np.ones((2, 3, 5))}}, r"must have shape \(4, h, w\)"),
        ({"heatmaps": {"new": np.ones(N)}}, r"heatmaps must be \(n, h, w\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(history, arguments, words):
    before = history.to_dict()
    with pytest.raises(ValueError, match=words):
        append(history, **{"epoch": 5, **arguments})
    assert history.to_dict() == before


def test_unknown_names_are_told_with_the_known_ones(history):
    with pytest.raises(KeyError, match="no method 'gradcam'.*'grad_cam'"):
        history["gradcam"]
    with pytest.raises(KeyError, match="no statistic of 'grad_cam' 'jini'.*'gini'"):
        history["grad_cam"]["jini"]
    with pytest.raises(KeyError, match="no epoch with heatmaps of 'grad_cam' 9"):
        history.heatmaps("grad_cam", 9)
    with pytest.raises(ValueError, match=r"labels and names have \[2, 3\] entries"):
        History(labels=[1, 2], names=["a", "b", "c"])


def test_the_dict_is_fit_for_json(history):
    told = json.loads(json.dumps(history.to_dict(), allow_nan=False))
    assert told["epochs"] == [-1, 0, 1]
    assert told["statistics"]["grad_cam"]["gini"][0] == [0, 1, 2, None]


def test_the_dataframe_is_long(history):
    pytest.importorskip("pandas")
    frame = history.to_dataframe()
    assert list(frame) == ["epoch", "method", "statistic", "probe", "name", "value"]
    assert len(frame) == 4 * 3 * N
    row = frame[(frame.statistic == "drift_previous") & (frame.epoch == 1) & (frame.name == "c")]
    assert row.method.tolist() == ["grad_cam", "deconvnet"] and row.probe.tolist() == [2, 2]
    np.testing.assert_allclose(row.value, 0.3, rtol=1e-6)
    assert list(History().to_dataframe()) == list(frame)


def test_a_missing_pandas_is_told_in_words(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        history.to_dataframe()


def test_one_probe_and_one_pixel():
    history = History()
    history.append(0, ([3], [0.5]), {"m": {"gini": [1.0]}}, {"m": [[[2.0]]]})
    assert history["m"]["gini"].shape == (1, 1)
    assert history.heatmaps("m", 0).tolist() == [[[2.0]]]
