"""How far images are aligned: whether the same thing is at the same place in all of them."""

from collections.abc import Iterable

import numpy as np

MAX_ALIGNMENT = 0.05  # photographs and satellite pictures are below .02, faces above .1


def alignment(images: Iterable[np.ndarray], without: np.ndarray) -> float:
    """Returns the variance of the mean image over the mean variance of the images.

    Each channel of an image is taken less its own mean. Of n images that have nothing in common
    the ratio is 1/n by chance, which is subtracted.

    Args:
        images: arrays (H, W, C).
        without: bool (H, W), what is left out, such as an accused window: a strong tag
            aligns images by itself.
    """
    total, variances = np.zeros(1), []
    for image in images:
        pixels = image[~without].astype(np.float64)
        pixels = pixels - pixels.mean(axis=0)
        total = total + pixels
        variances.append(pixels.var())
    if not variances or not np.mean(variances) > 0:
        return 0.0
    mean = total / len(variances)
    return float(mean.var() / np.mean(variances) - 1 / len(variances))
