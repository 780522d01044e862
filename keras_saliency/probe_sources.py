"""Where probes come from: arrays, datasets and folders.

The readers turn what a user passes into plain arrays, the choosers pick a few
images for each class. Nothing here knows `ProbeSet`.
"""

import bisect
import contextlib
import hashlib
import os
import random
import struct
import warnings
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# The extensions that keras.utils.image_dataset_from_directory reads.
IMAGE_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
# JPEG rounding scatters nonzero pixels around an object.
MASK_FORMATS = (".bmp", ".gif", ".png")
MAX_MEGAPIXELS = 100
MAX_CUE_IMAGES = 600
MIN_CUE_IMAGES = 20


@dataclass(frozen=True)
class Chosen:
    """What a chooser found.

    Attributes:
        images: array (n, H, W, C).
        labels: int64 array (n,), float32 array (n, k) of zeros and ones for
            multi-hot labels, or None.
        cue_map: float32 array (H, W) or None, see `explained_variance`.
        names: "class/filename" of each image, or None.
        class_names: names of the folders, or None.
        object_masks: bool array (n, H, W), or None.
    """

    images: np.ndarray
    labels: np.ndarray | None
    cue_map: np.ndarray | None = None
    names: list[str] | None = None
    class_names: list[str] | None = None
    object_masks: np.ndarray | None = None


def is_dataset(value) -> bool:
    """Whether `value` is a `tf.data.Dataset` or a `keras.utils.PyDataset`."""
    # By its attributes, since importing TensorFlow to ask takes seconds.
    return hasattr(value, "element_spec") or hasattr(type(value), "num_batches")


def read_array(argument: str, value) -> np.ndarray:
    """Reads an array-like of real numbers; copies only where it must.

    Args:
        argument: what to call `value` in errors.
        value: array, tensor or nested list.

    Returns:
        Array of bools, integers or floats.

    Raises:
        TypeError: if `value` is a dataset, or does not hold real numbers.
        ValueError: if its entries differ in shape.
    """
    if is_dataset(value):
        raise TypeError(
            f"{argument} must be an array. Received: {type(value).__name__}, a dataset. "
            "Use ProbeSet.from_dataset(dataset)."
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{argument} must be one array, but its entries have different shapes. Received: "
            f"{type(value).__name__} ({error}). Bring all entries to one shape."
        ) from error
    except Exception as error:
        raise TypeError(
            f"{argument} cannot be read as an array. Received: {type(value).__name__} ({error}). "
            "Pass a numpy array."
        ) from error
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{argument} must hold real numbers. Received: dtype {array.dtype}, shape "
            f"{array.shape}. Pass a numpy array of integers or floats, all entries of one shape."
        )
    return array


def read_pixels(argument: str, value) -> np.ndarray:
    """Reads images; integers keep their dtype, all else becomes float32.

    Args:
        argument: what to call `value` in errors.
        value: array-like (n, H, W, C), any range.

    Returns:
        Array (n, H, W, C), in native byte order.

    Raises:
        TypeError: if `value` does not hold real numbers.
        ValueError: if the rank is not 4, or a side is 0.
    """
    pixels = read_array(argument, value)
    if pixels.ndim == 3:
        raise ValueError(
            f"{argument} must have shape (n, H, W, C). Received: shape {pixels.shape}. Add an "
            f"axis: {argument}[..., None] for grayscale or {argument}[None] for one image."
        )
    if pixels.ndim != 4:
        raise ValueError(
            f"{argument} must have shape (n, H, W, C). Received: shape {pixels.shape}. "
            "Pass one array of images, channels last."
        )
    if 0 in pixels.shape:
        raise ValueError(
            f"{argument} must not be empty. Received: shape {pixels.shape}. "
            "Pass at least one image of at least one pixel."
        )
    if pixels.dtype.kind in "iu":
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused as such
        return pixels.astype(np.float32, copy=False)


def check_finite(argument: str, pixels: np.ndarray) -> None:
    """Refuses images with NaN or infinite pixels."""
    bad = ~np.isfinite(pixels).all(axis=(1, 2, 3))
    if bad.any():
        raise ValueError(
            f"{argument} must be finite as float32. Received: NaN or infinite pixels in "
            f"{bad.sum()} of {len(bad)} images, first at index {bad.argmax()}. Leave these images "
            "out or repair them."
        )


