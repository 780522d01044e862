"""What excites the channels of a layer: which probes, by which structure, as one picture."""

import warnings

import keras
import numpy as np
import pytest
from helpers.networks import small_cnn

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback, explain
from keras_saliency.attribution.layer_features import NUM_CHANNELS, NUM_PROBES, FeatureViews
from keras_saliency.methods import DeconvNet
from keras_saliency.rendering import draw_features
from keras_saliency.sinks import Sink

SHAPE = (18, 14, 3)


@pytest.fixture
def images(rng):
    return rng.normal(size=(10, *SHAPE)).astype(np.float32)


@pytest.fixture
def model():
    return small_cnn(SHAPE)


def views_of(model, images, layers, chunk_size=4):
    graph = ModelGraph(model, image_shape=SHAPE, chunk_size=chunk_size)
    return FeatureViews(graph, layers).look(images)


@pytest.mark.parametrize("layer", ["conv_1", "conv_2"])
def test_the_strongest_channels_and_their_probes(model, images, layer):
    (view,) = views_of(model, images, [layer])
    inner = keras.Model(model.inputs, model.get_layer(layer).output)
    maxima = inner.predict(images, verbose=0).max(axis=(1, 2))
    expected = sorted(range(maxima.shape[1]), key=lambda c: -maxima[:, c].max())[:NUM_CHANNELS]
    expected = [c for c in expected if maxima[:, c].max() > 0]
    assert view.layer == layer and view.channels.tolist() == expected
    for row, c in enumerate(expected):
        ranked = sorted(range(10), key=lambda i: -maxima[i, c])[:NUM_PROBES]
        assert view.probes[row].tolist() == ranked
        np.testing.assert_allclose(view.maxima[row], maxima[ranked, c], rtol=1e-5)


def test_the_projections_are_those_of_deconvnet(model, images):
    (view,) = views_of(model, images, ["conv_2"])
    assert view.signals.shape == (*view.probes.shape, *SHAPE)
    for row, channel in enumerate(view.channels):
        method = DeconvNet(layer="conv_2", channel=int(channel))
        expected = explain(model, images[view.probes[row]], method=method)
        np.testing.assert_allclose(np.abs(view.signals[row]).max(axis=-1), expected, atol=1e-6)


def test_a_channel_that_nothing_excites_is_left_out(model, images):
    kernel, bias = model.get_layer("conv_1").get_weights()
    bias[:] = -100.0
    bias[3] = 100.0
    model.get_layer("conv_1").set_weights([kernel, bias])
    (view,) = views_of(model, images, ["conv_1"])
    assert view.channels.tolist() == [3]
    bias[3] = -100.0
    model.get_layer("conv_1").set_weights([kernel, bias])
    (view,) = views_of(model, images, ["conv_1"])
    assert view.signals.shape == (0, NUM_PROBES, *SHAPE)


def test_the_views_follow_the_live_weights(model, images):
    graph = ModelGraph(model, image_shape=SHAPE, chunk_size=10)
    views = FeatureViews(graph, ["conv_1"])
    before = views.look(images)[0]
    layer = model.get_layer("conv_1")
    layer.set_weights([2 * weights for weights in layer.get_weights()])
    np.testing.assert_allclose(views.look(images)[0].maxima, 2 * before.maxima, rtol=1e-5)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["conv_3"], "DeconvNet.*does not have.*Did you mean"),
        (["dense_1"], "needs a layer with a spatial output"),
    ],
)
def test_layers_that_have_none_are_refused_before_training(model, images, tmp_path, layers, words):
    callback = SaliencyCallback(ProbeSet(images), tmp_path, feature_layers=layers)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=words), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(images, np.zeros(10), verbose=0, callbacks=[callback])


def test_a_layer_without_relu_before_it_is_refused(images):
    parts = [keras.layers.Conv2D(3, 3, activation="gelu", name="maps"), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input(SHAPE), *parts, keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="needs a ReLU to rectify"):
        views_of(model, images, ["maps"])


@pytest.mark.parametrize("wrong", [3, [1], [""], {"a": 1}])
def test_feature_layers_are_names(images, wrong):
    with pytest.raises(TypeError, match="feature_layers must be a list of names"):
        SaliencyCallback(ProbeSet(images), feature_layers=wrong)


class Kept(Sink):
    def open(self, run_dir, settings):
        self.reports = []

    def write(self, report):
        self.reports.append(report)


def test_a_training_draws_a_picture_for_each_layer_and_epoch(model, images, tmp_path):
    kept, labels = Kept(), np.arange(10) % 4
    callback = SaliencyCallback(
        ProbeSet(images, labels),
        tmp_path,
        feature_layers=["conv_1", "conv_2"],
        sinks=["tensorboard", kept, "folder"],
        on_error="raise",
        detectors=None,
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(images, labels, epochs=2, verbose=0, callbacks=[callback])
    drawn = [r for r in kept.reports if "saliency/features/conv_1" in r.pictures]
    assert [r.epoch for r in drawn] == [-1, 0, 1]
    assert all("saliency/features/conv_2" in r.pictures for r in drawn)
    assert [view.layer for view in drawn[-1].features] == ["conv_1", "conv_2"]
    pictures = tmp_path / "saliency" / "pictures" / "features_conv_2"
    assert len(list(pictures.glob("*.png"))) == 3


def spot(y, x, size=(40, 60)):
    signal = np.zeros((*size, 3), np.float32)
    signal[y : y + 5, x : x + 7] = 1
    return signal


def test_pictures_are_cut_to_what_excites_the_channel():
    signals = np.stack([spot(0, 0), spot(30, 50)])[None]
    images = np.zeros((1, 2, 40, 60, 3), np.uint8)
    images[0, 0, :7, :7] = (200, 0, 0)  # all of the first cut, and nothing else
    images[0, 1, 29:36, 50:57] = (0, 0, 200)
    names = [["a", "b"]]
    picture = draw_features(np.array([4]), np.ones((1, 2)), signals, images, names, "conv")
    red = (picture[..., 0] > 150) & (picture[..., 2] < 50)
    blue = (picture[..., 2] > 150) & (picture[..., 0] < 50)
    for colour in (red, blue):
        rows, columns = np.nonzero(colour)
        assert colour[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()
        assert rows.max() - rows.min() + 1 >= 90, "enlarged"
    assert red.sum() == blue.sum()


def test_what_comes_from_all_over_the_image_is_not_cut():
    signals = np.ones((1, 1, 40, 60, 3), np.float32)
    images = np.full((1, 1, 40, 60, 3), 90, np.uint8)
    whole = draw_features(np.array([0]), np.ones((1, 1)), signals, images, [["a"]], "conv")
    assert whole.shape[1] > 2 * 96
    nothing = draw_features(np.zeros(0, int), np.zeros((0, 3)), signals[:0], images[:0], [], "conv")
    assert nothing is None
