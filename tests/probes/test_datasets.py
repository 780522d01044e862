"""Claims about where probes come from: what is chosen of datasets and folders, and refused."""

import pathlib
import random
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet
from keras_saliency.probes.choosing import SmallestKeys
from keras_saliency.probes.cue_map import blurred, explained_variance


def make_images(num=6, height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).random((num, height, width, channels), np.float32)


def make_labelled(num=60, num_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return make_images(num, seed=seed), rng.permutation(num) % num_classes


# -- choosing from datasets --------------------------------------------------


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
        ((X, Y * 0.5), {}, ValueError, "labels must be whole numbers"),
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


# -- cue map -----------------------------------------------------------------


def test_explained_variance_by_hand():
    # One pixel: class means 1 and 5 around 3, deviations -2 -2 2 2 -> 16 of 16 + 4 * 1.
    maps = [np.array([[v, 7.0, c, 0.1]]) for v, c in ((0, 1), (2, 1), (4, 9), (6, 9))]
    eta = explained_variance(maps, [0, 0, 1, 1])
    assert eta.dtype == np.float32
    np.testing.assert_allclose(eta, [[16 / 20, 0, 1, 0]], rtol=1e-6)
    assert not explained_variance([np.ones((2, 2))] * 4, [0, 0, 1, 1]).any()


def test_a_pixel_that_does_not_vary_explains_nothing_despite_rounding():
    assert (0.1 + 0.1 + 0.1) / 3 != 0.1
    maps = [np.array([[v, 0.1]]) for v in (0.0, 1.0, 1.0)]
    np.testing.assert_allclose(explained_variance(maps, [0, 1, 1]), [[1, 0]])


def test_blur_equals_opencv():
    try:
        import cv2
    except ImportError:
        pytest.skip("OpenCV cannot be imported here")
    for shape in ((5, 7), (1, 4), (2, 1), (1, 1)):
        gray = np.random.default_rng(0).random(shape, np.float32)
        np.testing.assert_allclose(blurred(gray[..., None]), cv2.blur(gray, (3, 3)), atol=1e-6)


def test_cue_map_is_high_where_one_class_carries_a_tag():
    images, labels = make_images(300, 12, 10), np.arange(300) % 3
    plain = ProbeSet.from_dataset((images, labels)).cue_map
    images[labels == 1, 2:5, 6:9] = 1
    tagged = ProbeSet.from_dataset((images, labels), per_class=2).cue_map
    assert tagged.shape == (12, 10) and tagged.dtype == np.float32
    assert tagged[3, 7] > 0.9
    assert plain.max() < 0.1 and tagged[8:, :4].max() < 0.1
    assert np.unravel_index(tagged.argmax(), tagged.shape) == (3, 7)


def test_cue_map_needs_20_labelled_images_of_2_classes():
    images = make_images(20)
    assert ProbeSet.from_dataset((images, [0, 1] * 10)).cue_map is not None
    assert ProbeSet.from_dataset((images[:19], ([0, 1] * 10)[:19])).cue_map is None
    assert ProbeSet.from_dataset((images, [0] * 20)).cue_map is None
    assert ProbeSet(images, [0, 1] * 10).cue_map is None


# -- choosing from folders ---------------------------------------------------


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        content = tf.io.encode_jpeg(pixels).numpy()
    elif path.suffix.lower() == ".bmp":
        content = bmp(pixels)
    else:
        content = tf.io.encode_png(pixels).numpy()
    path.write_bytes(content)


def bmp(pixels):
    height, width, _ = pixels.shape
    rows = [row[:, ::-1].tobytes() + bytes(-3 * width % 4) for row in pixels[::-1]]
    data = b"".join(rows)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 1, 1, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + info + data


GIF = bytes.fromhex(  # one red pixel
    "47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b"
)


@pytest.fixture
def folder(tmp_path):
    """Two classes of images in several formats and sizes, and what must be passed over."""
    rng = np.random.default_rng(0)
    path = tmp_path / "images"
    for class_name in ("b", "A", "c10", "c9"):
        for i in range(4):
            size = rng.integers(8, 20, 2)
            write(path / class_name / f"{i}.png", rng.integers(0, 256, (*size, 3), np.uint8))
    gray = rng.integers(0, 256, (9, 11, 1), np.uint8)
    write(path / "A" / "gray.PNG", gray)
    write(path / "A" / "deep.png", gray.astype(np.uint16) * 257)
    write(path / "A" / "alpha.png", rng.integers(0, 256, (9, 11, 4), np.uint8))
    write(path / "A" / "photo.jpeg", rng.integers(0, 256, (33, 17, 3), np.uint8))
    write(path / "A" / "sub" / "0.bmp", rng.integers(0, 256, (9, 6, 3), np.uint8))
    (path / "b" / "red.gif").write_bytes(GIF)
    (path / "empty").mkdir()
    (path / "b" / "notes.txt").write_text("no image")
    (path / "b" / "._0.png").write_bytes(b"macOS")
    (path / ".hidden").mkdir()
    (path / "loose.txt").write_text("no class")
    return path


def test_from_directory_reads_what_keras_reads(folder):
    probes = ProbeSet.from_directory(folder, image_size=(10, 12))
    hidden = folder / "b" / "._0.png"
    hidden.unlink()  # Keras fails on it
    dataset = keras.utils.image_dataset_from_directory(
        folder, image_size=(10, 12), shuffle=False, batch_size=None, verbose=False
    )
    assert probes.class_names == tuple(dataset.class_names) == ("A", "b", "c10", "c9", "empty")
    names = [str(pathlib.Path(p).relative_to(folder).as_posix()) for p in dataset.file_paths]
    assert sorted(probes.names) == sorted(names)
    assert probes.images.dtype == np.float32 and probes.image_shape == (10, 12, 3)
    for name, (image, label) in zip(names, dataset, strict=True):
        index = probes.names.index(name)
        np.testing.assert_allclose(probes.images[index], image, atol=1e-3, err_msg=name)
        assert probes.labels[index] == int(label)
    assert probes.labels.tolist() == sorted(probes.labels.tolist())
    assert np.array_equal(probes.images[probes.names.index("b/red.gif")][4, 4], [255, 0, 0])


def test_from_directory_chooses_by_content_and_seed(folder):
    few = ProbeSet.from_directory(str(folder), image_size=(4, 4), per_class=2)
    assert np.bincount(few.labels).tolist() == [2, 2, 2, 2]
    others = {
        ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2, seed=s).names
        for s in range(1, 4)
    }
    assert others != {few.names}
    for file in sorted((folder / "A").glob("*.*")):
        file.rename(file.with_name("x" + file.name))
    renamed = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    assert renamed.names != few.names and renamed.fingerprint == few.fingerprint


