"""What is explained: contrasts, functions of the outputs, one output of several; other inputs."""

import tracemalloc
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency import ModelGraph, ProbeSet, SaliencyCallback, confirm, explain
from keras_saliency.attribution.target import one_hot_targets
from keras_saliency.sinks import Sink

layers = keras.layers
SHAPE = (12, 10, 3)


def images_of(num=5, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (num, *SHAPE)).astype(np.float32)


def features(images):
    maps = layers.Conv2D(6, 3, activation="relu", name="maps")(images)
    return maps, layers.GlobalAveragePooling2D()(maps)


def many_outputs(as_dict):
    images = keras.Input(SHAPE)
    _, pooled = features(images)
    outputs = {
        "kind": layers.Dense(4, activation="softmax", name="kind")(pooled),
        "age": layers.Dense(1, name="age")(pooled),
    }
    return keras.Model(images, outputs if as_dict else list(outputs.values()))


def twin_grad_cam(model, images, score_of, layer="maps"):
    """Grad-CAM with GradientTape and a second model, at native size."""
    inner = keras.Model(model.input, [model.get_layer(layer).output, model.output])
    with tf.GradientTape() as tape:
        maps, outputs = inner(images)
        score = score_of(outputs)
    alpha = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1)).numpy()


def resized(maps):
    return tf.image.resize(maps[..., None], SHAPE[:2]).numpy()[..., 0]


def test_numbers_of_outputs_follow_the_models_own_order():
    images = keras.Input(SHAPE)
    pooled = features(images)[1]
    outputs = {"species": layers.Dense(3)(pooled), "age": layers.Dense(5)(pooled)}
    model, pixels = keras.Model(images, outputs), images_of()
    for number, name in enumerate(outputs):
        by_number, by_name = (explain(model, pixels, 1, output=o) for o in (number, name))
        np.testing.assert_array_equal(by_number, by_name)


@pytest.mark.parametrize("as_dict", [True, False])
def test_one_output_of_several_is_explained_by_name_or_number(as_dict):
    model, images = many_outputs(as_dict), images_of()
    expected = resized(twin_grad_cam(
        model, images, lambda out: (out["age"] if as_dict else out[1])[:, 0]
    ))  # fmt: skip
    for output in ("age", *(() if as_dict else (1,))):
        found = explain(model, images, 1, output=output)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    kind = explain(model, images, [0, 1, 2, 3, 0], output="kind")
    assert np.abs(kind - expected).max() > 1e-3
    for output, words in ((None, "2 outputs.*kind.*Pass output="), ("size", "one of the outputs")):
        with pytest.raises(ValueError, match=words):
            explain(model, images, output=output)


def test_contrast_is_the_predicted_class_less_the_runner_up():
    images = keras.Input(SHAPE)
    model = keras.Model(images, layers.Dense(4, name="logits")(features(images)[1]))
    pixels = images_of()
    order = np.argsort(model.predict(pixels, verbose=0), axis=1)
    best, second = (tf.one_hot(order[:, -place], 4) for place in (1, 2))
    expected = resized(
        twin_grad_cam(model, pixels, lambda out: tf.reduce_sum(out * (best - second), axis=1))
    )
    np.testing.assert_allclose(explain(model, pixels, "contrast"), expected, atol=1e-6)


def test_contrast_of_one_unit_is_its_logit_with_the_sign_of_the_prediction():
    images = keras.Input(SHAPE)
    model = keras.Model(images, layers.Dense(1, activation="sigmoid")(features(images)[1]))
    pixels = images_of()
    np.testing.assert_array_equal(explain(model, pixels, "contrast"), explain(model, pixels))


