"""The model and all random states are as before, after an error, too."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_saliency.attribution.model_graph import ModelGraph

SHAPE = (18, 14, 3)


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, *SHAPE)).astype(np.float32)


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
