"""Image files: read, measured by their header and decoded."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.probes.files import is_folder, list_folder, read_file
from keras_saliency.probes.image_headers import MAX_MEGAPIXELS, read_header
from keras_saliency.probes.palettes import with_black_first

# The extensions that keras.utils.image_dataset_from_directory reads.
IMAGE_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
# JPEG rounding scatters nonzero pixels around an object.
MASK_FORMATS = (".bmp", ".gif", ".png")


def load_image(
    path: str | os.PathLike[str], size: Sequence[int], num_channels: int = 3
) -> np.ndarray:
    """Returns one image, float32 (H, W, C) in 0 … 255, with the pixels that Keras loads."""
    import tensorflow as tf

    with tf.device("CPU"):
        return tf.image.resize(
            _decode(path, tf.uint8, num_channels), size, method="bilinear"
        ).numpy()


class MaskFolder:
    """A folder of masks, in class folders; each of these is listed once."""

    def __init__(self, path: str):
        self.path = path
        self._files: dict[str, dict[str, list[str]]] = {}

    def load(self, name: str, size: Sequence[int]) -> np.ndarray:
        """Returns the mask of the image `name` ("class/filename"), bool (H, W)."""
        import tensorflow as tf

        folder, file = os.path.split(name)
        stem = os.path.splitext(file)[0]
        folder = os.path.join(self.path, folder)
        found = self._listed(folder).get(stem, [])
        if len(found) != 1:
            raise ValueError(
                f"mask_dir must hold one mask for {shown(name, 300)}. Received: "
                f"{shown(found) if found else 'none'} in {shown(folder, 300)}. Put a file named "
                f"{shown(stem, 300)} with one of the endings {', '.join(MASK_FORMATS)} there."
            )
        path = os.path.join(folder, found[0])
        with tf.device("CPU"):
            # At 16 bits, since 8 would round the small object numbers of a 16-bit mask to zero.
            decoded = _decode(path, tf.uint16)
            pixels = tf.image.resize(decoded, size, method="nearest").numpy()
        _check_background(path, decoded.numpy())
        mask = (pixels != 0).any(axis=-1)
        if not mask.any():
            raise ValueError(
                f"{shown(path, 300)} is a mask without an object at image_size={size}: all pixels "
                "are zero. Mark the object with nonzero pixels, or remove the image."
            )
        return mask

    def _listed(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._files:
            files: dict[str, list[str]] = {}
            for file in list_folder(folder) if is_folder(folder) else []:
                if file.lower().endswith(MASK_FORMATS):
                    files.setdefault(os.path.splitext(file)[0], []).append(file)
            self._files[folder] = files
        return self._files[folder]


def _check_background(path: str, pixels: np.ndarray) -> None:
    """Refuses a mask with a palette whose background has another colour than black.

    Its colours would mark the background. The background is number 0, unless black is more
    frequent along the border: programs that optimize a palette may give any number to black.
    """
    import tensorflow as tf

    content = with_black_first(read_file(path))
    if content is None:
        return
    with tf.device("CPU"):
        numbers = tf.io.decode_image(content, 3, expand_animations=False).numpy()
    border = np.ones(pixels.shape[:2], bool)
    border[1:-1, 1:-1] = False
    is_first, is_black = ((array == 0).all(axis=-1) for array in (numbers, pixels))
    is_marked = is_first & ~is_black
    first, black = (((is_it & border).sum(), is_it.sum()) for is_it in (is_marked, is_black))
    if first > black:
        colour = tuple(int(c) >> 8 for c in pixels[is_marked][0])
        raise ValueError(
            f"{shown(path, 300)} is a mask with a palette whose first colour is {colour}. That is "
            f"usually the background, and yet nonzero: {(~is_black).sum()} of {is_black.size} "
            "pixels would count as object. Save the numbers of the colours instead: "
            "Image.fromarray(np.array(Image.open(path))).save(path), or make the background black."
        )


def _decode(path: str | os.PathLike[str], dtype: Any, num_channels: int = 3) -> Any:
    """Decodes an image file to a tensor (H, W, C) of its own size."""
    import tensorflow as tf

    path = os.fsdecode(path)
    content = read_file(path)
    announced = read_header(content)
    if announced is None:
        raise ValueError(
            f"{shown(path, 300)} is not a readable BMP, GIF, JPEG, PNG or WebP image "
            f"({len(content)} bytes). Repair or remove the file."
        )
    # Before decoding: a file of a few kilobytes can announce gigabytes of pixels.
    if announced.is_too_large:
        width, height, frame_pixels = announced
        frames = f" in frames of {frame_pixels} pixels in all" if frame_pixels else ""
        raise ValueError(
            f"{shown(path, 300)} announces {width} x {height} pixels{frames}, more than "
            f"{MAX_MEGAPIXELS} megapixels. Shrink or remove the file."
        )
    try:
        return tf.io.decode_image(content, num_channels, dtype=dtype, expand_animations=False)
    except (tf.errors.OpError, ValueError) as error:
        raise ValueError(
            f"{shown(path, 300)} cannot be decoded as an image ({error}). Repair or remove the "
            "file."
        ) from error
