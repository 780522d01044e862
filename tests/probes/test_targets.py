"""Labels that are the targets of a regression, and labels of several outputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet
from keras_saliency.probes.choosing import content_hash

X = np.random.default_rng(0).random((60, 5, 7, 3), np.float32)
TARGETS = np.random.default_rng(1).normal(size=60)
TARGETS[:20] = np.arange(20) % 7  # the first batches could be class numbers


def slices(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays)


class Batches(keras.utils.PyDataset):
    """Batches of images and labels, packed in a container of one's own."""

    def __init__(self, batch_size, pack, *labels):
        super().__init__()
        self.batch_size, self.pack, self.labels = batch_size, pack, labels

    def __len__(self):
        return -(-len(self.labels[0]) // self.batch_size)

    def __getitem__(self, index):
        batch = slice(index * self.batch_size, (index + 1) * self.batch_size)
        labels = self.pack(*(array[batch] for array in self.labels))
        return X[: len(self.labels[0])][batch], labels


def containers(targets):
    order = np.random.default_rng(2).permutation(60)
    column = targets[:, None]
    return {
        "arrays": (X, targets),
        "column": (X, column),
        "half precision": (X, tf.constant(targets, tf.float32)),
        "batched": slices(X, targets.astype(np.float32)).batch(7),
        "unbatched": slices(X, targets),
        "shuffled": slices(X[order], column[order]).batch(9),
        "weighted": slices(X, targets, np.ones(60)).batch(8),
        "PyDataset": Batches(7, lambda t: t, targets),
    }


@pytest.mark.parametrize("kind", containers(TARGETS))
def test_float_targets_are_chosen_by_content_and_counted_in_all(kind):
    probes = ProbeSet.from_dataset(containers(TARGETS)[kind], per_class=12, seed=3)
    hashes = [content_hash(image.tobytes(), 3) for image in X]
    chosen = sorted(range(60), key=lambda i: hashes[i])[:12]
    np.testing.assert_array_equal(probes.images, X[chosen])
    assert probes.labels.dtype == np.float32
    assert not probes.labels.flags.writeable
    np.testing.assert_array_equal(probes.labels, TARGETS[chosen].astype(np.float32))
    assert probes.has_targets
    assert probes.class_labels is probes.class_counts is probes.cue_map is None
    assert probes.for_swaps is probes


def test_targets_show_as_numbers():
    probes = ProbeSet.from_dataset((X[:2], [0.123456, -1234.5]))
    assert sorted(probes.label_text(i) for i in range(2)) == ["-1234", "0.1235"]
    assert "targets" in repr(probes)


@pytest.mark.parametrize("targets", [-np.arange(60.0), np.arange(60) / 2, np.full(60, 1e-9)])
def test_what_is_no_class_number_is_a_target(targets):
    assert ProbeSet.from_dataset((X, targets)).has_targets


def test_whole_floats_stay_class_numbers():
    probes = ProbeSet.from_dataset(slices(X, np.arange(60) % 2.0).batch(8), per_class=4)
    assert probes.labels.dtype == np.int64
    assert not probes.has_targets
    assert probes.class_counts == {0: 30, 1: 30}


def test_max_probes_holds_for_targets():
    with pytest.warns(UserWarning, match="per_class=12 is reduced to 5"):
        probes = ProbeSet.from_dataset((X, TARGETS), per_class=12, max_probes=5)
    assert len(probes) == 5


Y, Z = np.arange(8) % 2, np.arange(8) // 2 % 2


def as_rows(y, z):
    return np.eye(2)[y], np.eye(2)[z]


PACKS = {
    "tuple": lambda y, z: (y, z),
    "list": lambda y, z: [y, z],
    "dict": lambda y, z: {"species": y, "age": z},
    "dict of one": lambda y, z: {"species": y},
    "lists of numbers": lambda y, z: (y.tolist(), z.tolist()),
    "one-hot": as_rows,
    "of unlike shapes": lambda y, z: (y, np.eye(2)[z]),
    "columns": lambda y, z: [y[:, None], z[:, None]],
    "nested": lambda y, z: (y, {"a": z, "b": z}),
}
SEVERAL = "labels must be one array, those of one output. Received: the labels of several outputs"


@pytest.mark.parametrize("batch_size", [8, 4, 3, 2, 1])
@pytest.mark.parametrize("pack", PACKS)
def test_labels_of_several_outputs_are_refused_and_never_stacked(pack, batch_size):
    with pytest.raises(TypeError, match=SEVERAL):
        ProbeSet.from_dataset(Batches(batch_size, PACKS[pack], Y, Z))


@pytest.mark.parametrize("pack", ["tuple", "dict", "dict of one", "one-hot", "of unlike shapes"])
def test_labels_of_several_outputs_in_tensors_are_refused(pack):
    labels = PACKS[pack](Y, Z)
    tensors, weighted = slices(X[:8], labels), slices(X[:8], labels, (Y, Z))
    for dataset in (tensors, weighted, *(tensors.batch(size) for size in (8, 4, 3, 2, 1))):
        with pytest.raises(TypeError, match=SEVERAL):
            ProbeSet.from_dataset(dataset)
    for pair in ((X[:8], labels), (X[:2], PACKS[pack](Y[:2], Z[:2]))):
        for refused in (ProbeSet.from_dataset, lambda pair: ProbeSet(*pair)):
            with pytest.raises(TypeError, match=SEVERAL):
                refused(pair)


def test_the_error_has_the_line_to_write():
    labels = {"species": Y, "age": Z}
    with pytest.raises(TypeError) as caught:
        ProbeSet.from_dataset(slices(X[:8], labels).batch(4))
    assert "dataset.map(lambda x, y: (x, y['species']))" in str(caught.value)
    dataset = slices(X[:8], labels).batch(4).map(lambda x, y: (x, y["species"]))
    assert sorted(ProbeSet.from_dataset(dataset).labels) == sorted(Y)


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 1],
        (0, 1, 1),
        [np.int64(0), np.int64(1), np.int64(1)],
        [[0], [1], [1]],
        [[1, 0], [0, 1], [0, 1]],
        [[1, 0, 0], [0, 1, 0], [0, 1, 0]],
        [np.array([1, 0]), np.array([0, 1]), np.array([0, 1])],
        (tf.constant([1, 0]), tf.constant([0, 1]), tf.constant([0, 1])),
    ],
)
def test_lists_of_one_label_or_one_row_for_each_image_are_labels(labels):
    np.testing.assert_array_equal(ProbeSet(X[:3], labels).labels, [0, 1, 1])
    assert sorted(ProbeSet.from_dataset((X[:3], labels)).labels) == [0, 1, 1]
