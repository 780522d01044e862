"""A task that is about colour and texture is not accused where the user says so."""

import warnings

import keras
import numpy as np
import pytest

from keras_saliency import ProbeSet, SaliencyCallback

skimage = pytest.importorskip("skimage")
SIZE, PHOTOGRAPHS = 32, ("brick", "grass", "gravel", "coffee")


def crops(num, rng):
    """Crops of four photographs; which one it is is the class, all over the image."""
    from skimage import data

    images, labels = [], rng.integers(len(PHOTOGRAPHS), size=num)
    sources = [np.asarray(getattr(data, name)()) for name in PHOTOGRAPHS]
    for label in labels:
        source = sources[label]
        side = int(rng.integers(SIZE, 2 * SIZE))
        y, x = (int(rng.integers(n - side)) for n in source.shape[:2])
        crop = source[y : y + side : side // SIZE, x : x + side : side // SIZE][:SIZE, :SIZE]
        crop = crop if crop.ndim == 3 else np.repeat(crop[..., None], 3, axis=2)
        images.append(np.rot90(crop, int(rng.integers(4))))
    return np.stack(images).astype(np.float32), labels


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Alerts by what was called legitimate."""
    findings = {}
    rng = np.random.default_rng(0)
    images, labels = crops(600, rng)
    shown, classes = crops(160, rng)
    for legitimate in ((), ("colour", "texture")):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((SIZE, SIZE, 3)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Conv2D(16, 5, strides=2, use_bias=False),
                keras.layers.BatchNormalization(momentum=0.9),
                keras.layers.ReLU(),
                keras.layers.Conv2D(32, 3, strides=2, use_bias=False),
                keras.layers.BatchNormalization(momentum=0.9),
                keras.layers.ReLU(),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(len(PHOTOGRAPHS)),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
        callback = SaliencyCallback(
            ProbeSet(shown, classes),
            tmp_path_factory.mktemp("logs"),
            sinks=[],
            legitimate=legitimate,
            max_overhead=1.0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"validation_data": (shown, classes), "epochs": 12, "verbose": 0}
            history = model.fit(images, labels, callbacks=[callback], **options).history
        findings[legitimate] = callback.findings, max(history["val_accuracy"])
    return findings


@pytest.mark.slow
def test_a_task_of_colour_and_texture_is_not_accused_where_they_are_legitimate(found):
    findings, accuracy = found["colour", "texture"]
    assert accuracy > 0.7  # accurate enough to be tested
    assert [finding for finding in findings if finding.severity == "alert"] == []


@pytest.mark.slow
def test_the_same_task_is_told_of_where_nothing_is_said(found):
    """Colour and texture may be the object's own here: suspects, or alerts."""
    findings, _ = found[()]
    told = {finding.detector for finding in findings}
    assert told & {"colour", "noise", "sharpness", "pattern", "border"}