def check_length(argument: str, shape: tuple[int, ...], images_shape, word: str) -> None:
    """Refuses an array that does not have one entry for each image."""
    if shape[0] != images_shape[0]:
        raise ValueError(
            f"{argument} has {shape[0]} entries but images has {images_shape[0]}. Received: "
            f"{argument}.shape={tuple(shape)}, images.shape={tuple(images_shape)}. "
            f"Pass one {word} for each probe."
        )


def read_labels(labels, images_shape) -> np.ndarray:
    """Reads class numbers, or rows of zeros and ones.

    Args:
        labels: array-like of whole numbers (n,) or (n, 1), or of zeros and
            ones (n, k), k > 1.
        images_shape: (n, H, W, C).

    Returns:
        int64 array (n,), or float32 array (n, k) of zeros and ones.

    Raises:
        TypeError: if `labels` does not hold numbers.
        ValueError: if a value is NaN, negative, fractional or, in (n, k),
            anything but 0 and 1; if the shape does not fit.
    """
    array = read_array("labels", labels)
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"labels must have shape (n,), or (n, k) if one-hot or multi-hot. Received: shape "
            f"{array.shape}. Pass one label for each probe."
        )
    check_length("labels", array.shape, images_shape, "label")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = _first(~np.isfinite(array))
        raise ValueError(
            f"labels must not be NaN or infinite. Received: {array[where]} at index {where[0]}. "
            "Leave probes without a label out, or pass labels=None."
        )
    if array.ndim == 2:
        wrong = (array != 0) & (array != 1)
        if wrong.any():
            where = _first(wrong)
            raise ValueError(
                f"labels of shape {array.shape} must be one-hot or multi-hot, all zeros and ones. "
                f"Received: {array[where]} at index {where[0]}. Pass class numbers (n,), "
                "for soft labels labels.argmax(axis=1)."
            )
        return array.astype(np.float32)
    for wrong, rule in (
        (array != np.floor(array), "whole numbers"),
        (array < 0, "class numbers from 0 on"),
        (array >= 2**31, "class numbers below 2**31"),
    ):
        if wrong.any():
            index = int(wrong.argmax())
            raise ValueError(
                f"labels must be {rule}. Received: {array[index]} at index {index}. "
                "Pass one class number for each probe."
            )
    return array.astype(np.int64)


def one_hot_to_classes(rows: np.ndarray) -> np.ndarray:
    """Turns rows with exactly one 1 each into int64 classes; else the rows as they are."""
    if rows.ndim == 2 and (rows.sum(axis=1) == 1).all():
        return rows.argmax(axis=1).astype(np.int64)
    return rows


def check_positive_int(argument: str, value) -> int:
    """Returns `value` as an int; refuses what is not an int >= 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{argument} must be an int of at least 1. Received: {value!r}.")
    return int(value)


class SmallestKeys:
    """Keeps, for each group, the items with the smallest keys, each key once.

    The order in which items are offered does not matter, and no more than
    about `max_items` are held at any time.

    Args:
        per_group: how many items to keep for one group.
        max_items: how many to keep in all: with more groups than fit,
            `per_group` shrinks evenly for all, at last to 1 for those groups
            whose smallest keys are smallest. None for no bound.
    """

    def __init__(self, per_group: int, max_items: int | None = None):
        self.per_group = per_group
        self.max_items = max_items
        self.groups: set[Any] = set()
        self._keys: dict[Any, list] = {}
        self._items: dict[Any, dict] = {}

    @property
    def limit(self) -> int:
        """How many items one group may keep, given the groups seen so far."""
        if self.max_items is None:
            return self.per_group
        return min(self.per_group, max(1, self.max_items // max(1, len(self.groups))))

    def wants(self, group: Hashable, key) -> bool:
        """Whether an item with this key would be kept, for now."""
        keys = self._keys.get(group, [])
        if len(keys) >= self.limit and key > keys[-1]:
            return False
        return key not in self._items.get(group, ())

    def add(self, group: Hashable, key, item) -> None:
        """Takes an item that `wants` has agreed to."""
        is_new = group not in self.groups
        self.groups.add(group)
        bisect.insort(self._keys.setdefault(group, []), key)
        self._items.setdefault(group, {})[key] = item
        # Dropping is final and safe: the limit and each group's smallest key can only shrink.
        for trimmed in self._keys if is_new else (group,):
            while len(self._keys[trimmed]) > self.limit:
                del self._items[trimmed][self._keys[trimmed].pop()]
        if self.max_items is not None and len(self._keys) > self.max_items:
            last = max(self._keys, key=lambda g: self._keys[g][0])
            del self._keys[last], self._items[last]

    def sorted(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yields (group, key, item), by group and then by key."""
        for group in sorted(self._keys):
            for key in self._keys[group]:
                yield group, key, self._items[group][key]


