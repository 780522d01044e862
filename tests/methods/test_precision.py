"""Every method under every type that a model may compute in."""

import keras
import numpy as np
import pytest
from helpers.networks import small_cnn
from helpers.slow_twins import relative_error

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency.methods import METHODS, DeconvNet, get_methods

NAMES = [*METHODS]


def under(policy, make):
    keras.config.set_dtype_policy(policy)
    try:
        return make()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(3, 18, 14, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(images):
    return explain(small_cnn(), images, 1, NAMES)


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_maps_equal_those_of_the_same_weights_in_float32(images, expected, policy):
    model = under(policy, small_cnn)
    model.set_weights(small_cnn().get_weights())
    found = explain(model, images, 1, NAMES)
    for name in NAMES:
        assert relative_error(found[name], expected[name]) < 1e-4, name
        assert found[name].dtype == np.float32


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
def test_a_layer_of_another_type_than_the_rest(images, expected, policy):
    model = small_cnn()
    config = model.get_config()
    [layer] = [c for c in config["layers"] if c["config"]["name"] == "conv_2"]
    layer["config"]["dtype"] = policy
    mixed = keras.Sequential.from_config(config)
    mixed.set_weights(model.get_weights())
    assert mixed.get_layer("conv_2").compute_dtype == policy.removeprefix("mixed_")
    found = explain(mixed, images, 1, NAMES)
    for name in NAMES:
        assert relative_error(found[name], expected[name]) < 1e-4, name


@pytest.mark.parametrize("channel", ["strongest", 2])
def test_deconvnet_of_a_layer_in_float64(images, channel):
    model = under("float64", small_cnn)
    model.set_weights(small_cnn().get_weights())
    method = DeconvNet(layer="conv_2", channel=channel)
    found, twin = (explain(m, images, 1, method) for m in (model, small_cnn()))
    assert relative_error(found, twin) < 1e-4


@pytest.mark.slow
@pytest.mark.versions
def test_a_float64_model_is_watched_with_all_methods_and_features(images, tmp_path):
    model = under("float64", small_cnn)
    model.compile("sgd", "sparse_categorical_crossentropy")
    probes = ProbeSet(images, [0, 1, 2])
    callback = SaliencyCallback(
        probes, tmp_path, get_methods(NAMES), feature_layers=["conv_2"], on_error="raise"
    )
    model.fit(images, np.array([0, 1, 2]), verbose=0, callbacks=[callback])
    assert callback.history.epochs == [-1, 0]
    assert all(np.isfinite(callback.history.heatmaps(name, 0)).all() for name in NAMES)
