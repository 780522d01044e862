"""Choosing probes from a folder of class folders."""

import os
from collections.abc import Iterator

import numpy as np

from keras_saliency.arguments import check_positive_int
from keras_saliency.probes.choosing import Chosen, SmallestKeys, check_seed, content_hash
from keras_saliency.probes.image_files import IMAGE_FORMATS, load_image, load_mask, read_file


def choose_from_directory(path, *, image_size, per_class, seed, mask_dir) -> Chosen:
    """Chooses images for each class from a folder of class folders.

    All files are read to hash them, only the chosen ones are decoded. See
    `ProbeSet.from_directory` for the arguments.

    Raises:
        ValueError: if a folder, image or mask is missing or cannot be read.
    """
    per_class = check_positive_int("per_class", per_class)
    seed = check_seed(seed)
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
            key = content_hash(read_file(os.path.join(path, name)), seed)
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
        images=np.stack([load_image(os.path.join(path, name), size) for name in names]),
        labels=np.array([label for label, _, _ in picked], np.int64),
        names=[name.replace(os.sep, "/") for name in names],
        class_names=class_names,
        object_masks=None
        if mask_dir is None
        else np.stack([load_mask(mask_dir, n, size) for n in names]),
    )


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
