"""Image files: read, measured by their header and decoded."""

import os
import struct
from typing import Any

import numpy as np

# The extensions that keras.utils.image_dataset_from_directory reads.
IMAGE_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
# JPEG rounding scatters nonzero pixels around an object.
MASK_FORMATS = (".bmp", ".gif", ".png")
MAX_MEGAPIXELS = 100


def load_image(path, size, num_channels=3) -> np.ndarray:
    """One image, float32 (H, W, C) in 0 … 255, with the pixels that Keras loads."""
    import tensorflow as tf

    with tf.device("CPU"):
        return tf.image.resize(
            _decode(path, tf.uint8, num_channels), size, method="bilinear"
        ).numpy()


def load_mask(mask_dir, name, size) -> np.ndarray:
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


def read_file(path) -> bytes:
    """Returns the content of a file, local or remote."""
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


def _decode(path, dtype, num_channels=3) -> Any:
    """Decodes an image file to a tensor (H, W, C) of its own size."""
    import tensorflow as tf

    content = read_file(path)
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
        return tf.io.decode_image(content, num_channels, dtype=dtype, expand_animations=False)
    except (tf.errors.OpError, ValueError) as error:
        raise ValueError(
            f'"{path}" cannot be decoded as an image ({error}). Repair or remove the file.'
        ) from error
