"""Models of `tf_keras` (Keras 2) in the engine and in the callback, against twins in Keras 3."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import ALL_METHODS
from helpers.slow_twins import relative_error
from helpers.training import OURS

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency.attribution.model_graph import ModelGraph

tf_keras = pytest.importorskip("tf_keras")
SHAPE = (18, 14, 3)


@pytest.fixture(autouse=True)
def float32_again():
    yield
    tf_keras.mixed_precision.set_global_policy("float32")


@pytest.fixture
def images(rng):
    return rng.uniform(-1, 1, size=(6, *SHAPE)).astype(np.float32)


def parts(engine, act="fused"):
    layers = engine.layers
    fused = "relu" if act == "fused" else None

    def relu():
        return [layers.ReLU()] if act == "layers" else []

    return [
        layers.Conv2D(5, 3, activation=fused, name="conv_1"),
        *relu(),
        layers.BatchNormalization(name="norm"),
        layers.MaxPooling2D(),
        layers.Conv2D(6, 3, activation=fused, name="conv_2"),
        *relu(),
        layers.MaxPooling2D(),
        layers.Dropout(0.3),
        layers.Flatten(),
        layers.Dense(8, activation=fused, name="dense_1"),
        *relu(),
        layers.Dense(4, activation="softmax", name="dense_2"),
    ]


def chain(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def sequential(engine, act="fused"):
    start = engine.layers.InputLayer if engine is tf_keras else engine.layers.Input
    return engine.Sequential([start(SHAPE), *parts(engine, act)])


def unbuilt(engine, act="fused"):
    return engine.Sequential(parts(engine, act))


def functional(engine, act="fused"):
    inputs = engine.Input(SHAPE)
    return engine.Model(inputs, chain(parts(engine, act), inputs))


def nested(engine, act="fused"):
    inner = functional(engine, act)
    inner = engine.Model(inner.input, inner.layers[-2].output)
    inputs = engine.Input(SHAPE)
    head = [engine.layers.Dense(4, name="dense_2"), engine.layers.Softmax()]
    return engine.Model(inputs, chain([engine.layers.Rescaling(0.5), inner, *head], inputs))


def subclassed(engine, act="fused"):
    class Subclassed(engine.Model):
        def __init__(self):
            super().__init__()
            self.parts = parts(engine, act)

        def call(self, x):
            return chain(self.parts, x)

    return Subclassed()


def randomize(model):
    """The same weights for layers of the same name in either engine."""
    for layer in model._flatten_layers():
        if layer.name in ("conv_1", "conv_2", "norm", "dense_1", "dense_2"):
            rng = np.random.default_rng(sum(map(ord, layer.name)))
            values = [rng.normal(scale=0.3, size=w.shape) for w in layer.weights]
            if layer.name == "norm":
                values = [np.abs(v) + 0.5 for v in values]
            # Exact in half precision, so that the engines agree.
            layer.set_weights([v.astype(np.float16).astype(np.float32) for v in values])


def maps_of(model, images, methods=ALL_METHODS):
    graph = ModelGraph(model, methods, image_shape=SHAPE, chunk_size=4)
    randomize(model)
    predictions, heatmaps = graph.attribute(images)
    return graph, predictions, {name: h.native for name, h in heatmaps.items()}


@pytest.mark.parametrize("act", ["fused", "layers"])
@pytest.mark.parametrize("make", [sequential, unbuilt, functional, nested, subclassed])
def test_maps_equal_those_of_a_keras_3_twin(images, make, act):
    twin, expected, maps = maps_of(make(keras, act), images)
    graph, predictions, old = maps_of(make(tf_keras, act), images)
    np.testing.assert_allclose(predictions.logits, expected.logits, rtol=1e-5, atol=1e-6)
    for method in ALL_METHODS:
        assert relative_error(old[method], maps[method]) < 1e-5
    assert "3 ReLU nodes" in str(graph) and str(graph) == str(twin)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("make", [unbuilt, nested, subclassed])
def test_half_precision_is_traced_in_float32(images, make, policy, recwarn):
    _, _, maps = maps_of(make(keras), images)
    tf_keras.mixed_precision.set_global_policy(policy)
    model = make(tf_keras)
    _, _, old = maps_of(model, images)
    for method in ALL_METHODS:
        assert relative_error(old[method], maps[method]) < 1e-5
    assert not [w for w in recwarn if "not exact" in str(w.message)]
    assert {layer.compute_dtype for layer in model._flatten_layers()} <= {
        policy.removeprefix("mixed_"),
        "float32",  # Rescaling and InputLayer, some
    }
    assert model(images).dtype.name == policy.removeprefix("mixed_")


def test_grad_cam_equals_a_sub_model_under_a_tape(images):
    model = functional(tf_keras)
    _, predictions, maps = maps_of(model, images, "grad_cam")
    model.layers[-1].activation = tf_keras.activations.linear
    sub = tf_keras.Model(model.input, [model.get_layer("conv_2").output, model.output])
    with tf.GradientTape() as tape:
        activation, logits = sub(images)
        score = tf.reduce_sum(tf.gather(logits, predictions.classes, batch_dims=1))
    weights = tf.reduce_mean(tape.gradient(score, activation), axis=(1, 2), keepdims=True)
    expected = tf.nn.relu(tf.reduce_sum(weights * activation, axis=-1))
    assert relative_error(maps["grad_cam"], expected) < 1e-5


def test_tracing_leaves_no_trace_on_the_model(images):
    class Penalty(tf_keras.layers.Layer):
        def call(self, x):
            self.add_loss(tf.reduce_mean(x))
            if tf.reduce_sum(x) > 1e9:  # AutoGraph, as in fit
                x = x * 2.0
            return x

    inputs = tf_keras.Input(SHAPE)
    convolution = tf_keras.layers.Conv2D(4, 3, activation="relu", activity_regularizer="l2")
    tail = [tf_keras.layers.Flatten(), tf_keras.layers.Dense(4, activation="softmax")]
    body = tf_keras.Model(inputs, chain([convolution, *tail], inputs))

    class Model(tf_keras.Model):
        def __init__(self):
            super().__init__()
            self.penalty, self.body = Penalty(), body

        def call(self, x):
            return self.body(self.penalty(x))

    model = Model()
    model.build((None, *SHAPE))
    layers = list(model._flatten_layers())
    before = [dict(vars(layer)) for layer in layers]
    losses = [[str(loss) for loss in layer._eager_losses] for layer in layers]
    explain(model, images, method="vanilla_gradients")
    for layer, kept, old in zip(layers, before, losses, strict=True):
        now = vars(layer)
        assert {n for n in now if now[n] is not kept.get(n)} == set(), layer.name
        assert [str(loss) for loss in layer._eager_losses] == old
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(images, np.zeros(6), verbose=0)


def test_what_does_not_fit_is_refused(images):
    with pytest.raises(ValueError, match="do not fit the model"):
        ModelGraph(functional(tf_keras), image_shape=(9, 9, 3))
    with pytest.raises(TypeError, match="must be a keras.Model"):
        ModelGraph(tf_keras.layers.Dense(3), image_shape=SHAPE)
    one = functional(tf_keras)
    two = tf_keras.Model(one.input, [one.output, one.layers[-2].output])
    with pytest.raises(ValueError, match="must have one output"):
        ModelGraph(two, image_shape=SHAPE)
    hidden = tf_keras.Sequential([tf_keras.layers.PReLU(), *parts(tf_keras)])
    with pytest.raises(ValueError, match="cannot reach"):
        ModelGraph(hidden, "deconvnet", image_shape=SHAPE)


class Snapshot(tf_keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        optimizer = self.model.optimizer.variables
        self.state = {
            "model": [v.numpy() for v in self.model.variables],
            "optimizer": [v.numpy() for v in (optimizer() if callable(optimizer) else optimizer)],
            "numpy": np.random.get_state()[1],
            "python": random.getstate(),
            "draws": [tf.random.uniform((3,)).numpy(), tf_keras.backend.random_normal((3,))],
        }


class AlwaysDropout(tf_keras.layers.Dropout):
    def call(self, x, training=None):
        return super().call(x, training=True)


def drawing(engine):
    always, *rest = AlwaysDropout(0.2), *parts(engine)
    return engine.Sequential([engine.layers.RandomFlip(), always, *rest])


def fit(model, images, labels, callbacks, **options):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(
        images, labels, batch_size=16, verbose=0, callbacks=callbacks, **{"epochs": 3} | options
    )


@pytest.fixture
def data(rng):
    return rng.uniform(size=(40, *SHAPE)).astype(np.float32), rng.integers(0, 4, 40)


@pytest.mark.slow
@pytest.mark.versions
@pytest.mark.parametrize("make", [sequential, unbuilt, nested, subclassed, drawing])
def test_a_fit_is_the_same_bit_for_bit(tmp_path, data, make):
    states, histories = [], []
    probes = ProbeSet(data[0][:6], data[1][:6])
    methods = ["grad_cam", "vanilla_gradients"]
    for callbacks in ([], [SaliencyCallback(probes, tmp_path, methods, on_error="raise")]):
        tf_keras.backend.clear_session()
        tf_keras.utils.set_random_seed(11)
        snapshot = Snapshot()
        history = fit(make(tf_keras), *data, [*callbacks, snapshot], validation_split=0.2).history
        histories.append({k: v for k, v in history.items() if k not in OURS})
        states.append(snapshot.state)
    assert histories[0] == histories[1] and "vanilla_gradients_drift" in history
    for key, without in states[0].items():
        for a, b in zip(without, states[1][key], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=key)
    events = events_of(tmp_path / "saliency")
    assert [s for s, _, _ in events["saliency/grad_cam/overlays"]] == [-1, 0, 1, 2]


def test_batch_hooks_are_called_only_where_there_are_some(tmp_path, data):
    callback = SaliencyCallback(ProbeSet(data[0][:6], data[1][:6]), tmp_path)
    assert not callback._implements_train_batch_hooks()
    assert not callback._implements_test_batch_hooks()
    assert not callback._implements_predict_batch_hooks()
    batches = []
    callback.on_train_batch_end = lambda batch, logs=None: batches.append(batch)
    assert callback._implements_train_batch_hooks()
    fit(sequential(tf_keras), *data, [callback], epochs=1)
    assert batches == [0, 1, 2]

    class WithTests(SaliencyCallback):
        def on_test_batch_begin(self, batch, logs=None):
            pass

    other = WithTests(ProbeSet(data[0][:6], data[1][:6]), tmp_path)
    assert other._implements_test_batch_hooks() and not other._implements_train_batch_hooks()


def test_a_loop_of_ones_own_and_explain(tmp_path, data, images):
    model = sequential(tf_keras)
    callback = SaliencyCallback(ProbeSet(data[0][:6], data[1][:6]), tmp_path)
    for epoch in (-1, 0):
        callback.observe(model, epoch)
    callback.close()
    assert callback.history.epochs == [-1, 0]
    assert explain(model, images).shape == (6, *SHAPE[:2])
