"""What runs keep of maps that are larger than 64 pixels, and how runs that go on compare them."""

import keras
import numpy as np
import pytest
from helpers.training import fit

from keras_saliency import History, ProbeSet, SaliencyCallback, explain
from keras_saliency.statistics import Attention, Recording
from keras_saliency.statistics.drift import drift

SIZE = (96, 128)  # four times 24 and 32, of which the means can be made by hand
KEPT = (48, 64)
SETTINGS = ("reduced", "native", None)


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(24, *SIZE, 1)).astype(np.float32)
    labels = np.arange(24) % 2
    images[labels == 1, 20:60, 20:60] += 0.5
    return images, labels


def model_of():
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((*SIZE, 1)),
        keras.layers.Conv2D(2, 5, strides=4, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    return model


def train(log_dir, data, setting, first=0, epochs=3, model=None, **options):
    probes = ProbeSet(data[0][:6], data[1][:6])
    options = {"detectors": None, "sinks": [], "methods": "vanilla_gradients"} | options
    callback = SaliencyCallback(probes, log_dir, history_maps=setting, on_error="raise", **options)
    model = model or model_of()
    fit(callback, data, model, epochs=epochs, initial_epoch=first, shuffle=False)
    return callback, model, probes


@pytest.fixture(scope="module")
def runs(tmp_path_factory, large):
    return {s: train(tmp_path_factory.mktemp("logs"), large, s) for s in SETTINGS}


def stored(run):
    return run[0].history.stored_statistics("vanilla_gradients")


def halved(maps):
    return maps.reshape(len(maps), KEPT[0], 2, KEPT[1], 2).mean(axis=(2, 4))


def test_reduced_is_the_default(large):
    assert SaliencyCallback(large).history_maps == "reduced"


@pytest.mark.parametrize("setting", ["reduced", "native"])
def test_the_maps_in_history_are_those_of_the_model(runs, setting):
    callback, model, probes = runs[setting]
    whole = explain(model, probes, probes.labels, "vanilla_gradients")
    expected = whole if setting == "native" else halved(whole)
    kept = callback.history.heatmaps("vanilla_gradients", 2)
    np.testing.assert_allclose(kept, expected, rtol=2e-3, atol=1e-6 * whole.max())


def test_what_observations_compute_does_not_depend_on_what_is_kept(runs):
    """`drift_*` included: it is computed from the whole maps."""
    whole = runs["native"][0].history["vanilla_gradients"]
    for setting in ("reduced", None):
        history = runs[setting][0].history
        mine, computed = history["vanilla_gradients"], stored(runs[setting])
        assert list(mine) == list(whole) and computed == stored(runs["native"])
        assert {"drift_previous", "drift_start", "gini"} <= set(computed)
        for name in computed:
            np.testing.assert_array_equal(mine[name], whole[name], err_msg=name)


def test_a_run_without_maps_is_read_and_copied_like_any_other(runs):
    callback = runs[None][0]
    for history in (callback.history, History.load(callback.run_dir)):
        with pytest.raises(KeyError, match="history_maps=None"):
            history.heatmaps("vanilla_gradients", 0)
        assert history.epochs == [-1, 0, 1, 2] and history == callback.history
        assert history.to_dict()["epochs"] == history.epochs


def test_what_is_on_disk_shrinks_with_the_maps(runs):
    from pathlib import Path

    size = {
        s: sum(p.stat().st_size for p in Path(runs[s][0].run_dir, "history").iterdir()) / 4
        for s in SETTINGS
    }
    codes = {"native": 6 * 96 * 128 * 2, "reduced": 6 * 48 * 64 * 2, None: 0}
    rest = size[None]
    for setting in ("native", "reduced"):
        assert abs(size[setting] - rest - codes[setting]) < 2000


def unit_drift(now, then):
    """As the drift of grainy maps is defined, on maps of any one size."""
    size = SIZE
    current, earlier = (
        Attention.from_maps(
            "m", Recording("m", stored, size, True).attention(np.arange(6)).native, size, False
        )
        for stored in (now, then)
    )
    return drift(current, earlier)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_run_that_goes_on_compares_like_with_like(tmp_path, large, runs, setting):
    _, model, _ = train(tmp_path, large, setting, epochs=2)
    again, _, _ = train(tmp_path, large, setting, 2, 4, model)
    assert again.history.epochs == [-1, 0, 1, 2, 3]
    series = again.history["vanilla_gradients"]
    whole, *_ = train(tmp_path / "whole", large, setting, epochs=4)
    expected = whole.history["vanilla_gradients"]
    for name in series:
        if "_previous" in name or not name.endswith(("_first", "_start")):
            rows = [0, 1, 2, 4] if "_previous" in name else slice(None)
            close = {"rtol": 1e-3, "atol": 1e-4}
            np.testing.assert_allclose(
                series[name][rows], expected[name][rows], err_msg=name, **close
            )
    if setting is None:
        assert np.isnan(series["drift_previous"][3]).all()
        assert np.isnan(series["drift_start"][3:]).all()
        return
    stored = [again.history.entries[e].heatmaps["vanilla_gradients"] for e in (-1, 1, 2, 3)]
    for name, row, now, then in (
        ("drift_previous", 3, 2, 1),
        ("drift_start", 3, 2, 0),
        ("drift_start", 4, 3, 0),
    ):
        by_hand = unit_drift(stored[now], stored[then])
        np.testing.assert_allclose(series[name][row], by_hand, rtol=2e-2, atol=2e-3)
    if setting == "native":
        for name in series:
            np.testing.assert_allclose(series[name], expected[name], rtol=1e-3, atol=1e-4)


def test_a_run_of_an_older_version_goes_on_with_its_maps(tmp_path, large):
    """Those kept all maps at native size."""
    _, model, _ = train(tmp_path, large, "native", epochs=1)
    with pytest.warns(UserWarning, match=r"goes on with heatmaps of the size \(96, 128\)"):
        again, _, _ = train(tmp_path, large, "reduced", 1, 3, model)
    assert again.history.epochs == [-1, 0, 1, 2]
    assert {again.history.heatmaps("vanilla_gradients", e).shape for e in again.history.epochs} == {
        (6, *SIZE)
    }


def test_a_run_without_maps_can_go_on_with_them(tmp_path, large):
    _, model, _ = train(tmp_path, large, None, epochs=1)
    again, _, _ = train(tmp_path, large, "reduced", 1, 3, model)
    with pytest.raises(KeyError, match="Known: 1, 2"):
        again.history.heatmaps("vanilla_gradients", 0)
    assert again.history.heatmaps("vanilla_gradients", 2).shape == (6, *KEPT)
    assert np.isfinite(again.history["vanilla_gradients"]["drift_previous"][3]).all()