def test_only_chosen_files_are_decoded(folder):
    chosen = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    for file in folder.rglob("*.png"):
        if file.relative_to(folder).as_posix() not in chosen.names:
            file.unlink()
    again = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    assert set(chosen.names) <= set(again.names)


def test_from_directory_leaves_random_states_alone(folder):
    keras.utils.set_random_seed(0)
    expected = random.random(), np.random.random(), float(tf.random.uniform(()))
    keras.utils.set_random_seed(0)
    ProbeSet.from_directory(folder, image_size=(4, 4))
    assert (random.random(), np.random.random(), float(tf.random.uniform(()))) == expected


@pytest.fixture
def masked(tmp_path):
    for class_name in ("a", "b"):
        for i in range(2):
            write(
                tmp_path / "images" / class_name / f"{i}.jpg", np.full((8, 8, 3), 40 * i, np.uint8)
            )
    masks = tmp_path / "masks"
    half = np.zeros((8, 8, 1), np.uint8)
    half[:4] = 255
    write(masks / "a" / "0.png", half)
    write(masks / "a" / "1.PNG", (half > 0).astype(np.uint16))
    write(masks / "b" / "0.bmp", np.repeat(half, 3, axis=-1) // 255 * np.uint8([0, 0, 1]))
    write(masks / "b" / "1.png", np.repeat(half, 4, axis=-1) // 255)
    return tmp_path


def test_nonzero_mask_pixels_are_the_object_at_any_bit_depth(masked):
    probes = ProbeSet.from_directory(
        masked / "images", image_size=(4, 6), mask_dir=masked / "masks"
    )
    assert len(probes) == 4
    for mask in probes.object_masks:
        np.testing.assert_array_equal(mask, np.arange(4)[:, None] < np.full(6, 2))


def png_header(width, height):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r'broken.png" is not a readable BMP, GIF, JPEG or PNG image \(0 bytes\)'),
        (b"<html>", 'broken.png" is not a readable BMP, GIF, JPEG or PNG'),
        (b"\xff\xd8\xff\xe0", 'broken.png" is not a readable BMP, GIF, JPEG or PNG'),
        (b"\x89PNG\r\n\x1a\n", 'broken.png" is not a readable BMP, GIF, JPEG or PNG'),
        (png_header(9, 9), 'broken.png" cannot be decoded as an image'),
        (png_header(10_001, 10_000), 'broken.png" announces 10001 x 10000 pixels, more than 100'),
        (b"BM" + bytes(16) + struct.pack("<ii", 20_000, -20_000), "announces 20000 x 20000"),
        (b"GIF89a\xff\xff\xff\xff", "announces 65535 x 65535 pixels"),
    ],
)
def test_a_broken_image_is_an_error_that_names_it(tmp_path, content, match):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.png").write_bytes(content)
    with pytest.raises(ValueError, match=match):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))


