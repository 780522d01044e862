"""Maps lie where the object is, whatever moves pixels inside of the model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.slow_twins import relative_error
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback, explain
from keras_saliency.methods import METHODS, GradCAM

SIZE = (24, 20)
CAMS = ["grad_cam", "hires_cam", "layer_cam", "grad_cam_plus_plus", "score_cam", "guided_grad_cam"]
# {name: (what the model does to its images, what that does to a map (h, w))}
TURNS = {
    "flip": (lambda x: keras.ops.flip(x, 2), lambda m: m[:, ::-1]),
    "rot90": (lambda x: keras.ops.rot90(x, axes=(1, 2)), lambda m: np.rot90(m)),
    "transpose": (layers.Permute((2, 1, 3)), lambda m: m.T),
}


def small(size, seed=0, positive=False, stride=1):
    """A network for images (*size, 1), and its parts: to the maps, and from there."""
    keras.utils.set_random_seed(seed)
    conv = layers.Conv2D(
        4, 3, stride, padding="same", activation="relu", name="conv", bias_initializer="ones"
    )
    draw = keras.initializers.RandomUniform(0.1 if positive else -0.5, 1, seed=1)
    rest = keras.Sequential([layers.Flatten(), layers.Dense(3, kernel_initializer=draw)])
    inputs = keras.Input((*size, 1))
    return keras.Model(inputs, rest(conv(inputs))), conv, rest


def after(move, base, size=SIZE):
    inputs = keras.Input((*size, 1))
    return keras.Model(inputs, base(move(inputs)))


def sums_by_hand(views, conv, rest, images, join):
    """Grad-CAM's sums over channels, before the ReLU, for each view of the images."""
    with tf.GradientTape() as tape:
        maps = [conv(view(tf.constant(images))) for view in views]
        tape.watch(maps)
        score = tf.reduce_sum(join([rest(m) for m in maps])[:, 1])
    alphas = [tf.reduce_mean(g, (1, 2), keepdims=True) for g in tape.gradient(score, maps)]
    return [tf.reduce_sum(a * m, 3).numpy() for a, m in zip(alphas, maps, strict=True)]


def resized(maps, size):
    return tf.image.resize(maps[..., None], size).numpy()[..., 0]


@pytest.fixture
def images(rng):
    return rng.uniform(size=(3, *SIZE, 1)).astype(np.float32)


@pytest.mark.parametrize("method", CAMS)
@pytest.mark.parametrize("turn", TURNS)
def test_the_map_of_a_turned_image_is_turned_back(images, method, turn):
    if turn == "rot90" and not hasattr(keras.ops, "rot90"):
        pytest.skip("this Keras has no rot90")
    move, turned = TURNS[turn]
    size = SIZE if turn == "flip" else SIZE[::-1]
    activation = layers.ReLU()  # for guided backpropagation
    inputs = keras.Input((*size, 1))
    base, _, _ = small(size, positive=True)
    base = keras.Model(inputs, base(activation(inputs)))
    of_base = explain(base, np.array(move(images)), 1, method)
    found = explain(after(move, base), images, 1, method)
    expected = of_base if method == "" else np.stack(of_base)
    for ours, theirs in zip(found, expected, strict=True):
        assert relative_error(turned(ours), theirs) < 1e-5


@pytest.mark.parametrize("stride", [1, 4])
def test_the_map_of_a_crop_lies_where_the_crop_was_taken(images, stride):
    base, conv, rest = small((16, 12), stride=stride)
    crop = layers.Cropping2D(((5, 3), (1, 7)))
    [sums] = sums_by_hand([crop], conv, rest, images, sum)
    expected = np.zeros(images.shape[:3], np.float32)
    expected[:, 5:21, 1:13] = resized(np.maximum(sums, 0), (16, 12))
    assert relative_error(explain(after(crop, base), images, 1), expected) < 1e-5


def test_what_a_model_pads_is_cut_off_its_map(images):
    base, conv, rest = small((32, 24))
    pad = layers.ZeroPadding2D(((8, 0), (0, 4)))
    [sums] = sums_by_hand([pad], conv, rest, images, sum)
    expected = np.maximum(sums, 0)[:, 8:, :20]
    assert relative_error(explain(after(pad, base), images, 1), expected) < 1e-5


def test_a_roll_is_undone_without_a_seam(images):
    base, conv, rest = small(SIZE)

    def roll(x):
        return keras.ops.roll(x, 7, axis=2)

    [sums] = sums_by_hand([roll], conv, rest, images, sum)
    expected = np.roll(np.maximum(sums, 0), -7, axis=2)
    assert relative_error(explain(after(roll, base), images, 1), expected) < 1e-5


