"""`ProbeSet`: the images that are watched."""

import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_saliency.probes.arrays import (
    check_finite,
    frozen,
    no_probes,
    read_array,
    read_channels,
    read_display,
    read_pixels,
)
from keras_saliency.probes.datasets import choose_from_dataset
from keras_saliency.probes.folders import choose_from_directory
from keras_saliency.probes.frozen_probes import FrozenProbes
from keras_saliency.probes.labels import (
    are_targets,
    check_named,
    count_rows,
    one_hot_to_classes,
    read_labels,
)
from keras_saliency.probes.names import check_class_names, check_names, read_groups
from keras_saliency.probes.object_masks import check_one_box, is_left_open, read_masks
from keras_saliency.probes.other_inputs import is_several, split
from keras_saliency.probes.preprocess import check_preprocess


class ProbeSet(FrozenProbes):
    """A fixed collection of labelled images, validated once and then immutable.

    Heatmaps of different epochs can be compared only because they are always
    made from these same images. Take them from validation data.

    Args:
        images: array-like (n, H, W, C), any finite range; signals (n, length, C) of at least
            32 samples and more than twice their channels, since what is shorter could be
            images without a channel axis; volumes (n, D, H, W, C). Integers keep their
            dtype, all else becomes float32. For a model with several inputs, a dict
            or a list of them: the first of the highest rank is the image, which is
            explained, and the others, (n, ...), are held fixed.
        labels: class numbers (n,) or (n, 1), or one-hot or multi-hot rows of
            zeros and ones (n, k), k > 1; one-hot if each row holds exactly one
            1. None for images without labels.
        object_masks: where the object is: masks (n, H, W) or (n, H, W, 1) of
            zeros and ones, or whole-number boxes (n, 4) = (y0, x0, y1, x1) in
            pixels, half-open; (n, 2) = (start, end) for signals, (n, 6) =
            (z0, y0, x0, z1, y1, x1) for volumes; or one such box for all. The shape
            decides which it is. "auto": the program finds the objects in images
            itself, for swaps only; statistics do not use them. None: it does not.
        groups: anything hashable for each probe, such as a patient or a
            camera, kept as text.
        names: one string for each probe. Defaults to "probe 0", "probe 1", …
        class_names: one string for each class, no two alike.
        display_images: uint8 array, RGB (n, H, W, 3) or gray (n, H, W) or
            (n, H, W, 1), drawn instead of `images`.
        display_channels: numbers of the channels of `images` that are drawn: one in grey,
            three as red, green and blue; any number for signals. Defaults to None,
            the first three.
        preprocess: function that turns images (n, H, W, C) into the model's
            input, also of four axes. Called once here, on a copy.

    Its attributes are those of `FrozenProbes`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if an argument does not fit, or `preprocess` fails.
    """

    def __init__(
        self,
        images: ArrayLike | Mapping[str, ArrayLike] | Sequence[ArrayLike],
        labels: ArrayLike | None = None,
        *,
        object_masks: ArrayLike | Literal["auto"] | None = "auto",
        groups: Iterable[Hashable] | None = None,
        names: Iterable[str] | None = None,
        class_names: Iterable[str] | None = None,
        display_images: ArrayLike | None = None,
        display_channels: int | Sequence[int] | None = None,
        preprocess: Callable[[np.ndarray], Any] | None = None,
    ):
        others = None
        if is_several(images):
            images, others = split(images, read_array)
        pixels = frozen(read_pixels("images", images, num_labels=count_rows(labels)))
        check_finite("images", pixels)
        rows = None if labels is None else one_hot_to_classes(read_labels(labels, pixels.shape))
        named = None if class_names is None else check_class_names(class_names)
        if named is not None and rows is not None:
            check_named(rows, len(named))
        names = [f"probe {i}" for i in range(len(pixels))] if names is None else names
        check_preprocess(preprocess)
        is_open = is_left_open(object_masks)
        self._set(
            images=pixels,
            pixel_dtype=pixels.dtype,
            object_masks=None if is_open else read_masks(object_masks, pixels.shape),
            finds_objects=is_open and object_masks is not None and pixels.ndim == 4,
            groups=None if groups is None else read_groups(groups, pixels.shape),
            names=check_names(names, pixels.shape),
            class_names=named,
            display_images=None
            if display_images is None
            else read_display(display_images, pixels.shape),
            display_channels=None
            if display_channels is None
            else read_channels(display_channels, pixels.shape, display_images is not None),
            preprocess=preprocess,
            cue_map=None,
            class_counts=None,
            other_inputs=others,
            _swaps=None,
        )
        self._set_labels(rows)
        _ = self.model_inputs  # made here, so that a preprocess that fails is found here

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        *,
        per_class: int = 10,
        max_probes: int = 200,
        classes: Iterable[int] | None = None,
        seed: int = 0,
        class_names: Iterable[str] | None = None,
        preprocess: Callable[[np.ndarray], Any] | None = None,
        object_masks: Sequence[int] | Literal["auto"] | None = "auto",
    ) -> "ProbeSet":
        """Chooses probes for each class from a dataset, by content.

        The whole dataset is read once, and images are chosen by a hash of
        their pixels: shuffling the dataset changes neither the choice nor its
        order, while random augmentation in it would. Held in memory are the probes
        and, if there are labels, the images for swaps, see `for_swaps`. Images that
        are there twice count once.

        Pass validation data: reading a `tf.data` training set that reshuffles
        itself moves its later order, and so changes the training.

        Args:
            dataset: `tf.data.Dataset`, batched or not, `keras.utils.PyDataset`
                or a tuple, of images, (images, labels) or (images, labels,
                weights). Labels as `ProbeSet` takes them, or floats (n,) or (n, 1), of
                which one at least is no class number: the targets of a regression.
            per_class: how many probes of each class; all of a class with fewer. A multi-hot
                probe is a candidate for each of its classes, and those without any are one
                more class. Without labels, and with float targets, this many in all.
            max_probes: how many in all at most: `per_class` is reduced evenly,
                with a notice. With more classes than that, one probe each
                of some of them.
            classes: class numbers to choose from. None for all.
            seed: int; another seed chooses other images.
            class_names: see `ProbeSet`. Defaults to `dataset.class_names` if
                there is one.
            preprocess: see `ProbeSet`.
            object_masks: "auto", None, or one box for all images, see `ProbeSet`.

        Returns:
            `ProbeSet`, sorted by class, with a `cue_map`.

        Raises:
            TypeError: if `dataset` is of no known kind.
            ValueError: if it is infinite or empty, or its content does not fit.
        """
        check_one_box(object_masks)
        chosen = choose_from_dataset(
            dataset, per_class=per_class, max_probes=max_probes, classes=classes, seed=seed
        )
        if class_names is None:
            class_names = getattr(dataset, "class_names", None)
        has_targets = chosen.labels is not None and are_targets(chosen.labels)
        if has_targets and class_names is not None:
            raise ValueError(
                "class_names needs class numbers, but the labels are targets of a regression. "
                "Leave class_names out."
            )
        probes = cls(
            chosen.images,
            None if has_targets else chosen.labels,
            object_masks=object_masks,
            class_names=class_names,
            preprocess=preprocess,
        )
        # The rows chosen from a multi-hot dataset may happen to look one-hot.
        probes._set_labels(chosen.labels)
        probes._set(cue_map=None if chosen.cue_map is None else frozen(chosen.cue_map))
        probes._set(class_counts=chosen.class_counts)
        probes._keep_for_swaps(chosen.swaps)
        return probes

    @classmethod
    def from_directory(
        cls,
        path: str | os.PathLike[str],
        *,
        image_size: Sequence[int],
        color_mode: str = "rgb",
        per_class: int = 10,
        seed: int = 0,
        mask_dir: str | os.PathLike[str] | None = None,
        preprocess: Callable[[np.ndarray], Any] | None = None,
        object_masks: Sequence[int] | Literal["auto"] | None = "auto",
    ) -> "ProbeSet":
        """Chooses probes for each class from a folder of class folders.

        Files, classes and pixels are those of `keras.utils.image_dataset_from_directory(
        path, image_size=image_size, color_mode=color_mode)`: class folders in alphanumeric
        order, float32 in 0 … 255, resized bilinearly. Images are chosen by a hash of their file.
        More of them are decoded for swaps, see `for_swaps`; there, files that cannot be decoded
        or lack a mask are left out.

        Args:
            path: folder with one folder for each class, holding .bmp, .gif
                (the first frame), .jpeg, .jpg or .png files. Hidden files are
                passed over.
            image_size: (H, W).
            color_mode: "rgb" (C = 3), "grayscale" (1) or "rgba" (4).
            per_class: how many probes of each class; all of a class with fewer.
            seed: int; another seed chooses other images.
            mask_dir: folder with the same class folders, and in them for
                each image a .png, .bmp or .gif file of the same name but for
                the ending; a nonzero pixel belongs to the object.
            preprocess: see `ProbeSet`.
            object_masks: "auto", None, or one box for all images, see `ProbeSet`; a box
                takes the place of `mask_dir`.

        Returns:
            `ProbeSet` with names "class/filename", sorted by class.

        Raises:
            ValueError: if a folder, image or mask is missing or cannot be
                read; the sentence names it.
        """
        check_one_box(object_masks, mask_dir)
        chosen = choose_from_directory(
            path,
            image_size=image_size,
            color_mode=color_mode,
            per_class=per_class,
            seed=seed,
            mask_dir=mask_dir,
        )
        probes = cls(
            chosen.images,
            chosen.labels,
            object_masks=object_masks if chosen.object_masks is None else chosen.object_masks,
            names=chosen.names,
            class_names=chosen.class_names,
            preprocess=preprocess,
        )
        probes._set(class_counts=chosen.class_counts)
        probes._keep_for_swaps(chosen.swaps)
        return probes

    @classmethod
    def of(cls, probes: Any) -> "ProbeSet":
        """Returns a `ProbeSet` as it is; makes one of (images, labels) or an array of images."""
        if isinstance(probes, ProbeSet):
            return probes
        if isinstance(probes, tuple) and len(probes) == 2:
            return cls(*probes)
        if hasattr(probes, "__array__") or isinstance(probes, dict):
            return cls(probes)
        raise no_probes(probes)
