"""What the events of the Saliency tab hold: the one thing that writer and reader share.

All are summaries of the plugin `PLUGIN`, steps are epochs, -1 is the baseline of a new run; the
first part of each is JSON, and says its `VERSION`.

| tag | parts after the JSON | class |
|---|---|---|
| `PROBES` | each probe's picture, PNG or JPEG | blob sequence |
| `MAPS` + method | all codes, see `encode_maps`, deflated | blob sequence |
| `NUMBERS` + method | float32 little-endian (rows, n) | tensor |
| `PREDICTIONS` | the same | tensor |
| `FINDINGS` | a picture, or none; the step is the finding's number | blob sequence |
"""

import json
import zlib

import numpy as np

PLUGIN = "saliency"  # its tab is at the address /#saliency
VERSION = 1

PROBES = "saliency_tab/probes"
MAPS = "saliency_tab/maps/"
NUMBERS = "saliency_tab/numbers/"
PREDICTIONS = "saliency_tab/predictions"
FINDINGS = "saliency_tab/findings"

TENSOR, BLOB_SEQUENCE = 2, 3  # TensorBoard's data classes
MOST_STEPS = 2001  # that TensorBoard keeps of each tag, unless its user says otherwise


def data_class(tag: str) -> int:
    """Returns the data class of a tag: numbers of all epochs are read at once, maps one by one."""
    return TENSOR if tag == PREDICTIONS or tag.startswith(NUMBERS) else BLOB_SEQUENCE


def encode_head(**words) -> bytes:
    """Returns the first part of an event."""
    return json.dumps({"version": VERSION, **words}, allow_nan=False).encode()


def encode_rows(rows: dict[str, np.ndarray]) -> list[bytes]:
    """Returns numbers of all probes as the parts of an event.

    Args:
        rows: {name: float (n,)}, NaN where undefined.
    """
    values = np.array(list(rows.values()), "<f4")
    return [encode_head(names=list(rows)), values.tobytes()]


def decode_rows(parts, num_probes: int) -> dict[str, np.ndarray]:
    """Reads what `encode_rows` wrote.

    Raises:
        ValueError, KeyError, TypeError: if it is anything else.
    """
    names = json.loads(parts[0])["names"]
    values = np.frombuffer(parts[1], "<f4").reshape(len(names), num_probes)
    return dict(zip(names, values, strict=True))


def encode_maps(maps: np.ndarray, means: np.ndarray, empty: np.ndarray) -> list[bytes]:
    """Returns heatmaps as the parts of an event.

    A code is 255 times the root of value / maximum, in uint8: the root, because where the
    maximum is many times the mean all the rest would be one code or two.

    Args:
        maps: float (n, h, w), non-negative, or not finite.
        means: float (n,), what is uniform attention in each.
        empty: bool (n,), which are all zero.
    """
    finite = np.isfinite(maps).all(axis=(1, 2)) & np.isfinite(means)
    safe = np.where(finite[:, None, None], maps, 0).astype(np.float64)
    maxima = safe.max(axis=(1, 2))
    unit = safe / np.where(maxima > 0, maxima, 1)[:, None, None]
    codes = np.rint(255 * np.sqrt(unit)).astype(np.uint8)
    head = encode_head(
        shape=list(maps.shape),
        max=[float(f"{m:.6g}") if ok else None for m, ok in zip(maxima, finite, strict=True)],
        mean=[float(f"{m:.6g}") if ok else None for m, ok in zip(means, finite, strict=True)],
        empty=[int(i) for i in np.flatnonzero(empty & finite)],
    )
    return [head, zlib.compress(codes.tobytes(), 6)]


def decode_maps(parts) -> np.ndarray:
    """Returns the heatmaps of `encode_maps`, float32 (n, h, w), NaN where not finite.

    Raises:
        ValueError, KeyError, TypeError, zlib.error: if it is anything else.
    """
    head = json.loads(parts[0])
    codes = np.frombuffer(zlib.decompress(parts[1]), np.uint8).reshape(head["shape"])
    maxima = np.array([np.nan if m is None else m for m in head["max"]])
    return ((codes / 255) ** 2 * maxima[:, None, None]).astype(np.float32)
