"""Float targets in `fit`: the output itself is explained, without accuracy and detectors."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback, explain

IMAGES = np.random.default_rng(0).random((40, 12, 12, 3), np.float32)
TARGETS = (IMAGES.mean(axis=(1, 2, 3)) - 0.5) * 50


def test_float_targets_are_watched_and_one_notice_says_what_is_left_out(tmp_path):
    keras.utils.set_random_seed(1)
    head = layers.Dense(1, bias_initializer=keras.initializers.Constant(-3.0))
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            head,
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    probes = ProbeSet.from_dataset((IMAGES, TARGETS), per_class=8)
    callback = SaliencyCallback(probes, tmp_path, on_error="raise")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(IMAGES, TARGETS, epochs=1, verbose=0, callbacks=[callback])
    told = [str(w.message) for w in caught if "regression" in str(w.message)]
    assert len(told) == 1
    assert "not tested for shortcuts" in told[0] and "no accuracy" in told[0]
    assert callback.findings == []
    with pytest.raises(ValueError, match="targets of a regression"):
        callback.history.class_means("grad_cam", "gini")

    # The output itself, though it is negative: not "class 0", whose score is its negative.
    assert (model.predict(probes.images, verbose=0) < 0).all()
    expected = explain(model, probes, lambda outputs, _: outputs[:, 0])
    found = callback.history.heatmaps("grad_cam", 0)
    resized = tf.image.resize(found[..., None], (12, 12)).numpy()[..., 0]
    assert expected.max() > 0
    np.testing.assert_allclose(resized, expected, atol=2e-3 * expected.max())
