"""`sanity_check`: cascading randomization of the weights."""

import keras
import numpy as np
import pytest
from helpers.networks import SHAPE, small_cnn

from keras_saliency import ProbeSet, sanity_check
from keras_saliency.attribution.sanity_check import SanityCheck


@pytest.fixture
def probes(rng):
    return ProbeSet(rng.uniform(size=(8, *SHAPE)).astype(np.float32), np.arange(8) % 4)


def test_the_model_is_the_same_afterwards(probes):
    model = small_cnn()
    before, state = model.get_weights(), np.random.get_state()[1].copy()
    sanity_check(model, probes, "grad_cam")
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def test_the_model_is_the_same_after_an_error(probes, monkeypatch):
    model = small_cnn()
    before = model.get_weights()
    calls = []

    def broken(*_):
        calls.append(1)
        raise RuntimeError("broken")

    monkeypatch.setattr("keras_saliency.attribution.sanity_check.rank_correlation", broken)
    with pytest.raises(RuntimeError, match="broken"):
        sanity_check(model, probes, "grad_cam")
    assert calls
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_stages_go_from_the_top_to_the_bottom(probes, capsys):
    check = sanity_check(small_cnn(), probes, ["grad_cam", "vanilla_gradients"])
    assert [layer.split("/")[-1] for layer in check.layers] == [
        "dense_2",
        "dense_1",
        "conv_2",
        "conv_1",
    ]
    assert all(v.shape == (4,) for v in check.correlations.values())
    printed = capsys.readouterr().out
    assert "| grad_cam |" in printed and "depends on" in printed


def test_a_map_that_looks_at_the_image_only_is_found_out(probes):
    """A network whose map cannot change, however its weights are shuffled."""
    model = keras.Sequential(
        [
            keras.layers.Input(SHAPE),
            keras.layers.Conv2D(3, 1, use_bias=False, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, use_bias=False, kernel_initializer="ones"),
        ]
    )
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, 0.2, np.float32))
    check = sanity_check(model, probes, ["hires_cam"])
    np.testing.assert_allclose(check.correlations["hires_cam"], 1, atol=1e-5)
    assert not check.depends("hires_cam") and "| none |" in str(check)


def test_gradients_of_a_deep_network_depend_on_its_weights(rng):
    layers = [keras.layers.Conv2D(12, 3, padding="same", activation="relu") for _ in range(4)]
    model = keras.Sequential(
        [keras.layers.Input((16, 16, 3)), *layers, keras.layers.Flatten(), keras.layers.Dense(4)]
    )
    probes = ProbeSet(rng.uniform(size=(8, 16, 16, 3)).astype(np.float32), np.arange(8) % 4)
    check = sanity_check(model, probes, ["vanilla_gradients", "input_x_gradient"])
    assert check.depends("vanilla_gradients")
    assert abs(check.correlations["vanilla_gradients"][-1]) < 0.3


def test_methods_without_an_honest_map_are_named(probes):
    model = keras.Sequential(
        [
            keras.layers.Input(SHAPE),
            keras.layers.Conv2D(3, 3, activation="silu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    check = sanity_check(model, probes, num_stages=2)
    assert {"deconvnet", "guided_backprop", "guided_grad_cam"} == set(check.refused)
    assert "Not tried: deconvnet" in str(check) and len(check.layers) == 2
    with pytest.raises(ValueError, match="needs a ReLU"):
        sanity_check(model, probes, "deconvnet")


def test_wrong_arguments_are_errors_in_words(probes):
    with pytest.raises(TypeError, match="ProbeSet"):
        sanity_check(small_cnn(), np.zeros((2, *SHAPE)))
    with pytest.raises(ValueError, match="num_stages"):
        sanity_check(small_cnn(), probes, num_stages=0)


def test_maps_that_vanish_prove_nothing():
    check = SanityCheck(["top"], {"grad_cam": np.array([np.nan])})
    assert not check.depends("grad_cam")
    assert "no map" in str(check) and "| unknown |" in str(check)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.9, 0.8, 0.7, 0.6], "none"),
        ([0.9, 0.8, 0.3, 0.1], "lower layers only"),
        ([0.9, 0.2, 0.1, 0.0], "all weights"),
        ([0.9, np.nan, np.nan, np.nan], "unknown"),
        ([0.9, np.nan, 0.2, 0.1], "unknown"),
        ([np.nan, np.nan, np.nan, 0.9], "none"),
        ([np.nan, 0.8, np.nan, 0.1], "lower layers only"),
    ],
)
def test_verdicts(values, verdict):
    layers = ["d", "c", "b", "a"]
    assert SanityCheck(layers, {"m": np.array(values)}).verdict("m") == verdict
