"""Probes chosen from datasets."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet
from keras_saliency.probes.choosing import SmallestKeys


def make_images(num=6, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


def make_labelled(num=60, num_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return make_images(num, seed=seed), rng.permutation(num) % num_classes


class Batches(keras.utils.PyDataset):
    def __init__(self, images, labels, batch_size=7, weights=False):
        super().__init__()
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.weights = weights
        self.num_epochs = 0

    def __len__(self):
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, index):
        batch = slice(index * self.batch_size, (index + 1) * self.batch_size)
        element = (self.images[batch], self.labels[batch])
        return (*element, np.ones(len(element[1]))) if self.weights else element

    def on_epoch_end(self):
        self.num_epochs += 1


class Endless(Batches):
    @property
    def num_batches(self):
        return None


def same_choice(one, other):
    return one.fingerprint == other.fingerprint and (
        one.cue_map is other.cue_map is None or np.array_equal(one.cue_map, other.cue_map)
    )


def containers(images, labels):
    """The same content in every kind of dataset, in other orders."""
    order = np.random.default_rng(1).permutation(len(images))
    tensors = tf.data.Dataset.from_tensor_slices((images, labels))
    weights = tf.data.Dataset.from_tensor_slices((images, labels, np.ones(len(images))))
    return {
        "arrays": (images, labels),
        "shuffled arrays": (images[order].astype(np.float64), labels[order]),
        "tensors": (tf.constant(images), tf.constant(labels)),
        "batched": tensors.batch(7),
        "weighted": weights.batch(60, drop_remainder=True),
        "unbatched": tensors,
        "shuffled": tensors.shuffle(60, seed=3).batch(8),
        "unknown length": tensors.filter(lambda *_: True).batch(8),
        "PyDataset": Batches(images, labels),
        "shuffled PyDataset": Batches(images[order], labels[order], 9, weights=True),
    }


@pytest.mark.parametrize("encode", ["int", "column", "one-hot"])
def test_the_choice_depends_on_content_and_not_on_container_or_order(encode):
    images, labels = make_labelled()
    expected = ProbeSet.from_dataset((images, labels), per_class=4)
    assert len(expected) == 12
    encoded = {
        "int": labels,
        "column": labels[:, None].astype(np.float32),
        "one-hot": np.eye(3)[labels],
    }
    for name, dataset in containers(images, encoded[encode]).items():
        assert same_choice(ProbeSet.from_dataset(dataset, per_class=4), expected), name


def test_the_chosen_are_a_sorted_subset_with_their_own_labels():
    images, labels = make_labelled()
    probes = ProbeSet.from_dataset((images, labels), per_class=5)
    assert probes.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    for image, label in zip(probes.images, probes.labels, strict=True):
        index = np.flatnonzero((images == image).all(axis=(1, 2, 3)))
        assert labels[index].tolist() == [label]


def test_the_seed_changes_the_choice_and_more_per_class_only_adds():
    dataset = make_labelled()
    few = ProbeSet.from_dataset(dataset, per_class=4)
    assert same_choice(ProbeSet.from_dataset(dataset, per_class=4), few)
    assert ProbeSet.from_dataset(dataset, per_class=4, seed=1).fingerprint != few.fingerprint
    more = ProbeSet.from_dataset(dataset, per_class=6).images
    assert all((more == image).all(axis=(1, 2, 3)).any() for image in few.images)


def test_images_that_are_there_twice_count_once():
    images, labels = make_labelled(12)
    twice = (np.concatenate([images, images]), np.concatenate([labels, labels]))
    assert len(ProbeSet.from_dataset(twice)) == 12
    # With two labels: the lower class takes it, in whatever order they come.
    disputed = (np.concatenate([images, images[:1]]), np.append(labels, (labels[0] + 1) % 3))
    one = ProbeSet.from_dataset(disputed)
    other = ProbeSet.from_dataset((disputed[0][::-1], disputed[1][::-1]))
    assert len(one) == 12 and same_choice(one, other)


def test_a_small_class_gives_what_it_has():
    images = make_images(12)
    probes = ProbeSet.from_dataset((images, [0] * 2 + [5] * 10), per_class=4)
    assert probes.labels.tolist() == [0, 0, 5, 5, 5, 5]


def test_classes_restrict_the_choice():
    dataset = make_labelled()
    full = ProbeSet.from_dataset(dataset, per_class=4)
    some = ProbeSet.from_dataset(dataset, per_class=4, classes=[2, np.int64(0)])
    assert some.labels.tolist() == [0] * 4 + [2] * 4
    np.testing.assert_array_equal(some.images, full.images[full.labels != 1])


def test_max_probes_reduces_all_classes_evenly_with_a_notice():
    dataset = make_labelled()
    with pytest.warns(UserWarning, match=r"per_class=10 is reduced to 3 \(number of classes: 3\)"):
        probes = ProbeSet.from_dataset(dataset, max_probes=11)
    assert probes.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert same_choice(probes, ProbeSet.from_dataset(dataset, per_class=3))


def test_with_more_classes_than_max_probes_some_classes_get_one_probe():
    images, labels = make_images(40), np.arange(40) % 20
    order = np.random.default_rng(1).permutation(40)
    with pytest.warns(UserWarning, match=r"reduced to 1 \(number of classes: 6 of 20\)"):
        probes = ProbeSet.from_dataset((images, labels), max_probes=6)
    assert len(set(probes.labels.tolist())) == 6
    with pytest.warns(UserWarning, match="reduced to 1"):
        other = ProbeSet.from_dataset((images[order], labels[order]), max_probes=6)
    assert same_choice(probes, other)


@pytest.mark.parametrize("seed", range(5))
def test_smallest_keys_equal_sorting_everything(seed):
    rng = np.random.default_rng(seed)
    num_groups, per_group, max_items = rng.integers(1, 12, 3).tolist()
    offers = [(int(g), int(k)) for g, k in rng.integers(0, (num_groups, 1000), (80, 2))]
    kept = SmallestKeys(per_group, max_items)
    held = 0
    for group, key in offers:
        if kept.wants(group, key):
            kept.add(group, key, (group, key))
        held = max(held, sum(1 for _ in kept.sorted()))
    assert held <= max(max_items, per_group)

    groups = {g: sorted({k for h, k in offers if h == g}) for g, _ in offers}
    limit = min(per_group, max(1, max_items // len(groups)))
    best = sorted(groups, key=lambda g: groups[g][0])[:max_items]
    slow = [(g, k, (g, k)) for g in sorted(best) for k in groups[g][:limit]]
    assert [entry[:2] for entry in kept.sorted()] == [entry[:2] for entry in slow]
    assert list(kept.sorted()) == slow


def test_multi_hot_probes_stand_for_each_of_their_classes():
    images, rng = make_images(60), np.random.default_rng(0)
    rows = (rng.random((60, 4)) < 0.4).astype(np.int32)
    assert (rows.sum(axis=1) == 0).any()
    expected = ProbeSet.from_dataset((images, rows), per_class=4)
    assert expected.labels is None and expected.cue_map is None
    assert (expected.multi_hot.sum(axis=0) >= 4).all()
    assert (expected.multi_hot.sum(axis=1) == 0).sum() == 4
    assert len(np.unique(expected.images, axis=0)) == len(expected)
    for name, dataset in containers(images, rows).items():
        assert same_choice(ProbeSet.from_dataset(dataset, per_class=4), expected), name
    only = ProbeSet.from_dataset((images, rows), per_class=4, classes=[1])
    assert len(only) == 4 and only.multi_hot[:, 1].all()


def test_a_class_that_never_comes_alone_has_its_probes():
    images, rows = make_images(43), np.array([[1, 0]] * 40 + [[1, 1]] * 3)
    assert ProbeSet.from_dataset((images, rows), per_class=2).multi_hot[:, 1].sum() >= 2


def test_an_image_with_two_multi_hot_labels_gets_the_same_one_in_any_order():
    images = np.repeat(make_images(3), 2, axis=0)
    rows = np.array([[1, 0], [1, 1]] * 3)
    one = ProbeSet.from_dataset((images, rows))
    assert len(one) == 3 and same_choice(one, ProbeSet.from_dataset((images[::-1], rows[::-1])))


def test_multi_hot_stays_multi_hot_if_the_chosen_rows_look_one_hot():
    rows = np.concatenate([np.eye(2)[[0, 1] * 5], [[1, 1]]])
    images = make_images(11)
    for seed in range(20):
        probes = ProbeSet.from_dataset((images, rows), per_class=1, seed=seed)
        assert probes.labels is None and probes.multi_hot.shape == (len(probes), 2)


def test_without_labels_per_class_is_the_number_in_all():
    images = make_images(30)
    expected = ProbeSet.from_dataset((images, None))
    assert len(expected) == 10 and expected.labels is None and expected.cue_map is None
    dataset = tf.data.Dataset.from_tensor_slices(images)
    for same in (images, dataset, dataset.shuffle(30).batch(4)):
        assert same_choice(ProbeSet.from_dataset(same), expected)


def test_class_names_come_from_the_dataset_unless_given():
    dataset = tf.data.Dataset.from_tensor_slices(make_labelled()).batch(8)
    assert ProbeSet.from_dataset(dataset).class_names is None
    dataset.class_names = ["a", "b", "c"]
    assert ProbeSet.from_dataset(dataset).class_names == ("a", "b", "c")
    assert ProbeSet.from_dataset(dataset, class_names=list("xyz")).class_names == ("x", "y", "z")


def test_preprocess_sees_only_the_chosen():
    shapes = []
    ProbeSet.from_dataset(
        make_labelled(), per_class=2, preprocess=lambda x: shapes.append(x.shape) or x
    )
    assert shapes == [(6, 5, 7, 3)]


def test_chosen_images_do_not_keep_their_batches_in_memory():
    images, labels = make_labelled()
    kept = []
    original = SmallestKeys.add
    try:
        SmallestKeys.add = lambda self, group, key, item: (
            kept.append(item),
            original(self, group, key, item),
        )
        ProbeSet.from_dataset((images, labels), per_class=2)
    finally:
        SmallestKeys.add = original
    assert kept and all(part.base is None for _, part in kept)


def test_choosing_leaves_all_random_states_and_the_dataset_alone():
    class Augmented(Batches):
        def __getitem__(self, index):
            random.random(), np.random.random()  # what careless augmentation does
            return super().__getitem__(index)

    def draws():
        return (
            random.random(),
            np.random.random(),
            float(tf.random.uniform(())),
            float(keras.random.uniform(())),
        )

    images, labels = make_labelled()
    py_dataset = Augmented(images, labels)
    shuffled = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(60, seed=1).batch(8)
    keras.backend.clear_session()  # Keras 3.6 seeds its generator only when it makes it
    keras.utils.set_random_seed(0)
    expected = draws()
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    for dataset in (py_dataset, shuffled, (images, labels)):
        ProbeSet.from_dataset(dataset)
    assert draws() == expected
    assert py_dataset.num_epochs == 0


def slices(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


X, Y = make_labelled(12)


@pytest.mark.parametrize(
    ("dataset", "keywords", "error", "match"),
    [
        (slices(X, Y).batch(4).repeat(), {}, ValueError, r"must end.*Pass dataset.take\(num_bat"),
        (Endless(X, Y), {}, ValueError, "must end. Received: Endless with num_batches=None"),
        ([X, Y], {}, TypeError, "dataset must be a tf.data.Dataset, a tuple.*Received: list"),
        ((x for x in X), {}, TypeError, "Received: generator"),
        ((X, Y, Y, Y), {}, TypeError, "dataset must yield images"),
        (slices(X, Y).take(0), {}, ValueError, "at least one image. Received: an empty dataset"),
        ((X[:0], Y[:0]), {}, ValueError, r"images must not be empty. Received: shape \(0"),
        ((X, Y[:5]), {}, ValueError, "labels has 5 entries but images has 12"),
        ((X[0], None), {}, ValueError, r"Received: shape \(5, 7, 3\). Add an axis"),
        ((X, Y * 0.5), {"classes": [1]}, ValueError, r"classes=\[1\] needs class numbers"),
        ((X, Y * 0.5), {"class_names": ["a"]}, ValueError, "class_names needs class numbers"),
        ((X, Y * np.nan), {}, ValueError, "labels must not be NaN or infinite"),
        ((X, np.eye(12) * 0.5), {}, ValueError, "must be one-hot or multi-hot"),
        (slices(X[..., 0], Y % 2).batch(4), {}, ValueError, r"Add an axis: images\[\.\.\., None\]"),
        (
            slices(X[..., 0], Y + 2).batch(4, drop_remainder=True),
            {},
            ValueError,
            r"Received: shape \(4, 5, 7\). Add an axis",
        ),
        (
            slices(X, Y).map(lambda x, y: {"image": x, "label": y}),
            {},
            TypeError,
            r"Received: \(dict\). Map it",
        ),
        (
            slices(X, Y).concatenate(slices(X[:, 1:], Y)),
            {},
            ValueError,
            r"images of one dataset must have one shape.*\(5, 7, 3\) and of shape \(4, 7, 3\)",
        ),
        (
            slices(X, np.array([b"cat"] * 12)).batch(4),
            {},
            TypeError,
            "labels must hold real numbers",
        ),
        ((X, Y), {"per_class": 0}, ValueError, "per_class must be an int of at least 1. Rec.*: 0"),
        ((X, Y), {"max_probes": 2.5}, ValueError, "max_probes must be an int of at least 1"),
        ((X, Y), {"seed": "a"}, TypeError, "seed must be an int. Received: 'a'"),
        ((X, Y), {"classes": [1, 7]}, ValueError, r"the dataset has no image of \[7\]"),
        ((X, Y), {"classes": ["cat"]}, TypeError, "classes must be None or a list of class num"),
        ((X, Y), {"classes": []}, TypeError, "classes must be None or a list of class numbers"),
        ((X, None), {"classes": [1]}, ValueError, r"classes=\[1\] needs labels"),
        ((X, Y), {"class_names": ["a"]}, ValueError, "labels must be below the number of class_na"),
    ],
)
def test_datasets_that_cannot_be_chosen_from_are_refused(dataset, keywords, error, match):
    with pytest.raises(error, match=match):
        ProbeSet.from_dataset(dataset, **keywords)


def test_several_inputs_in_a_dataset_are_refused_as_such():
    images, labels = make_labelled(6)
    with pytest.raises(TypeError, match="one array of images in each batch. Received: 2"):
        ProbeSet.from_dataset(((images, images), labels))


@pytest.mark.parametrize(("value", "word"), [(None, "NoneType"), ("abc", "str")])
def test_what_is_no_array_is_named(value, word):
    with pytest.raises(TypeError, match=f"images must hold real numbers. Received: {word}"):
        ProbeSet(value)
