"""Signals (n, length, C) and volumes (n, D, H, W, C): the same maps as for images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback, explain

layers = keras.layers
SIGNAL, VOLUME = (40, 2), (10, 12, 9, 1)


def pixels_of(shape, num=5):
    return np.random.default_rng(0).normal(size=(num, *shape)).astype(np.float32)


def convnet(shape, head="pooled"):
    """Two convolutions, batch normalisation, pooling, and a dense head."""
    d = len(shape) - 1
    convolution = getattr(layers, f"Conv{d}D")
    images = keras.Input(shape)
    x = convolution(6, 3, activation="relu", name="first")(images)
    x = getattr(layers, f"MaxPooling{d}D")(2)(x)
    x = convolution(5, 3, padding="same", name="second")(x)
    x = layers.ReLU(name="maps")(layers.BatchNormalization()(x))
    if head == "max":
        x = getattr(layers, f"MaxPooling{d}D")(2, padding="same")(x)
    x = layers.Flatten()(x) if head == "max" else getattr(layers, f"GlobalAveragePooling{d}D")()(x)
    return keras.Model(images, layers.Dense(4)(x))


def with_gradient(model, pixels, classes, layer):
    inner = keras.Model(model.input, [model.get_layer(layer).output, model.output])

    @tf.function  # of equal values, TensorFlow's max_pool3d passes the gradient to another eagerly
    def run(images):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(images)
            maps, logits = inner(images)
            score = tf.reduce_sum(logits * tf.one_hot(classes, 4), axis=1)
        return maps, tape.gradient(score, maps), tape.gradient(score, images)

    return [found.numpy() for found in run(tf.constant(pixels))]


def slow_linear(native, size):
    """Each value of the resized map by itself: the nearest two cells along each axis, weighed."""
    found = np.zeros((len(native), *size))
    for place in np.ndindex(*size):
        corners = [[]]
        for i, length, old in zip(place, size, native.shape[1:], strict=True):
            x = min(max((i + 0.5) * old / length - 0.5, 0), old - 1)
            low = int(x)
            ends = [(low, 1 - (x - low)), (min(low + 1, old - 1), x - low)]
            corners = [[*c, end] for c in corners for end in ends]
        for corner in corners:
            weight = np.prod([w for _, w in corner])
            found[(slice(None), *place)] += weight * native[(slice(None), *[i for i, _ in corner])]
    return found


CLASSES = np.array([0, 1, 2, 3, 0])


@pytest.mark.parametrize("head", ["pooled", "max"])
@pytest.mark.parametrize("shape", [SIGNAL, VOLUME])
def test_grad_cam_is_the_papers_formula(shape, head):
    model, pixels = convnet(shape, head), pixels_of(shape)
    maps, gradient, _ = with_gradient(model, pixels, CLASSES, "maps")
    inside = tuple(range(1, maps.ndim - 1))
    alpha = gradient.mean(axis=inside, keepdims=True)
    native = np.maximum((alpha * maps).sum(axis=-1), 0)
    graph = ModelGraph(model, image_shape=shape, chunk_size=2)
    assert graph.resolved["grad_cam"]["layer"] == "maps"
    _, heatmaps = graph.attribute(pixels, CLASSES)
    np.testing.assert_allclose(heatmaps["grad_cam"].native, native, atol=1e-6)
    expected = slow_linear(native, shape[:-1])
    found = explain(model, pixels, CLASSES)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found, explain(model, pixels, CLASSES, method="grad_cam"))


@pytest.mark.parametrize("shape", [SIGNAL, VOLUME])
def test_vanilla_gradients_are_the_largest_over_channels(shape):
    model, pixels = convnet(shape), pixels_of(shape)
    *_, gradient = with_gradient(model, pixels, CLASSES, "maps")
    found = explain(model, pixels, CLASSES, method="vanilla_gradients")
    np.testing.assert_allclose(found, np.abs(gradient).max(axis=-1), atol=1e-6)


def rectified(signal):
    @tf.custom_gradient
    def relu(x):
        return tf.nn.relu(x), tf.nn.relu

    return relu(signal)


@pytest.mark.parametrize("shape", [SIGNAL, VOLUME])
def test_deconvnet_rectifies_the_backward_signal(shape):
    model, pixels = convnet(shape, "max"), pixels_of(shape)
    first, second = model.get_layer("first"), model.get_layer("second")
    pooling = getattr(layers, f"MaxPooling{len(shape) - 1}D")

    @tf.function
    def run(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            linear = tf.nn.convolution(images, first.kernel, padding="VALID") + first.bias
            x = pooling(2)(rectified(linear))
            x = pooling(2, padding="same")(rectified(model.layers[4](second(x))))
            logits = model.layers[-1](layers.Flatten()(x))
            score = tf.reduce_sum(logits * tf.one_hot(CLASSES, 4), axis=1)
        return tape.gradient(score, images)

    expected = np.abs(run(tf.constant(pixels))).max(axis=-1)
    found = explain(model, pixels, CLASSES, method="deconvnet")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_attention_over_a_signal_is_not_taken_for_its_length():
    images = keras.Input((32, 3))
    x = layers.Conv1D(8, 3, padding="same", activation="relu", name="maps")(images)
    y = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.Add(name="joined")([x, y])
    model = keras.Model(images, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
    graph = ModelGraph(model, image_shape=(32, 3))
    assert graph.resolved["grad_cam"]["layer"] == "joined"
    assert graph.map_sizes["grad_cam"] == [32]


def test_masks_of_signals_and_volumes():
    for shape in (SIGNAL, VOLUME):
        masks = np.zeros((3, *shape[:-1]), bool)
        masks[:, 2:4] = True
        probes = ProbeSet(pixels_of(shape, 3), object_masks=masks)
        np.testing.assert_array_equal(probes.object_masks, masks)
        assert probes.image_shape == shape


@pytest.mark.parametrize("shape", [SIGNAL, VOLUME])
def test_a_training_is_watched_and_goes_on(shape, tmp_path):
    pixels = pixels_of(shape, 12)
    masks = np.zeros((12, *shape[:-1]), bool)
    masks[:, 2:5] = True
    probes = ProbeSet(pixels, np.arange(12) % 4, object_masks=masks)
    model = convnet(shape)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    for first, last in ((0, 2), (2, 3)):
        callback = SaliencyCallback(
            probes,
            tmp_path,
            ["grad_cam", "vanilla_gradients", "deconvnet"],
            sinks=["tensorboard", "folder"],
            on_error="raise",
        )
        with pytest.warns(UserWarning, match='not tested for shortcuts: class "0", which 3 of 12'):
            model.fit(
                pixels,
                probes.labels,
                initial_epoch=first,
                epochs=last,
                verbose=0,
                callbacks=[callback],
            )
    history = callback.history
    assert history.epochs == [-1, 0, 1, 2]
    statistics = history["vanilla_gradients"]
    assert np.isfinite(statistics["drift_previous"][1:]).all()
    assert np.isfinite(statistics["object_mass"]).all()
    native = explain(model, pixels, probes.labels, "vanilla_gradients")
    kept = history.heatmaps("vanilla_gradients", 2)
    np.testing.assert_allclose(kept, native, rtol=2e-3, atol=1e-3 * native.max())
    pictures = tmp_path / "saliency" / "pictures"
    assert len(list((pictures / "deconvnet_overlays").glob("*.png"))) == 4
    assert (pictures / "grad_cam_filmstrip.png").exists()


@pytest.mark.parametrize("shape", [SIGNAL, VOLUME])
def test_what_is_of_images_says_so(shape, tmp_path):
    probes = ProbeSet(pixels_of(shape), CLASSES)
    with pytest.raises(ValueError, match=r"takes images \(n, H, W, C\) so far"):
        SaliencyCallback(probes, tmp_path, feature_layers=["maps"])


@pytest.mark.parametrize("shape", [(64, 2), (6, 8, 8, 1), (6, 8, 8, 3)])
def test_they_may_come_from_a_dataset(shape):
    pixels, labels = pixels_of(shape, 21), np.arange(21) % 2
    dataset = tf.data.Dataset.from_tensor_slices((pixels, labels))
    chosen = [
        ProbeSet.from_dataset(given, per_class=4)
        for given in (dataset, dataset.batch(4), dataset.batch(7, True), (pixels, labels))
    ]
    assert len(chosen[0]) == 8 and chosen[0].image_shape == shape
    assert {probes.fingerprint for probes in chosen} == {chosen[0].fingerprint}
    size = shape[:-1]
    assert chosen[0].cue_map.shape == size
    grey, share = pixels.mean(axis=-1), np.empty(size)
    padded = np.pad(grey, [(0, 0)] + [(1, 1)] * len(size), mode="reflect")
    for place in np.ndindex(size):
        around = padded[(slice(None), *(slice(p, p + 3) for p in place))]
        values = around.reshape(21, -1).mean(axis=1)
        between = sum(
            (labels == c).sum() * (values[labels == c].mean() - values.mean()) ** 2 for c in (0, 1)
        )
        share[place] = between / ((values - values.mean()) ** 2).sum()
    np.testing.assert_allclose(chosen[0].cue_map, share, atol=1e-4)


def test_three_axes_that_may_be_grayscale_images_are_refused():
    for shape in ((4, 28, 28), (4, 31, 1), (4, 64, 32), (4, 100, 640), (224, 224, 3), (48, 64, 3)):
        with pytest.raises(ValueError, match=r"Add an axis.*Signals \(n, length, C\)"):
            ProbeSet(np.zeros(shape))
    for shape in ((4, 65, 32), (200, 187, 1), (6, 128, 3), (4, 32, 2)):
        assert ProbeSet(np.zeros(shape)).image_shape == shape[1:]
    labels = np.zeros(100, int)
    assert ProbeSet(np.zeros((100, 128, 3)), labels).image_shape == (128, 3), "labels tell"


def test_images_with_an_axis_too_many_are_no_volumes():
    with pytest.raises(ValueError, match=r"must have shape \(n, H, W, C\).*1, 6, 8, 8, 3"):
        ProbeSet(np.zeros((1, 6, 8, 8, 3)))
    assert ProbeSet(np.zeros((1, 6, 8, 8, 1))).image_shape == (6, 8, 8, 1)


def test_frames_through_time_distributed_are_those_of_a_longer_batch():
    one, frames = keras.Input((14, 12, 3)), keras.Input((4, 14, 12, 3))
    maps = layers.Conv2D(5, 3, activation="relu", name="maps")(one)
    maps = layers.Conv2D(5, 3, activation="relu")(layers.MaxPooling2D()(maps))
    inner, last = keras.Model(one, layers.Flatten()(maps)), layers.GRU(6)
    head = layers.Dense(3)
    model = keras.Model(frames, head(last(layers.TimeDistributed(inner)(frames))))

    class OneBatch(layers.Layer):
        def call(self, x):
            found = inner(tf.reshape(x, (-1, 14, 12, 3)))
            return tf.reshape(found, (-1, 4, inner.output_shape[1]))

    twin = keras.Model(frames, head(last(OneBatch()(frames))))
    pixels = pixels_of((4, 14, 12, 3), 3)
    for method in ("vanilla_gradients", "deconvnet"):
        found, expected = (explain(m, pixels, 1, method) for m in (model, twin))
        assert found.shape == (3, 4, 14, 12) and expected.any()
        np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.raises(ValueError, match="found no activation with a spatial extent"):
        explain(model, pixels, 1, "grad_cam")
