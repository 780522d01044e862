"""One network in every form that Keras offers has the same maps; the model is left as it was."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import ALL_METHODS, randomize, small_cnn
from helpers.slow_twins import relative_error
from keras import layers

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import DeconvNet, GradCAM

SHAPE = (18, 14, 3)


def attribute(model, images, methods=ALL_METHODS, targets=1, **options):
    graph = ModelGraph(model, methods, image_shape=images.shape[1:], **options)
    return graph.attribute(images, targets)[1]


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, *SHAPE)).astype(np.float32)


def stack(relu=lambda: layers.ReLU(), convolution=lambda n: layers.Conv2D(n, 3)):
    return [
        convolution(5),
        relu(),
        layers.MaxPooling2D(),
        convolution(6),
        relu(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(8),
        relu(),
        layers.Dense(4, activation="softmax"),
    ]


def chain(x, parts):
    for part in parts:
        x = part(x)
    return x


def unbuilt_sequential():
    return keras.Sequential(stack())


def functional(relu=lambda: layers.ReLU()):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, chain(inputs, stack(relu)))


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


def test_a_shared_layer_is_explained_at_its_last_call_and_says_so(images):
    shared = layers.Conv2D(4, 3, activation="relu", name="shared")
    model = TwoBranches(shared, shared)
    model(images)
    randomize(model)
    graph = ModelGraph(model, GradCAM(layer="shared"), image_shape=SHAPE)
    assert "last of 2 calls" in graph.resolved["grad_cam"]["note"]

    with tf.GradientTape() as tape:
        activation = shared(images * 2.0)
        tape.watch(activation)
        pooled = [tf.reduce_mean(a, (1, 2)) for a in (shared(images), activation)]
        score = model.head(tf.concat(pooled, 1))[:, 1]
    alpha = tf.reduce_mean(tape.gradient(score, activation), (1, 2), keepdims=True)
    expected = tf.nn.relu(tf.reduce_sum(alpha * activation, 3))
    heatmaps = graph.attribute(images, 1)[1]
    assert relative_error(heatmaps["grad_cam"].native, expected) < 1e-5


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


def test_relu6_and_leaky_relu_are_rectified(rng):
    images = rng.normal(size=(3, *SHAPE)).astype(np.float32)
    for relu in (
        lambda: layers.ReLU(6.0),
        lambda: layers.LeakyReLU(0.1),
        lambda: layers.ReLU(negative_slope=0.1),
    ):
        model = functional(relu)
        graph = ModelGraph(model, ["deconvnet"], image_shape=SHAPE)
        assert "3 ReLU nodes" in graph.resolved["deconvnet"]["rule"]
        signal = graph.attribute(images, 1, signals_of=range(3))[1]["deconvnet"].signal
        assert np.allclose(
            signal, deconvnet_by_tape(model, relu, images), atol=1e-5 * abs(signal).max()
        )


def deconvnet_by_tape(model, relu, images):
    """The same weights with each activation replaced by one whose gradient is ReLU(signal)."""
    activation = relu()

    @tf.custom_gradient
    def rectified(x):
        return activation(x), tf.nn.relu

    kept = [layer for layer in model.layers if type(layer).__name__ not in ("InputLayer", "Dense")]
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        x = images
        for layer in kept:
            if type(layer).__name__ == "Flatten":
                x = rectified(tf.matmul(layer(x), dense[0].kernel) + dense[0].bias)
                break
            x = (
                rectified(x)
                if "ReLU" in type(layer).__name__ or "re_lu" in layer.name
                else layer(x)
            )
        score = (tf.matmul(x, dense[1].kernel) + dense[1].bias)[:, 1]
    return tape.gradient(score, images)


def test_gates_of_mobilenet_v3_are_not_rectified(rng):
    keras.backend.clear_session()  # the names of its layers are counted
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(64, 64, 3), classes=3)
    graph = ModelGraph(model, DeconvNet(layer="activation_3"), image_shape=(64, 64, 3))
    assert "gates relu6(x + 3) left as they are" in graph.resolved["deconvnet"]["note"]
    whole = ModelGraph(model, "deconvnet", image_shape=(64, 64, 3))
    assert whole.resolved["deconvnet"]["note"].startswith("28 gates")


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


def state_of(model):
    return {
        "weights": [np.array(w) for w in model.weights],
        "variables": [np.array(v) for v in model.variables],
        "policies": [layer.dtype_policy.name for layer in model._flatten_layers()],
        "attributes": [sorted(vars(layer)) for layer in model._flatten_layers()],
        "losses": [len(layer._losses) for layer in model._flatten_layers()],
        "numpy": np.random.get_state()[1].tolist(),
        "python": random.getstate(),
        "tensorflow": [tf.random.get_global_generator().state.numpy()],
    }


def assert_same_state(before, after):
    for key, value in before.items():
        for a, b in zip(value, after[key], strict=True):
            np.testing.assert_equal(a, b, err_msg=key)


def restless_model(policy="mixed_float16"):
    """A model that draws, counts and regularises in every call, in half precision."""
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, activation="relu", activity_regularizer="l2")(inputs)
    x = layers.BatchNormalization()(x, training=True)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.5)(x, training=True)
    x = layers.PReLU(name="parametric")(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    keras.config.set_dtype_policy("float32")
    return model


def test_the_model_and_all_random_states_are_as_before(images):
    model = restless_model()
    before = state_of(model)
    graph = ModelGraph(model, ["grad_cam", "vanilla_gradients"], image_shape=SHAPE)
    graph.attribute(images)
    assert_same_state(before, state_of(model))


def test_the_model_is_as_before_after_an_error_too(images):
    model = restless_model()
    before = state_of(model)
    with pytest.raises(ValueError, match="parametric"):
        ModelGraph(model, "deconvnet", image_shape=SHAPE)
    with pytest.raises(ValueError, match="cannot be called|do not fit"):
        ModelGraph(model, "grad_cam", image_shape=(5, 5, 3))
    assert_same_state(before, state_of(model))


def test_an_error_inside_a_layer_leaves_no_wrapper_behind(images):
    class Broken(layers.Layer):
        def call(self, x):
            if x.shape[0] == 32:
                raise OSError("the disk is gone")
            return x

    model = keras.Sequential(
        [layers.Input(SHAPE), layers.Conv2D(2, 3), Broken(), layers.Flatten(), layers.Dense(2)]
    )
    before = state_of(model)
    with pytest.raises(ValueError, match="the disk is gone"):
        ModelGraph(model, image_shape=SHAPE, chunk_size=32)
    assert_same_state(before, state_of(model))


def test_training_goes_on_after_a_graph(images):
    model = restless_model("float32")  # Keras itself cannot sum a float16 activity loss
    model.compile("adam", "sparse_categorical_crossentropy")
    ModelGraph(model, image_shape=SHAPE).attribute(images)
    model.fit(images, np.arange(3), verbose=0)
    assert len(model.losses) <= 1


def test_printing_a_graph_says_what_was_resolved():
    text = str(ModelGraph(small_cnn(), ALL_METHODS, image_shape=SHAPE))
    assert "logit before the softmax of dense_2" in text
    assert "grad_cam: layer conv_2" in text
    assert "deconvnet: layer logits, rule ReLU(signal) at 3 ReLU nodes" in text


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


def flattened(*parts):
    """The last convolution, then layers on (n, h*w, c)."""
    return [layers.Conv2D(8, 3, activation="relu", name="conv"), layers.Reshape((-1, 8)), *parts]


class Attention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4)

    def call(self, x):
        return x + self.attention(x, x)


BEHIND_THE_MAPS = {
    "attention": flattened(Attention, layers.GlobalAveragePooling1D),
    "conv1d": flattened(lambda: layers.Conv1D(8, 3), layers.GlobalAveragePooling1D),
}
MAPS = {
    "group_normalization": lambda: layers.GroupNormalization(4, name="last"),
    "dense_on_positions": lambda: layers.Dense(5, name="last"),
    "upsampling": lambda: layers.UpSampling2D(2, name="last"),
    "dilation": lambda: layers.DepthwiseConv2D(3, dilation_rate=2, name="last"),
    "tokens_and_back": lambda: keras.Sequential(
        [layers.Reshape((-1, 8)), layers.Dense(8), layers.Reshape((16, 12, 8), name="last")]
    ),
}


@pytest.mark.parametrize("behind", BEHIND_THE_MAPS)
def test_rank_4_inside_attention_or_conv1d_is_no_map(behind):
    parts = [
        p() if callable(p) and not isinstance(p, layers.Layer) else p
        for p in BEHIND_THE_MAPS[behind]
    ]
    model = keras.Sequential([layers.Input(SHAPE), *parts, layers.Dense(3)])
    assert ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]["layer"] == "conv"


@pytest.mark.parametrize("last", MAPS)
def test_maps_are_followed_through_what_rearranges_them(last):
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
    model = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(8, 3), MAPS[last](), *head])
    assert ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]["layer"] == "last"
