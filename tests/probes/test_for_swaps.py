"""`for_swaps`: images that are kept for swaps beside the probes."""

import copy
import hashlib
import pickle
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet, datasets, swap_images
from keras_saliency.probes.choosing import SmallestKeys


def make_images(num=60, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


def make_whole(num=60, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).integers(0, 256, (num, 5, 7, 3)).astype(dtype)


def slow_choice(images, labels, per_class, seed=0):
    """Indices of each class in the order of their hashes, by class; written without a pool."""

    def key(index):
        key = str(seed).encode()
        return hashlib.blake2b(images[index].tobytes(), digest_size=16, key=key).digest()

    return [
        index
        for label in np.unique(labels)
        for index in sorted(np.flatnonzero(labels == label), key=key)[:per_class]
    ]


def with_limits(monkeypatch, **limits):
    for name, value in limits.items():
        monkeypatch.setattr(swap_images, name, value)


def assert_same_swaps(one, other):
    np.testing.assert_array_equal(one.images, other.images)
    assert one.images.dtype == other.images.dtype and one.pixel_dtype == other.pixel_dtype
    assert one.fingerprint == other.fingerprint and one.names == other.names


def test_the_swap_set_is_what_a_slow_twin_chooses_with_the_probes_first(monkeypatch):
    with_limits(monkeypatch, MAX_IMAGES=30)
    images, labels = make_images(), np.arange(60) % 3
    probes = ProbeSet.from_dataset((images, labels), per_class=4)
    swaps = probes.for_swaps
    watched = slow_choice(images, labels, 4)
    others = [i for i in slow_choice(images, labels, 10) if i not in watched]
    np.testing.assert_array_equal(probes.images, images[watched])
    np.testing.assert_array_equal(swaps.images, images[watched + others])
    assert swaps.labels.tolist() == labels[watched + others].tolist()
    assert isinstance(swaps, ProbeSet) and swaps.for_swaps is swaps


def test_the_order_and_the_batches_of_a_dataset_change_nothing(monkeypatch):
    with_limits(monkeypatch, MAX_IMAGES=30)
    labels = np.arange(60) % 3
    order = np.random.default_rng(1).permutation(60)
    for images in (make_images(), make_whole(), make_whole(dtype=np.int16)):
        mixed = images.copy()
        mixed[7] = mixed[7] / 2 if mixed.dtype.kind == "f" else -mixed[7]
        for content in (images, mixed):
            expected = ProbeSet.from_dataset((content, labels), per_class=4).for_swaps
            assert len(expected) == 30
            dataset = tf.data.Dataset.from_tensor_slices((content[order], labels[order]))
            for same in (dataset, dataset.batch(7), dataset.batch(60)):
                swaps = ProbeSet.from_dataset(same, per_class=4).for_swaps
                assert_same_swaps(swaps, expected)
            one_hot = (content[::-1], np.eye(3)[labels[::-1]])
            assert_same_swaps(ProbeSet.from_dataset(one_hot, per_class=4).for_swaps, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float32])
def test_whole_numbers_are_stored_as_bytes_and_prepared_as_they_were(dtype):
    images, labels = make_whole(dtype=dtype), np.arange(60) % 3
    given = []

    def preprocess(pixels):
        given.append((pixels.dtype, len(pixels)))
        return pixels / np.float32(255)

    probes = ProbeSet.from_dataset((images, labels), per_class=4, preprocess=preprocess)
    swaps = probes.for_swaps
    assert given == [(np.dtype(dtype), 12)]  # nothing but the probes yet
    assert swaps.images.dtype == np.uint8 and probes.images.dtype == dtype
    assert probes.pixel_dtype == swaps.pixel_dtype == np.dtype(dtype)
    np.testing.assert_array_equal(swaps.images[:12], probes.images)
    np.testing.assert_array_equal(swaps.prepare(swaps.images[:12]), probes.model_inputs)
    swaps.prepare(swaps.images[:5].astype(np.float32))
    assert given[1:] == [(np.dtype(dtype), 12), (np.dtype(np.float32), 5)]
    np.testing.assert_array_equal(swaps.model_inputs, swaps.images / np.float32(255))
    assert given[3:] == [(np.dtype(dtype), 60)]
    assert swaps.model_inputs is swaps.model_inputs and not swaps.model_inputs.flags.writeable


def test_without_preprocess_the_model_is_given_the_dtype_of_the_images():
    probes = ProbeSet.from_dataset((make_whole(), np.arange(60) % 3), per_class=4)
    assert probes.model_inputs is probes.images
    swaps = probes.for_swaps
    assert swaps.images.dtype == np.uint8 and swaps.model_inputs.dtype == np.float32
    np.testing.assert_array_equal(swaps.model_inputs, swaps.images)


