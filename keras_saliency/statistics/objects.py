"""Statistics that compare maps with what is known about the probes: objects and cues."""

from collections.abc import Sequence

import numpy as np

from keras_saliency.statistics.maps import Maps, inside
from keras_saliency.statistics.registry import Probes, statistic


@statistic("object_mass", needs="object_masks", worse="low")
def object_mass(maps: Maps, probes: Probes) -> np.ndarray:
    """Returns the share of heatmap mass that lies on the object.

    Low values mean that the model decides by looking elsewhere, the usual
    sign of a shortcut.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `object_masks`, bool (n, H, W).

    Returns:
        float32 array (n,), in [0, 1]; NaN for a probe whose heatmap is all
        zero, or whose mask is empty.

    References:
        Wang et al., Score-CAM, 2020, https://arxiv.org/abs/1910.01279
        (energy-based pointing game).
    """
    masks = np.asarray(probes.object_masks)
    mass = np.where(masks, maps.unit, 0).sum(axis=inside(maps.unit), dtype=np.float64)
    mass[~masks.any(axis=inside(masks)) | maps.undefined] = np.nan
    return np.minimum(mass, 1)


@statistic("outside_enrichment", needs="object_masks", worse="high")
def outside_enrichment(maps: Maps, probes: Probes) -> np.ndarray:
    """Returns how much more the model looks outside the object than uniform attention would.

    High values mean that the model decides by the background. Mass outside
    over the share of the area that is outside, with the mask dilated by half
    a heatmap cell (rounded down), because a coarse map bleeds over the edge.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `object_masks`, bool (n, H, W).

    Returns:
        float32 array (n,), at least 0, 1 = uniform attention; NaN for a map that is all zero,
        an empty mask, and a dilated mask that covers the image.
    """
    masks = _dilate(np.asarray(probes.object_masks), maps.cell)
    outside = np.where(masks, 0, maps.unit).sum(axis=inside(maps.unit), dtype=np.float64)
    area = 1 - masks.mean(axis=inside(masks))
    area[(area == 0) | (area == 1) | maps.undefined] = np.nan
    return outside / area


@statistic("pointing_hit", needs="object_masks", worse="low")
def pointing_hit(maps: Maps, probes: Probes) -> np.ndarray:
    """Returns 1 where the hottest pixel lies on the object, else 0.

    The mean is the pointing accuracy. The mask is dilated as for
    `outside_enrichment`; of equally hot pixels the first counts.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `object_masks`, bool (n, H, W).

    Returns:
        float32 array (n,), 0 or 1; NaN for a map that is all zero or constant,
        which points nowhere, and for an empty mask.

    References:
        Zhang et al., Top-down Neural Attention by Excitation Backprop, 2016,
        https://arxiv.org/abs/1608.00507. There a fixed 15 pixels are
        tolerated; here half a heatmap cell.
    """
    num_probes = len(maps.unit)
    masks = _dilate(np.asarray(probes.object_masks), maps.cell).reshape(num_probes, -1)
    hottest = maps.unit.reshape(num_probes, -1).argmax(axis=1)
    hits = masks[np.arange(num_probes), hottest].astype(np.float64)
    hits[~maps.comparable | ~masks.any(axis=1)] = np.nan
    return hits


@statistic("cue_attention", needs="cue_map", worse="high")
def cue_attention(maps: Maps, probes: Probes) -> np.ndarray:
    """Returns how much more the model looks where pixels alone give the class away.

    High values mean that attention sits on a fixed place that predicts the
    label in the data: a tag, a watermark, but also a centred object on a plain
    background, so it is a hint and no proof. sum P eta^2 over mean eta^2.

    Args:
        maps: float32 array (n, H, W), non-negative, any scale.
        probes: `ProbeSet` with `cue_map`, float (H, W): eta^2 of each pixel, the
            between-class over the total variance of labelled images.

    Returns:
        float32 array (n,), at least 0, 1 = uniform attention; NaN for a map
        that is all zero, and everywhere if the cue map is all zero.
    """
    cue_map = np.asarray(probes.cue_map, np.float64)
    if not cue_map.mean() > 0:
        return np.full(len(maps.unit), np.nan)
    relative = (cue_map / cue_map.mean()).astype(np.float32)
    return maps.unit.reshape(len(maps.unit), -1) @ relative.reshape(-1)


def _dilate(masks: np.ndarray, cell: Sequence[float]) -> np.ndarray:
    """Grows masks (n, H, W) by half a cell (height, width) on each side, rounded down."""
    for axis, radius in enumerate((int(side / 2) for side in cell), 1):
        grown = np.moveaxis(masks, axis, 0)
        reached = 0
        while reached < radius:
            # Doubles. Tripling would leave holes at the image's edge, which cuts the mask off.
            step = min(reached + 1, radius - reached)
            wider = grown.copy()
            wider[step:] |= grown[:-step]
            wider[:-step] |= grown[step:]
            grown, reached = wider, reached + step
        masks = np.moveaxis(grown, 0, axis)
    return masks
