"""Where the pixels of an image go, against an image that is moved and holds its own coordinates."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.tracing.forward_pass import run_forward
from keras_saliency.tracing.geometry.parts import along_of
from keras_saliency.tracing.geometry.walk import find_geometry

SIZE = (12, 16)
NOWHERE = -9  # what padding holds
MIRROR = np.eye(SIZE[1], dtype=np.float32)[::-1]


def static_projection(images):
    transforms = tf.tile([[1.0, 0, 3, 0, 1, -2, 0, 0]], (tf.shape(images)[0], 1))
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=SIZE,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
        fill_value=NOWHERE,
    )


@tf.function
def rolled_inside(images):
    return tf.roll(images, 5, 2)


MOVES = {
    "flip": lambda x: keras.ops.flip(x, 2),
    "flip_up_down": tf.image.flip_up_down,
    "reverse": lambda x: tf.reverse(x, [1, 2]),
    "roll": lambda x: tf.roll(x, (3, -5), (1, 2)),
    "transpose": lambda x: tf.transpose(x, (0, 2, 1, 3)),
    "rot90": lambda x: keras.ops.rot90(x, axes=(1, 2)),
    "tf_rot90": lambda x: tf.image.rot90(x, 3),  # hidden in branches
    "slice": lambda x: x[:, 2:11, -14:-3],
    "slice_backwards": lambda x: x[:, 10:2:-1],
    "ellipsis_and_new_axis": lambda x: x[..., tf.newaxis, :, 3:9, :][:, 0],
    "ops_slice": lambda x: tf.slice(x, (0, 1, 4, 0), (-1, 8, -1, 1)),
    "take": lambda x: keras.ops.take(x, [5, 4, 3, 9], axis=2),
    "swapped_halves": lambda x: tf.concat(tf.split(x, 2, axis=2)[::-1], axis=2),
    "uneven_split": lambda x: tf.split(x, [3, -1, 2], axis=1)[1],
    "pad": lambda x: tf.pad(x, [[0, 0], [2, 1], [0, 4], [0, 0]], constant_values=NOWHERE),
    "central_crop": lambda x: tf.image.central_crop(x, 0.5),
    "bounding_box": lambda x: tf.image.crop_to_bounding_box(x, 1, 2, 10, 12),
    "CenterCrop": layers.CenterCrop(8, 10),
    "Cropping2D": layers.Cropping2D(((1, 2), (3, 4))),
    "Permute": layers.Permute((2, 1, 3)),
    "tiles_swapped": lambda x: tf.reshape(
        tf.reverse(tf.reshape(x, (-1, 2, 6, 4, 4, 1)), [1]), (-1, *SIZE, 1)
    ),
    "unstacked": lambda x: tf.stack(tf.unstack(x, axis=2)[::-1], axis=2),
    "einsum": lambda x: tf.einsum("nhwc,cd->nwhd", x, tf.ones((1, 1))),
    "einsum_of_one": lambda x: tf.einsum("nhwc->nwhc", x),
    "flip_by_matrix": lambda x: tf.einsum("nhwc,wv->nhvc", x, MIRROR),
    "flip_by_product": lambda x: tf.matmul(x[..., 0], MIRROR)[..., None],
    "crop_by_matrix": lambda x: tf.einsum("vw,nhwc->nhvc", MIRROR[3:9], x),
    "reverse_sequence": lambda x: tf.reverse_sequence(x, tf.fill(tf.shape(x)[:1], 7), 2, 0),
    "there_and_back_by_fourier": lambda x: tf.signal.irfft2d(tf.signal.rfft2d(x[:, ::-1, :, 0]))[
        ..., None
    ],
    "map": lambda x: tf.map_fn(tf.image.flip_left_right, x),
    "function": rolled_inside,
    "map_per_image": lambda x: tf.vectorized_map(tf.image.flip_left_right, x),
    "projection": static_projection,
    "tokens_and_back": lambda x: tf.reshape(tf.reshape(x[:, :, ::-1], (-1, 192)), (-1, *SIZE, 1)),
}


def coordinates():
    """Two images (1, *SIZE, 1): the number of the row, and that of the column, in each pixel."""
    return [g[None, ..., None].astype(np.float32) for g in np.indices(SIZE)]


def axes_of(move, size=SIZE):
    """What is said to lie along the axes of what `move` makes of one image."""
    inputs = keras.Input((*size, 1))
    outputs = move(inputs) if move in PLAIN.values() else layers.Lambda(move)(inputs)
    model, found = keras.Model(inputs, outputs), []

    def build(images):
        forward = run_forward(model, images)
        found.append(find_geometry(forward).get(forward.output.name))
        return forward.output

    tf.function(build, autograph=False).get_concrete_function(tf.TensorSpec((1, *size, 1)))
    return found[0]


def said(axis, length):
    """The coordinate that is said to lie at each cell of an axis."""
    along = along_of(axis)
    values = np.full(along.size, NOWHERE, np.float32)
    for cell in range(along.size):
        for run in along.shown:
            if run.start <= cell + 0.5 <= run.end:
                values[cell] = run.at(cell + 0.5) * length - 0.5
    return values


@pytest.mark.parametrize("name", MOVES)
def test_each_move_is_known(name):
    if name == "rot90" and not hasattr(keras.ops, "rot90"):
        pytest.skip("this Keras has no rot90")
    move = MOVES[name]
    axes = axes_of(move)
    assert along_of(axes[1]) and along_of(axes[2])
    for image, source in zip(coordinates(), (0, 1), strict=True):
        moved = np.array(move(tf.constant(image)))[0, ..., 0]
        [place] = [i for i in (0, 1) if along_of(axes[1 + i]).source == source]
        other = moved.max(axis=1 - place)  # alike along the other axis, but for padding
        np.testing.assert_allclose(said(axes[1 + place], SIZE[source]), other, atol=1e-4)


def test_windows_after_a_roll_have_no_place_until_they_are_joined_again():
    """As in a Swin transformer: a roll cuts the windows at the image's edges across."""

    def windows(x):
        x = tf.reshape(tf.roll(x, (2, 3), (1, 2)), (-1, 3, 4, 4, 4, 1))
        return tf.reshape(tf.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 4, 4, 1))

    def and_back(x):
        x = tf.transpose(tf.reshape(windows(x), (-1, 3, 4, 4, 4, 1)), (0, 1, 3, 2, 4, 5))
        return tf.roll(tf.reshape(x, (-1, *SIZE, 1)), (-2, -3), (1, 2))

    assert not any(along_of(axis) for axis in axes_of(windows))
    assert all(along_of(axis).is_whole for axis in axes_of(and_back)[1:3])


