"""The methods against captum on the same weights."""

import numpy as np
import pytest
from helpers.networks import ALL_METHODS, small_cnn
from helpers.slow_twins import relative_error

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import METHODS

torch = pytest.importorskip("torch")
attr = pytest.importorskip("captum.attr")

SHAPE = (18, 14, 3)


def torch_twin(model):
    """The same network in torch; its flatten runs in Keras's order (h, w, c)."""
    nn = torch.nn
    conv_1, conv_2, dense_1, dense_2 = (layer for layer in model.layers if layer.weights)

    class FlattenChannelsLast(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)

    network = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(5, 6, 3), nn.ReLU(), nn.MaxPool2d(2),
        FlattenChannelsLast(), nn.Linear(dense_1.kernel.shape[0], 8), nn.ReLU(), nn.Linear(8, 4),
    )  # fmt: skip
    pairs = zip(
        (network[0], network[3], network[7], network[9]),
        (conv_1, conv_2, dense_1, dense_2),
        strict=True,
    )
    for ours, theirs in pairs:
        kernel, bias = theirs.get_weights()
        order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        ours.weight.data = torch.tensor(kernel.transpose(order).copy())
        ours.bias.data = torch.tensor(bias)
    return network.eval()


@pytest.fixture
def pair(rng):
    model = small_cnn()
    images = rng.normal(size=(6, *SHAPE)).astype(np.float32)
    targets = [0, 1, 2, 3, 2, 1]
    graph = ModelGraph(model, ALL_METHODS, image_shape=SHAPE, chunk_size=4)
    _, heatmaps = graph.attribute(images, targets, signals_of=range(6))
    inputs = torch.tensor(images.transpose(0, 3, 1, 2).copy())
    return heatmaps, torch_twin(model), inputs, torch.tensor(targets)


def test_grad_cam_equals_captum(pair):
    heatmaps, network, inputs, targets = pair
    cam = attr.LayerGradCam(network, network[4])
    expected = cam.attribute(inputs, targets, relu_attributions=True).detach().numpy()[:, 0]
    assert relative_error(heatmaps["grad_cam"].native, expected) < 1e-4


def test_vanilla_gradients_equal_captum(pair):
    heatmaps, network, inputs, targets = pair
    expected = attr.Saliency(network).attribute(inputs, targets, abs=True).numpy().max(axis=1)
    assert relative_error(heatmaps["vanilla_gradients"].native, expected) < 1e-4


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_deconvnet_equals_captum(pair):
    heatmaps, network, inputs, targets = pair
    signal = attr.Deconvolution(network).attribute(inputs, targets).detach().numpy()
    assert relative_error(heatmaps["deconvnet"].signal, signal.transpose(0, 2, 3, 1)) < 1e-4


@pytest.fixture
def same(rng):
    """A Keras model, the same network in torch, and images of both."""
    model = small_cnn()
    images = rng.normal(size=(6, *SHAPE)).astype(np.float32)
    inputs = torch.tensor(images.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    return model, torch_twin(model), inputs, torch.tensor([0, 1, 2, 3, 2, 1]), images


def maps(model, images, method, targets):
    graph = ModelGraph(model, method, image_shape=SHAPE)
    found = graph.attribute(images, targets.numpy(), signals_of=range(len(images)))[1]
    return next(iter(found.values()))


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_guided_methods_equal_captum(same):
    model, network, inputs, targets, images = same
    guided = attr.GuidedBackprop(network).attribute(inputs, targets)
    cam = attr.GuidedGradCam(network, network[4]).attribute(
        inputs, targets, interpolate_mode="bilinear"
    )
    for name, expected in (("guided_backprop", guided), ("guided_grad_cam", cam)):
        found = maps(model, images, name, targets).signal
        assert relative_error(found, expected.detach().numpy().transpose(0, 2, 3, 1)) < 1e-4


def test_input_x_gradient_equals_captum(same):
    model, network, inputs, targets, images = same
    expected = attr.InputXGradient(network).attribute(inputs, targets).detach().numpy()
    found = maps(model, images, "input_x_gradient", targets).native
    assert relative_error(found, np.abs(expected.sum(axis=1))) < 1e-4


def test_integrated_gradients_equal_captum(same):
    model, network, inputs, targets, images = same
    expected = attr.IntegratedGradients(network).attribute(
        inputs, target=targets, n_steps=32, method="gausslegendre"
    )
    found = maps(model, images, "integrated_gradients", targets).native
    assert relative_error(found, np.abs(expected.detach().numpy().sum(axis=1))) < 1e-3


def test_hires_cam_equals_captum(same):
    model, network, inputs, targets, images = same
    product = attr.LayerGradientXActivation(network, network[4]).attribute(inputs, targets)
    expected = np.maximum(product.detach().numpy().sum(axis=1), 0)
    assert relative_error(maps(model, images, "hires_cam", targets).native, expected) < 1e-4


def test_occlusion_equals_captum(same):
    model, network, inputs, targets, images = same
    expected = attr.Occlusion(network).attribute(
        inputs, target=targets, sliding_window_shapes=(3, 4, 4), strides=(3, 2, 2)
    )
    found = maps(model, images, METHODS["occlusion"](4, 2), targets).native
    assert relative_error(found, np.maximum(expected.detach().numpy()[:, 0], 0)) < 1e-4
