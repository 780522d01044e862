"""The methods beyond the first three: each against a slow twin of its paper's formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import slow_twins as slow
from helpers.networks import small_cnn
from helpers.slow_twins import relative_error

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency._utils.resize import resize
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import (
    METHODS,
    GradCAMPlusPlus,
    IntegratedGradients,
    ScoreCAM,
    SmoothGrad,
)
from keras_saliency.methods.resizing import resize_maps

TOLERANCE = 1e-4
TARGETS = [0, 1, 2]
NEW = [name for name in METHODS if name not in ("grad_cam", "vanilla_gradients", "deconvnet")]


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, 18, 14, 3)).astype(np.float32)


@pytest.fixture
def model():
    return small_cnn((18, 14, 3))


def maps_of(model, images, method, targets=TARGETS, **options):
    graph = ModelGraph(model, method, image_shape=images.shape[1:], **options)
    _, heatmaps = graph.attribute(images, targets, signals_of=range(len(images)))
    [found] = heatmaps.values()
    return found


def twins_of(model, images):
    return [slow.Twin(model.get_weights(), image) for image in images]


@pytest.mark.parametrize(
    "name", ["input_x_gradient", "hires_cam", "layer_cam", "grad_cam_plus_plus"]
)
def test_one_pass_methods_equal_their_papers_formulas(model, images, name):
    formula = getattr(slow, name)
    expected = [formula(t, c) for t, c in zip(twins_of(model, images), TARGETS, strict=True)]
    assert relative_error(maps_of(model, images, name, chunk_size=2).native, expected) < TOLERANCE


@pytest.mark.parametrize("name", ["guided_backprop", "guided_grad_cam"])
def test_guided_methods_equal_their_papers_formulas(model, images, name):
    formula = getattr(slow, name)
    twins = twins_of(model, images)
    signals = np.array([formula(t, c) for t, c in zip(twins, TARGETS, strict=True)])
    found = maps_of(model, images, name, chunk_size=2)
    assert relative_error(found.signal, signals) < TOLERANCE
    assert relative_error(found.native, np.abs(signals).max(axis=-1)) < TOLERANCE


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


@pytest.mark.parametrize("max_channels", [None, 3])
def test_score_cam_equals_its_algorithm(model, images, max_channels):
    weights, twins = model.get_weights(), twins_of(model, images)
    expected = []
    for twin, c in zip(twins, TARGETS, strict=True):
        spread = twin.a2.var(axis=(0, 1))
        chosen = None if max_channels is None else np.argsort(-spread)[:max_channels]
        expected.append(slow.score_cam(twin, weights, c, chosen))
    found = maps_of(model, images, ScoreCAM(max_channels=max_channels), chunk_size=2)
    assert relative_error(found.native, expected) < TOLERANCE


def test_hires_cam_of_a_linear_head_adds_up_to_the_logit(images):
    model = keras.Sequential(
        [
            keras.layers.Input((18, 14, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomUniform(0.1, 1)),
        ]
    )
    found = maps_of(model, images, "hires_cam").native
    logits = model.predict(images, verbose=0)[np.arange(3), TARGETS]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), logits, rtol=1e-4)


def test_tiny_gradients_do_not_vanish_in_grad_cam_plus_plus(model, images):
    """Cubes of 1e-20 are 0 in float32; the formula has no unit, so they must not matter."""
    expected = maps_of(model, images, "grad_cam_plus_plus").native
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1e-18)
    found = maps_of(model, images, GradCAMPlusPlus()).native
    # With ever smaller gradients alpha goes to a half, wherever there is a gradient.
    assert np.isfinite(found).all() and found.max() > 0
    assert found.max() < 1e-10 * expected.max()


@pytest.mark.parametrize("name", NEW)
def test_maps_do_not_depend_on_the_chunk(model, images, name):
    one = maps_of(model, images, name, chunk_size=1).native
    assert relative_error(maps_of(model, images, name, chunk_size=3).native, one) < TOLERANCE


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


@pytest.mark.parametrize("name", ["guided_backprop", "guided_grad_cam"])
def test_guided_methods_refuse_what_is_not_rectified(name, images):
    model = keras.Sequential(
        [
            keras.layers.Input((18, 14, 3)),
            keras.layers.Conv2D(4, 3, activation="silu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    with pytest.raises(ValueError, match="needs a ReLU"):
        maps_of(model, images, name)


def test_maps_are_resized_in_the_graph_as_outside(rng):
    for shape, size in (((2, 4, 5), (11, 9)), ((2, 7), (30,)), ((2, 3, 4, 5), (6, 8, 5))):
        maps = rng.normal(size=shape).astype(np.float32)
        expected = resize(maps, size)
        np.testing.assert_allclose(resize_maps(tf.constant(maps), size), expected, atol=1e-5)


@pytest.mark.parametrize(("patch", "stride"), [(4, 2), (5, 5), (14, 3)])
def test_occlusion_is_the_mean_loss_over_patches(model, images, patch, stride):
    weights, method = model.get_weights(), METHODS["occlusion"](patch, stride, 0.1)
    expected = [
        slow.occlusion(slow.Twin(weights, image), weights, c, patch, stride, 0.1)
        for image, c in zip(images, TARGETS, strict=True)
    ]
    found = maps_of(model, images, method, chunk_size=2).native
    assert relative_error(found, np.maximum(expected, 0)) < 1e-3