@pytest.mark.filterwarnings("error")  # casting what lies outside is undefined
@pytest.mark.parametrize("value", [0.5, -1, 256, 1e9, -1e9])
def test_one_image_that_bytes_cannot_hold_keeps_all_as_they_are(value):
    images, labels = make_whole(), np.arange(60) % 3
    images[31, 2, 3, 1] = value
    swaps = ProbeSet.from_dataset((images, labels), per_class=4).for_swaps
    assert swaps.images.dtype == np.float32 and len(swaps) == 60
    found = [(swaps.images == image).all(axis=(1, 2, 3)).sum() for image in images]
    assert found == [1] * 60


def test_whole_integers_beyond_bytes_keep_their_dtype():
    images = make_whole(dtype=np.int16) * 2
    swaps = ProbeSet.from_dataset((images, np.arange(60) % 3), per_class=4).for_swaps
    assert swaps.images.dtype == np.int16
    np.testing.assert_array_equal(np.sort(swaps.images, axis=0), np.sort(images, axis=0))


def test_large_images_are_fewer_and_balanced(monkeypatch):
    labels = np.repeat([0, 1, 2], 20)
    with_limits(monkeypatch, MAX_BYTES=105 * 24 + 5)  # 24 as bytes, 6 as float32
    bytes_ = ProbeSet.from_dataset((make_whole(), labels), per_class=2).for_swaps
    assert np.bincount(bytes_.labels).tolist() == [8, 8, 8]
    floats = ProbeSet.from_dataset((make_images(), labels), per_class=1).for_swaps
    assert np.bincount(floats.labels).tolist() == [2, 2, 2]
    probes = ProbeSet.from_dataset((make_images(), labels), per_class=3)
    assert probes.for_swaps is probes  # there is room for six, which are among these nine
    with_limits(monkeypatch, MAX_BYTES=100)
    probes = ProbeSet.from_dataset((make_images(), labels), per_class=2)
    assert len(probes) == 6 and probes.for_swaps is probes


def test_at_most_600_images_are_kept_and_small_classes_give_all():
    images = np.random.default_rng(0).integers(0, 256, (1500, 2, 2, 1)).astype(np.uint8)
    labels = np.where(np.arange(1500) < 50, 0, 1 + np.arange(1500) % 2)
    swaps = ProbeSet.from_dataset((images, labels), per_class=10).for_swaps
    unique = len(np.unique(images[labels == 0], axis=0))
    assert np.bincount(swaps.labels).tolist() == [unique, 200, 200]
    assert swap_images.MAX_IMAGES == 600 and swap_images.MAX_BYTES == 200_000_000


def test_swap_images_are_of_the_classes_that_the_probes_are_of():
    images, labels = make_images(), np.arange(60) % 6
    some = ProbeSet.from_dataset((images, labels), per_class=2, classes=[4, 1])
    assert np.bincount(some.for_swaps.labels).tolist() == [0, 10, 0, 0, 10]
    with pytest.warns(UserWarning, match="number of classes: 3 of 6"):
        few = ProbeSet.from_dataset((images, labels), max_probes=3)
    assert set(few.for_swaps.labels.tolist()) == set(few.labels.tolist())
    assert len(few) == 3 and len(few.for_swaps) == 30


def test_without_labels_or_without_more_images_the_probes_are_swapped():
    images, labels = make_images(), np.arange(60) % 3
    for probes in (
        ProbeSet.from_dataset((images, None)),
        ProbeSet.from_dataset((images, labels), per_class=20),
        ProbeSet(images, labels),
    ):
        assert probes.for_swaps is probes and probes.pixel_dtype == np.float32


def test_images_that_are_there_twice_count_once():
    images, labels = make_images(20), np.arange(20) % 2
    twice = (np.concatenate([images, images]), np.concatenate([labels, labels]))
    once = ProbeSet.from_dataset((images, labels), per_class=3).for_swaps
    assert_same_swaps(ProbeSet.from_dataset(twice, per_class=3).for_swaps, once)
    disputed = (np.concatenate([images, images]), np.concatenate([labels, 1 - labels]))
    swaps = ProbeSet.from_dataset(disputed, per_class=3).for_swaps
    assert len(np.unique(swaps.images, axis=0)) == len(swaps) == 20


