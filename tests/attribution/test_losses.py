"""What a loss takes an output for is known by its values, however it is called or given."""

import keras
import pytest
import tensorflow as tf
from keras import layers, losses, ops

from keras_saliency.attribution.losses import loss_wants


def quantile(labels, outputs):
    below = labels - outputs
    return ops.mean(ops.maximum(0.9 * below, -0.1 * below), axis=-1)


def scalar(labels, outputs):
    return tf.reduce_mean(tf.abs(labels - outputs))


def drawing(labels, outputs):
    return tf.reduce_mean((labels - outputs) ** 2) + tf.random.normal(())


class Own(losses.Loss):
    def call(self, labels, outputs):
        return ops.mean(2 * ops.square(labels - outputs), axis=-1)


NUMBERS = [
    *("mse", "mean_absolute_error", "mape", "msle", "huber", "log_cosh", "poisson"),
    *(losses.MeanSquaredError(), losses.Huber(0.5), losses.LogCosh(), losses.mean_squared_error),
    *(quantile, scalar, Own(), lambda y, z: quantile(y, z)),
    *(["mae"], {"out": "mse"}, {"out": losses.Poisson()}),
]
OTHERS = [
    ("binary_crossentropy", "probabilities"),
    (losses.BinaryCrossentropy(label_smoothing=0.1), "probabilities"),
    ({"out": losses.BinaryCrossentropy(from_logits=True)}, "logits"),
    (losses.BinaryFocalCrossentropy(from_logits=True), "logits"),
    *(("hinge", "logits"), ("squared_hinge", "logits")),
    *(("cosine_similarity", None), (losses.CategoricalCrossentropy(from_logits=True), None)),
    *((drawing, None), (lambda y, z: y[:, 3] - z, None), (None, None)),
]


@pytest.mark.parametrize(("loss", "wants"), [*((loss, "numbers") for loss in NUMBERS), *OTHERS])
def test_what_a_loss_wants(loss, wants):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, name="out")])
    if loss is not None:
        model.compile("adam", loss)
    assert loss_wants(model, "out", 0) == wants


@pytest.mark.parametrize("from_logits", [True, False])
def test_a_loss_of_class_numbers_is_not_asked(monkeypatch, from_logits):
    """TensorFlow would print a warning: of one output, there is no class 1."""
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4)])
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    asked = []
    monkeypatch.setattr(tf, "constant", lambda *given: asked.append(given))
    assert loss_wants(model, "dense", 0) is None and asked == []


def test_each_output_has_its_own_loss():
    x = keras.Input((3,))
    model = keras.Model(x, {"a": layers.Dense(1, name="a")(x), "b": layers.Dense(1, name="b")(x)})
    model.compile("adam", {"a": "mse", "b": losses.BinaryCrossentropy(from_logits=True)})
    assert loss_wants(model, "a", 0) == "numbers" and loss_wants(model, "b", 1) == "logits"
    model.compile("adam", {"b": "hinge"})
    assert loss_wants(model, "b", 1) == "logits"


def test_asking_a_loss_changes_no_random_state():
    def draw():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile("adam", "mse")
        return model, lambda: tf.random.normal(()).numpy()

    _, expected = draw()
    expected = expected()
    model, found = draw()
    loss_wants(model, "dense", 0)
    assert found() == expected
