"""The layer of a CAM: the one that is named, or the last with a spatial output."""

import keras
import pytest
from helpers.networks import small_cnn
from helpers.refusals import model_of, refuses
from keras import layers

from keras_saliency import explain
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import DeconvNet, GradCAM, ScoreCAM

SHAPE = (18, 14, 3)


def test_layer_without_spatial_output_names_those_that_have_one():
    refuses(
        GradCAM(layer="dense_1"),
        small_cnn(),
        'GradCAM(layer="dense_1")',
        '"dense_1" outputs (None, 8)',
        '"conv_1", "pool_1", "conv_2", "pool_2"',
    )


def test_layer_that_does_not_exist_names_those_that_do():
    refuses(
        GradCAM(layer="conv_9"), small_cnn(), "does not have", 'Did you mean "conv_2"', '"flatten"'
    )
    refuses(DeconvNet(layer="conv_9"), small_cnn(), 'DeconvNet(layer="conv_9")', "does not have")


def test_ambiguous_layer_names_are_listed_with_their_paths():
    def half(name):
        return keras.Sequential(
            [layers.Input(SHAPE), layers.Conv2D(3, 3, padding="same", name="conv")], name=name
        )

    model = model_of(half("first"), half("second"))
    refuses(GradCAM(layer="conv"), model, "name of 2 layers", '"first/conv", "second/conv"')
    graph = ModelGraph(model, GradCAM(layer="first/conv"), image_shape=SHAPE)
    assert graph.resolved["grad_cam"]["layer"] == "first/conv"


def test_a_model_that_ends_in_points_is_refused():
    shrinking = [
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu") for _ in range(6)
    ]
    refuses("grad_cam", model_of(*shrinking), "last maps are 1x1", "18x14", "Use larger images")
    model = keras.applications.ResNet50(weights=None, input_shape=(32, 32, 3), classes=3)
    refuses("grad_cam", model, "last maps are 1x1", shape=(32, 32, 3))


@pytest.mark.parametrize(
    ("method", "asker"), [("score_cam", "ScoreCAM()"), ("guided_grad_cam", "GuidedGradCAM()")]
)
def test_refusals_name_the_method_that_asks(method, asker):
    shrinking = [layers.Conv2D(4, 3, strides=2, padding="same") for _ in range(6)]
    for model in (model_of(), model_of(*shrinking)):
        refuses(method, model, asker)
    refuses(ScoreCAM(layer="c"), small_cnn(), 'ScoreCAM(layer="c") names a layer')


def test_a_model_without_convolutions_is_refused_for_grad_cam_only(rng):
    model = model_of()
    refuses("grad_cam", model, "no activation with a spatial extent", "vanilla_gradients")
    assert explain(model, rng.normal(size=(2, *SHAPE)), method="vanilla_gradients").max() > 0


def test_global_pooling_that_keeps_its_axes_is_no_end_in_points():
    model = model_of(
        layers.Conv2D(4, 3, name="conv"),
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Conv2D(5, 1),
    )
    assert ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]["layer"] == "conv"


@pytest.mark.parametrize("layer", [3, b"conv_1", ["conv_1"], ""])
def test_a_layer_must_be_named(layer):
    for method in (GradCAM, DeconvNet):
        with pytest.raises((TypeError, ValueError), match="layer=.*must be a layer's name"):
            method(layer=layer)


def test_an_image_that_was_only_rescaled_is_no_activation():
    refuses("grad_cam", model_of(layers.Rescaling(1 / 255)), "no activation with a spatial extent")


def test_channels_first_maps_are_refused():
    model = keras.Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(4, 3),
            layers.Permute((3, 1, 2)),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            layers.Dense(3),
        ]
    )
    resolved = ModelGraph(model, image_shape=SHAPE).resolved["grad_cam"]
    assert resolved["layer"].startswith("conv2d")  # and not the permuted maps
    refuses(GradCAM(layer="permute"), model, "needs a layer with a spatial output")
