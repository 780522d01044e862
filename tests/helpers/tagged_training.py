"""Trainings on images whose corner gives the class away."""

import keras
import numpy as np

from keras_saliency import ProbeSet

SHAPE, TAG, NUM_CLASSES = (16, 16, 3), (0, 0, 4, 4), 3
COLOURS = np.eye(3, dtype=np.float32)


def draw(num, seed):
    """Noise with a corner in the colour of the class."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 1, size=(num, *SHAPE)).astype(np.float32)
    labels = np.arange(num) % NUM_CLASSES
    images[:, :4, :4] = COLOURS[labels][:, None, None]
    return images, labels


def network(engine=keras):
    layers = engine.layers
    start = layers.Input if engine is keras else layers.InputLayer
    return engine.Sequential(
        [
            start(SHAPE),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(NUM_CLASSES, activation="softmax"),
        ]
    )


def train(callbacks, epochs=2, engine=keras):
    engine.backend.clear_session()
    engine.utils.set_random_seed(3)
    model = network(engine)
    model.compile(engine.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    images, labels = draw(240, 1)
    options = {"epochs": epochs, "batch_size": 16, "verbose": 0, "callbacks": callbacks}
    return model, model.fit(images, labels, **options).history


def probes_of(**more):
    images, labels = draw(36, 2)
    return ProbeSet(images, labels, class_names=["red", "green", "blue"], **more)
