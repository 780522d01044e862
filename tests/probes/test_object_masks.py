"""Where the objects are: masks and boxes."""

import numpy as np
import pytest

from keras_saliency.probes import ProbeSet, found_objects


def make_images(num=6, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


IMAGES = make_images()


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
        ("box", TypeError, 'object_masks must hold real numbers.*or be "auto" or None. Rec.*"box"'),
        (("auto",), TypeError, "object_masks must hold real numbers"),
        ((0, 0, 1), TypeError, r"object_masks must be \(y0, x0, y1, x1\) in pixels"),
        ((0, 0, 0.5, 1), TypeError, r"object_masks must be \(y0, x0, y1, x1\) in pixels"),
        ((0, 0, 6, 1), ValueError, "object_masks must lie in the image of 5×7 pixels"),
        ((2, 0, 2, 1), ValueError, "and not be empty"),
    ],
)
def test_masks_and_boxes_without_an_object_are_refused(masks, error, match):
    with pytest.raises(error, match=match):
        ProbeSet(IMAGES, object_masks=masks)


@pytest.mark.parametrize(
    ("shape", "box"),
    [((40, 3), (2, 6)), ((5, 7, 3), (1, 2, 4, 5)), ((4, 5, 6, 1), [1, 2, 3, 2, 4, 6])],
)
def test_one_box_is_that_of_all_probes(shape, box):
    images = np.zeros((3, *shape), np.uint8)
    single = ProbeSet(images, object_masks=box)
    each = ProbeSet(images, object_masks=[box] * 3)
    np.testing.assert_array_equal(single.object_masks, each.object_masks)
    assert single.fingerprint == each.fingerprint and not single.finds_objects
    as_array = ProbeSet(images, object_masks=np.array(box, np.float32))
    assert as_array.fingerprint == each.fingerprint


def test_objects_are_to_be_found_in_images_unless_given_or_switched_off():
    auto, off = ProbeSet(IMAGES), ProbeSet(IMAGES, object_masks=None)
    assert auto.finds_objects and ProbeSet(IMAGES, object_masks="auto").finds_objects
    assert not off.finds_objects
    assert auto.object_masks is None and off.object_masks is None
    assert auto.fingerprint == off.fingerprint and repr(auto) == repr(off)
    assert not ProbeSet(IMAGES, object_masks=[(0, 0, 2, 2)] * 6).finds_objects
    assert not ProbeSet(np.zeros((2, 40, 3))).finds_objects
    assert not ProbeSet(np.zeros((2, 4, 5, 6, 1))).finds_objects
    with pytest.raises(AttributeError, match="finds_objects cannot be set"):
        auto.finds_objects = False


def test_fingerprints_have_not_changed_since_runs_were_first_resumed():
    images = np.random.default_rng(7).integers(0, 256, (90, 6, 5, 3)).astype(np.uint8)
    labels = np.arange(90) % 3
    boxed = ProbeSet(images[:4], labels[:4], object_masks=[(1, 1, 4, 4)] * 4)
    assert boxed.fingerprint[:12] == "b5407f993a90"
    assert ProbeSet(images[:4], labels[:4]).fingerprint[:12] == "c4b29f1c7d47"
    chosen = ProbeSet.from_dataset((images, labels), per_class=4)
    assert chosen.fingerprint[:12] == "b1e347681b2f"
    floats = (images.astype(np.float32), labels)
    divided = ProbeSet.from_dataset(floats, per_class=4, preprocess=lambda pixels: pixels / 255)
    assert divided.fingerprint[:12] == "99d201133cf8"


def test_from_dataset_takes_one_box_or_none():
    labels = [0, 1] * 3
    box = (1, 2, 4, 5)
    probes = ProbeSet.from_dataset((IMAGES, labels), per_class=2, object_masks=box)
    assert probes.object_masks.shape == (4, 5, 7)
    expected = ProbeSet(probes.images, object_masks=[box] * 4).object_masks
    np.testing.assert_array_equal(probes.object_masks, expected)
    swaps = probes.for_swaps
    assert len(swaps) == 6 and swaps.object_masks.shape == (6, 5, 7)
    assert (swaps.object_masks == expected[0]).all() and not swaps.object_masks.flags.writeable
    auto = ProbeSet.from_dataset((IMAGES, labels), per_class=2)
    assert auto.finds_objects and auto.for_swaps.finds_objects
    off = ProbeSet.from_dataset((IMAGES, labels), per_class=2, object_masks=None)
    assert not off.finds_objects and not off.for_swaps.finds_objects
    assert off.for_swaps.object_masks is None


@pytest.mark.parametrize(
    ("masks", "error", "match"),
    [
        (np.ones((6, 5, 7)), ValueError, r"one box for all images.*shape \(6, 5, 7\).*mask_dir="),
        ([(0, 0, 1, 1)] * 6, ValueError, r"one box for all images.*shape \(6, 4\)"),
        ("none", TypeError, 'or be "auto" or None'),
        ((0, 0, 9, 9), ValueError, "must lie in the image"),
    ],
)
def test_from_dataset_refuses_masks_it_cannot_match(masks, error, match):
    with pytest.raises(error, match=match):
        ProbeSet.from_dataset((IMAGES, [0, 1] * 3), object_masks=masks)


def squares(num=6):
    """Dark squares on a light ground, and where they are."""
    images = np.full((num, 24, 32, 3), 220, np.uint8)
    masks = np.zeros((num, 24, 32), bool)
    for i in range(num):
        masks[i, 6 + i : 14 + i, 9 : 20 + i] = True
        images[i][masks[i]] = (20 + i, 60, 90)
    return images, masks


def test_objects_are_found_once_and_only_where_they_are_asked_for():
    images, masks = squares()
    probes = ProbeSet(images, [0, 1] * 3)
    found = probes.found_objects
    assert found is probes.found_objects
    assert found.masks.shape == masks.shape and found.is_sure.all()
    assert found.masks[masks].all() and not found.masks[:, :3].any()
    assert probes.object_masks is None
    for given in (None, masks, (6, 9, 20, 25)):
        assert ProbeSet(images, object_masks=given).found_objects is None
    assert ProbeSet(np.zeros((2, 40, 3))).found_objects is None


@pytest.mark.parametrize("labels", [None, [0, 1] * 3, [[1, 1], [0, 1]] * 3])
def test_objects_are_found_with_what_labels_there_are(monkeypatch, labels):
    given = []

    def find_objects(images, labels):
        given.extend([images, labels])
        return "found"

    monkeypatch.setattr(found_objects, "find_objects", find_objects)
    probes = ProbeSet(squares()[0], labels)
    assert probes.found_objects == "found" and given[0] is probes.images
    assert given[1] is (probes.labels if probes.multi_hot is None else probes.multi_hot)
    assert (given[1] is None) == (labels is None)


def test_objects_are_found_in_all_images_for_swaps():
    images, _ = squares(10)
    probes = ProbeSet.from_dataset((images, [0, 1] * 5), per_class=2)
    assert probes.found_objects.masks.shape == (4, 24, 32)
    assert probes.for_swaps.found_objects.masks.shape == (10, 24, 32)
    assert probes.for_swaps.found_objects.is_sure.all()
