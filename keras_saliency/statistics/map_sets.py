"""What statistics of a set are computed from: all maps of a method in an epoch."""

import numpy as np

from keras_saliency.statistics.coarse_maps import CoarseMaps
from keras_saliency.statistics.maps import CHUNK_PIXELS, Maps
from keras_saliency.statistics.native_drift import is_coarse
from keras_saliency.statistics.recording import Recording
from keras_saliency.statistics.registry import MapSet, cell_of

# Of maps at image size that are held, by all methods together: 64 MB.
HELD_PIXELS = 2**24


def map_set_of(recording: Recording, num_methods: int) -> MapSet:
    """Returns the maps of all probes as statistics of a set take them.

    Small maps as they are. Of others `Maps` at image size that `fill` completes, where memory may
    hold them; else the recording, which makes them again for each statistic, chunk by chunk.

    Args:
        recording: `Recording`.
        num_methods: how many methods share the memory.
    """
    num_probes = len(recording.empty)
    if is_coarse(recording.size, recording.image_size):
        return CoarseMaps(recording.attention(np.arange(num_probes)))
    if num_probes * recording.num_pixels > max(CHUNK_PIXELS, HELD_PIXELS // num_methods):
        return recording
    unit = np.empty((num_probes, *recording.image_size), np.float32)
    cell = cell_of(recording.size, recording.image_size)
    return Maps(unit, recording.empty, np.empty(num_probes, np.float32), cell)


def fill(held: Maps, indices: np.ndarray, maps: Maps) -> None:
    """Puts some probes' maps at image size into those that are held."""
    held.unit[indices] = maps.unit
    held.magnitude[indices] = maps.magnitude
