"""What cannot be explained is refused, and the error says what to do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import small_cnn
from helpers.refusals import model_of, refuses
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import DeconvNet, GradCAM, VanillaGradients

SHAPE = (18, 14, 3)


def test_deconvnet_whose_signal_does_not_depend_on_the_image():
    model = model_of(layers.Conv2D(4, 3, activation="relu"), layers.AveragePooling2D(2))
    refuses("deconvnet", model, "same map for every image", "DeconvNet(layer=...)")


def test_deconvnet_of_a_layer_works_where_that_of_a_logit_does_not(rng):
    model = model_of(
        layers.Conv2D(4, 3, activation="relu", name="conv"), layers.AveragePooling2D(2)
    )
    maps = explain(model, rng.normal(size=(2, *SHAPE)), method=DeconvNet(layer="conv"))
    assert maps.shape == (2, 18, 14) and not np.allclose(maps[0], maps[1])


def test_a_stopped_gradient_is_refused():
    class Stop(layers.Layer):
        def call(self, x):
            return keras.ops.stop_gradient(x)

    model = model_of(layers.Conv2D(4, 3), Stop())
    refuses("vanilla_gradients", model, "does not depend differentiably")


def test_channel_out_of_range():
    refuses(DeconvNet(layer="conv_1", channel=5), small_cnn(), '"conv_1" has 5 channels, 0 ... 4')


@pytest.mark.parametrize("channel", ["weakest", -1, 1.5, True, None])
def test_channel_of_a_wrong_kind(channel):
    with pytest.raises(ValueError, match=r'must be "strongest" or an int >= 0\. Received'):
        DeconvNet(layer="conv_1", channel=channel)


def test_channel_without_a_layer():
    with pytest.raises(ValueError, match="needs a layer"):
        DeconvNet(channel=3)


@pytest.mark.parametrize(
    ("methods", "error", "message"),
    [
        (
            "gradcam",
            ValueError,
            'unknown method "gradcam".*Did you mean "grad_cam".*"vanilla_gradients"',
        ),
        ([], ValueError, "methods is empty"),
        (["grad_cam", "grad_cam"], ValueError, 'holds "grad_cam" twice'),
        (["grad_cam", GradCAM(layer="conv_1")], ValueError, 'holds "grad_cam" twice'),
        (3, TypeError, "names or method objects. Received: 3"),
        (None, TypeError, "names or method objects. Received: None"),
        (GradCAM, TypeError, r"Pass an object: GradCAM\(\)"),
    ],
)
def test_wrong_methods(methods, error, message):
    with pytest.raises(error, match=message):
        ModelGraph(small_cnn(), methods, image_shape=SHAPE)


@pytest.mark.parametrize("chunk_size", [0, -1, 2.5, "32", True])
def test_chunk_size_must_be_a_positive_int(chunk_size, rng):
    with pytest.raises(ValueError, match="chunk_size must be an int of at least 1. Received"):
        explain(small_cnn(), rng.normal(size=(2, *SHAPE)), chunk_size=chunk_size)


def test_images_of_the_wrong_size_or_channels():
    refuses(
        "grad_cam", small_cnn(), "(20, 14, 3) do not fit", "takes (18, 14, 3)", shape=(20, 14, 3)
    )
    refuses("grad_cam", small_cnn(), "(18, 14, 1) do not fit", shape=(18, 14, 1))


def test_images_that_a_subclassed_model_cannot_take():
    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)]

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

    model = Classifier()
    model(np.zeros((1, 9, 9, 3), np.float32))
    refuses("grad_cam", model, "cannot be called on the images", "(18, 14, 3)")


class Gan(keras.Model):
    """Trains its parts in `train_step`, and has no output of its own."""

    def __init__(self):
        super().__init__()
        self.discriminator, self.generator = small_cnn(), keras.Sequential([layers.Dense(3)])


class Bare(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(3)


def test_a_model_without_call_is_told_to_write_one(rng, tmp_path):
    images = rng.normal(size=(4, *SHAPE))
    for make, part in ((Gan, "return self.discriminator(images)"), (Bare, "self.classifier")):
        refuses("grad_cam", make(), "has no call()", part)
        callback = SaliencyCallback(ProbeSet(images, [0, 1, 2, 0]), tmp_path)
        with pytest.raises(ValueError, match=r"has no call\(\)"):
            callback.observe(make(), 0)


def test_several_inputs_and_several_outputs():
    inputs = [keras.Input(SHAPE), keras.Input((3,))]
    head = layers.Dense(3)
    x = layers.Concatenate()([layers.Flatten()(inputs[0]), inputs[1]])
    refuses("grad_cam", keras.Model(inputs, head(x)), "must have one image input", "2 inputs")
    x, head = layers.Flatten()(inputs[0]), layers.Dense(3)
    refuses(
        "grad_cam", keras.Model(inputs[0], [head(x), head(x)]), "must have one output", "2 outputs"
    )


def test_a_model_that_is_no_classifier():
    model = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 3)])
    refuses("grad_cam", model, "must end in class scores (n, k)", "(32, 16, 12, 3)")


def test_what_is_no_model(rng):
    with pytest.raises(TypeError, match=r"model must be a keras\.Model\. Received: str"):
        explain("vgg16", rng.normal(size=(2, *SHAPE)))


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (
            4,
            ValueError,
            r"must lie in 0 \.\.\. 3, because the model has 4 logits\. Received: 4 at index 0",
        ),
        ([0, -1], ValueError, "Received: -1 at index 1"),
        ([0, 1, 2], ValueError, "one entry for each image"),
        ("cat", TypeError, "None, an int or ints"),
        ([0.5, 1], TypeError, "whole numbers"),
        ([float("nan"), 1], TypeError, "whole numbers"),
        ([True, False], TypeError, "None, an int or ints"),
        ([[0], [1, 2]], TypeError, "None, an int or ints"),
        (np.zeros((2, 4)), ValueError, "one entry for each image"),
    ],
)
def test_wrong_targets(targets, error, message, rng):
    with pytest.raises(error, match=message):
        explain(small_cnn(), rng.normal(size=(2, *SHAPE)), targets)


def test_one_unit_heads_have_two_classes(rng):
    model = small_cnn(num_classes=1, activation="sigmoid")
    with pytest.raises(ValueError, match=r"0 \.\.\. 1, because the model has a one-unit head"):
        explain(model, rng.normal(size=(2, *SHAPE)), 2)


@pytest.mark.parametrize(
    ("images", "message"),
    [(np.full((2, *SHAPE), np.nan), "NaN|finite"), (np.zeros((0, *SHAPE)), "empty|at least one")],
)
def test_wrong_images(images, message):
    with pytest.raises(ValueError, match=message):
        explain(small_cnn(), images)


def test_all_zero_maps_are_counted_and_named(rng):
    model = small_cnn()
    model.layers[-1].kernel.assign(0 * model.layers[-1].kernel)
    with pytest.warns(
        UserWarning, match=r"grad_cam: 3 of 3 heatmaps are all zero \(images 0, 1, 2\)"
    ):
        maps = explain(model, rng.normal(size=(3, *SHAPE)), 0)
    assert maps.max() == 0


def test_maps_that_are_not_finite_are_counted_and_named(rng):
    model = small_cnn()
    model.layers[0].kernel.assign(np.inf * np.ones(model.layers[0].kernel.shape))
    with pytest.warns(UserWarning, match="vanilla_gradients: 2 of 2 heatmaps are not finite"):
        maps = explain(model, rng.normal(size=(2, *SHAPE)), 0, VanillaGradients())
    assert np.isnan(maps).all()


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match='Received: backend "jax".*KERAS_BACKEND=tensorflow'):
        ModelGraph(small_cnn(), image_shape=SHAPE)


def test_graph_mode_is_refused(rng, tmp_path):
    model, images = small_cnn(), rng.normal(size=(4, *SHAPE))
    callback = SaliencyCallback(ProbeSet(images, [0, 1, 2, 3]), tmp_path)
    with tf.Graph().as_default():  # as after tf.compat.v1.disable_eager_execution()
        with pytest.raises(ValueError, match="needs TensorFlow's eager execution"):
            explain(model, images)
        with pytest.raises(ValueError, match="needs TensorFlow's eager execution"):
            callback.observe(model, 0)


class Applied(layers.Layer):
    """Applies a function, as a `Lambda` does."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def headed(function, num_classes=4):
    return keras.Sequential(
        [*small_cnn(num_classes=num_classes, activation=None).layers, Applied(function)]
    )