def choose_from_dataset(dataset, *, per_class, max_probes, classes, seed) -> Chosen:
    """Chooses images for each class by content, in one pass over a dataset.

    An image is chosen by a hash of its pixels and the seed, so that the order
    of the dataset changes neither the choice nor the order of the chosen. See
    `ProbeSet.from_dataset` for the arguments.

    Raises:
        TypeError: if `dataset` or what it yields is of no known kind.
        ValueError: if it is infinite or empty, if its images differ in shape,
            or if a wanted class has no image.
    """
    per_class = check_positive_int("per_class", per_class)
    max_probes = check_positive_int("max_probes", max_probes)
    seed = _check_seed(seed)
    wanted = _check_classes(classes)
    chosen = SmallestKeys(per_class, max_probes)
    cue = SmallestKeys(MAX_CUE_IMAGES)
    is_one_hot = True
    label_shape: tuple[int, ...] | None = None
    image_shape: tuple[int, ...] | None = None

    with _random_states_kept():
        for images, labels in _batches(dataset):
            pixels = read_pixels("images", images)
            rows = None if labels is None else read_labels(labels, pixels.shape)
            image_shape = _check_same("images", image_shape, pixels.shape[1:], "Resize them.")
            if rows is not None:
                label_shape = _check_same(
                    "labels", label_shape, rows.shape[1:], "Encode them alike."
                )
                is_one_hot &= rows.ndim == 1 or bool((rows.sum(axis=1) == 1).all())
            elif wanted is not None:
                raise ValueError(
                    f"classes={sorted(wanted)} needs labels, but dataset yields images only. "
                    "Pass a dataset of (images, labels), or classes=None."
                )
            for index, image in enumerate(pixels):
                row = None if rows is None else rows[index]
                groups = [g for g in _groups_of(row) if wanted is None or g in wanted]
                if not groups:
                    continue
                content = _hash(image.tobytes(), seed)
                # With its label, for the rare image that is there twice with two labels.
                key = (content, b"" if row is None else row.tobytes())
                for group in groups:
                    if chosen.wants(group, key):
                        chosen.add(group, key, (row, image.copy()))  # a view would hold its batch
                if is_one_hot and row is not None and cue.wants(0, key):
                    cue.add(0, key, (groups[0], _blurred(image)))

    if not chosen.groups and image_shape is None:
        raise ValueError("dataset must yield at least one image. Received: an empty dataset.")
    if wanted is not None and wanted - chosen.groups:
        raise ValueError(
            f"classes must be classes of the dataset. Received: {sorted(wanted)}, but the dataset "
            f"has no image of {sorted(wanted - chosen.groups)}. Leave these out."
        )
    num_groups = len(chosen.groups)
    if num_groups * per_class > max_probes:
        shown = num_groups if num_groups <= max_probes else f"{max_probes} of {num_groups}"
        warnings.warn(
            f"per_class={per_class} is reduced to {chosen.limit} (number of classes: {shown}) "
            f"to keep within max_probes={max_probes}.",
            stacklevel=3,
        )

    contents: set[bytes] = set()
    picked = []
    for _, (content, _), item in chosen.sorted():
        if content not in contents:
            contents.add(content)
            picked.append(item)
    chosen_images = np.stack([image for _, image in picked])
    if label_shape is None:
        return Chosen(chosen_images, None)
    stacked = np.stack([row for row, _ in picked])
    if not is_one_hot:
        return Chosen(chosen_images, stacked)
    return Chosen(chosen_images, one_hot_to_classes(stacked), _cue_map(cue))


