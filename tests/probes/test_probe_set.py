"""Claims about `ProbeSet`: what it accepts, refuses and never changes."""

import copy
import itertools
import subprocess
import sys
import time
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet


def make_images(num=6, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


IMAGES = make_images()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("uint8", "uint8"),
        ("int16", "int16"),
        (">i2", "int16"),
        ("int64", "int64"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float32"),
        ("bool", "float32"),
    ],
)
def test_integers_keep_their_dtype_and_all_else_becomes_float32(given, kept):
    images = (IMAGES * 200).astype(given)
    probes = ProbeSet(images)
    assert probes.images.dtype == np.dtype(kept)
    assert probes.images.dtype.isnative
    np.testing.assert_array_equal(probes.images, images)


def test_equal_content_has_one_fingerprint_whatever_the_container():
    labels = [0, 1, 2, 0, 1, 2]
    expected = ProbeSet(IMAGES, labels).fingerprint
    assert len(expected) == 64 and int(expected, 16) >= 0
    fortran = np.asfortranarray(IMAGES)
    for images in (IMAGES.astype(np.float64), IMAGES.tolist(), fortran, tf.constant(IMAGES)):
        assert ProbeSet(images, tf.constant(labels)).fingerprint == expected
    assert ProbeSet(IMAGES, np.eye(3)[labels]).fingerprint == expected
    assert ProbeSet(IMAGES, labels, names=list("abcdef")).fingerprint == expected
    half = tf.cast(IMAGES, tf.bfloat16)
    assert ProbeSet(half).fingerprint == ProbeSet(tf.cast(half, tf.float32)).fingerprint


def test_names_do_not_enter_the_fingerprint_and_all_else_does():
    labels = [0, 1, 2, 0, 1, 2]
    boxes = [(0, 0, 2, 2)] * 6
    variants = [
        ProbeSet(IMAGES),
        ProbeSet(IMAGES + 1),
        ProbeSet((IMAGES * 0).astype(np.uint8)),
        ProbeSet(IMAGES * 0),
        ProbeSet(IMAGES, labels),
        ProbeSet(IMAGES, [1, 1, 2, 0, 1, 2]),
        ProbeSet(IMAGES, np.ones((6, 2))),
        ProbeSet(IMAGES, object_masks=boxes),
        ProbeSet(IMAGES, groups=labels),
        ProbeSet(IMAGES, preprocess=lambda x: x * 2),
        ProbeSet(IMAGES, preprocess=lambda x: x * 3),
    ]
    assert len({probes.fingerprint for probes in variants}) == len(variants)
    named = ProbeSet(IMAGES, labels, names=list("uvwxyz"), class_names=["a", "b", "c"])
    assert named.fingerprint == variants[4].fingerprint


def test_groups_are_kept_as_text():
    probes = ProbeSet(IMAGES[:4], groups=[1, "b", ("c", 2), b"d"])
    assert probes.groups.tolist() == ["1", "b", "('c', 2)", "d"]
    assert ProbeSet(IMAGES[:2], groups=np.array([7, 7])).groups.tolist() == ["7", "7"]


def test_display_images_may_be_gray_and_become_rgb():
    gray = (IMAGES[..., 0] * 255).astype(np.uint8)
    for given in (gray, gray[..., None], np.repeat(gray[..., None], 3, axis=-1)):
        shown = ProbeSet(IMAGES, display_images=given).display_images
        assert shown.shape == (6, 5, 7, 3)
        np.testing.assert_array_equal(shown, np.repeat(gray[..., None], 3, axis=-1))


def test_model_inputs_are_the_images_without_preprocess():
    probes = ProbeSet(IMAGES)
    np.testing.assert_array_equal(probes.model_inputs, probes.images)
    np.testing.assert_array_equal(probes.prepare(IMAGES[:2] + 1), IMAGES[:2] + 1)


def test_preprocess_is_called_once_on_a_copy():
    calls = []

    def in_place(images):
        calls.append(images.shape)
        images *= 2
        return images[..., :1]

    probes = ProbeSet(IMAGES, preprocess=in_place)
    assert calls == [IMAGES.shape]
    np.testing.assert_array_equal(probes.images, IMAGES)
    np.testing.assert_array_equal(probes.model_inputs, IMAGES[..., :1] * 2)
    np.testing.assert_array_equal(probes.prepare(IMAGES[:2]), IMAGES[:2, ..., :1] * 2)


def test_one_probe_and_texts():
    probe = ProbeSet(IMAGES[:1], [3])
    assert (len(probe), probe.num_probes, probe.image_shape) == (1, 1, (5, 7, 3))
    assert probe.names == ("probe 0",)
    assert (probe.label_text(0), probe.class_text(7)) == ("3", "7")
    assert ProbeSet(IMAGES[:1]).label_text(0) == ""
    named = ProbeSet(IMAGES[:1], [1], class_names=["cat", "dog\n<b>"])
    assert (named.label_text(0), named.class_text(0), named.class_text(2)) == (
        "dog\n<b>",
        "cat",
        "2",
    )