def test_regression_is_explained_by_a_function_of_outputs_and_probes():
    images = keras.Input(SHAPE)
    model = keras.Model(images, layers.Dense(1)(features(images)[1]))
    pixels, truth = images_of(7), np.array([3, 1, 2, 0, 5, 4, 6])

    def error(outputs, probes):
        labels = tf.cast(probes.labels, tf.float32)
        assert probes.images.shape[1:] == SHAPE
        return -tf.abs(outputs[:, 0] - labels)

    expected = resized(
        twin_grad_cam(model, pixels, lambda out: -tf.abs(out[:, 0] - truth.astype(np.float32)))
    )
    found = explain(model, ProbeSet(pixels, truth), error, chunk_size=3)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_similarity_to_references_finds_its_row_by_the_index():
    images = keras.Input(SHAPE)
    model = keras.Model(images, layers.Dense(5)(features(images)[1]))
    pixels = images_of(7)
    references = np.random.default_rng(3).normal(size=(7, 5)).astype(np.float32)

    def similarity(outputs, probes):
        return tf.reduce_sum(outputs * tf.gather(references, probes.indices), axis=1)

    expected = resized(
        twin_grad_cam(model, pixels, lambda out: tf.reduce_sum(out * references, axis=1))
    )
    found = explain(model, pixels, similarity, chunk_size=2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def anomaly(outputs, probes):
    rebuilt = outputs["rebuilt"] if isinstance(outputs, dict) else outputs
    return tf.reduce_mean((rebuilt - probes.images) ** 2, axis=(1, 2, 3))


@pytest.mark.parametrize("kind", ["dense", "convolution", "dict"])
def test_the_error_of_an_autoencoder_is_explained_by_the_maps_before_its_output(kind):
    images = keras.Input(SHAPE)
    maps, pooled = features(images)
    if kind == "dense":
        rebuilt = layers.Reshape(SHAPE)(layers.Dense(int(np.prod(SHAPE)))(pooled))
    else:
        rebuilt = layers.Conv2DTranspose(3, 3)(maps)
    outputs = {"rebuilt": rebuilt, "kind": layers.Dense(2)(pooled)} if kind == "dict" else rebuilt
    model, pixels = keras.Model(images, outputs), images_of()

    class Pixels:
        images = pixels

    expected = resized(twin_grad_cam(model, pixels, lambda out: anomaly(out, Pixels)))
    np.testing.assert_allclose(explain(model, pixels, anomaly), expected, rtol=1e-4, atol=1e-7)


def test_an_image_gated_by_its_own_mask_has_maps():
    images = keras.Input(SHAPE)
    mask = layers.Dense(120, activation="sigmoid")(features(images)[1])
    gated = layers.Multiply()([images, layers.Reshape((12, 10, 1))(mask)])
    model = keras.Model(images, layers.Dense(3)(layers.GlobalAveragePooling2D()(gated)))
    pixels = images_of()
    expected = resized(twin_grad_cam(model, pixels, lambda out: out[:, 1]))
    np.testing.assert_allclose(explain(model, pixels, 1), expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("loss", ["mse", keras.losses.Huber()])
def test_a_regression_is_explained_by_its_number_and_has_no_classes(loss):
    images = keras.Input(SHAPE)
    out = layers.Dense(1, bias_initializer=keras.initializers.Constant(-5))(features(images)[1])
    model, pixels = keras.Model(images, out), images_of()
    raises, lowers = (
        resized(twin_grad_cam(model, pixels, lambda out, s=sign: s * out[:, 0])) for sign in (1, -1)
    )
    # Taken for a classifier, it says class 0, since its output is negative.
    np.testing.assert_allclose(explain(model, pixels), lowers, atol=1e-6)
    model.compile("adam", loss)
    np.testing.assert_allclose(explain(model, pixels), raises, atol=1e-6)
    np.testing.assert_allclose(explain(model, pixels, 0), lowers, atol=1e-6)
    assert not ModelGraph(model, image_shape=SHAPE).has_classes
    with pytest.raises(ValueError, match="confirm needs a model that names classes"):
        confirm(model, ProbeSet(pixels, np.arange(5) % 2), (0, 0, 2, 2))


def test_a_training_of_a_regression_on_whole_numbers_has_no_classes(tmp_path):
    images = keras.Input(SHAPE)
    model = keras.Model(images, layers.Dense(1)(features(images)[1]))
    model.compile("adam", "mae")
    pixels, ages = images_of(12), np.arange(12) + 20
    callback = SaliencyCallback(ProbeSet(pixels, ages), tmp_path, on_error="raise")
    model.fit(pixels, ages, epochs=1, verbose=0, callbacks=[callback])
    assert np.isnan(callback.history.confidence[-1]).all()
    assert "no classes" in callback.summary()


def test_targets_of_many_classes_take_no_square_of_them():
    tracemalloc.start()
    try:
        weights = one_hot_targets([5, 11_000], 2, 12_000, "classes")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * weights.nbytes < 2**20
    assert weights[0, 5] == weights[1, 11_000] == 1 and weights.sum() == 2


def segmenter():
    images = keras.Input(SHAPE)
    deep = layers.Conv2D(4, 3, padding="same", activation="relu", name="early")(images)
    deep = layers.Conv2D(6, 3, padding="same", activation="relu", name="maps")(deep)
    return keras.Model(images, layers.Conv2D(3, 1, activation="softmax", name="classes")(deep))


def test_segmentation_is_explained_by_the_score_over_a_mask():
    model, pixels = segmenter(), images_of()
    masks = np.random.default_rng(2).random((5, *SHAPE[:2])) < 0.3

    def over_mask(outputs, probes):
        weights = tf.cast(probes.object_masks, tf.float32)
        return tf.reduce_sum(outputs[..., 1] * weights, axis=(1, 2))

    expected = twin_grad_cam(
        model, pixels, lambda out: tf.reduce_sum(out[..., 1] * masks, axis=(1, 2))
    )
    found = explain(model, ProbeSet(pixels, object_masks=masks), over_mask)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    advice = "class scores.*target=function"
    with pytest.raises(ValueError, match=advice):
        explain(model, pixels, 1)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (lambda outputs, probes: outputs, r"one score for each probe, float \(5,\)"),
        (lambda outputs, probes: tf.argmax(outputs, axis=1), "one score for each probe.*int64"),
        (lambda outputs, probes: outputs.nonsense, "target failed.*AttributeError"),
        (lambda outputs: outputs[:, 0], "target failed.*TypeError"),
        (lambda outputs, probes: tf.zeros(5), "found no activation"),
        (lambda outputs, probes: tf.cast(probes.labels, tf.float32), "target failed"),
        ("mean", "must be None, an int.*or a function"),
    ],
)
def test_targets_that_give_no_score_are_refused(target, words):
    images = keras.Input(SHAPE)
    model = keras.Model(images, layers.Dense(4)(features(images)[1]))
    with pytest.raises((ValueError, TypeError), match=words):
        explain(model, images_of(), target)