@pytest.mark.parametrize(
    ("function", "num_classes"),
    [
        (lambda x: tf.map_fn(tf.sigmoid, x), 1),
        (lambda x: tf.map_fn(tf.nn.softmax, x), 4),
        (lambda x: tf.ensure_shape(tf.py_function(tf.sigmoid, [x], tf.float32), x.shape), 1),
        (lambda x: tf.math.cumprod(tf.sigmoid(x), axis=1), 4),
    ],
)
def test_probabilities_whose_logits_are_hidden_are_never_taken_for_logits(
    function, num_classes, rng
):
    graph = ModelGraph(headed(function, num_classes), "vanilla_gradients", image_shape=SHAPE)
    with pytest.raises(ValueError, match=r"outputs are probabilities.*target=lambda outputs"):
        graph.attribute(rng.normal(size=(3, *SHAPE)))


def test_logits_out_of_a_loop_are_logits(rng):
    images = rng.normal(size=(3, *SHAPE)).astype(np.float32)
    model = headed(lambda x: tf.map_fn(lambda row: 9 * row, x))
    found = ModelGraph(model, "vanilla_gradients", image_shape=SHAPE).attribute(images)[0]
    np.testing.assert_allclose(found.logits, model(images), rtol=1e-4)


def test_an_output_that_is_explained_as_it_is_is_noted_once(rng):
    images = rng.normal(size=(3, *SHAPE)).astype(np.float32)

    def median(x):
        return tf.sort(tf.sigmoid(x), axis=1)[:, 1:2]

    with pytest.warns(UserWarning, match=r"explained as it is.*above 0\.5") as caught:
        graph = ModelGraph(headed(median), "vanilla_gradients", image_shape=SHAPE)
        found = graph.attribute(images)[0]
        graph.predict(images)
    assert sum("as it is" in str(warning.message) for warning in caught) == 1
    assert "as it is" in graph.resolved["score"]["taken from"]
    expected = headed(median)(images).numpy()
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)
    np.testing.assert_array_equal(found.classes, expected[:, 0] > 0.5)


def test_layers_that_compute_in_half_precision_on_their_own_are_named(rng):
    class Stubborn(layers.Layer):
        def call(self, x):
            return keras.ops.cast(keras.ops.cast(x, "float16") * 2, "float32")

    model = model_of(layers.Conv2D(3, 3), Stubborn(name="stubborn"))
    with pytest.warns(UserWarning, match="not exact: stubborn compute in half precision"):
        explain(model, rng.normal(size=(2, *SHAPE)))


def test_binary_labels_of_shape_n_1_are_classes(rng):
    model = small_cnn(num_classes=1, activation="sigmoid")
    images = rng.normal(size=(4, *SHAPE))
    labels = np.array([0, 1, 0, 1])
    columns = explain(model, images, labels[:, None], "vanilla_gradients")
    np.testing.assert_array_equal(columns, explain(model, images, labels, "vanilla_gradients"))