def test_repr_is_one_line():
    probes = ProbeSet(IMAGES, [0, 1] * 3, class_names=["a\n", "b"], groups=range(6))
    assert repr(probes) == (
        "ProbeSet(6 probes, images (5, 7, 3) float32, labels of 2 classes, groups)"
    )
    assert "multi-hot labels of 2 classes" in repr(ProbeSet(IMAGES, np.ones((6, 2))))


def test_a_probe_set_holds_copies_and_cannot_be_changed():
    images, labels = IMAGES.copy(), np.array([0, 1] * 3)
    masks = np.ones((6, 5, 7), bool)
    display = np.zeros((6, 5, 7, 3), np.uint8)
    probes = ProbeSet(
        images, labels, object_masks=masks, groups=list("aabbcc"), display_images=display
    )
    before = probes.fingerprint
    images[:], labels[:], masks[:], display[:] = 0, 9, False, 9
    np.testing.assert_array_equal(probes.images, IMAGES)
    assert probes.labels.tolist() == [0, 1] * 3
    assert probes.object_masks.all() and not probes.display_images.any()
    names = ("images", "model_inputs", "labels", "object_masks", "groups", "display_images")
    for name in names:
        with pytest.raises(ValueError, match="read-only"):
            getattr(probes, name)[0] = getattr(probes, name)[1]
        with pytest.raises(AttributeError, match=f"immutable, so {name} cannot be set"):
            setattr(probes, name, None)
    with pytest.raises(AttributeError, match="images cannot be deleted"):
        del probes.images
    assert copy.deepcopy(probes) is probes and copy.copy(probes) is probes
    assert probes.fingerprint == before


def test_arrays_made_by_preprocess_are_frozen_copies_too():
    result = IMAGES * 2
    probes = ProbeSet(IMAGES, np.ones((6, 2)), preprocess=lambda x: result)
    result[:] = 0
    np.testing.assert_array_equal(probes.model_inputs, IMAGES * 2)
    assert not probes.model_inputs.flags.writeable
    assert not probes.multi_hot.flags.writeable


def test_half_precision_labels_bring_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ProbeSet(IMAGES, np.arange(6, dtype=np.float16)).labels.tolist() == [*range(6)]


def test_groups_that_differ_only_by_nul_stay_apart():
    assert len(set(ProbeSet(IMAGES, groups=["a", "a\0"] * 3).groups)) == 2


def test_ten_thousands_of_class_names_take_no_time():
    began = time.process_time()
    assert len(ProbeSet(IMAGES, class_names=[str(i) for i in range(50_000)]).class_names) == 50_000
    assert time.process_time() - began < 5


def with_pixel(value, index):
    images = IMAGES.astype(np.float64)
    images[index, 1, 2, 0] = value
    return images


@pytest.mark.parametrize(
    ("images", "error", "match"),
    [
        (IMAGES[0], ValueError, r"images\[\.\.\., None\] for grayscale or images\[None\] for one"),
        (IMAGES[0, 0], ValueError, r"shape \(n, H, W, C\). Received: shape \(7, 3\)"),
        (IMAGES[None], ValueError, r"Received: shape \(1, 6, 5, 7, 3\)"),
        (3.0, ValueError, r"Received: shape \(\)"),
        (IMAGES[:0], ValueError, r"images must not be empty. Received: shape \(0, 5, 7, 3\)"),
        (IMAGES[:, :, :0], ValueError, r"must not be empty. Received: shape \(6, 5, 0, 3\)"),
        (with_pixel(np.nan, 4), ValueError, "NaN or infinite pixels in 1 of 6 images.*index 4"),
        (with_pixel(-np.inf, 2), ValueError, "in 1 of 6 images, first at index 2"),
        (with_pixel(1e300, 3), ValueError, "finite as float32.*first at index 3"),
        ([[1, 2], [3]], ValueError, "images must be one array, but its entries have different sh"),
        (
            IMAGES.astype(object),
            TypeError,
            "images must hold real numbers. Received: .* of dtype object",
        ),
        (IMAGES.astype(complex), TypeError, "real numbers. Received: .* of dtype complex128"),
        (["a.png", "b.png"], TypeError, "real numbers. Received: .* of dtype <U5"),
        (None, TypeError, "real numbers. Received: .* of dtype object"),
        (tf.data.Dataset.range(3), TypeError, r"a dataset. Use ProbeSet.from_dataset\(dataset\)"),
        (keras.Input((5, 7, 3)), (TypeError, ValueError), "images .*Received: .*Tensor"),
        (tf.ragged.constant([[1], [1, 2]]), (TypeError, ValueError), "images must"),
    ],
)
def test_images_that_cannot_be_watched_are_refused(images, error, match):
    with pytest.raises(error, match=match):
        ProbeSet(images)