def explained_variance(maps: list[np.ndarray], labels: list[int]) -> np.ndarray:
    """Returns, per pixel, how much of the variance lies between the classes.

    High values mean that this pixel alone tells the classes apart, as the
    place of a watermark in one class would.

    Args:
        maps: float arrays (H, W), one for each image.
        labels: class of each map.

    Returns:
        float32 array (H, W), eta squared = between-class over total sum of
        squares, in [0, 1]; 0 where a pixel does not vary.
    """
    mean = sum(m.astype(np.float64) for m in maps) / len(maps)
    sums: dict[int, np.ndarray] = {}
    counts: dict[int, int] = {}
    total = np.zeros_like(mean)
    for map_, label in zip(maps, labels, strict=True):
        deviation = map_ - mean
        total += deviation**2
        sums[label] = sums.get(label, 0) + deviation
        counts[label] = counts.get(label, 0) + 1
    between = sum(sums[label] ** 2 / counts[label] for label in sums)
    varies = total > 1e-10 * total.max()  # the rest is rounding
    share = np.divide(between, total, out=np.zeros_like(total), where=varies)
    return np.clip(share, 0, 1).astype(np.float32)


def choose_from_directory(path, *, image_size, per_class, seed, mask_dir) -> Chosen:
    """Chooses images for each class from a folder of class folders.

    All files are read to hash them, only the chosen ones are decoded. See
    `ProbeSet.from_directory` for the arguments.

    Raises:
        ValueError: if a folder, image or mask is missing or cannot be read.
    """
    per_class = check_positive_int("per_class", per_class)
    seed = _check_seed(seed)
    size = _check_image_size(image_size)
    path = _check_folder("path", path)
    class_names = _class_folders(path)
    if not class_names:
        raise ValueError(
            f'path must hold one folder for each class. Received: "{path}" without any. '
            "Pass the folder above the class folders."
        )
    if mask_dir is not None:
        mask_dir = _check_folder("mask_dir", mask_dir)
    chosen = SmallestKeys(per_class)
    for label, class_name in enumerate(class_names):
        for name in _image_files(path, class_name):
            key = _hash(_read_file(os.path.join(path, name)), seed)
            if chosen.wants(label, key):
                chosen.add(label, key, name)
    if not chosen.groups:
        raise ValueError(
            f'path must hold images ({", ".join(IMAGE_FORMATS)}). Received: "{path}" with class '
            f"folders {class_names} but no image in them."
        )
    picked = list(chosen.sorted())
    names = [name for _, _, name in picked]
    return Chosen(
        images=np.stack([_load_image(os.path.join(path, name), size) for name in names]),
        labels=np.array([label for label, _, _ in picked], np.int64),
        names=[name.replace(os.sep, "/") for name in names],
        class_names=class_names,
        object_masks=None
        if mask_dir is None
        else np.stack([_load_mask(mask_dir, n, size) for n in names]),
    )