def with_age(kind):
    """A model of images and two numbers; the numbers choose the sign of the logits."""
    images, numbers = keras.Input(SHAPE, name="image"), keras.Input((2,), name="numbers")
    pooled = features(images)[1]
    scaled = layers.Multiply()([layers.Dense(3)(pooled), layers.Dense(3)(numbers)])
    given = {"image": images, "numbers": numbers} if kind == "dict" else [numbers, images]
    return keras.Model(given, scaled)


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_images_are_explained_and_other_inputs_held_fixed(kind):
    model, pixels = with_age(kind), images_of(7)
    numbers = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)
    given = {"numbers": numbers, "image": pixels} if kind == "dict" else [numbers, pixels]
    classes = np.arange(7) % 3
    expected = resized(twin_grad_cam(
        model, given, lambda out: tf.reduce_sum(out * tf.one_hot(classes, 3), axis=1)
    ))  # fmt: skip
    found = explain(model, given, classes, chunk_size=4)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    probes = ProbeSet(given, classes)
    assert probes.images.shape == pixels.shape
    assert probes.fingerprint != ProbeSet(pixels, classes).fingerprint
    with pytest.raises(ValueError, match="be given all its inputs.*with 2 inputs"):
        explain(model, pixels)
    with pytest.raises(ValueError, match="a model with 1 inputs"):
        explain(segmenter(), given, 0)