@pytest.mark.parametrize(
    ("keywords", "error", "match"),
    [
        ({"groups": [1, 2]}, ValueError, r"groups has 2 entries.*Pass one group for each probe"),
        ({"groups": "abcdef"}, TypeError, "groups must be a list of one group for each probe"),
        ({"groups": {1, 2}}, TypeError, r"groups must be a list.*Received: \{1, 2\}"),
        ({"groups": [1, 2, [3], 4, 5, 6]}, TypeError, r"hashable. Received: \[3\] at index 2"),
        ({"names": ["a"]}, ValueError, r"names has 1 entries.*len\(names\)=1, images.shape=\(6"),
        ({"names": [1] * 6}, TypeError, "names must be strings. Received: 1 at index 0"),
        ({"names": "abcdef"}, TypeError, "names must be a list of strings"),
        ({"class_names": ["a", "b", "a"]}, ValueError, 'different strings. Received: "a" twice'),
        ({"class_names": []}, ValueError, "Received: an empty list"),
        ({"class_names": ["a", None]}, TypeError, "class_names must be strings. Received: None"),
        ({"names": itertools.repeat("a")}, ValueError, "names has 7 entries but images has 6"),
        ({"groups": itertools.count()}, ValueError, "groups has 7 entries but images has 6"),
        ({"class_names": itertools.repeat("a")}, ValueError, "class_names must be at most 1000000"),
        ({"class_names": 2}, TypeError, "class_names must be a list of strings. Received: 2"),
        (
            {"labels": [0, 1, 2] * 2, "class_names": ["a", "b"]},
            ValueError,
            "label 2 at index 2, with 2 class_names",
        ),
        (
            {"labels": np.ones((6, 3)), "class_names": ["a", "b"]},
            ValueError,
            "class_names has 2 entries but labels has 3 classes",
        ),
        ({"display_images": IMAGES}, TypeError, "uint8, in 0 … 255. Received: dtype float32"),
        (
            {"display_images": np.zeros((6, 5, 8, 3), np.uint8)},
            ValueError,
            r"RGB \(6, 5, 7, 3\) or gray \(6, 5, 7\).*Received: shape \(6, 5, 8, 3\)",
        ),
        ({"display_images": np.zeros((6, 5, 7, 2), np.uint8)}, ValueError, "Resize them"),
        ({"display_channels": (0, 1)}, ValueError, "one or three numbers from 0 to 2"),
        ({"display_channels": (0, 1, 3)}, ValueError, r"Received: \(0, 1, 3\)"),
        ({"display_channels": -1}, ValueError, "from 0 to 2"),
        ({"display_channels": "rgb"}, TypeError, "channel numbers, such as"),
        ({"display_channels": [True]}, TypeError, "channel numbers, such as"),
        (
            {"display_channels": 0, "display_images": np.zeros((6, 5, 7), np.uint8)},
            ValueError,
            "either display_images or display_channels",
        ),
        ({"display_images": np.zeros((5, 5, 7), np.uint8)}, ValueError, "Resize them"),
        ({"preprocess": 255}, TypeError, "preprocess must be a function.*Received: int"),
        (
            {"preprocess": lambda x: x / "a"},
            ValueError,
            "preprocess failed on images of shape .*Received: .*TypeError",
        ),
        (
            {"preprocess": lambda x: x[0]},
            ValueError,
            r"preprocess\(images\) must have shape \(n, H, W, C\)",
        ),
        (
            {"preprocess": lambda x: x[:2]},
            ValueError,
            r"preprocess\(images\) has 2 entries but images has 6",
        ),
        (
            {"preprocess": lambda x: x * np.nan},
            ValueError,
            r"preprocess\(images\) must be finite.*in 6 of 6",
        ),
        ({"preprocess": lambda x: None}, TypeError, r"preprocess\(images\) must hold real numbers"),
    ],
)
def test_other_arguments_that_do_not_fit_are_refused(keywords, error, match):
    with pytest.raises(error, match=match):
        ProbeSet(IMAGES, **keywords)


def test_an_error_inside_preprocess_is_the_cause():
    def fails(images):
        raise KeyError("mean")

    with pytest.raises(ValueError, match="KeyError: 'mean'") as info:
        ProbeSet(IMAGES, preprocess=fails)
    assert isinstance(info.value.__cause__, KeyError)


def test_of_takes_a_probe_set_a_pair_or_images():
    probes = ProbeSet(IMAGES)
    assert ProbeSet.of(probes) is probes
    assert ProbeSet.of((IMAGES, [0] * 6)).labels.tolist() == [0] * 6
    assert ProbeSet.of((IMAGES, None)).labels is None
    assert ProbeSet.of(tf.constant(IMAGES)).fingerprint == probes.fingerprint


@pytest.mark.parametrize(
    ("probes", "match"),
    [
        ((IMAGES, None, None), "probes must be a ProbeSet.*Received: tuple of 3"),
        ([IMAGES, None], "Received: list of 2"),
        ("images", "Received: str"),
        (None, "Received: NoneType"),
        (tf.data.Dataset.range(3), r"Use ProbeSet.from_dataset\(dataset\)"),
    ],
)
def test_of_refuses_all_else(probes, match):
    with pytest.raises(TypeError, match=match):
        ProbeSet.of(probes)


def test_importing_probes_loads_neither_tensorflow_nor_opencv():
    code = (
        "import sys, numpy as np; from keras_saliency.probes import ProbeSet; "
        "ProbeSet(np.zeros((2, 3, 3, 1)), [0, 1]).fingerprint; "
        "print([m for m in ('tensorflow', 'keras', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
