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


# -- what it accepts ---------------------------------------------------------


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


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 2, 0, 1, 2],
        np.array([0, 1, 2, 0, 1, 2], np.uint8),
        np.array([[0], [1], [2], [0], [1], [2]]),
        [0.0, 1.0, 2.0, 0.0, 1.0, 2.0],
        np.eye(3)[[0, 1, 2, 0, 1, 2]],
        np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 2]],
        tf.constant([0, 1, 2, 0, 1, 2]),
    ],
)
def test_class_numbers_and_one_hot_rows_become_int64_labels(labels):
    probes = ProbeSet(IMAGES, labels)
    assert probes.labels.dtype == np.int64
    assert probes.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert probes.multi_hot is None


def test_bool_labels_are_zero_and_one():
    assert ProbeSet(IMAGES[:2], [True, False]).labels.tolist() == [1, 0]


def test_multi_hot_rows_are_kept_even_if_a_row_is_all_zero():
    rows = [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    probes = ProbeSet(IMAGES[:3], rows, class_names=["cat", "dog", "owl"])
    assert probes.labels is None
    assert probes.multi_hot.dtype == np.float32
    np.testing.assert_array_equal(probes.multi_hot, rows)
    assert [probes.label_text(i) for i in range(3)] == ["cat, owl", "", "dog"]


def test_boxes_are_half_open_and_become_masks():
    probes = ProbeSet(IMAGES[:2], object_masks=[(1, 2, 3, 5), (0, 0, 5, 7)])
    expected = np.zeros((5, 7), bool)
    expected[1:3, 2:5] = True
    np.testing.assert_array_equal(probes.object_masks[0], expected)
    assert probes.object_masks.dtype == bool
    assert probes.object_masks[1].all()


def test_masks_may_be_zeros_and_ones_with_or_without_a_channel():
    masks = np.zeros((6, 5, 7), np.uint8)
    masks[:, 2, 3] = 1
    for given in (masks, masks[..., None], masks.astype(bool), masks.astype(np.float32)):
        np.testing.assert_array_equal(ProbeSet(IMAGES, object_masks=given).object_masks, masks)


def test_the_number_of_axes_tells_masks_from_boxes_even_at_width_4():
    images = make_images(4, 4, 4)
    boxes = np.array([(0, 0, 1, 1)] * 4)
    masks = np.ones((4, 4, 4), int)
    assert ProbeSet(images, object_masks=boxes).object_masks.sum() == 4
    assert ProbeSet(images, object_masks=masks).object_masks.sum() == 64


def test_signals_and_volumes_have_boxes_of_their_own():
    signals, volumes = np.zeros((2, 40, 3)), np.zeros((2, 4, 5, 6, 1))
    masks = ProbeSet(signals, object_masks=[(2, 4), (0, 40)]).object_masks
    assert [np.flatnonzero(m).tolist() for m in masks] == [[2, 3], list(range(40))]
    masks = ProbeSet(volumes, object_masks=[(1, 2, 3, 2, 4, 6), (0, 0, 0, 4, 5, 6)]).object_masks
    expected = np.zeros((4, 5, 6), bool)
    expected[1:2, 2:4, 3:6] = True
    np.testing.assert_array_equal(masks[0], expected)
    assert masks[1].all() and not masks.flags.writeable


@pytest.mark.parametrize(
    ("shape", "boxes", "match"),
    [
        ((40, 3), [(2, 4, 6)] * 2, r"masks \(n, length\) or boxes \(n, 2\) = \(start, end\)"),
        ((40, 3), [(2, 41)] * 2, r"\(start, end\) in whole samples.*the signal of 40 samples"),
        ((40, 3), [(0, 40), (4, 4)], r"Received: \(4, 4\) at index 1"),
        ((4, 5, 6, 1), [(0, 0, 1, 1)] * 2, r"\(n, D, H, W\) or boxes \(n, 6\) = \(z0, y0, x0, z1"),
        ((4, 5, 6, 1), [(0, 0, 0, 4, 5, 7)] * 2, "inside the volume of 4×5×6 pixels"),
        ((4, 5, 6, 1), [(0, 0, 2, 4, 5, 2)] * 2, "not empty"),
    ],
)
def test_wrong_boxes_of_signals_and_volumes_are_refused(shape, boxes, match):
    with pytest.raises(ValueError, match=match):
        ProbeSet(np.zeros((2, *shape)), object_masks=boxes)


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


# -- immutability ------------------------------------------------------------


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


# -- what it refuses ---------------------------------------------------------


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
    ("labels", "error", "match"),
    [
        (
            [0] * 12,
            ValueError,
            r"labels has 12 entries but images has 6. Received: labels.shape=\(12,\), "
            r"images.shape=\(6, 5, 7, 3\). Pass one label for each probe.",
        ),
        (np.eye(3), ValueError, r"labels has 3 entries but images has 6"),
        (3, ValueError, r"labels must have shape \(n,\).*Received: shape \(\)"),
        (np.zeros((6, 5, 7)), ValueError, r"Received: shape \(6, 5, 7\)"),
        (np.zeros((6, 0)), ValueError, r"Received: shape \(6, 0\)"),
        ([0, 1, -1, 0, 1, 2], ValueError, "from 0 on. Received: -1 at index 2"),
        ([0, 1, 0.5, 0, 1, 2], ValueError, "whole numbers. Received: 0.5 at index 2"),
        ([0, 1, np.nan, 0, 1, 2], ValueError, "NaN or infinite. Received: nan at index 2"),
        ([0, 1, 1e30, 0, 1, 2], ValueError, r"below 2\*\*31. Received: 1e\+30 at index 2"),
        (np.eye(6) * 0.9, ValueError, r"zeros and ones. Received: 0.9 at index 0.*argmax"),
        (np.eye(6) * np.nan, ValueError, "NaN or infinite. Received: nan at index 0"),
        (np.arange(12).reshape(6, 2), ValueError, "Received: 2 at index 1"),
        (["cat"] * 6, TypeError, "labels must hold real numbers. Received: .* of dtype <U3"),
        ([0, 1, None, 0, 1, 2], TypeError, "Received: .* of dtype object"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, error, match):
    with pytest.raises(error, match=match):
        ProbeSet(IMAGES, labels)


@pytest.mark.parametrize(
    ("masks", "error", "match"),
    [
        (np.ones((6, 5, 6)), ValueError, r"masks \(n, H, W\) or boxes.*shape \(6, 5, 6\)"),
        (np.ones((6, 5)), ValueError, r"masks \(n, H, W\) or boxes.*shape \(6, 5\)"),
        (np.ones((6, 5, 7, 3)), ValueError, r"shape \(6, 5, 7, 3\)"),
        (np.ones((5, 5, 7)), ValueError, "object_masks has 5 entries but images has 6"),
        (np.ones((6, 5, 7)) * 255, ValueError, r"values 255.0 … 255.0.*object_masks > 0"),
        (np.ones((6, 5, 7)) * np.nan, ValueError, "bool or zeros and ones"),
        (
            np.ones((6, 5, 7)) * (np.arange(6) % 3 > 0)[:, None, None],
            ValueError,
            "a mask without an object for 2 of 6 probes, first at index 0",
        ),
        ([(0, 0, 1, 1)] * 5, ValueError, "object_masks has 5 entries but images has 6"),
        (
            [(0, 0, 1, 1)] * 3 + [(2, 0, 2, 1)] * 3,
            ValueError,
            r"Received: \(2, 0, 2, 1\) at index 3",
        ),
        ([(0, 3, 1, 2)] * 6, ValueError, r"Received: \(0, 3, 1, 2\) at index 0"),
        (
            [(0, 0, 6, 1)] * 6,
            ValueError,
            r"whole pixels.*inside the image of 5×7",
        ),
        ([(0, 0, 1, 8)] * 6, ValueError, r"Received: \(0, 0, 1, 8\)"),
        ([(-1, 0, 1, 1)] * 6, ValueError, r"Received: \(-1, 0, 1, 1\)"),
        ([(0, 0, 0.5, 0.5)] * 6, ValueError, "whole pixels"),
        ([(0, 0, np.nan, 1)] * 6, ValueError, "whole pixels"),
        ("box", TypeError, "object_masks must hold real numbers"),
    ],
)
def test_masks_and_boxes_without_an_object_are_refused(masks, error, match):
    with pytest.raises(error, match=match):
        ProbeSet(IMAGES, object_masks=masks)


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


@pytest.mark.parametrize(
    ("labels", "num_classes", "match"),
    [
        (
            [0, 1, 2] * 2,
            2,
            "labels out of range for the model. Received: label 2 at index 2.*2 log",
        ),
        ([0, 1, 2] * 2, 1, r"label 2 at index 2, for a model with a one-unit head \(classes 0 and"),
        (np.ones((6, 3)), 4, "multi-hot labels of 3 classes, for a model with 4 logits"),
        (np.ones((6, 2)), 1, "multi-hot labels of 2 classes"),
    ],
)
def test_labels_out_of_range_for_the_model_are_refused(labels, num_classes, match):
    with pytest.raises(ValueError, match=match):
        ProbeSet(IMAGES, labels).check_num_classes(num_classes)


@pytest.mark.parametrize(
    ("labels", "num_classes"),
    [([0, 1, 2] * 2, 3), ([0, 1] * 3, 1), (np.ones((6, 3)), 3), (None, 1)],
)
def test_labels_in_range_for_the_model_pass(labels, num_classes):
    ProbeSet(IMAGES, labels).check_num_classes(num_classes)


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


# -- the room ----------------------------------------------------------------


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