def test_every_second_pixel_stands_for_two():
    for start in (0, 1):
        axis = axes_of(lambda x, start=start: x[:, start::2])[1]
        np.testing.assert_allclose(said(axis, SIZE[0]), np.arange(6) * 2 + 0.5)


def test_what_is_moved_and_moved_back_is_whole():
    def back_and_forth(x):
        y = tf.roll(tf.reverse(tf.transpose(x, (0, 2, 1, 3)), [1]), 3, 2)
        return tf.transpose(tf.reverse(tf.roll(y, -3, 2), [1]), (0, 2, 1, 3))

    axes = axes_of(back_and_forth)
    assert all(along_of(axis).is_whole for axis in axes[1:3])


# What reaches the maps of a convolution, and so must be left as it was.
PLAIN = {
    "same": layers.Conv2D(2, 3, strides=2, padding="same"),
    "valid": keras.Sequential([layers.Conv2D(2, 3), layers.Conv2D(2, 5, strides=2)]),
    "padded_by_hand": keras.Sequential([layers.ZeroPadding2D(3), layers.Conv2D(2, 7, strides=2)]),
    "padded_at_one_side": keras.Sequential(
        [layers.ZeroPadding2D(((0, 1), (0, 1))), layers.DepthwiseConv2D(3, strides=2)]
    ),
    "padded_for_two": keras.Sequential(
        [layers.ZeroPadding2D(2), layers.Conv2D(2, 3), layers.ReLU(), layers.Conv2D(2, 3)]
    ),
    "padded_before_dilation": keras.Sequential(
        [layers.ZeroPadding2D(2), layers.Conv2D(2, 3, dilation_rate=2)]
    ),
    "reflected": lambda x: layers.Conv2D(2, 5)(
        keras.ops.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), "reflect")
    ),
    "circular": lambda x: layers.Conv2D(2, (1, 5))(
        keras.ops.concatenate([x[:, :, -2:], x, x[:, :, :2]], axis=2)
    ),
    "pooled": keras.Sequential([layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)]),
    "upsampled": layers.UpSampling2D(3),
    "transposed": layers.Conv2DTranspose(2, 3, strides=2),
    "resized": layers.Resizing(9, 30),
    "antialiased": layers.Lambda(lambda x: tf.image.resize(x, (5, 7), antialias=True)),
    "every_second_pixel_of_each": lambda x: keras.ops.concatenate(
        [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1
    ),
    "grouped": layers.GroupNormalization(1),
    "rescaled": keras.Sequential([layers.Rescaling(2.0), layers.Normalization(mean=0, variance=1)]),
    "augmented": keras.Sequential(
        [layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomTranslation(0.1, 0.1)]
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_covers_the_image_stays_as_it_is(name):
    assert all(along_of(axis).is_whole for axis in axes_of(PLAIN[name], (24, 20))[1:3])


def described(before, size=(24, 20), methods="grad_cam"):
    """What the methods mean for a model that convolves what `before` makes of its images."""
    inputs = keras.Input((*size, 3))
    maps = layers.Conv2D(2, 3, padding="same", name="maps")(before(inputs))
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(maps)))
    return ModelGraph(model, methods, image_shape=(*size, 3)).resolved


