"""`Entry`: what one epoch left behind, as it is stored."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Entry:
    """One epoch of a history.

    Attributes:
        classes: predicted classes, int64 (n,).
        confidence: probability of the predicted class, float32 (n,).
        statistics: {method: {statistic: float32 (n,)}}.
        heatmaps: {method: (codes float16 (n, h, w), scales float32 (n,))}, a map
            being codes * scale. The scale is the map's maximum, since gradients are
            often smaller than the smallest float16.
        seconds: what the measurement cost, or None.
    """

    classes: np.ndarray
    confidence: np.ndarray
    statistics: dict[str, dict[str, np.ndarray]]
    heatmaps: dict[str, tuple[np.ndarray, np.ndarray]]
    seconds: float | None = None

    @classmethod
    def make(cls, predictions, statistics, heatmaps, seconds=None) -> "Entry":
        """Makes an entry of copies, with the heatmaps encoded; see `History.append`."""
        classes, confidence = predictions
        return cls(
            np.array(classes, np.int64),
            np.array(confidence, np.float32),
            {m: {s: np.array(v, np.float32) for s, v in n.items()} for m, n in statistics.items()},
            {method: _encode(np.asarray(maps, np.float32)) for method, maps in heatmaps.items()},
            None if seconds is None else float(seconds),
        )

    def restore(self, method: str) -> np.ndarray:
        """Returns a method's heatmaps, float32 (n, h, w)."""
        codes, scales = self.heatmaps[method]
        return codes.astype(np.float32) * scales[:, None, None]

    def check(self, num_probes: int):
        """Raises ValueError where something is not there once for each probe."""
        parts = {"classes": (self.classes, 1), "confidence": (self.confidence, 1)}
        for method, numbers in self.statistics.items():
            parts |= {f"statistics[{method!r}][{s!r}]": (v, 1) for s, v in numbers.items()}
        for method, (codes, scales) in self.heatmaps.items():
            parts |= {f"heatmaps[{method!r}]": (codes, 3), f"scales of {method!r}": (scales, 1)}
        for name, (array, rank) in parts.items():
            if array.ndim != rank or len(array) != num_probes:
                expected = f"({num_probes},)" if rank == 1 else f"({num_probes}, h, w)"
                raise ValueError(
                    f"{name} must have shape {expected}. Received: {array.shape}. "
                    "Pass one for each probe, of the same probes in every epoch."
                )


def _encode(maps):
    if maps.ndim != 3:
        raise ValueError(f"heatmaps must be (n, h, w). Received: {maps.shape}.")
    with np.errstate(invalid="ignore"):
        scales = maps.max(axis=(1, 2), initial=0)
        scales[~np.isfinite(maps).all(axis=(1, 2))] = np.nan
        codes = maps / np.where(scales == 0, 1, scales)[:, None, None]
    return codes.astype(np.float16), scales.astype(np.float32)
