"""The events of the Saliency tab: the one module that writer and reader share.

All events are summaries of the plugin `PLUGIN`. Steps are epochs; the baseline of a new run is -1.

| tag | parts | class |
|---|---|---|
| `PROBES` | JSON; with advice on methods whose maps can be empty | tensor |
| `PICTURES` | pictures of the probes, PNG or JPEG, and `encode_masks`, packed | blob sequence |
| `MAPS` + method | heatmaps, see `encode_maps`, packed | blob sequence |
| `NUMBERS` + method | JSON, float32 little-endian (rows, n) | tensor |
| `PREDICTIONS` | the same | tensor |
| `METRICS` | JSON: what Keras has logged of the epoch | tensor |
| `FINDINGS` | JSON; the step is the finding's number | tensor |
| `EVIDENCE` | a picture; the step is the finding's number | blob sequence |
| `TESTED` | JSON: what was tested for shortcuts so far, as lines of text | tensor |
| `LABELS` | JSON: the probes whose label may be wrong, the most suspicious first | tensor |

Packed means in one part: the length of a JSON head as little-endian uint32, the head, bytes.
TensorBoard reads the tensors of all steps at once, but blobs one by one, 40 ms each. So what is
small and written at every epoch is a tensor, and an event has one blob. All JSON states its
`VERSION`, and that beside pictures, maps and numbers the fingerprint of its `probes`, since two
programs may write into one run. `checks.py` says what is believed of an event.
"""

import json
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

PLUGIN = "saliency"  # its tab is at the address /#saliency
VERSION = 1

PROBES = "saliency_tab/probes"
PICTURES = "saliency_tab/pictures"
MAPS = "saliency_tab/maps/"
NUMBERS = "saliency_tab/numbers/"
PREDICTIONS = "saliency_tab/predictions"
METRICS = "saliency_tab/metrics"
FINDINGS = "saliency_tab/findings"
EVIDENCE = "saliency_tab/evidence"
TESTED = "saliency_tab/tested"
LABELS = "saliency_tab/labels"

TENSOR, BLOB_SEQUENCE = 2, 3  # TensorBoard's data classes
MOST_STEPS = 2001  # that TensorBoard keeps of each tag, unless its user says otherwise
MOST_PROBES = 256  # of a run
_MOST_HEAD = 2**25  # bytes of JSON


def data_class(tag: str) -> int:
    """Returns the data class of a tag."""
    is_blob = tag in (PICTURES, EVIDENCE) or tag.startswith(MAPS)
    return BLOB_SEQUENCE if is_blob else TENSOR


def encode_head(**fields: Any) -> bytes:
    """Returns fields as JSON of this version."""
    return json.dumps({"version": VERSION, **fields}, allow_nan=False).encode()


def decode_head(content: bytes) -> dict[str, Any]:
    """Reads what `encode_head` wrote; a number that is not finite becomes None.

    Raises:
        ValueError: if it is anything else, or of another version.
    """
    if not isinstance(content, bytes) or len(content) > _MOST_HEAD:
        raise ValueError("this event holds something else than JSON")
    try:
        head = json.loads(content, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError("this event holds no JSON that can be read") from error
    if not isinstance(head, dict) or head.get("version") != VERSION:
        raise ValueError("this event is of another version of keras_saliency, or not of it")
    return head


def is_of(head: dict[str, Any], probes: str | None) -> bool:
    """Whether an event is of the probes with a fingerprint; older versions do not say it."""
    return not probes or head.get("probes") in (None, probes)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None  # 1e999 is infinite


def pack(head: bytes, *contents: bytes) -> bytes:
    """Returns a head and the contents that follow it as one part."""
    return b"".join([struct.pack("<I", len(head)), head, *contents])


def unpack(packed: bytes) -> tuple[bytes, bytes]:
    """Reads what `pack` wrote.

    Raises:
        ValueError: if it is shorter than its head says.
    """
    if len(packed) < 4 or len(packed) < 4 + (length := struct.unpack("<I", packed[:4])[0]):
        raise ValueError("this event is cut off")
    return packed[4 : 4 + length], packed[4 + length :]


def encode_masks(masks: np.ndarray) -> bytes:
    """Returns masks, bool (n, h, w), as bits, the first of a byte highest, deflated."""
    return zlib.compress(np.packbits(masks).tobytes(), 6)


def parts_of(values: Any) -> list[bytes]:
    """Returns the parts of an event that is a tensor.

    Raises:
        ValueError: if it holds something else than bytes.
    """
    parts = list(values) if getattr(values, "ndim", 0) == 1 else []
    if not parts or not all(isinstance(part, bytes) for part in parts):
        raise ValueError("this event holds something else than bytes")
    return parts


def encode_rows(rows: dict[str, np.ndarray], probes: str | None = None) -> list[bytes]:
    """Returns numbers of all probes as the parts of an event.

    Args:
        rows: {name: float (n,)}, NaN where undefined.
        probes: fingerprint of the probes.
    """
    values = np.array(list(rows.values()), "<f4")
    return [encode_head(names=list(rows), probes=probes), values.tobytes()]


def decode_rows(
    parts: Sequence[Any], num_probes: int, probes: str | None = None
) -> dict[str, np.ndarray]:
    """Reads what `encode_rows` wrote.

    Args:
        parts: of the event.
        num_probes: how many numbers a row has.
        probes: fingerprint of the probes, None for any.

    Raises:
        ValueError: if it is anything else, or of other probes.
    """
    if len(parts) != 2 or not all(isinstance(part, bytes) for part in parts):
        raise ValueError("this event holds something else than numbers")
    head = decode_head(parts[0])
    names = head.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("these numbers have no names")
    if len(parts[1]) != 4 * len(names) * num_probes:
        raise ValueError("these are not as many numbers as there are probes")
    if not is_of(head, probes):
        raise ValueError("these numbers are of other probes")
    values = np.frombuffer(parts[1], "<f4").reshape(len(names), num_probes)
    return dict(zip(names, values, strict=True))


def encode_maps(
    maps: np.ndarray, means: np.ndarray, empty: np.ndarray, probes: str | None = None
) -> list[bytes]:
    """Returns heatmaps as the part of an event: codes in uint8, deflated, and a scale for each.

    A code is 255 times value / maximum. The maximum is kept, so a value is off by at most a 510th
    of its map's maximum.

    Args:
        maps: float (n, h, w), non-negative, or not finite.
        means: float (n,), the value of uniform attention in each.
        empty: bool (n,), whether a map is all zero.
        probes: fingerprint of the probes.
    """
    finite = np.isfinite(maps).all(axis=(1, 2)) & np.isfinite(means)
    safe = np.where(finite[:, None, None], maps, 0).astype(np.float64)
    maxima = safe.max(axis=(1, 2))
    unit = safe / np.where(maxima > 0, maxima, 1)[:, None, None]
    codes = np.rint(255 * unit).astype(np.uint8)
    head = encode_head(
        probes=probes,
        shape=list(maps.shape),
        max=[float(f"{m:.6g}") if ok else None for m, ok in zip(maxima, finite, strict=True)],
        mean=[float(f"{m:.6g}") if ok else None for m, ok in zip(means, finite, strict=True)],
        empty=[int(i) for i in np.flatnonzero(empty & finite)],
    )
    return [pack(head, zlib.compress(codes.tobytes(), 6))]
