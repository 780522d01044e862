"""The pixel range that a model was trained on, as its layers tell it."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_saliency.attribution.input_range import find_input_range, range_before

SIDE = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3)).astype(np.float32)


def network(*before):
    inputs = maps = keras.Input((SIDE, SIDE, 3))
    for layer in before:
        maps = layer(maps)
    maps = layers.Conv2D(4, 3, activation="relu")(maps)
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(maps)))


def normalization(mean, deviation):
    return layers.Normalization(mean=mean, variance=np.square(deviation))


def augmentation():
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])


IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
applications = keras.applications


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([layers.Rescaling(1 / 255)], (0, 255)),
        ([layers.Rescaling(1 / 127.5, offset=-1)], (0, 255)),
        ([layers.Rescaling(1 / 128, offset=-1)], (0, 255)),
        ([layers.Rescaling(2.0, offset=-1)], (0, 1)),
        ([layers.Rescaling(255.0)], (0, 1)),
        ([layers.Rescaling(0.5, offset=0.5)], (-1, 1)),
        ([normalization(*IMAGENET)], (0, 1)),
        ([normalization(*(255 * part for part in IMAGENET))], (0, 255)),
        ([normalization([0.1307] * 3, [0.3081] * 3)], (0, 1)),
        ([normalization([-0.03, -0.09, -0.19], [0.46, 0.45, 0.45])], (-1, 1)),
        ([layers.Rescaling(1 / 255), normalization(*IMAGENET)], (0, 255)),
        ([augmentation(), keras.Sequential([layers.Rescaling(1 / 255)])], (0, 255)),
        ([layers.Resizing(9, 9), layers.Rescaling(1 / 255)], (0, 255)),
        ([layers.Rescaling(1 / 255), layers.ZeroPadding2D(3)], (0, 255)),
        ([lambda x: x / 255.0], (0, 255)),
        ([applications.mobilenet_v2.preprocess_input], (0, 255)),
        ([applications.resnet.preprocess_input], (0, 255)),
        ([applications.densenet.preprocess_input], (0, 255)),
    ],
)
def test_what_scales_the_input_tells_the_range(before, expected):
    assert find_input_range(network(*before), IMAGES) == (expected, "the model scales its input")


@pytest.mark.parametrize(
    "before",
    [
        [],
        [layers.Dropout(0.5)],
        [layers.Rescaling(1.0)],
        [layers.BatchNormalization()],
        [layers.Rescaling(1 / 16)],
        [layers.Rescaling(2.0)],
        [lambda x: x * x],
    ],
)
def test_without_a_hint_there_is_no_answer(before):
    assert find_input_range(network(*before), IMAGES) is None


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.scale, self.rest = layers.Rescaling(1 / 255), network()

    def call(self, images):
        return self.rest(self.scale(images))


class Task(keras.Model):
    preprocessor = layers.Rescaling(1 / 255)

    def predict(self, x, **options):
        return super().predict(self.preprocessor(x), **options)


def test_subclassed_models_and_tasks_tell_it_too():
    assert find_input_range(Subclassed(), IMAGES)[0] == (0, 255)
    plain = network()
    found = find_input_range(Task(plain.inputs, plain.outputs), IMAGES)
    assert found == ((0, 255), "the model has a preprocessor")


def test_offset_and_scale_by_hand():
    assert range_before(np.array([0.0]), np.array([1 / 255])) == (0, 255)
    assert range_before(np.array([-103.9]), np.array([1.0])) == (0, 255)  # less the mean
    assert range_before(np.array([0.0]), np.array([0.0])) is None
    # No pixels in 0 ... 1 have mean 0.1 and deviation 0.6; some in -1 ... 1 have.
    assert range_before(np.array([-0.1 / 0.6]), np.array([1 / 0.6])) == (-1, 1)


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1)])
def test_batch_statistics_tell_it(value_range):
    """A layer that holds the statistics of its inputs in that range, as after a long training."""
    low, high = value_range
    inputs = keras.Input((SIDE, SIDE, 3))
    conv, norm = layers.Conv2D(6, 3), layers.BatchNormalization()
    maps = norm(conv(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(maps)))
    train = np.random.default_rng(1).integers(0, 256, (64, SIDE, SIDE, 3)) / 255
    seen = np.asarray(conv((train * (high - low) + low).astype(np.float32)))
    norm.moving_mean.assign(seen.mean(axis=(0, 1, 2)))
    norm.moving_variance.assign(seen.var(axis=(0, 1, 2)))
    norm.gamma.assign(np.linspace(-2, 2, 6))
    norm.beta.assign(np.linspace(0, 3, 6))
    assert find_input_range(model, IMAGES) == (value_range, "the model's batch statistics fit it")
