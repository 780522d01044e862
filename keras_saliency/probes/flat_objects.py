"""Flat objects: shapes of one colour on a varied background, such as signs, glyphs and cut-outs."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.masks import dilated, large_parts, parts_touching, without_holes
from keras_saliency._utils.short_repr import short_repr
from keras_saliency._utils.spread import spread_evenly
from keras_saliency.probes.flat_ground import distances, ring_of

LEAST_AREA, MOST_AREA = 0.05, 0.6  # of the image, with blended edges, and with holes filled
CORE_AREA = 0.012  # of the image, of the pixels that have its colour
COLOUR_LEVELS, EXACT_LEVELS = 6, 1  # grey levels from the colour: of an object, of most of it
EXACT_SHARE = 0.5  # of these, which have it exactly: skies, skins and walls vary by more
EDGE_SHARE = 0.05  # of the image's outermost pixels at most: skies and floors reach them
LEAST_CONTRAST = 60  # grey levels from the median of what lies around it
SOFT_SHARE = 0.5  # of that contrast, within which edges are blended
SOFT_REACH = 0.15  # of the shorter side: how far they are
OTHER_SHARE = 0.5  # of the object's area, from which on another shape may be the object, too
STEP_SHARE = 1 / 32  # of the shorter side: the gap between a shape and what is just around it
ENDS_SHARE = 0.15  # of the shorter side: what is this close to an edge is background
FOREIGN_LEVELS = 24  # grey levels: a colour further from every background colour is foreign
FOREIGN_SHARE = 0.12  # of the pixels just around a shape: more are so around a part of an object
NUM_COMPARED = 128, 1024  # pixels around a shape, and of the background
NUM_SAMPLED, SAMPLE_SHARE = 32, 0.2  # images that are tried first; of these, that have a shape
MANY_PARTS = 0.2  # of the sampled shapes: if more are parts, no image has a flat object
BIN, MOST_COLOURS = 4, 12  # grey levels in which colours are counted; how many are tried


@short_repr
class FlatObject(NamedTuple):
    """A shape of one colour.

    Attributes:
        mask: bool (h, w), the shape and the pixels in which its edges are blended, holes filled.
        exact_share: the share of the pixels of its colour that have exactly that colour.
        colour: float32 (C,), grey levels.
        is_part: whether it is a part of an object of several colours, by what lies around it.
    """

    mask: np.ndarray
    exact_share: float
    colour: np.ndarray
    is_part: bool = False


def find_flat_objects(levels: np.ndarray) -> list[FlatObject | None]:
    """Finds the object in each image, see `find_flat_object`.

    Args:
        levels: uint8 (n, h, w, C), grey levels.

    Returns:
        `FlatObject`s, None where there is no shape or only a part of an object. None everywhere if
        few images of a sample have a shape, or if many of these shapes are parts.
    """
    sample = {int(i): find_flat_object(levels[i]) for i in spread_evenly(len(levels), NUM_SAMPLED)}
    shapes = [shape for shape in sample.values() if shape is not None]
    are_few = len(shapes) < SAMPLE_SHARE * len(sample)
    if are_few or sum(shape.is_part for shape in shapes) > MANY_PARTS * len(shapes):
        return [None] * len(levels)
    found = (sample[i] if i in sample else find_flat_object(x) for i, x in enumerate(levels))
    return [None if shape is None or shape.is_part else shape for shape in found]


def find_flat_object(image: np.ndarray) -> FlatObject | None:
    """Finds the one large shape of one colour that does not reach the edges of an image.

    Args:
        image: uint8 (h, w, C), grey levels.

    Returns:
        `FlatObject`, or None where there is no such shape, or another of comparable size.
    """
    pixels = image.astype(np.float32)
    shapes = [_shape_of(pixels, colour) for colour in _frequent_colours(image)]
    found = sorted(filter(None, shapes), key=lambda shape: -shape.mask.sum())
    if not found or not LEAST_AREA <= found[0].mask.mean() <= MOST_AREA:
        return None
    if len(found) > 1 and found[1].mask.sum() >= OTHER_SHARE * found[0].mask.sum():
        return None
    return found[0]._replace(is_part=_is_part(pixels, found[0].mask))


def _is_part(pixels: np.ndarray, mask: np.ndarray) -> bool:
    """Whether many pixels just around a shape have colours that the background has not.

    The background is what lies near the edges of the image. Beside the belly of a penguin lies the
    rest of the penguin.

    Args:
        pixels: float32 (h, w, C), grey levels.
        mask: bool (h, w), the shape.
    """
    step, ends = (max(1, round(share * min(mask.shape))) for share in (STEP_SHARE, ENDS_SHARE))
    near = dilated(mask, 2 * step + 1)
    around, background = pixels[near & ~dilated(mask, step)], ~near
    background[ends:-ends, ends:-ends] = False
    if not len(around) or not background.any():
        return False  # nothing to compare
    some, colours = (
        every[spread_evenly(len(every), most)]
        for every, most in zip((around, pixels[background]), NUM_COMPARED, strict=True)
    )
    gaps = distances(colours, some[:, None]).min(axis=1)
    return bool(np.mean(gaps > FOREIGN_LEVELS) > FOREIGN_SHARE)


def _shape_of(pixels: np.ndarray, colour: np.ndarray) -> FlatObject | None:
    """The shape of a colour; None if it reaches the edges, or is like what is around it."""
    distance = distances(pixels, colour)
    core = large_parts(distance <= COLOUR_LEVELS)
    exact = float((distance[core] <= EXACT_LEVELS).mean())
    if exact < EXACT_SHARE or ring_of(core[..., None], 1).mean() > EDGE_SHARE:
        return None
    filled = without_holes(core)
    around = ~dilated(filled, 2)
    if not around.any() or (contrast := np.median(distance[around])) < LEAST_CONTRAST:
        return None
    reach = round(SOFT_REACH * min(core.shape))
    soft = (distance <= SOFT_SHARE * contrast) & dilated(filled, reach)
    return FlatObject(without_holes(parts_touching(soft | filled, filled)), exact, colour)


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
