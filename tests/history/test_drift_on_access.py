"""Drifts that no observation has computed: history computes them from the maps that it keeps."""

import shutil

import keras
import numpy as np
import pytest
from helpers.networks import draw_data, small_cnn
from helpers.training import compiled, fit

from keras_saliency import History, ProbeSet, SaliencyCallback
from keras_saliency.history import archive, drift_on_access
from keras_saliency.statistics import MEASURES, SHOWN_DRIFTS, drift_names
from keras_saliency.statistics.maps import Maps

METHODS = ["grad_cam", "vanilla_gradients"]  # 4x3 maps that are resized, grainy ones that are not
LATER = [name for name in drift_names() if name not in SHOWN_DRIFTS]
LARGE, KEPT = (96, 128), (48, 64)


def train(log_dir, data, epochs=3, first=0, model=None, **options):
    options = {"detectors": None, "sinks": [], "methods": METHODS} | options
    probes = ProbeSet(data[0][:6], data[1][:6])
    callback = SaliencyCallback(probes, log_dir, on_error="raise", **options)
    model = model or compiled(small_cnn())
    fit(callback, data, model, epochs=epochs, initial_epoch=first, shuffle=False)
    return callback, model


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Runs of one training: drifts computed on access, and all of them at each observation."""
    found, data = [], draw_data(np.random.default_rng(0))
    for log_keys in (("drift",), drift_names()):
        keras.utils.set_random_seed(7)
        found.append(train(tmp_path_factory.mktemp("logs"), data, log_keys=log_keys)[0])
    return found


def stored(history):
    return {m: set(history.stored_statistics(m)) for m in history}


def check_equal(history, expected):
    assert list(history) == METHODS
    for method in METHODS:
        assert set(history[method]) == set(expected[method])
        for name in drift_names():
            np.testing.assert_array_equal(history[method][name], expected[method][name], name)


def test_drift_on_access_is_what_an_observation_computes(pair):
    lazy, eager = (callback.history for callback in pair)
    for method in METHODS:
        assert stored(lazy)[method].isdisjoint(LATER) and stored(eager)[method] >= set(LATER)
        assert np.isfinite(eager[method]["iou_previous"][1:]).any()
        assert np.isfinite(eager[method]["ssim_first"][2:]).any()
        assert np.isfinite(eager[method]["rank_correlation_start"][1:]).any()
    check_equal(lazy, eager)


def test_it_is_in_tables_too(pair):
    pytest.importorskip("pandas")
    lazy, eager = (callback.history for callback in pair)
    one, other = (h.to_dict()["statistics"]["grad_cam"] for h in (lazy, eager))
    assert {name: one[name] for name in LATER} == {name: other[name] for name in LATER}
    frame = lazy.to_dataframe()
    rows = frame[(frame.method == "vanilla_gradients") & (frame.statistic == "ssim_start")]
    expected = eager["vanilla_gradients"]["ssim_start"].reshape(-1)
    np.testing.assert_array_equal(rows.value.to_numpy(), expected)


def test_it_survives_files(pair, tmp_path):
    lazy, eager = (callback.history for callback in pair)
    path = tmp_path / "history.npz"
    lazy.save(path)
    for again in (History.load(path), History.load(pair[0].run_dir)):
        assert again == lazy
        check_equal(again, eager)


def test_it_goes_on_in_a_run_that_goes_on(tmp_path, data):
    _, model = train(tmp_path, data, epochs=2)
    again, _ = train(tmp_path, data, 4, 2, model, methods=METHODS)
    keras.utils.set_random_seed(7)
    _, model = train(tmp_path / "eager", data, epochs=2, log_keys=drift_names())
    eager, _ = train(tmp_path / "eager", data, 4, 2, model, log_keys=drift_names())
    assert again.history.epochs == [-1, 0, 1, 2, 3]
    check_equal(again.history, eager.history)


def test_without_maps_it_is_nan_and_what_logs_show_is_computed(tmp_path, data):
    log_keys = ("drift", "iou_start")
    callback, _ = train(tmp_path, data, history_maps=None, log_keys=log_keys)
    for history in (callback.history, History.load(callback.run_dir)):
        series = history["vanilla_gradients"]
        assert set(LATER) <= set(series)
        for name in LATER:
            assert series[name].shape == (4, 6) and series[name].dtype == np.float32
            assert np.isfinite(series[name]).any() == (name == "iou_start")
        assert np.isfinite(series["drift_start"][1:]).any()


def test_that_of_reduced_maps_is_of_the_reduced_maps(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.uniform(size=(24, *LARGE, 1)).astype(np.float32), np.arange(24) % 2
    layers = [
        keras.Input((*LARGE, 1)),
        keras.layers.Conv2D(2, 5, strides=4, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = compiled(keras.Sequential(layers))
    callback, _ = train(tmp_path, (images, labels), 2, model=model, methods="vanilla_gradients")
    history = callback.history
    start, now = (history.heatmaps("vanilla_gradients", e) for e in (-1, 1))
    assert now.shape == (6, *KEPT)
    smooth_start, smooth_now = (Maps.of(maps).smoothed() for maps in (start, now))
    for name, measure in MEASURES.items():
        if name != "drift":
            expected = measure.compare(smooth_now, smooth_start)
            found = history["vanilla_gradients"][f"{name}_start"]
            np.testing.assert_allclose(found[2], expected, rtol=1e-5, err_msg=name)
            assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all()


def test_it_is_computed_once_and_anew_where_an_epoch_changes(pair, monkeypatch):
    calls = []

    def counted(*arguments, **options):
        calls.append(options["only"])
        return compute_all(*arguments, **options)

    compute_all = drift_on_access.compute_all
    monkeypatch.setattr(drift_on_access, "compute_all", counted)
    history = History.load(pair[0].run_dir)
    first = history["grad_cam"]["iou_previous"]
    assert len(calls) == 3
    np.testing.assert_array_equal(history["grad_cam"]["iou_previous"], first)
    assert len(calls) == 3, "remembered"
    history.insert(1, history.entries[0])  # epoch 1 is trained again
    again = history["grad_cam"]["iou_previous"]
    assert len(calls) == 5, "epoch 1, and epoch 2, which is compared with it"
    defined = np.isfinite(first[1])
    assert defined.any() and (again[2][defined] == 1).all(), "its maps are those of epoch 0 now"


def test_maps_that_are_gone_are_reported(tmp_path, pair):
    folder = tmp_path / "run"
    shutil.copytree(pair[0].run_dir, folder)
    history = History.load(folder)
    (folder / "history" / "epoch_00001.npz").unlink()
    with pytest.warns(UserWarning, match=r"epochs \[1\] are no longer on disk"):
        found = history["grad_cam"]["jensen_shannon_previous"]
    expected = pair[1].history["grad_cam"]["jensen_shannon_previous"]
    assert np.isnan(found[2:]).all(), "epochs 1 and 2"
    np.testing.assert_array_equal(found[:2], expected[:2])


def test_runs_of_older_versions_have_what_they_have(pair, tmp_path):
    """Those stored all drifts and not how maps are compared."""
    path = tmp_path / "history.npz"
    pair[1].history.save(path)
    with np.load(path) as arrays:
        archive.save(archive.with_metadata(arrays, comparisons=[]), path)
    old = History.load(path)
    assert not any(entry.comparisons for entry in old.entries.values())
    check_equal(old, pair[1].history)
