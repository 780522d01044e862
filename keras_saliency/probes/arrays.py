"""Arrays as a user passes them: read, checked and frozen."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_MIN_LENGTH = 32  # of a signal
_COLOURS = (3, 4)  # channels of RGB and RGBA


def is_dataset(value: object) -> bool:
    """Whether `value` is a `tf.data.Dataset` or a `keras.utils.PyDataset`."""
    # By its attributes, since importing TensorFlow to ask takes seconds.
    return hasattr(value, "element_spec") or hasattr(type(value), "num_batches")


def no_probes(value: object) -> TypeError:
    """Returns the error for a value that no `ProbeSet` can be made of."""
    fix = "Pass ProbeSet(images, labels)."
    if is_dataset(value):
        fix = "Use ProbeSet.from_dataset(dataset)."
    length = f" of {len(value)}" if isinstance(value, tuple | list) else ""
    return TypeError(
        "probes must be a ProbeSet, a tuple (images, labels) or an array of images. "
        f"Received: {type(value).__name__}{length}. {fix}"
    )


def read_array(argument: str, value: object) -> np.ndarray:
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
            f"{argument} must hold real numbers. Received: {type(value).__name__} of dtype "
            f"{array.dtype}, shape {array.shape}. Pass a numpy array of integers or floats, all "
            "entries of one shape."
        )
    return array


def read_pixels(
    argument: str,
    value: object,
    num_axes: Sequence[int] = (3, 4, 5),
    num_labels: int | None = None,
) -> np.ndarray:
    """Reads images, signals or volumes; integers keep their dtype, all else becomes float32.

    Args:
        argument: what to call `value` in errors.
        value: array-like (n, H, W, C), (n, length, C) or (n, D, H, W, C), any range.
        num_axes: how many axes it may have.
        num_labels: how many labels there are, None where that is unknown: three axes that
            could be one image are signals if there are as many labels.

    Returns:
        The array, in native byte order.

    Raises:
        TypeError: if `value` does not hold real numbers.
        ValueError: if it has another number of axes, or a side is 0.
    """
    pixels = read_array(argument, value)
    if pixels.ndim == 3 and (3 not in num_axes or not is_signal(pixels.shape, num_labels)):
        raise ValueError(
            f"{argument} must have shape (n, H, W, C). Received: shape {pixels.shape}. Add an "
            f"axis: {argument}[..., None] for grayscale or {argument}[None] for one image. "
            f"Signals (n, length, C) have a length of at least {_MIN_LENGTH} and more than twice "
            "their channels; where they could be one RGB image, they need labels."
        )
    is_wrapped = pixels.ndim == 5 and len(pixels) == 1 and pixels.shape[-1] in _COLOURS
    is_wrapped &= num_labels != 1
    if pixels.ndim not in num_axes or is_wrapped:
        raise ValueError(
            f"{argument} must have shape (n, H, W, C). Received: shape {pixels.shape}. "
            "Pass one array, channels last: (n, length, C) for signals, (n, D, H, W, C) for "
            "volumes."
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


def is_signal(shape: Sequence[int], num_labels: int | None) -> bool:
    """Whether three axes are signals, not grayscale images or one image that lack an axis."""
    num, length, num_channels = shape
    if length < _MIN_LENGTH or length <= 2 * num_channels:
        return False
    is_like_one_image = num_channels in _COLOURS and length <= 2 * num and num <= 2 * length
    return not is_like_one_image or num_labels == num


def read_display(display_images: object, images_shape: tuple[int, ...]) -> np.ndarray:
    """Reads pictures to draw: uint8, gray or RGB; returns a frozen RGB array (n, H, W, 3)."""
    array = read_array("display_images", display_images)
    given_shape = array.shape
    if array.dtype != np.uint8:
        raise TypeError(
            f"display_images must be uint8, in 0 … 255. Received: dtype {array.dtype}. "
            "Pass display_images.astype(np.uint8)."
        )
    if array.ndim == 3:
        array = array[..., None]
    expected = images_shape[:3]
    if len(images_shape) != 4:
        raise ValueError(
            "display_images can be given for images (n, H, W, C) only. Received: images of shape "
            f"{tuple(images_shape)}. Leave display_images out."
        )
    if array.ndim != 4 or array.shape[:3] != expected or array.shape[3] not in (1, 3):
        raise ValueError(
            f"display_images must be RGB {(*expected, 3)} or gray {expected}, to match images. "
            f"Received: shape {given_shape}. Resize them to the images' size."
        )
    return frozen(np.broadcast_to(array, (*expected, 3)))


def read_channels(
    display_channels: int | Sequence[int], images_shape: Sequence[int], has_display_images: bool
) -> tuple[int, ...]:
    """Reads which channels are drawn; returns their numbers."""
    num_channels = images_shape[-1]
    given: Any = display_channels
    channels = given if isinstance(given, tuple | list) else [given]
    if any(isinstance(c, bool) or not isinstance(c, int | np.integer) for c in channels):
        raise TypeError(
            "display_channels must be channel numbers, such as (3, 2, 1). Received: "
            f"{display_channels!r}."
        )
    fits = len(channels) > 0 if len(images_shape) == 3 else len(channels) in (1, 3)
    if not fits or not all(0 <= c < num_channels for c in channels):
        raise ValueError(
            f"display_channels must be one or three numbers from 0 to {num_channels - 1} (for "
            f"signals, any number of them). Received: {display_channels!r}."
        )
    if has_display_images:
        raise ValueError("Pass either display_images or display_channels, not both.")
    return tuple(int(c) for c in channels)


def check_finite(argument: str, pixels: np.ndarray) -> None:
    """Refuses images with NaN or infinite pixels."""
    bad = ~np.isfinite(pixels).all(axis=tuple(range(1, pixels.ndim)))
    if bad.any():
        raise ValueError(
            f"{argument} must be finite as float32. Received: NaN or infinite pixels in "
            f"{bad.sum()} of {len(bad)} images, first at index {bad.argmax()}. Leave these images "
            "out or repair them."
        )


def check_length(
    argument: str, values: Collection[Any], images_shape: tuple[int, ...], noun: str
) -> None:
    """Refuses an array or a list that does not have one entry for each image."""
    if len(values) != images_shape[0]:
        size = f"len({argument})={len(values)}"
        if isinstance(values, np.ndarray):
            size = f"{argument}.shape={values.shape}"
        raise ValueError(
            f"{argument} has {len(values)} entries but images has {images_shape[0]}. Received: "
            f"{size}, images.shape={images_shape}. Pass one {noun} for each probe."
        )


def frozen(array: ArrayLike) -> np.ndarray:
    """Returns a read-only copy."""
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy
