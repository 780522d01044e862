"""Choosing probes from a folder of class folders."""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from keras_saliency._utils.arguments import check_int, shown
from keras_saliency.probes.choosing import Chosen, SmallestKeys, check_seed, content_hash
from keras_saliency.probes.files import (
    as_text,
    is_folder,
    list_folder,
    read_file,
    walk_folder,
)
from keras_saliency.probes.folder_swaps import ImageFolder, read_swaps
from keras_saliency.probes.image_files import IMAGE_FORMATS, MaskFolder
from keras_saliency.probes.swap_images import MAX_IMAGES, most_images

# What `image_dataset_from_directory` calls them, and how many channels they have.
COLOR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}


def choose_from_directory(
    path: str | os.PathLike[str],
    *,
    image_size: Sequence[int],
    color_mode: str,
    per_class: int,
    seed: int,
    mask_dir: str | os.PathLike[str] | None,
) -> Chosen:
    """Chooses images for each class from a folder of class folders.

    All files are read to hash them. Decoded are the chosen ones and those for swaps. See
    `ProbeSet.from_directory` for the arguments.

    Raises:
        ValueError: if a folder, image or mask is missing or cannot be read.
    """
    per_class = check_int("per_class", per_class)
    seed = check_seed(seed)
    size = _check_image_size(image_size)
    num_channels = _num_channels(color_mode)
    path = _check_folder("path", path)
    class_names = _class_folders(path)
    if not class_names:
        raise ValueError(
            f'path must hold one folder for each class. Received: "{path}" without any. '
            "Pass the folder above the class folders."
        )
    masks = None if mask_dir is None else MaskFolder(_check_folder("mask_dir", mask_dir))
    chosen = SmallestKeys(per_class)
    pool = SmallestKeys(MAX_IMAGES, most_images((*size, num_channels), 1, masks is not None))
    class_counts: Counter[int] = Counter()
    for label, class_name in enumerate(class_names):
        for name in _image_files(path, class_name):
            class_counts[label] += 1
            key = content_hash(read_file(os.path.join(path, name)), seed)
            for kept in (chosen, pool):
                if kept.wants(label, key):
                    kept.add(label, key, name)
    if not chosen.groups:
        raise ValueError(
            f'path must hold images ({", ".join(IMAGE_FORMATS)}). Received: "{path}" with class '
            f"folders {class_names} but no image in them."
        )
    folder = ImageFolder(path, size, num_channels, masks)
    names = [name for _, _, name in chosen.sorted()]
    probes = Chosen(
        images=np.stack([folder.image(name) for name in names]),
        labels=np.array([label for label, _, _ in chosen.sorted()], np.int64),
        names=[folder.shown(name) for name in names],
        class_names=[as_text(name) for name in class_names],
        object_masks=None
        if masks is None
        else np.stack([masks.load(name, size) for name in names]),
        class_counts=dict(class_counts),
    )
    watched = {entry[:2] for entry in chosen.sorted()}
    return dataclasses.replace(probes, swaps=read_swaps(folder, pool, watched, probes))


def _num_channels(color_mode: str) -> int:
    if not isinstance(color_mode, str) or color_mode not in COLOR_MODES:
        listed = ", ".join(f'"{mode}"' for mode in COLOR_MODES)
        raise ValueError(
            f"color_mode must be one of {listed}. Received: {shown(color_mode)}. Pass what "
            "image_dataset_from_directory was given."
        )
    return COLOR_MODES[color_mode]


def _check_image_size(image_size: Sequence[int]) -> tuple[int, int]:
    try:
        height, width = image_size
        return check_int("H", height), check_int("W", width)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"image_size must be (H, W), two ints of at least 1. Received: {image_size!r}. "
            "Pass for example image_size=(224, 224)."
        ) from error


def _check_folder(argument: str, path: str | os.PathLike[str]) -> str:
    try:
        folder = os.fsdecode(path)
    except TypeError as error:
        raise TypeError(f"{argument} must be a path. Received: {shown(path)}.") from error
    if not is_folder(folder):
        raise ValueError(
            f"{argument} must be a folder. Received: {shown(folder, 300)}, which is none."
        )
    return folder


def _class_folders(path: str) -> list[str]:
    names = [name for name in list_folder(path) if not name.startswith(".")]
    return [name for name in names if is_folder(os.path.join(path, name))]


def _image_files(path: str, class_name: str) -> Iterator[str]:
    """Yields class_name/…/file of each image, sorted; hidden files are passed over."""
    root = os.path.join(path, class_name)
    for folder, _, files in sorted(walk_folder(root), key=lambda entry: entry[0]):
        for file in sorted(files):
            if file.lower().endswith(IMAGE_FORMATS) and not file.startswith("."):
                yield os.path.join(class_name, os.path.relpath(os.path.join(folder, file), root))
