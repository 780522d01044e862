"""What holds for each method beyond the first three."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import slow_twins as slow
from helpers.explained import TARGETS, TOLERANCE, maps_of, twins_of
from helpers.networks import small_cnn
from helpers.slow_twins import relative_error

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency.methods import (
    METHODS,
    IntegratedGradients,
    ScoreCAM,
    SmoothGrad,
)

NEW = [name for name in METHODS if name not in ("grad_cam", "vanilla_gradients", "deconvnet")]


@pytest.mark.parametrize(
    "name", ["input_x_gradient", "hires_cam", "layer_cam", "grad_cam_plus_plus"]
)
def test_one_pass_methods_equal_their_papers_formulas(model, images, name):
    formula = getattr(slow, name)
    expected = [formula(t, c) for t, c in zip(twins_of(model, images), TARGETS, strict=True)]
    assert relative_error(maps_of(model, images, name, chunk_size=2).native, expected) < TOLERANCE


@pytest.mark.parametrize("name", NEW)
def test_maps_do_not_depend_on_the_chunk(model, images, name):
    one = maps_of(model, images, name, chunk_size=1).native
    assert relative_error(maps_of(model, images, name, chunk_size=3).native, one) < TOLERANCE


@pytest.mark.slow
@pytest.mark.versions
def test_every_method_works_in_the_callback_and_changes_no_training(tmp_path, rng):
    images = rng.uniform(size=(16, 18, 14, 3)).astype(np.float32)
    labels = rng.integers(0, 4, 16)

    def train(callbacks):
        keras.utils.set_random_seed(3)
        model = small_cnn((18, 14, 3))
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, labels, epochs=2, batch_size=8, verbose=0, callbacks=callbacks)
        return model.get_weights(), float(tf.random.uniform(()))

    callback = SaliencyCallback(
        ProbeSet(images[:4], labels[:4]), tmp_path, methods=NEW, detectors=None, on_error="raise"
    )
    plain, watched = train([]), train([callback])
    for a, b in zip(plain[0], watched[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert plain[1] == watched[1], "the random state is another"
    for name in NEW:
        assert np.isfinite(callback.history[name]["drift_previous"][-1]).any(), name


@pytest.mark.parametrize("name", NEW)
def test_every_method_works_in_explain(model, images, name):
    found = explain(model, images, TARGETS, name)
    assert found.shape == (3, 18, 14) and (found >= 0).all() and found.max() > 0


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("shape", [(40, 2), (6, 8, 8, 1)])
def test_every_method_works_on_signals_and_volumes(name, shape, rng):
    rank = len(shape) - 1
    conv = {1: keras.layers.Conv1D, 3: keras.layers.Conv3D}[rank]
    model = keras.Sequential(
        [
            keras.layers.Input(shape),
            conv(4, 3, activation="relu"),
            conv(3, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    found = explain(model, rng.normal(size=(2, *shape)).astype(np.float32), [0, 1], name)
    assert found.shape == (2, *shape[:-1]) and np.isfinite(found).all()


@pytest.mark.parametrize("name", NEW)
def test_one_unit_heads_have_a_sign(name, images):
    """Of class 0 the negative logit is explained."""
    model = small_cnn((18, 14, 3), 1, "sigmoid")
    negated = keras.models.clone_model(model)
    weights = model.get_weights()
    negated.set_weights([*weights[:-2], -weights[-2], -weights[-1]])
    zero = maps_of(model, images, name, [0, 0, 0]).native
    np.testing.assert_allclose(zero, maps_of(negated, images, name, [1, 1, 1]).native, atol=1e-6)


@pytest.mark.parametrize("name", ["smooth_grad", "integrated_gradients", "score_cam"])
def test_noise_does_not_change_the_class_that_is_explained(model, images, name):
    """The predicted class is that of the image as it is, in every pass."""
    predicted = model.predict(images, verbose=0).argmax(axis=1)
    told = maps_of(model, images, name, predicted).native
    np.testing.assert_array_equal(maps_of(model, images, name, None).native, told)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SmoothGrad(num_samples=0), "num_samples"),
        (lambda: SmoothGrad(noise=-1), "noise"),
        (lambda: IntegratedGradients(baseline=float("nan")), "baseline"),
        (lambda: IntegratedGradients(num_steps="many"), "num_steps"),
        (lambda: ScoreCAM(max_channels=0), "max_channels"),
        (lambda: ScoreCAM(layer=3), "layer"),
    ],
)
def test_wrong_arguments_are_errors_in_words(make, said):
    with pytest.raises((ValueError, TypeError), match=said):
        make()