def test_an_image_that_is_not_finite_is_left_out():
    images, labels = make_images(), np.arange(60) % 3
    images[slow_choice(images, labels, 20)[-1], 0, 0, 0] = np.nan
    broken = np.flatnonzero(np.isnan(images).any(axis=(1, 2, 3))).item()
    assert broken not in slow_choice(images, labels, 4)  # its hash is another one now
    swaps = ProbeSet.from_dataset((images, labels), per_class=4).for_swaps
    assert len(swaps) == 59 and np.isfinite(swaps.images).all()


def test_multi_hot_swap_images_stand_for_each_of_their_classes(monkeypatch):
    with_limits(monkeypatch, MAX_IMAGES=40)
    images = make_images(80)
    rows = (np.random.default_rng(0).random((80, 4)) < 0.4).astype(np.int32)
    probes = ProbeSet.from_dataset((images, rows), per_class=2)
    swaps = probes.for_swaps
    assert swaps.labels is None and swaps.multi_hot.shape == (len(swaps), 4)
    assert len(probes) < len(swaps) <= 40
    np.testing.assert_array_equal(swaps.images[: len(probes)], probes.images)
    np.testing.assert_array_equal(swaps.multi_hot[: len(probes)], probes.multi_hot)
    assert len(np.unique(swaps.images, axis=0)) == len(swaps)
    assert (swaps.multi_hot.sum(axis=0) >= 8).all()
    for image, row in zip(swaps.images, swaps.multi_hot, strict=True):
        index = np.flatnonzero((images == image).all(axis=(1, 2, 3)))
        np.testing.assert_array_equal(rows[index], row[None])
    only = ProbeSet.from_dataset((images, rows), per_class=2, classes=[1]).for_swaps
    assert len(only) > 2 and only.multi_hot[:, 1].all()
    assert_same_swaps(
        ProbeSet.from_dataset((images[::-1], rows[::-1]), per_class=2).for_swaps, swaps
    )


def test_names_are_the_probes_and_then_numbers():
    probes = ProbeSet.from_dataset(
        (make_images(), np.arange(60) % 3), per_class=1, class_names=["a", "b", "c"]
    )
    swaps = probes.for_swaps
    assert swaps.names[:5] == ("probe 0", "probe 1", "probe 2", "image 3", "image 4")
    assert len(swaps.names) == 60 and swaps.class_names == ("a", "b", "c")


def test_the_swap_set_is_no_part_of_the_probes_identity():
    images, labels = make_images(), np.arange(60) % 3
    probes = ProbeSet.from_dataset((images, labels), per_class=4)
    plain = ProbeSet(probes.images, probes.labels)
    assert probes.fingerprint == plain.fingerprint
    assert repr(probes).replace(", cue_map", "") == repr(plain)
    assert copy.deepcopy(probes) is probes
    for name in ("for_swaps", "pixel_dtype", "images"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(probes.for_swaps, name, None)
    with pytest.raises(ValueError, match="read-only"):
        probes.for_swaps.images[0] = 0
    again = pickle.loads(pickle.dumps(probes))
    assert_same_swaps(again.for_swaps, probes.for_swaps)


def test_swap_images_do_not_keep_their_batches_in_memory(monkeypatch):
    kept = []
    original = SmallestKeys.add

    def add(self, group, key, item):
        kept.append(item)
        original(self, group, key, item)

    monkeypatch.setattr(SmallestKeys, "add", add)
    ProbeSet.from_dataset((make_images(), np.eye(3)[np.arange(60) % 3]), per_class=2)
    assert len(kept) > 60 + 6
    rows = [row for row, _ in kept if isinstance(row, np.ndarray)]
    assert all(image.base is None for _, image in kept)
    assert sum(row.base is None for row in rows) >= 60  # those of the pool


@pytest.mark.parametrize("scale", [1, 0.5])
def test_what_is_held_at_any_time_is_bounded(monkeypatch, scale):
    with_limits(monkeypatch, MAX_BYTES=1_000_000)
    monkeypatch.setattr(datasets, "MAX_CUE_IMAGES", 1)

    class Batches:
        num_batches = 120

        def __getitem__(self, index):
            images = np.random.default_rng(index).integers(0, 256, (4, 64, 64, 3), np.uint8)
            return images * np.float32(scale if index > 60 else 1), [0, 1, 0, 1]

    tracemalloc.start()
    try:
        probes = ProbeSet.from_dataset(Batches(), per_class=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(probes.for_swaps) == {1: 80, 0.5: 20}[scale]
    # At most what is held and its copy, and beside it a batch and the probes. All images would be
    # 6 or 24 million bytes.
    assert peak < 2 * 1_000_000 + 1_000_000