@pytest.mark.parametrize("aspect", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_resizing_that_keeps_the_aspect_is_undone(aspect):
    resize = layers.Resizing(16, 16, **{aspect: True})
    image = np.zeros((1, 16, 32, 1), np.float32)
    image[:, 4:8, 10:14] = 1
    base, conv, _ = small((16, 16), positive=True)
    conv.set_weights([np.ones((3, 3, 1, 4)) / 9, np.zeros(4)])
    [found] = explain(after(resize, base, (16, 32)), image, 1)
    y, x = (np.average(np.indices(found.shape)[axis], weights=found) for axis in (0, 1))
    assert abs(y - 5.5) < 1 and abs(x - 11.5) < 1


VIEWS = {
    "average_of_two": ([lambda x: x, TURNS["flip"][0]], lambda z: (z[0] + z[1]) / 2),
    "larger_of_two": ([TURNS["flip"][0], lambda x: x], lambda z: tf.maximum(z[0], z[1])),
}


@pytest.mark.parametrize("layer", [None, "conv"])
@pytest.mark.parametrize("name", VIEWS)
def test_the_maps_of_test_time_flips_are_laid_on_each_other(images, name, layer):
    views, join = VIEWS[name]
    base, conv, rest = small(SIZE)
    inputs = keras.Input((*SIZE, 1))
    outputs = [base(view(inputs)) for view in views]
    model = keras.Model(inputs, layers.Lambda(join)(outputs))
    sums = sums_by_hand(views, conv, rest, images, join)
    is_mirrored = [view is TURNS["flip"][0] for view in views]
    back = [s[:, :, ::-1] if m else s for s, m in zip(sums, is_mirrored, strict=True)]
    expected = np.maximum(back[0] + back[1], 0)
    assert relative_error(explain(model, images, 1, GradCAM(layer=layer)), expected) < 1e-5


def test_the_maps_of_four_crops_make_one(images):
    base, conv, rest = small((12, 10))
    corners = [(y, x) for y in (0, 12) for x in (0, 10)]
    views = [lambda t, y=y, x=x: t[:, y : y + 12, x : x + 10] for y, x in corners]
    inputs = keras.Input((*SIZE, 1))
    model = keras.Model(inputs, layers.Add()([base(view(inputs)) for view in views]))
    expected = np.zeros(images.shape[:3], np.float32)
    all_sums = sums_by_hand(views, conv, rest, images, sum)
    for (y, x), sums in zip(corners, all_sums, strict=True):
        expected[:, y : y + 12, x : x + 10] = np.maximum(sums, 0)
    assert relative_error(explain(model, images, 1), expected) < 1e-5


def test_score_cam_masks_images_where_its_channels_lie(images):
    """Of two views that are mirrored, the mask is the sum: the same for an image and its mirror."""
    base, _, _ = small(SIZE, positive=True)
    inputs = keras.Input((*SIZE, 1))
    outputs = [base(view(inputs)) for view in VIEWS["average_of_two"][0]]
    model = keras.Model(inputs, layers.Average()(outputs))
    found = explain(model, images, 1, "score_cam")
    mirrored = explain(model, images[:, :, ::-1], 1, "score_cam")
    assert relative_error(mirrored[:, :, ::-1], found) < 1e-5


def test_statistics_of_masks_follow_the_map(images, tmp_path):
    """A model behind a flip attends to an object as much as the model itself to its mirror."""
    base, _, _ = small(SIZE, positive=True)
    flip, _ = TURNS["flip"]
    masks = np.zeros(images.shape[:3], bool)
    masks[:, 3:9, 2:7] = True
    found = {}
    for name, model, x, m in (
        ("behind", after(flip, base), images, masks),
        ("itself", base, np.array(flip(images)), masks[:, :, ::-1]),
    ):
        probes = ProbeSet(x, [0, 1, 2], object_masks=m)
        callback = SaliencyCallback(probes, str(tmp_path / name), detectors=None)
        report = callback.observe(model, 0)
        callback.close()
        found[name] = report.statistics["grad_cam"]
    for statistic in ("object_mass", "pointing_hit"):
        np.testing.assert_allclose(found["behind"][statistic], found["itself"][statistic], 1e-4)


def test_only_class_activation_maps_are_refused(images):
    """Where pixels are moved by unknown amounts; the others explain pixels themselves."""
    base, _, _ = small(SIZE)

    def shuffled(x):
        return tf.gather_nd(tf.transpose(x, (1, 2, 0, 3)), [[[0, 0]] * 20] * 24)

    move = layers.Lambda(lambda x: tf.transpose(shuffled(x), (2, 0, 1, 3)))
    model = after(move, base)
    for method in METHODS:
        if method in CAMS:
            with pytest.raises(ValueError, match="cannot lay the maps"):
                explain(model, images, 1, method)
    explain(model, images, 1, ["vanilla_gradients", "occlusion"])