def _first(wrong: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def _hash(content: bytes, seed: int) -> bytes:
    return hashlib.blake2b(content, digest_size=16, key=str(seed).encode()[:64]).digest()


def _check_seed(seed) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be an int. Received: {seed!r}.")
    return int(seed)


def _check_classes(classes) -> set[int] | None:
    if classes is None:
        return None
    try:
        wanted = list(classes)
    except TypeError:
        wanted = []
    if not wanted or any(
        isinstance(c, bool) or not isinstance(c, (int, np.integer)) for c in wanted
    ):
        raise TypeError(f"classes must be None or a list of class numbers. Received: {classes!r}.")
    return {int(c) for c in wanted}


def _check_same(argument, first, shape, fix):
    if first is not None and first != shape:
        raise ValueError(
            f"{argument} of one dataset must have one shape. Received: entries of shape {first} "
            f"and of shape {shape}. {fix}"
        )
    return shape


@contextlib.contextmanager
def _random_states_kept():
    """Undoes what a dataset's own code draws from the global generators."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _groups_of(row) -> list[int]:
    if row is None:
        return [0]
    if row.ndim == 0:
        return [int(row)]
    # A row of zeros belongs to no class: it is put after the last one.
    return np.flatnonzero(row).tolist() or [len(row)]


def _batches(dataset) -> Iterator[tuple[Any, Any]]:
    """Yields (images, labels or None), with a batch axis."""
    if isinstance(dataset, tuple) or (hasattr(dataset, "__array__") and not is_dataset(dataset)):
        yield from _array_batches(dataset)
    elif hasattr(dataset, "element_spec"):
        if int(dataset.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
            raise ValueError(
                "dataset must end. Received: a tf.data.Dataset of infinite cardinality. "
                "Pass dataset.take(num_batches), or the dataset before .repeat()."
            )
        batch_without_channels = _is_batch_without_channels(dataset.element_spec)
        for element in dataset:
            images, labels = _unpack(element)
            if getattr(images, "ndim", None) == 3:
                # One unbatched image, or a batch of grayscale images? The labels tell.
                vector = labels is not None and np.ndim(labels) == 1 and len(labels) == len(images)
                if batch_without_channels or (vector and not np.isin(labels, (0, 1)).all()):
                    read_pixels("images", images)  # refuses rank 3
                images = images[None]
                labels = None if labels is None else np.asarray(labels)[None]
            yield images, labels
    elif is_dataset(dataset):
        if dataset.num_batches is None:
            raise ValueError(
                f"dataset must end. Received: {type(dataset).__name__} with num_batches=None, "
                "which is infinite. Pass a dataset with a number of batches."
            )
        # By index: iterating, or calling on_epoch_end, could move its state.
        for index in range(dataset.num_batches):
            yield _unpack(dataset[index])
    else:
        raise TypeError(
            "dataset must be a tf.data.Dataset, a tuple (images, labels) or a "
            f"keras.utils.PyDataset. Received: {type(dataset).__name__}."
        )


def _array_batches(arrays, size=256):
    images, labels = _unpack(arrays)
    images = read_array("images", images)
    if images.ndim != 4 or 0 in images.shape:
        read_pixels("images", images)  # refuses
    rows = None if labels is None else read_labels(labels, images.shape)
    for start in range(0, len(images), size):
        batch = slice(start, start + size)
        yield images[batch], None if rows is None else rows[batch]


def _unpack(element):
    if not isinstance(element, (tuple, list)):
        element = (element,)
    if not 1 <= len(element) <= 3 or any(isinstance(part, dict) for part in element[:2]):
        shown = ", ".join(type(part).__name__ for part in element)
        raise TypeError(
            "dataset must yield images, (images, labels) or (images, labels, weights), each one "
            f"array. Received: ({shown}). Map it, for example dataset.map(lambda d: (d['image'], "
            "d['label']))."
        )
    images, labels = (*element, None)[:2]
    return (np.asarray(images) if hasattr(images, "shape") else images), labels


def _is_batch_without_channels(element_spec) -> bool:
    specs = element_spec if isinstance(element_spec, (tuple, list)) else (element_spec,)
    shapes: list[Any] = [getattr(spec, "shape", None) for spec in specs[:2]]
    if any(shape is None or shape.rank is None for shape in shapes) or shapes[0].rank != 3:
        return False
    if len(shapes) == 2:
        return shapes[1].rank > 0 and shapes[1][0] is None
    return shapes[0][0] is None and shapes[0][1] is not None


def _blurred(image: np.ndarray) -> np.ndarray:
    """Mean over channels and 3 by 3 pixels, mirrored at the borders as in cv2.blur."""
    padded = np.pad(image.mean(axis=-1, dtype=np.float32), 1, mode="reflect")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / np.float32(9)


def _cue_map(cue: SmallestKeys) -> np.ndarray | None:
    entries = [entry for _, _, entry in cue.sorted() if np.isfinite(entry[1]).all()]
    labels = [label for label, _ in entries]
    if len(entries) < MIN_CUE_IMAGES or len(set(labels)) < 2:
        return None
    return explained_variance([blurred for _, blurred in entries], labels)


def _check_image_size(image_size) -> tuple[int, int]:
    try:
        height, width = image_size
        return check_positive_int("H", height), check_positive_int("W", width)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"image_size must be (H, W), two ints of at least 1. Received: {image_size!r}. "
            "Pass for example image_size=(224, 224)."
        ) from error


def _check_folder(argument, path) -> str:
    import tensorflow as tf

    try:
        folder = os.fspath(path)
    except TypeError as error:
        raise TypeError(f"{argument} must be a path. Received: {path!r}.") from error
    if not tf.io.gfile.isdir(folder):
        raise ValueError(f'{argument} must be a folder. Received: "{folder}", which is none.')
    return folder


def _class_folders(path) -> list[str]:
    import tensorflow as tf

    # gfile ends the folders of some remote file systems with a slash.
    names = [name.rstrip("/") for name in sorted(tf.io.gfile.listdir(path))]
    return [n for n in names if not n.startswith(".") and tf.io.gfile.isdir(os.path.join(path, n))]


def _image_files(path, class_name, formats=IMAGE_FORMATS) -> Iterator[str]:
    """Yields class_name/…/file of each image, sorted; hidden files are passed over."""
    import tensorflow as tf

    # gfile follows links to folders, which may turn in circles; os.walk does not, as in Keras.
    walk = tf.io.gfile.walk if "://" in path else os.walk
    root = os.path.join(path, class_name)
    for folder, _, files in sorted(walk(root), key=lambda entry: entry[0]):
        for file in sorted(files):
            if file.lower().endswith(formats) and not file.startswith("."):
                yield os.path.join(class_name, os.path.relpath(os.path.join(folder, file), root))


def _read_file(path) -> bytes:
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(f'"{path}" cannot be read ({error}).') from error


def _size_in_header(content: bytes) -> tuple[int, int] | None:
    """(width, height) that an image file announces, or None for an unknown format."""
    import tensorflow as tf

    try:
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            return struct.unpack(">II", content[16:24])
        if content[:4] == b"GIF8":
            return struct.unpack("<HH", content[6:10])
        if content[:2] == b"BM":
            width, height = struct.unpack("<ii", content[18:26])
            return abs(width), abs(height)
        if content[:3] == b"\xff\xd8\xff":
            height, width, _ = tf.io.extract_jpeg_shape(content).numpy().tolist()
            return width, height
    except (struct.error, tf.errors.OpError):
        pass
    return None


def _decode(path, dtype) -> Any:
    """Decodes an image file to a tensor (H, W, 3) of its own size."""
    import tensorflow as tf

    content = _read_file(path)
    size = _size_in_header(content)
    if size is None:
        raise ValueError(
            f'"{path}" is not a readable BMP, GIF, JPEG or PNG image ({len(content)} bytes). '
            "Repair or remove the file."
        )
    # Before decoding: a file of a few kilobytes can announce gigabytes of pixels.
    if size[0] * size[1] > MAX_MEGAPIXELS * 1_000_000:
        raise ValueError(
            f'"{path}" announces {size[0]} x {size[1]} pixels, more than {MAX_MEGAPIXELS} '
            "megapixels. Shrink or remove the file."
        )
    try:
        return tf.io.decode_image(content, channels=3, dtype=dtype, expand_animations=False)
    except (tf.errors.OpError, ValueError) as error:
        raise ValueError(
            f'"{path}" cannot be decoded as an image ({error}). Repair or remove the file.'
        ) from error


def _load_image(path, size) -> np.ndarray:
    """One image, float32 (H, W, 3) in 0 … 255, with the pixels that Keras loads."""
    import tensorflow as tf

    with tf.device("CPU"):
        return tf.image.resize(_decode(path, tf.uint8), size, method="bilinear").numpy()


def _load_mask(mask_dir, name, size) -> np.ndarray:
    """The mask of the image `name` ("class/filename"), bool (H, W)."""
    import tensorflow as tf

    folder, file = os.path.split(name)
    stem = os.path.splitext(file)[0]
    folder = os.path.join(mask_dir, folder)
    files = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    found = [
        f
        for f in sorted(files)
        if os.path.splitext(f)[0] == stem and f.lower().endswith(MASK_FORMATS)
    ]
    if len(found) != 1:
        raise ValueError(
            f'mask_dir must hold one mask for "{name}". Received: {found or "none"} in "{folder}". '
            f'Put a file named "{stem}" with one of the endings {", ".join(MASK_FORMATS)} there.'
        )
    path = os.path.join(folder, found[0])
    with tf.device("CPU"):
        # At 16 bits, since 8 would round the small object numbers of a 16-bit mask to zero.
        pixels = tf.image.resize(_decode(path, tf.uint16), size, method="nearest").numpy()
    mask = (pixels != 0).any(axis=-1)
    if not mask.any():
        raise ValueError(
            f'"{path}" is a mask without an object at image_size={size}: all pixels are zero. '
            "Mark the object with nonzero pixels, or remove the image."
        )
    return mask
