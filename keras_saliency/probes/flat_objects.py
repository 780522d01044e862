"""Flat objects: shapes of one colour on a varied background, such as signs, glyphs and cut-outs."""

from collections.abc import Iterator

import numpy as np

from keras_saliency._utils.masks import dilated, large_parts, parts_touching, without_holes
from keras_saliency.probes.flat_ground import distances, ring_of

LEAST_AREA, MOST_AREA = 0.05, 0.6  # of the image, with blended edges, and with holes filled
CORE_AREA = 0.012  # of the image, of the pixels that have its colour
COLOUR_LEVELS, EXACT_LEVELS = 6, 1  # grey levels from the colour: of an object, of most of it
EXACT_SHARE = 0.5  # of these, which have it exactly: skies, skins and walls vary by more
EDGE_SHARE = 0.05  # of the image's outermost pixels at most: skies and floors reach them
LEAST_CONTRAST = 60  # grey levels from the median of what lies around it
SOFT_SHARE, SOFT_PIXELS = 0.5, 3  # of that contrast, within which edges are blended; how far
OTHER_SHARE = 0.5  # of the object's area, from which on another shape may be the object, too
BIN, MOST_COLOURS = 4, 12  # grey levels in which colours are counted; how many are tried


def find_flat_object(image: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Finds the one large shape of one colour that does not reach the edges of an image.

    Args:
        image: uint8 (h, w, C), grey levels.

    Returns:
        The object's mask, bool (h, w), with the pixels in which its edges are blended, and the
        share of its colour's pixels that have exactly that colour. None where there is no such
        shape, or another of comparable size.
    """
    pixels = image.astype(np.float32)
    shapes = [_shape_of(pixels, colour) for colour in _frequent_colours(image)]
    found = sorted(filter(None, shapes), key=lambda shape: -shape[0].sum())
    if not found or not LEAST_AREA <= found[0][0].mean() <= MOST_AREA:
        return None
    if len(found) > 1 and found[1][0].sum() >= OTHER_SHARE * found[0][0].sum():
        return None
    return found[0]


def _shape_of(pixels: np.ndarray, colour: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The shape of a colour, and how much of it has exactly that; None if it reaches the edges."""
    distance = distances(pixels, colour)
    core = large_parts(distance <= COLOUR_LEVELS)
    exact = float((distance[core] <= EXACT_LEVELS).mean())
    if exact < EXACT_SHARE or ring_of(core[..., None], 1).mean() > EDGE_SHARE:
        return None
    filled = without_holes(core)
    around = ~dilated(filled, 2)
    if not around.any() or (contrast := np.median(distance[around])) < LEAST_CONTRAST:
        return None
    soft = (distance <= SOFT_SHARE * contrast) & dilated(filled, SOFT_PIXELS)
    return without_holes(parts_touching(soft | filled, filled)), exact


def _frequent_colours(image: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the colours (C,) that enough pixels have to make an object, the commonest first."""
    bins = image // BIN
    codes = np.zeros(image.shape[:2], np.int64)
    for channel in np.moveaxis(bins, -1, 0):
        codes = codes * (256 // BIN) + channel
    values, counts = np.unique(codes, return_counts=True)
    # A colour between two bins has half of its pixels in each.
    is_common = counts >= CORE_AREA / 2 * codes.size
    values, counts = values[is_common], counts[is_common]
    seen: list[np.ndarray] = []
    for value in values[np.argsort(-counts)][:MOST_COLOURS]:
        colour = np.median(image[codes == value].astype(np.float32), axis=0)
        if all(np.abs(colour - other).max() > COLOUR_LEVELS for other in seen):
            seen.append(colour)
            yield colour