def test_a_cropped_shortcut_that_meets_its_own_place_is_plain():
    def unet(x):
        fine = layers.Conv2D(4, 3)(layers.Conv2D(4, 3)(x))
        coarse = layers.Conv2D(4, 3)(layers.Conv2D(4, 3)(layers.MaxPooling2D()(fine)))
        return layers.Concatenate()([layers.Cropping2D(4)(fine), layers.UpSampling2D()(coarse)])

    assert "note" not in described(unet, (36, 32))["grad_cam"]


class Shifted(layers.Layer):
    """Moves images by as many pixels as a dense layer says, as spatial transformers do."""

    def __init__(self, how):
        super().__init__()
        self.how, self.locate = how, layers.Dense(1)

    def call(self, x):
        shift = tf.cast(self.locate(tf.reduce_mean(x, (1, 2))), tf.int32)  # (n, 1)
        columns = tf.clip_by_value(tf.range(x.shape[2])[None] + shift, 0, x.shape[2] - 1)
        if self.how == "gather":
            return tf.gather(x, columns, axis=2, batch_dims=1)
        if self.how == "product":
            return tf.einsum("nwv,nhvc->nhwc", tf.one_hot(columns, x.shape[2]), x)
        if self.how == "projection":
            one, zero = tf.ones(tf.shape(shift)), tf.zeros(tf.shape(shift))
            rows = [one, zero, tf.cast(shift, tf.float32), zero, one, zero, zero, zero]
            return keras.ops.image.affine_transform(x, tf.concat(rows, 1))
        if self.how == "roll":
            return tf.roll(x, shift[0, 0], 2)
        if self.how == "loop":
            return tf.scan(lambda before, image: image[:, ::-1] + before[:, ::-1], x)
        if self.how == "python":
            return tf.ensure_shape(tf.numpy_function(np.fliplr, [x], tf.float32), x.shape)
        if self.how == "sort":
            return tf.sort(x, axis=2)
        if self.how == "matrix":
            return tf.einsum("nhwc,wv->nhvc", x, tf.linalg.diag(tf.ones(x.shape[2])) / 2 + 0.1)
        if self.how == "spectrum":
            waves = tf.signal.fft2d(tf.cast(tf.transpose(x, (0, 3, 1, 2)), tf.complex64))
            return tf.transpose(tf.abs(waves), (0, 2, 3, 1))
        first = tf.random.uniform((), 0, 4, tf.int32)
        return tf.slice(x, (0, 0, first, 0), (-1, 24, 12, 3))


UNKNOWN = ["gather", "product", "projection", "roll", "loop", "slice"]
UNKNOWN += ["python", "sort", "matrix", "spectrum"]


@pytest.mark.parametrize("how", UNKNOWN)
def test_what_moves_pixels_by_unknown_amounts_is_refused(how):
    with pytest.raises(ValueError, match="cannot lay the maps") as caught:
        described(Shifted(how))
    assert '"shifted' in str(caught.value) and '"vanilla_gradients"' in str(caught.value)
    if how != "python":
        described(Shifted(how), methods="vanilla_gradients")


def test_what_has_no_fixed_size_is_no_map():
    """As of `boolean_mask`: its length depends on what is masked."""
    with pytest.raises(ValueError, match="no activation with a spatial extent"):
        described(layers.Lambda(lambda x: tf.boolean_mask(x, np.arange(24) > 2, axis=1)))


def test_two_views_that_are_joined_are_refused():
    joins = {
        "image_and_mirror": lambda x: x + keras.ops.flip(x, 2),
        "whole_and_centre": lambda x: layers.Concatenate()(
            [layers.Resizing(12, 12)(x), layers.CenterCrop(12, 12)(x)]
        ),
    }
    for join in joins.values():
        with pytest.raises(ValueError, match="joins what lies at different places"):
            described(join)


def test_joining_a_view_with_its_like_is_no_reason_to_refuse():
    flipped = described(lambda x: keras.ops.flip(x, 2) * keras.ops.mean(x, (1, 2), keepdims=True))
    assert "laid over" in flipped["grad_cam"]["note"]


def test_tokens_are_followed_through_a_transformer():
    def patches(x):
        x = layers.Conv2D(6, 4, strides=4)(keras.ops.flip(x, 2))
        tokens = layers.Reshape((30, 6))(x)
        tokens = tokens + layers.MultiHeadAttention(2, 3)(tokens, tokens)
        return layers.Reshape((6, 5, 6))(tokens)

    assert "laid over" in described(patches)["grad_cam"]["note"]


def test_signals_and_volumes_are_followed_too():
    for shape, before, convolution in (
        ((40,), layers.Cropping1D((8, 2)), layers.Conv1D(2, 3)),
        ((8, 10, 12), layers.ZeroPadding3D(4), layers.Conv3D(2, 3)),
    ):
        model = keras.Sequential(
            [layers.Input((*shape, 1)), before, convolution, layers.Flatten(), layers.Dense(2)]
        )
        note = ModelGraph(model, image_shape=(*shape, 1)).resolved["grad_cam"]["note"]
        assert "laid over" in note
