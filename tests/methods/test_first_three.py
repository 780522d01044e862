"""Each method against a slow twin of its paper's formula."""

import keras
import numpy as np
import pytest
from helpers import slow_twins as slow
from helpers.networks import ALL_METHODS, small_cnn
from helpers.slow_twins import relative_error

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import GradCAM

TOLERANCE = 1e-4


def attribute(model, images, methods, targets=None, **options):
    graph = ModelGraph(model, methods, image_shape=images.shape[1:], **options)
    return graph.attribute(images, targets, signals_of=range(len(images)))


@pytest.fixture
def images(rng):
    return rng.normal(size=(5, 18, 14, 3)).astype(np.float32)


@pytest.fixture
def twins_of(images):
    return lambda model: [slow.Twin(model.get_weights(), image) for image in images]


def test_three_methods_equal_their_papers_formulas(images, twins_of):
    model, targets = small_cnn(), [0, 1, 2, 3, 0]
    predictions, heatmaps = attribute(model, images, ALL_METHODS, targets, chunk_size=2)
    twins = twins_of(model)
    assert relative_error(predictions.logits, [t.logits for t in twins]) < TOLERANCE
    for method, formula in (
        ("grad_cam", slow.grad_cam),
        ("vanilla_gradients", slow.vanilla_gradients),
    ):
        expected = [formula(t, c) for t, c in zip(twins, targets, strict=True)]
        assert relative_error(heatmaps[method].native, expected) < TOLERANCE, method
    expected, signals = zip(
        *[slow.deconvnet(t, c) for t, c in zip(twins, targets, strict=True)], strict=True
    )
    assert relative_error(heatmaps["deconvnet"].native, expected) < TOLERANCE
    assert relative_error(heatmaps["deconvnet"].signal, signals) < TOLERANCE


def test_no_target_means_the_predicted_class(images, twins_of):
    model = small_cnn()
    _, heatmaps = attribute(model, images, "vanilla_gradients")
    expected = [slow.vanilla_gradients(t, t.logits.argmax()) for t in twins_of(model)]
    assert relative_error(heatmaps["vanilla_gradients"].native, expected) < TOLERANCE


def test_grad_cam_of_an_earlier_layer_uses_that_layer(images):
    model = small_cnn()
    _, heatmaps = attribute(model, images, GradCAM(layer="conv_1"))
    assert heatmaps["grad_cam"].native.shape == (5, 16, 12)


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_one_unit_head_explains_class_0_by_the_negative_logit(images, twins_of, weight):
    model = small_cnn(num_classes=1, activation="sigmoid")
    target = 1 if weight > 0 else 0
    _, heatmaps = attribute(model, images, "grad_cam", target)
    expected = []
    for twin in twins_of(model):
        alpha = weight * twin.back_to_a2(0, slow.derivative).mean(axis=(0, 1))
        expected.append(np.maximum((alpha * twin.a2).sum(axis=2), 0))
    assert relative_error(heatmaps["grad_cam"].native, expected) < TOLERANCE


def test_scores_before_softmax_are_explained_and_not_probabilities(images):
    confident = small_cnn()
    confident.layers[-1].kernel.assign(confident.layers[-1].kernel * 100)
    logits = small_cnn(activation=None)
    logits.set_weights(confident.get_weights())
    maps = [attribute(m, images, "vanilla_gradients", 1)[1] for m in (confident, logits)]
    a, b = (m["vanilla_gradients"].native for m in maps)
    assert relative_error(a, b) < 1e-6


def test_heatmaps_are_resized_bilinearly(images, twins_of):
    model = small_cnn()
    _, heatmaps = attribute(model, images, "grad_cam", 1)
    expected = [slow.bilinear_resize(slow.grad_cam(t, 1), (18, 14)) for t in twins_of(model)]
    assert relative_error(heatmaps["grad_cam"].at_image_size(), expected) < TOLERANCE


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_maps_equal_the_float32_models(images, policy):
    full = small_cnn()
    keras.config.set_dtype_policy(policy)
    half = small_cnn()
    keras.config.set_dtype_policy("float32")
    half.set_weights(full.get_weights())
    _, expected = attribute(full, images, ALL_METHODS, 1)
    _, heatmaps = attribute(half, images, ALL_METHODS, 1)
    for method in ALL_METHODS:
        np.testing.assert_array_equal(heatmaps[method].native, expected[method].native)
    assert {layer.dtype_policy.name for layer in half.layers} == {policy}


def test_a_probes_map_does_not_depend_on_its_chunk(images):
    model = small_cnn()
    _, alone = attribute(model, images[:1], ALL_METHODS, 1, chunk_size=4)
    for other in (images, images[[0, 4, 2]]):
        _, together = attribute(model, other, ALL_METHODS, 1, chunk_size=4)
        for method in ALL_METHODS:
            assert relative_error(together[method].native[0], alone[method].native[0]) < 1e-6
