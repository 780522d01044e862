"""The networks of the real data: as small as their images, and as users write them."""

import keras
import networks as of_composites
from keras import layers

RATES = {"gap": 3e-3, "flatten": 2e-3, "tutorial": 1e-3, "resnet": 2e-3, "mobilenet": 3e-4}
NETWORKS = tuple(RATES)


def build(run, image_shape, num_steps):
    """Returns the model of a run, compiled to be trained for that many steps."""
    if run.network == "mobilenet":
        features = of_composites.mobilenet(run)
    else:
        features = [layers.Rescaling(1 / 255), *FEATURES[run.network](run)]
    if run.network == "resnet":
        image = keras.Input(image_shape)
        model = keras.Model(image, of_composites.head(run)[0](_resnet(features[0](image))))
    else:
        model = keras.Sequential([keras.Input(image_shape), *features, *of_composites.head(run)])
    return of_composites.compile_for(model, run, RATES[run.network], num_steps)


def _convolution(width, size=3):
    return [layers.Conv2D(width, size, padding="same"), layers.ReLU()]


def gap(run):
    found = [*_convolution(16, 5), layers.MaxPooling2D(), *_convolution(32)]
    found += [layers.MaxPooling2D(), *_convolution(64)]
    return [*found, layers.GlobalAveragePooling2D()]


def flatten(run):
    found = [*_convolution(24), layers.MaxPooling2D(), *_convolution(32)]
    found += [layers.MaxPooling2D(), *_convolution(48), layers.Flatten()]
    return [*found, layers.Dropout(0.3, seed=run.seed)]


def tutorial(run):
    """The CNN of many a tutorial: two convolutions, each with pooling, and a dense layer."""
    found = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]
    found += [layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D()]
    return [*found, layers.Flatten(), layers.Dense(64, activation="relu")]


def _resnet(images):
    """A stem and two blocks with batch normalisation and a sum each."""

    def normalised(features):
        return layers.BatchNormalization(momentum=0.9)(features)

    features = layers.Conv2D(16, 3, padding="same", use_bias=False)(images)
    features = layers.ReLU()(normalised(features))
    for width in (24, 48):
        features = layers.MaxPooling2D()(features)
        short = features
        if short.shape[-1] != width:
            short = layers.Conv2D(width, 1, use_bias=False)(short)
        inner = layers.Conv2D(width, 3, padding="same", use_bias=False)(features)
        inner = layers.ReLU()(normalised(inner))
        inner = layers.Conv2D(width, 3, padding="same", use_bias=False)(inner)
        features = layers.ReLU()(layers.Add()([normalised(inner), short]))
    return layers.GlobalAveragePooling2D()(features)


FEATURES = {"gap": gap, "flatten": flatten, "tutorial": tutorial, "resnet": lambda run: []}
