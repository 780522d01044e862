"""What resizing to the image would give, without resizing."""

import functools

import numpy as np

from keras_saliency._utils.resize import resize


def pearson_of_resized(current, reference, image_size):
    """Returns Pearson's r of each pair of maps, resized bilinearly, float64 (n,).

    Resizing is linear: the map at image size is R A S', so that a product of two such
    maps is a product of the native ones with R'R and S'S between.

    Args:
        current: float array (n, h, w).
        reference: another one.
        image_size: (H, W).
    """
    (row_products, row_sums), (column_products, column_sums) = (
        _resizing(size, image_size[axis]) for axis, size in enumerate(current.shape[1:])
    )
    a, b = current.astype(np.float64), reference.astype(np.float64)
    num_pixels = image_size[0] * image_size[1]
    sum_a, sum_b = (np.einsum("nhw,h,w->n", m, row_sums, column_sums) for m in (a, b))

    def product(x, y):
        return (np.matmul(np.matmul(row_products, x), column_products) * y).sum(axis=(1, 2))

    covariance = product(a, b) - sum_a * sum_b / num_pixels
    variances = [product(m, m) - s * s / num_pixels for m, s in ((a, sum_a), (b, sum_b))]
    return covariance / np.sqrt(variances[0] * variances[1])


@functools.lru_cache(maxsize=64)
def _resizing(size, image_size):
    """R'R and R'1 of the matrix R (image_size, size) that resizes an axis bilinearly."""
    identity = np.eye(size, dtype=np.float32)[:, None, :]  # one row each
    matrix = resize(identity, (1, image_size))[:, 0, :].T.astype(np.float64)
    return matrix.T @ matrix, matrix.sum(axis=0)
