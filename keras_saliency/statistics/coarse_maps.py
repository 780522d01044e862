"""`CoarseMaps`: small maps of all probes, as statistics of a set take them."""

import math

import numpy as np

from keras_saliency._utils.resize import resize
from keras_saliency.statistics.maps import Maps
from keras_saliency.statistics.native_drift import resizing
from keras_saliency.statistics.registry import Attention


class CoarseMaps:
    """A `MapSet` of maps such as Grad-CAM's, which need not be resized to be summed and compared.

    Resizing is linear: sums and products of maps at image size follow from those of native size,
    see `native_drift`.

    Args:
        attention: `Attention` of all probes, with maps that `is_coarse`.
    """

    def __init__(self, attention: Attention):
        self._attention = attention
        self._native = attention.native.unit.astype(np.float64)
        self.image_size = attention.image_size
        self.num_pixels = math.prod(attention.image_size)

    @property
    def empty(self) -> np.ndarray:
        """Which maps are all zero, bool (n,)."""
        return self._attention.native.empty

    @property
    def undefined(self) -> np.ndarray:
        """Which maps are all zero or not finite, bool (n,)."""
        return self._attention.native.undefined

    @property
    def comparable(self) -> np.ndarray:
        """Which maps point anywhere: neither undefined nor constant, bool (n,)."""
        return self._attention.native.comparable

    def take(self, indices: np.ndarray) -> Maps:
        """Returns some probes' maps at image size."""
        some = self._attention.native.take(indices)
        return Attention(self._attention.method, some, self.image_size).image

    def sum_of_correlations(self, members: np.ndarray) -> np.ndarray:
        """Returns the sum of each member's Pearson's r with all members, itself too, float (m,).

        Args:
            members: indices of comparable maps, int (m,).
        """
        (row_products, row_sums), (column_products, column_sums) = self._resizing()
        maps = self._native[members]
        sums = np.einsum("nhw,h,w->n", maps, row_sums, column_sums)

        def products_with(others: np.ndarray) -> np.ndarray:
            between = np.matmul(np.matmul(row_products, others), column_products)
            return (between * maps).sum(axis=(1, 2))

        norms = np.sqrt(products_with(maps) - sums * sums / self.num_pixels)
        total = np.einsum("nhw,n->hw", maps, 1 / norms)
        centre = sums * (sums / norms).sum() / self.num_pixels
        return (products_with(total[None]) - centre) / norms

    def mean_map(self, members: np.ndarray) -> np.ndarray:
        """Returns the mean of the members' unit-mass maps at image size, float64 (H, W)."""
        (_, row_sums), (_, column_sums) = self._resizing()
        maps = self._native[members]
        sums = np.einsum("nhw,h,w->n", maps, row_sums, column_sums)
        mean = np.einsum("nhw,n->hw", maps, 1 / sums) / len(members)
        return resize(mean[None].astype(np.float32), self.image_size)[0].astype(np.float64)

    def _resizing(self) -> list[tuple[np.ndarray, np.ndarray]]:
        sizes = zip(self._native.shape[1:], self.image_size, strict=True)
        return [resizing(size, image_size) for size, image_size in sizes]