def test_a_huge_jpeg_is_refused_by_its_header(tmp_path):
    write(tmp_path / "a" / "0.jpg", np.zeros((8, 8, 3), np.uint8))
    content = (tmp_path / "a" / "0.jpg").read_bytes()
    assert content.count(b"\x00\x08\x00\x08") == 1
    content = content.replace(b"\x00\x08\x00\x08", struct.pack(">HH", 60_000, 50_000))
    (tmp_path / "a" / "0.jpg").write_bytes(content)
    with pytest.raises(ValueError, match="announces 50000 x 60000 pixels"):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))


def test_folders_without_classes_or_images_are_refused(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match=f'path must be a folder. Received: "{path}"'):
            ProbeSet.from_directory(path, image_size=(4, 4))
    with pytest.raises(TypeError, match="path must be a path. Received: 3"):
        ProbeSet.from_directory(3, image_size=(4, 4))
    with pytest.raises(ValueError, match="path must hold one folder for each class"):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"path must hold images \(.bmp, .*class folders \['a'\]"):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))


@pytest.mark.parametrize("image_size", [4, (4,), (4, 0), (4, 4, 3), ("4", 4), None, (4.0, 4.0)])
def test_image_size_must_be_two_ints(tmp_path, image_size):
    with pytest.raises(ValueError, match=r"image_size must be \(H, W\), two ints"):
        ProbeSet.from_directory(tmp_path, image_size=image_size)


def test_masks_that_are_missing_doubled_or_empty_are_errors_that_name_them(masked):
    def read():
        ProbeSet.from_directory(masked / "images", image_size=(4, 4), mask_dir=masked / "masks")

    write(masked / "masks" / "a" / "0.bmp", np.ones((8, 8, 3), np.uint8))
    with pytest.raises(
        ValueError, match=r'one mask for "a/0.jpg". Received: \[\'0.bmp\', \'0.png\'\]'
    ):
        read()
    (masked / "masks" / "a" / "0.bmp").unlink()
    write(masked / "masks" / "b" / "1.png", np.zeros((8, 8, 1), np.uint8))
    with pytest.raises(
        ValueError, match=r'1.png" is a mask without an object at image_size=\(4, 4'
    ):
        read()
    (masked / "masks" / "b" / "1.png").unlink()
    with pytest.raises(ValueError, match='one mask for "b/1.jpg". Received: none'):
        read()
    with pytest.raises(ValueError, match='mask_dir must be a folder. Received: ".*nowhere"'):
        ProbeSet.from_directory(masked / "images", image_size=(4, 4), mask_dir=masked / "nowhere")


def test_several_inputs_in_a_dataset_are_refused_as_such():
    images, labels = make_labelled(6)
    with pytest.raises(TypeError, match="one array of images in each batch. Received: 2"):
        ProbeSet.from_dataset(((images, images), labels))


@pytest.mark.parametrize(("value", "word"), [(None, "NoneType"), ("abc", "str")])
def test_what_is_no_array_is_named(value, word):
    with pytest.raises(TypeError, match=f"images must hold real numbers. Received: {word}"):
        ProbeSet(value)
