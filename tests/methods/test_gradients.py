"""Methods by the gradient of the pixels, against slow twins of their papers' formulas."""

import keras
import numpy as np
import tensorflow as tf
from helpers import slow_twins as slow
from helpers.explained import TARGETS, TOLERANCE, maps_of
from helpers.slow_twins import relative_error

from keras_saliency.methods import (
    IntegratedGradients,
    SmoothGrad,
)


def test_smooth_grad_is_the_mean_gradient_of_noisy_copies(model, images):
    noises = [
        tf.random.stateless_normal(images.shape[1:], [0, i]).numpy().astype(float) for i in range(4)
    ]
    expected = [
        slow.smooth_grad(model.get_weights(), image.astype(float), c, noises, 0.2)
        for image, c in zip(images, TARGETS, strict=True)
    ]
    found = maps_of(model, images, SmoothGrad(num_samples=4, noise=0.2), chunk_size=2)
    assert relative_error(found.native, expected) < TOLERANCE


def test_smooth_grad_without_noise_is_the_gradient(model, images):
    found = maps_of(model, images, SmoothGrad(num_samples=2, noise=0)).native
    assert relative_error(found, maps_of(model, images, "vanilla_gradients").native) < TOLERANCE


def test_integrated_gradients_are_the_integral(model, images):
    expected = [
        slow.integrated_gradients(model.get_weights(), image.astype(float), c, 0.3, 200)
        for image, c in zip(images[:1], TARGETS, strict=False)
    ]
    method = IntegratedGradients(num_steps=64, baseline=0.3)
    found = maps_of(model, images[:1], method, TARGETS[:1]).native
    assert relative_error(found, np.abs(np.sum(expected, axis=-1))) < 0.03


def test_integrated_gradients_of_a_smooth_model_are_complete(images):
    """All pixels add up to the logit less that of the baseline, with few steps already."""
    model = keras.Sequential(
        [
            keras.layers.Input((18, 14, 3)),
            keras.layers.Conv2D(4, 3, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer="ones"),
        ]
    )
    positive = np.abs(images) * 0.1
    model.layers[0].kernel.assign(np.abs(model.layers[0].kernel.numpy()))  # no sign cancels
    found = maps_of(model, positive, IntegratedGradients(num_steps=16), 1).native
    logits = model.predict(np.concatenate([positive, 0 * positive[:1]]), verbose=0)[:, 0]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), logits[:3] - logits[3], rtol=1e-4)
