"""One network in every form that Keras offers has the same maps; the model is left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import ALL_METHODS, chain, functional, randomize, small_cnn, stack
from helpers.slow_twins import relative_error
from keras import layers

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import GradCAM

SHAPE = (18, 14, 3)


def attribute(model, images, methods=ALL_METHODS, targets=1, **options):
    graph = ModelGraph(model, methods, image_shape=images.shape[1:], **options)
    return graph.attribute(images, targets)[1]


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, *SHAPE)).astype(np.float32)


def unbuilt_sequential():
    return keras.Sequential(stack())


def functional_ops():
    return functional(lambda: keras.ops.relu)


def named_activations():
    return functional(lambda: layers.Activation("relu"))


def separate_softmax():
    inputs = keras.Input(SHAPE)
    *parts, _ = stack()
    return keras.Model(inputs, chain(inputs, [*parts, layers.Dense(4), layers.Softmax()]))


def nested():
    parts = stack()
    backbone = keras.Sequential([layers.Input(SHAPE), *parts[:5]], name="backbone")
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, chain(backbone(inputs), parts[5:]))


def nested_twice():
    parts = stack()
    inner = keras.Sequential([layers.Input(SHAPE), *parts[:3]])
    middle_in = keras.Input(SHAPE)
    middle = keras.Model(middle_in, chain(inner(middle_in), parts[3:5]))
    return keras.Sequential([layers.Input(SHAPE), middle, *parts[5:]])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = stack()

    def call(self, x):
        return chain(x, self.parts)


class Block(layers.Layer):
    """A custom block with ReLU as a TensorFlow function."""

    def __init__(self, num_filters):
        super().__init__()
        self.convolution = layers.Conv2D(num_filters, 3)

    def call(self, x):
        return tf.nn.relu(self.convolution(x))


class SubclassedOfBlocks(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [Block(5), Block(6)]
        self.pool = layers.MaxPooling2D()
        self.head = stack()[6:]

    def call(self, x, training=None):
        for block in self.blocks:
            x = self.pool(block(x))
        return chain(x, self.head)


def with_augmentation():
    inputs = keras.Input(SHAPE)
    start = [
        layers.RandomFlip(),
        layers.RandomRotation(0.1),
        layers.Rescaling(1.0),
        layers.Dropout(0.5),
        layers.GaussianNoise(0.5),
    ]
    return keras.Model(inputs, chain(inputs, [*start, *stack()]))


FORMS = [
    unbuilt_sequential,
    functional,
    functional_ops,
    named_activations,
    separate_softmax,
    nested,
    nested_twice,
    Subclassed,
    SubclassedOfBlocks,
    with_augmentation,
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_model_has_the_same_maps(form, images):
    reference, model = small_cnn(), form()
    model(images)
    weights = [w for w in model.weights if w.path in {t.path for t in model.trainable_weights}]
    for weight, value in zip(weights, reference.get_weights(), strict=True):
        weight.assign(value)
    expected, heatmaps = attribute(reference, images), attribute(model, images)
    for method in ALL_METHODS:
        assert relative_error(heatmaps[method].native, expected[method].native) < 1e-5, method


def test_an_unbuilt_model_is_built_by_its_first_graph(images):
    for model in (unbuilt_sequential(), Subclassed(), SubclassedOfBlocks()):
        graph = ModelGraph(model, ALL_METHODS, image_shape=SHAPE)
        assert model.built and graph.num_traces == 1
        assert np.isfinite(graph.attribute(images)[0].logits).all()


class TwoBranches(keras.Model):
    """Two convolutions (or the same one twice) that only meet behind their pooling."""

    def __init__(self, left, right):
        super().__init__()
        self.left, self.right, self.head = left, right, layers.Dense(3)

    def call(self, x):
        branches = [self.left(x), self.right(x * 2.0)]
        return self.head(tf.concat([tf.reduce_mean(b, (1, 2)) for b in branches], 1))


def test_a_shared_layer_is_explained_by_the_sum_of_its_calls_and_says_so(images):
    shared = layers.Conv2D(4, 3, activation="relu", name="shared")
    model = TwoBranches(shared, shared)
    model(images)
    randomize(model)
    graph = ModelGraph(model, GradCAM(layer="shared"), image_shape=SHAPE)
    assert "sum of 2 calls" in graph.resolved["grad_cam"]["note"]

    with tf.GradientTape() as tape:
        calls = [shared(images), shared(images * 2.0)]
        tape.watch(calls)
        score = model.head(tf.concat([tf.reduce_mean(a, (1, 2)) for a in calls], 1))[:, 1]
    alphas = [tf.reduce_mean(g, (1, 2), keepdims=True) for g in tape.gradient(score, calls)]
    sums = [tf.reduce_sum(alpha * a, 3) for alpha, a in zip(alphas, calls, strict=True)]
    heatmaps = graph.attribute(images, 1)[1]
    assert relative_error(heatmaps["grad_cam"].native, tf.nn.relu(sums[0] + sums[1])) < 1e-5


def test_two_unjoined_branches_are_explained_at_the_last_and_say_so():
    left, right = (layers.Conv2D(4, 3, activation="relu", name=n) for n in ("left", "right"))
    resolved = ModelGraph(TwoBranches(left, right), image_shape=SHAPE).resolved["grad_cam"]
    assert resolved["layer"] == "right" and "left" in resolved["note"]


def tape_vanilla(logits_of, images, weights):
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(logits_of(images) * weights, 1)
    return tf.reduce_max(tf.abs(tape.gradient(score, images)), 3)


HEADS = [("softmax", 4), ("sigmoid", 4), (None, 4), ("sigmoid", 1), (None, 1), ("log_softmax", 4)]


@pytest.mark.parametrize(("activation", "num_classes"), HEADS)
def test_every_head_is_explained_by_its_logits(activation, num_classes, images):
    bare = small_cnn(num_classes=num_classes, activation=None)
    model = small_cnn(num_classes=num_classes, activation=activation)
    graph = ModelGraph(model, ["vanilla_gradients"], image_shape=SHAPE)
    predictions, heatmaps = graph.attribute(images, 1)
    weights = np.ones((1, 1)) if num_classes == 1 else np.eye(num_classes)[[1]]
    expected = tape_vanilla(bare, images, weights.astype(np.float32))
    assert relative_error(heatmaps["vanilla_gradients"].native, expected) < 1e-5
    np.testing.assert_allclose(predictions.logits, bare(images), rtol=1e-5)
    if activation in ("softmax", "sigmoid"):
        np.testing.assert_allclose(predictions.probabilities, model(images), rtol=1e-4)


def test_multi_hot_weights_explain_the_sum_of_their_logits(images):
    model = small_cnn(activation="sigmoid")
    weights = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 1]], np.float32)
    graph = ModelGraph(model, "vanilla_gradients", image_shape=SHAPE)
    heatmaps = graph.attribute(images, weights=weights)[1]
    expected = tape_vanilla(small_cnn(activation=None), images, weights)
    assert relative_error(heatmaps["vanilla_gradients"].native, expected) < 1e-5


@pytest.mark.parametrize("shape", [(20, 12, 1), (12, 20, 6)])
def test_images_of_any_channels_and_proportions(shape, rng):
    images = rng.normal(size=(2, *shape)).astype(np.float32)
    model = small_cnn(shape)
    heatmaps = attribute(model, images)
    bare = small_cnn(shape, activation=None)
    expected = tape_vanilla(bare, images, np.eye(4, dtype=np.float32)[[1]])
    assert relative_error(heatmaps["vanilla_gradients"].native, expected) < 1e-5
    for method in ALL_METHODS:
        assert heatmaps[method].at_image_size().shape == (2, *shape[:2])


def test_one_trace_serves_all_methods_and_all_chunks(images):
    graph = ModelGraph(small_cnn(), ALL_METHODS, image_shape=SHAPE, chunk_size=2)
    for targets in (None, 1, [0, 1, 2]):
        graph.attribute(images, targets)
    assert graph.num_traces == 1
    ops = graph._function.concrete.graph.get_operations()
    assert [op.type for op in ops].count("Conv2D") == 2, "one forward pass"


def test_the_graph_follows_live_weights(images):
    model = small_cnn()
    graph = ModelGraph(model, ALL_METHODS, image_shape=SHAPE)
    graph.attribute(images, 1)
    randomize(model, seed=9)
    heatmaps = graph.attribute(images, 1)[1]
    expected = attribute(model, images)
    for method in ALL_METHODS:
        np.testing.assert_array_equal(heatmaps[method].native, expected[method].native)


def test_it_works_where_functions_run_eagerly(images):
    model = small_cnn()
    expected = attribute(model, images)
    tf.config.run_functions_eagerly(True)
    try:
        heatmaps = attribute(model, images)
    finally:
        tf.config.run_functions_eagerly(False)
    for method in ALL_METHODS:
        np.testing.assert_array_equal(heatmaps[method].native, expected[method].native)


def test_printing_a_graph_says_what_was_resolved():
    text = str(ModelGraph(small_cnn(), ALL_METHODS, image_shape=SHAPE))
    assert "taken from the logit before the softmax of dense_2" in text
    assert "grad_cam: layer conv_2" in text
    assert "deconvnet: layer logits, rule ReLU(signal) at 3 ReLU nodes" in text


@pytest.mark.slow
@pytest.mark.versions
@pytest.mark.parametrize(
    ("name", "layer"), [("MobileNetV2", "out_relu"), ("EfficientNetB0", "top_activation")]
)
def test_applications_equal_the_sub_model_way(name, layer, rng):
    """Where the model is flat, Grad-CAM can also be had from a second model with two outputs."""
    application = getattr(keras.applications, name)
    options = {"weights": None, "input_shape": (64, 64, 3), "classes": 3}
    model = application(**options)
    bare = application(**options, classifier_activation=None)
    bare.set_weights(model.get_weights())
    images = rng.uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    graph = ModelGraph(model, ["grad_cam", "vanilla_gradients"], image_shape=(64, 64, 3))
    assert graph.resolved["grad_cam"]["layer"] == layer
    heatmaps = graph.attribute(images, [0, 2])[1]

    two_outputs = keras.Model(bare.input, [bare.get_layer(layer).output, bare.output])
    with tf.GradientTape(persistent=True) as tape:
        inputs = tf.constant(images)
        tape.watch(inputs)
        activation, logits = two_outputs(inputs, training=False)
        score = tf.reduce_sum(logits * tf.one_hot([0, 2], 3), 1)
    alpha = tf.reduce_mean(tape.gradient(score, activation), (1, 2), keepdims=True)
    cam = tf.nn.relu(tf.reduce_sum(alpha * activation, 3))
    assert relative_error(heatmaps["grad_cam"].native, cam) < 1e-4
    vanilla = tf.reduce_max(tf.abs(tape.gradient(score, inputs)), 3)
    assert relative_error(heatmaps["vanilla_gradients"].native, vanilla) < 1e-4
