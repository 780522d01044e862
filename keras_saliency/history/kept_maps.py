"""Which heatmaps a history keeps: small ones as they are, larger ones reduced, or none."""

from collections.abc import Mapping
from typing import Any

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.notify import notify
from keras_saliency.history.entry import MapComparison
from keras_saliency.history.store import EpochStore
from keras_saliency.records import Heatmaps, StoredMaps
from keras_saliency.statistics import Recording

MOST_SIDE = 64  # pixels of the longer side, above which maps are reduced
REDUCED, NATIVE = "reduced", "native"


def check_history_maps(history_maps: Any) -> str | None:
    """Returns which maps are kept; refuses anything else.

    Raises:
        ValueError: if it is none of "reduced", "native" and None.
    """
    if history_maps is None or (
        isinstance(history_maps, str) and history_maps in (REDUCED, NATIVE)
    ):
        return history_maps
    raise ValueError(
        f'history_maps must be "reduced" (at most {MOST_SIDE} pixels on the longer side), '
        f'"native" or None (statistics only). Received: {shown(history_maps)}.'
    )


def reduced_size(size: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the size at which maps are kept: the shape is the same, the longer side at most 64.

    Args:
        size: (h, w); (l,) for signals, (d, h, w) for volumes.
    """
    longer = max(size)
    if longer <= MOST_SIDE:
        return tuple(size)
    return tuple(max(1, round(side * MOST_SIDE / longer)) for side in size)


class KeptMaps:
    """Encodes the heatmaps of each epoch as a history keeps them.

    A history holds maps of one size for each method, so a run that goes on keeps to the size
    that it began with.

    Args:
        history_maps: "reduced", "native" or None.
        store: the history.
    """

    def __init__(self, history_maps: str | None, store: EpochStore):
        self._history_maps = history_maps
        self._store = store
        self._has_told = False

    def encode(
        self, heatmaps: Mapping[str, Heatmaps], stored: Mapping[str, StoredMaps]
    ) -> dict[str, StoredMaps]:
        """Returns what is kept of an epoch, by method.

        Args:
            heatmaps: {method: `Heatmaps`}.
            stored: the same as `StoredMaps` of native size.
        """
        if self._history_maps is None:
            return {}
        kept = {}
        for method, maps in heatmaps.items():
            size = self._size(method, maps.native.shape[1:])
            is_whole = size == maps.native.shape[1:]
            kept[method] = stored[method] if is_whole else StoredMaps.of(maps.native, size)
        return kept

    @staticmethod
    def comparisons(
        recordings: Mapping[str, Recording], kept: Mapping[str, StoredMaps]
    ) -> dict[str, MapComparison]:
        """Returns how the maps that are kept are compared with those of other epochs, by method.

        At image size, as observations do it; or, where maps were reduced, at the size that was
        left of them, which is as good and several times as fast.

        Args:
            recordings: {method: `Recording`} of the epoch.
            kept: what `encode` returned.
        """
        found = {}
        for method, recording in recordings.items():
            size = kept[method].codes.shape[1:] if method in kept else recording.size
            is_whole = size == recording.size
            found[method] = MapComparison(
                recording.image_size if is_whole else size, recording.is_grainy
            )
        return found

    def _size(self, method: str, native: tuple[int, ...]) -> tuple[int, ...]:
        wanted = native if self._history_maps == NATIVE else reduced_size(native)
        held = self._store.map_size(method)
        if held is None or held == wanted or held not in (native, reduced_size(native)):
            return wanted
        if not self._has_told:
            self._has_told = True
            notify(
                f"keras_saliency: this run goes on with heatmaps of the size {held}, as its "
                f"history holds them, and not {wanted}. A new run takes history_maps="
                f"{self._history_maps!r}."
            )
        return held
