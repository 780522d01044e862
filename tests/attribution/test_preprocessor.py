"""A model's preprocessor, which its `fit` and `predict` apply, as tasks of `keras_hub` do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback, confirm, explain, sanity_check
from keras_saliency.attribution.preprocessor import find_preprocessor, prepared

RAW = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
LABELS = np.arange(8) % 2


def layers_of(side=16):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((side, side, 3))
    maps = layers.Conv2D(4, 3, activation="relu", name="maps")(inputs)
    # Logits of pixels in 0 ... 255 and in -1 ... 1 differ in more than a factor.
    biased = layers.Dense(2, bias_initializer=keras.initializers.Constant(0.1))
    return inputs, biased(layers.Flatten()(layers.AveragePooling2D(2)(maps)))


def scale(images, y=None, sample_weight=None):
    return tf.cast(images, tf.float32) / 127.5 - 1


class Task(keras.Model):
    """Prepares what `fit` and `predict` are given, by the protocol of `keras_hub`."""

    preprocessor = staticmethod(scale)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        return self.preprocessor(x, y=y, sample_weight=sample_weight)

    def fit(self, x, y=None, **options):
        return super().fit(self.preprocess_samples(x), y, **options)

    def predict(self, x, **options):
        return super().predict(self.preprocess_samples(x), **options)


class OwnPredict(keras.Model):
    preprocessor = staticmethod(scale)

    def predict(self, x, **options):
        return super().predict((lambda images: self.preprocessor(images))(x), **options)


class OwnStep(keras.Model):
    preprocessor = staticmethod(scale)

    def predict_step(self, data):
        return super().predict_step(self.preprocessor(data))


class InsideOfCall(keras.Model):
    """Applies it in `call`, so that it is a part of the model already."""

    preprocessor = staticmethod(scale)

    def call(self, x, training=None):
        return super().call(self.preprocessor(x), training=training)

    def predict_step(self, data):
        assert self.preprocessor is not None
        return super().predict_step(data)


class Unused(keras.Model):
    preprocessor = staticmethod(scale)

    def get_config(self):
        return {"preprocessor": self.preprocessor}


def plain(model):
    return keras.Model(model.inputs, model.outputs)


@pytest.mark.parametrize("kind", [Task, OwnPredict, OwnStep])
def test_pixels_go_through_the_preprocessor_as_in_predict(kind):
    model = kind(*layers_of())
    scaled = scale(RAW).numpy()
    for method in ("grad_cam", "vanilla_gradients"):
        expected = explain(plain(model), scaled, 1, method)
        np.testing.assert_allclose(explain(model, RAW, 1, method), expected, rtol=1e-5)
    unscaled = explain(plain(model), RAW.astype(np.float32), 1)
    assert np.corrcoef(unscaled.ravel(), explain(model, RAW, 1).ravel())[0, 1] < 0.95
    predicted = model.predict(RAW, verbose=0)
    np.testing.assert_allclose(predicted, plain(model).predict(scaled, verbose=0), rtol=1e-5)
    np.testing.assert_array_equal(
        explain(model, RAW), explain(plain(model), scaled, predicted.argmax(axis=1))
    )


@pytest.mark.parametrize("kind", [InsideOfCall, Unused, keras.Model])
def test_a_preprocessor_that_predict_does_not_apply_is_left_alone(kind):
    model = kind(*layers_of())
    if kind is keras.Model:
        model.preprocessor = scale
    assert find_preprocessor(model) is None
    probes = ProbeSet(RAW)
    assert prepared(model, probes) is probes
    predicted = model.predict(RAW.astype(np.float32), verbose=0).argmax(axis=1)
    np.testing.assert_array_equal(explain(model, RAW), explain(model, RAW, predicted))


def test_without_preprocessor_or_with_a_preprocess_of_the_probes_nothing_is_added():
    model = Task(*layers_of())
    own = ProbeSet(RAW, preprocess=lambda images: images / np.float32(255))
    assert prepared(model, own) is own
    model.preprocessor = None
    assert prepared(model, probes := ProbeSet(RAW)) is probes


def test_prepared_probes_are_the_same_but_for_what_the_model_is_given():
    many = np.random.default_rng(1).integers(0, 256, (60, 16, 16, 3), np.uint8)
    probes = ProbeSet.from_dataset((many, np.arange(60) % 2), per_class=4)
    assert probes.model_inputs is probes.images
    fingerprint = probes.fingerprint
    found = prepared(Task(*layers_of()), probes)
    np.testing.assert_array_equal(found.model_inputs, scale(probes.images))
    np.testing.assert_array_equal(found.for_swaps.model_inputs, scale(probes.for_swaps.images))
    assert found.images is probes.images
    assert found.class_counts == probes.class_counts
    assert found.fingerprint != fingerprint == probes.fingerprint


def test_fit_observes_what_the_model_is_given(tmp_path):
    model = Task(*layers_of())
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callback = SaliencyCallback(ProbeSet(RAW, LABELS), tmp_path, detectors=None, on_error="raise")
    model.fit(RAW, LABELS, epochs=2, verbose=0, callbacks=[callback])
    expected = tf.nn.softmax(model.predict(RAW, verbose=0)).numpy()
    np.testing.assert_array_equal(callback.history.predictions[-1], expected.argmax(axis=1))
    np.testing.assert_allclose(callback.history.confidence[-1], expected.max(axis=1), rtol=1e-5)
    maps = explain(plain(model), scale(RAW).numpy(), LABELS)
    np.testing.assert_allclose(
        tf.image.resize(callback.history.heatmaps("grad_cam", 1)[..., None], (16, 16))[..., 0],
        maps,
        atol=2e-3 * maps.max(),
    )
    assert callback.probes.preprocess is None  # for another model, which may have none


def test_confirm_and_sanity_check_apply_it_too(capsys):
    model = Task(*layers_of())
    images = np.random.default_rng(2).integers(0, 256, (60, 16, 16, 3), np.uint8)
    labels = model.predict(images, verbose=0).argmax(axis=1)
    by_hand = ProbeSet(images, labels, preprocess=lambda x: scale(x).numpy())
    alerts = [confirm(m, p, (0, 0, 8, 8)) for m, p in _both(model, images, labels, by_hand)]
    assert alerts[0].accuracy_loss == alerts[1].accuracy_loss
    checks = [sanity_check(m, p, "grad_cam") for m, p in _both(model, images, labels, by_hand)]
    np.testing.assert_allclose(*(c.correlations["grad_cam"] for c in checks), atol=1e-6)


def _both(model, images, labels, by_hand):
    return (model, ProbeSet(images, labels)), (plain(model), by_hand)


class Shrinks(Task):
    preprocessor = layers.Resizing(8, 8)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        return self.preprocessor(x)


def test_maps_and_masks_are_of_the_images_where_the_preprocessor_resizes(tmp_path):
    model = Shrinks(*layers_of(8))
    small = layers.Resizing(8, 8)(RAW)
    maps = explain(plain(model), small.numpy(), 1, "vanilla_gradients")
    expected = tf.image.resize(maps[..., None], (16, 16)).numpy()[..., 0]
    np.testing.assert_allclose(explain(model, RAW, 1, "vanilla_gradients"), expected, rtol=1e-5)
    masks = np.zeros((8, 16, 16), bool)
    masks[:, :8] = True
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callback = SaliencyCallback(
        ProbeSet(RAW, LABELS, object_masks=masks),
        tmp_path,
        "vanilla_gradients",
        target=1,
        detectors=None,
        on_error="raise",
    )
    callback.observe(model, 0)
    callback.close()
    shares = expected[:, :8].sum(axis=(1, 2)) / expected.sum(axis=(1, 2))
    found = callback.history["vanilla_gradients"]["object_mass"][0]
    np.testing.assert_allclose(found, shares, atol=0.05)  # of smoothed maps


def fails(images, **_):
    raise TypeError("no such thing")


@pytest.mark.parametrize(
    ("preprocessor", "shape", "match"),
    [
        (
            lambda x, **_: x[:, :8],
            (16, 16, 3),
            r"\(16, 16, 3\) into \(8, 16, 3\)..*tf.image.resize",
        ),
        (lambda x, **_: x[:, 4:], (20, 16, 3), r"\(20, 16, 3\) into \(16, 16, 3\). It may cut"),
        (fails, (16, 16, 3), "no such thing.*preprocess=function"),
        (lambda x, **_: {"image": x}, (16, 16, 3), "cannot be used for the probes: .*dict"),
        (lambda x, **_: x[:1], (16, 16, 3), "has 1 entries but images has 2"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_the_line_to_write(preprocessor, shape, match):
    model = Task(*layers_of())
    model.preprocessor = preprocessor
    with pytest.raises(ValueError, match=f"^Task.preprocessor, which fit and predict.*{match}"):
        explain(model, np.zeros((2, *shape), np.uint8), 0)


def test_a_packed_result_is_unpacked_and_several_inputs_are_refused():
    model = Task(*layers_of())
    model.preprocessor = lambda x, **_: (scale(x),)
    np.testing.assert_array_equal(prepared(model, ProbeSet(RAW)).model_inputs, scale(RAW))
    with pytest.raises(ValueError, match="takes images alone, but there are other inputs"):
        prepared(model, ProbeSet({"image": RAW, "age": np.zeros((8, 2))}))


@pytest.mark.slow
def test_a_task_of_keras_hub():
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.VGGBackbone(
        stackwise_num_repeats=[1, 1], stackwise_num_filters=[4, 8], image_shape=(28, 28, 3)
    )
    converter = keras_hub.layers.VGGImageConverter(
        image_size=(28, 28), scale=1 / 255, offset=[-0.5, -0.4, -0.3]
    )
    task = keras_hub.models.VGGImageClassifier(
        backbone=backbone,
        preprocessor=keras_hub.models.VGGImageClassifierPreprocessor(image_converter=converter),
        num_classes=4,
    )
    raw = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 3), np.uint8)
    scaled = (raw / 255 - [0.5, 0.4, 0.3]).astype(np.float32)
    expected = explain(plain(task), scaled, 1, "vanilla_gradients")
    found = explain(task, raw, 1, "vanilla_gradients")
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6 * expected.max())
    task.preprocessor = None
    np.testing.assert_array_equal(explain(task, scaled, 1, "vanilla_gradients"), expected)
