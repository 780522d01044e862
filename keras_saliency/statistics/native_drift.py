"""Drift of maps resized to the image, computed from coarse maps without resizing them."""

import functools
from collections.abc import Callable

import numpy as np

from keras_saliency._utils.resize import resize
from keras_saliency.statistics.registry import Attention

# Above, BLAS starts threads for a product, which wait seconds on a busy machine.
COARSE_SIDE = 32
# From unit-mass maps (n, h, w) of two epochs and the image's size to a number for each probe.
NativeFormula = Callable[[np.ndarray, np.ndarray, tuple[int, ...]], np.ndarray]


def are_coarse(current: Attention, reference: Attention) -> bool:
    """Whether both have small native maps of one size, as Grad-CAM's are."""
    shape, size = current.native.unit.shape, current.image_size
    is_alike = (shape, size) == (reference.native.unit.shape, reference.image_size)
    return is_alike and is_coarse(shape[1:], size)


def is_coarse(size: tuple[int, ...], image_size: tuple[int, ...]) -> bool:
    """Whether maps of a size are small, and resized to another one to be compared."""
    return len(size) == 2 and max(size) <= COARSE_SIDE and size != tuple(image_size)


def compare_native(formula: NativeFormula, current: Attention, reference: Attention) -> np.ndarray:
    """Applies a formula to native maps; NaN where one of them points nowhere."""
    a, b = current.native, reference.native
    with np.errstate(invalid="ignore", divide="ignore"):  # of maps that are masked below
        values = formula(a.unit, b.unit, current.image_size).astype(np.float32)
    values[~(a.comparable & b.comparable)] = np.nan
    return values


def pearson_of_resized(
    current: np.ndarray, reference: np.ndarray, image_size: tuple[int, ...]
) -> np.ndarray:
    """Returns Pearson's r of each pair of maps, resized bilinearly, float64 (n,).

    Resizing is linear: the map at image size is R A S', so that a product of two such
    maps is a product of the native ones with R'R and S'S between.

    Args:
        current: float array (n, h, w).
        reference: another one.
        image_size: (H, W).
    """
    (row_products, row_sums), (column_products, column_sums) = (
        resizing(size, image_size[axis]) for axis, size in enumerate(current.shape[1:])
    )
    a, b = current.astype(np.float64), reference.astype(np.float64)
    num_pixels = image_size[0] * image_size[1]
    sum_a, sum_b = (np.einsum("nhw,h,w->n", m, row_sums, column_sums) for m in (a, b))

    def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (np.matmul(np.matmul(row_products, x), column_products) * y).sum(axis=(1, 2))

    covariance = product(a, b) - sum_a * sum_b / num_pixels
    variances = [product(m, m) - s * s / num_pixels for m, s in ((a, sum_a), (b, sum_b))]
    return covariance / np.sqrt(variances[0] * variances[1])


@functools.lru_cache(maxsize=64)
def resizing(size: int, image_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns R'R and R'1 of the matrix R (image_size, size) that resizes an axis bilinearly."""
    identity = np.eye(size, dtype=np.float32)[:, None, :]  # one row each
    matrix = resize(identity, (1, image_size))[:, 0, :].T.astype(np.float64)
    return matrix.T @ matrix, matrix.sum(axis=0)