def test_swaps_keep_the_recipients_other_inputs():
    """A model that adds up a pixel and a number: only the right number gives the right answer."""
    images, numbers = keras.Input((8, 8, 1), name="image"), keras.Input((1,), name="number")
    corner = layers.Flatten()(layers.Cropping2D(((0, 7), (0, 7)))(images))
    maps = layers.Flatten()(layers.Conv2D(1, 3)(images))
    logit = layers.Add()([corner, numbers, layers.Dense(1, kernel_initializer="zeros")(maps)])
    model = keras.Model({"image": images, "number": numbers}, logit)
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 2
    pixels = rng.uniform(0, 1, (24, 8, 8, 1)).astype(np.float32)
    pixels[:, 0, 0, 0] = np.where(labels, 0.9, 0.1)
    number = np.where(labels, 0.5, -0.5)[:, None].astype(np.float32)
    alert = confirm(model, ProbeSet({"image": pixels, "number": number}, labels), (0, 0, 1, 1))
    # The corner alone moves the logit by 0.8: from 0.1 - 0.5 to 0.9 - 0.5, over 0.
    assert alert.adoption == 1 and alert.control < 0.1  # a random place may be the corner


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": np.zeros((3, 2))}, r"must hold an input \(n, H, W, C\)"),
        ({}, "must hold an input"),
        ({"a": np.zeros((3, 4, 4, 1)), "b": np.zeros((2, 1))}, "inputs of one length"),
        ({"a": np.zeros((3, 4, 4, 1)), "b": np.array(["x"] * 3)}, r"images\['b'\] must hold real"),
        ({"a": np.zeros((3, 4, 4)), "b": np.zeros((3, 1))}, r"must have shape \(n, H, W, C\)"),
    ],
)
def test_inputs_that_are_none_are_refused(given, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ProbeSet(given)


def test_a_list_of_images_is_no_list_of_inputs():
    images = list(images_of(4))
    assert ProbeSet(images).other_inputs is None
    for odd in ([images[0], images[1][..., 0]], [np.zeros((5, 4, 3)), np.zeros((4, 4))]):
        with pytest.raises(ValueError, match="different shapes|shape"):
            ProbeSet(odd)
    left, right = images_of(4, 1), images_of(4, 2)
    pair = ProbeSet([left, right])
    np.testing.assert_array_equal(pair.images, left)
    np.testing.assert_array_equal(pair.other_inputs.arrays[0], right)


class Kept(Sink):
    def open(self, run_dir, settings):
        self.reports, self.settings = [], settings

    def write(self, report):
        self.reports.append(report)


def test_a_training_of_a_regression_with_two_inputs_is_watched(tmp_path):
    images, numbers = keras.Input(SHAPE, name="image"), keras.Input((2,), name="numbers")
    joined = layers.Concatenate()([features(images)[1], numbers])
    model = keras.Model({"image": images, "numbers": numbers}, layers.Dense(1)(joined))
    given = {"image": images_of(16), "numbers": np.ones((16, 2), np.float32)}
    truth = np.linspace(0, 1, 16)
    kept = Kept()

    def height(outputs, probes):
        return outputs[:, 0]

    callback = SaliencyCallback(
        ProbeSet({name: array[:6] for name, array in given.items()}),
        tmp_path,
        ["grad_cam", "vanilla_gradients"],
        target=height,
        sinks=["tensorboard", kept],
        on_error="raise",
    )
    model.compile("adam", "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(given, truth, epochs=2, verbose=0, callbacks=[callback]).history
    assert np.isfinite(history["grad_cam_drift"]).all()
    assert kept.settings["probes"]["target"].endswith("height")
    last = kept.reports[1]
    assert not last.predictions.has_classes and np.isnan(last.predictions.confidence).all()
    expected = model.predict({n: a[:6] for n, a in given.items()}, verbose=0)
    np.testing.assert_allclose(kept.reports[2].predictions.logits, expected, atol=1e-5)
    assert any("since the output that is explained has" in str(w.message) for w in caught)


def test_a_training_with_two_outputs_is_watched_with_its_swaps(tmp_path):
    model = many_outputs(as_dict=True)
    pixels, kinds = images_of(24), np.arange(24) % 4
    model.compile("adam", {"kind": "sparse_categorical_crossentropy", "age": "mse"})
    callback = SaliencyCallback(
        ProbeSet(pixels, kinds), tmp_path, output="kind", target="contrast", on_error="raise"
    )
    truth = {"kind": kinds, "age": np.zeros(24)}
    model.fit(pixels, truth, epochs=2, verbose=0, callbacks=[callback])
    assert callback.history.epochs == [-1, 0, 1]
    expected = model.predict(pixels, verbose=0)["kind"].argmax(axis=1)
    np.testing.assert_array_equal(callback.history.predictions[-1], expected)


def test_predictions_go_with_the_rows_that_are_named():
    model, pixels = with_age("dict"), images_of(6)
    numbers = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    probes = ProbeSet({"image": pixels, "numbers": numbers})
    from keras_saliency.attribution.target import Target

    graph = ModelGraph(model, image_shape=SHAPE, target=Target.about(probes))
    rows = np.array([4, 4, 0])
    expected = model.predict({"image": pixels[:3], "numbers": numbers[rows]}, verbose=0)
    np.testing.assert_allclose(graph.predict(pixels[:3], rows).logits, expected, atol=1e-5)


def test_a_channels_first_model_is_given_images_channels_last():
    images = keras.Input((3, 16, 14))
    maps = layers.Conv2D(4, 3, activation="relu", name="maps")(layers.Permute((2, 3, 1))(images))
    head = layers.Dense(3)
    model = keras.Model(images, head(layers.GlobalAveragePooling2D()(maps)))
    plain = keras.Input((16, 14, 3))
    twin_maps = model.get_layer("maps")(plain)
    twin = keras.Model(plain, head(layers.GlobalAveragePooling2D()(twin_maps)))
    pixels = np.random.default_rng(0).normal(size=(4, 16, 14, 3)).astype(np.float32)
    for method in ("grad_cam", "vanilla_gradients"):
        found, expected = (explain(m, pixels, 1, method) for m in (model, twin))
        np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.raises(ValueError, match="channels first.*Pass them channels last"):
        explain(model, np.moveaxis(pixels, -1, 1), 1)


def test_images_of_whole_numbers_have_gradients_as_if_they_were_floats():
    whole, plain = keras.Input(SHAPE, dtype="uint8"), keras.Input(SHAPE)
    stack = [
        layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"),
        layers.GlobalAveragePooling2D(), layers.Dense(3),
    ]  # fmt: skip

    def through(x):
        for layer in stack:
            x = layer(x)
        return x

    model, twin = keras.Model(whole, through(whole)), keras.Model(plain, through(plain))
    pixels = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), dtype=np.uint8)
    for method in ("grad_cam", "vanilla_gradients"):
        found, expected = (explain(m, pixels, 1, method) for m in (model, twin))
        assert expected.any() or method == "grad_cam"
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert model.inputs[0].dtype == "uint8", "the model is left as it was"
