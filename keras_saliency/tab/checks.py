"""What is believed of an event: every field has its type, and sizes are bounded before use.

Event files may be damaged, of another version, or of somebody else. What is missing and can be
done without gets a default, so that the rest can be shown; all else is a ValueError whose text
is for people.
"""

import math
import struct
import zlib
from typing import Any

from keras_saliency.tab import schema

_MOST_CODES = 2**24  # of an event, a byte each
_MOST_MASK = 2**24  # pixels of all masks
_MOST_SIDE, _MOST_PIXELS = 1024, 2**26  # of a probe's picture; of those of a run together
_MOST_EVIDENCE = 2**24  # pixels
_MOST_TEXT = 20_000  # letters
_MOST_NAME = 200  # letters, of what stands beside a picture or in a list
_MOST_INDICES = 10_000
_MOST_STEP = 2**53  # above, a browser's numbers skip some
SEVERITIES = ("alert", "suspect", "hint")

Fields = dict[str, Any]


def probes_of(head: Fields) -> Fields:
    """Returns the description of the probes.

    Raises:
        ValueError: if it does not name them.
    """
    names = head.get("names")
    if not isinstance(names, list) or not 0 < len(names) <= schema.MOST_PROBES:
        raise ValueError("this run's description does not name its probes")
    number = len(names)
    texts = _names(head.get("label_texts"), number)
    size = [s for s in _list(head.get("image_size")) if _is_whole(s) and 0 < s < _MOST_STEP]
    class_names = head.get("class_names")
    return {
        "names": _names(names, number),
        "indices": _wholes(head.get("indices"), number) or list(range(number)),
        "label_texts": texts or [""] * number,
        "groups": _names(head.get("groups"), number),
        "class_names": list(map(name_of, class_names)) if isinstance(class_names, list) else None,
        "methods": [m for m in _list(head.get("methods")) if isinstance(m, str)],
        "fingerprint": text_of(head.get("fingerprint")),
        "image_size": size if len(size) <= 3 else [],
        "total": max(number, whole_of(head.get("total"), number)),
        "start": whole_of(head.get("start"), None),
    }


def finding_of(head: Fields, number: int) -> Fields:
    """Returns a finding; what it lacks is None, "" or 0.

    Findings of versions that knew no accuracy loss have no such fields.
    """
    severity = head.get("severity")
    ends = [_share(end, -1) for end in _list(head.get("loss_interval"))]
    interval = [end for end in ends if end is not None]
    is_up = interval == sorted(interval)
    epoch = whole_of(head.get("epoch"), None)
    indices = _list(head.get("probe_indices"))[:_MOST_INDICES]
    losses = {
        "accuracy_loss": _share(head.get("accuracy_loss"), -1),
        "loss_interval": interval if len(interval) == len(ends) == 2 and is_up else None,
    }
    return {
        **{name: loss for name, loss in losses.items() if name in head},
        **{name: _share(head.get(name), 0) for name in ("adoption", "control")},
        **{name: max(0, whole_of(head.get(name), 0)) for name in ("num_pairs", "num_donors")},
        "detector": name_of(head.get("detector")),
        "message": text_of(head.get("message")),
        "severity": severity if severity in SEVERITIES else "unknown",
        "epoch": epoch,
        "since_epoch": whole_of(head.get("since_epoch"), epoch),
        "class_index": whole_of(head.get("class_index"), None),
        "probe_indices": [i for i in indices if _is_whole(i)],
        "has_picture": head.get("has_picture") is True,
        "number": number,
    }


def labels_of(head: Fields, probes: Fields) -> list[Fields]:
    """Returns the probes whose label may be wrong, by their place among those that are shown.

    Raises:
        ValueError: if they are those of other probes.
    """
    if not schema.is_of(head, probes["fingerprint"]):
        raise ValueError("these are the labels of other probes")
    places = {index: place for place, index in enumerate(probes["indices"])}
    found = {}
    for issue in _list(head.get("issues"))[:_MOST_INDICES]:
        fields = issue if isinstance(issue, dict) else {}
        index, suggested = fields.get("probe_index"), whole_of(fields.get("suggested"), None)
        if _is_whole(index) and index in places and suggested is not None:
            probability = _share(fields.get("probability"), 0)
            place = places[index]
            found[place] = {"probe": place, "suggested": suggested, "probability": probability}
    return list(found.values())


def check_maps(content: bytes, probes: Fields) -> None:
    """Checks that an event of `encode_maps` holds a map for each probe.

    Raises:
        ValueError: if it does not.
    """
    packed, codes = schema.unpack(content)
    head = schema.decode_head(packed)
    shape, number = head.get("shape"), len(probes["names"])
    if not isinstance(shape, list) or len(shape) != 3 or not all(map(_is_whole, shape)):
        raise ValueError("these maps have no shape")
    if min(shape) < 1 or math.prod(shape) > _MOST_CODES:
        raise ValueError(f"maps cannot have the shape {shape}")
    if shape[0] != number or not schema.is_of(head, probes["fingerprint"]):
        raise ValueError(f"these are the maps of {shape[0]} other probes")
    for name in ("max", "mean"):
        values = head.get(name)
        if not isinstance(values, list) or len(values) != number:
            raise ValueError(f"these maps lack their {name}")
        if not all(v is None or (_is_number(v) and v >= 0) for v in values):
            raise ValueError(f"the {name} of these maps is no number")
    empty = head.get("empty")
    if not isinstance(empty, list) or not all(_is_whole(i) for i in empty):
        raise ValueError("these maps do not say which are empty")
    _inflate(codes, math.prod(shape))


def pictures_of(content: bytes, probes: Fields) -> bytes:
    """Returns an event of pictures, with size 0 in place of those that cannot be shown.

    Raises:
        ValueError: if it holds no pictures, or those of other probes.
    """
    packed, body = schema.unpack(content)
    head = schema.decode_head(packed)
    sizes = head.get("sizes")
    if not isinstance(sizes, list) or not schema.is_of(head, probes["fingerprint"]):
        raise ValueError("these are not the pictures of this run's probes")
    number, start, area = len(probes["names"]), 0, 0
    parts = []
    for size in sizes:
        if not _is_whole(size) or not 0 <= size <= len(body) - start:
            break
        part = body[start : start + size]
        start += size
        try:
            width, height = picture_size(part)
        except ValueError:
            width = height = 0
        fits = (
            min(width, height) > 0
            and max(width, height) <= _MOST_SIDE
            and area + width * height <= _MOST_PIXELS
        )
        area += width * height if fits else 0
        parts.append(part if fits else b"")
    whole = len(parts) == len(sizes) == number
    parts = (parts + [b""] * number)[:number]
    told = _objects_of(head.get("objects"), body[start:], number) if whole else None
    masks = body[start:] if told else b""
    made = schema.encode_head(sizes=list(map(len, parts)), objects=told)
    return schema.pack(made, *parts, masks)


def no_pictures(probes: Fields) -> bytes:
    """Returns an event in which each probe lacks its picture."""
    head = schema.encode_head(sizes=[0] * len(probes["names"]), objects=None)
    return schema.pack(head)


def check_evidence(content: bytes) -> str:
    """Returns the content type of a finding's picture.

    Raises:
        ValueError: if it is no picture that can be shown.
    """
    width, height = picture_size(content)
    if not 0 < width * height <= _MOST_EVIDENCE:
        raise ValueError(f"a picture of {width} × {height} pixels is too large")
    return "image/png" if content.startswith(_PNG) else "image/jpeg"


_PNG = b"\x89PNG\r\n\x1a\n"


def picture_size(content: bytes) -> tuple[int, int]:
    """Returns the width and the height of a PNG or a JPEG, without decoding it.

    Raises:
        ValueError: if it is neither.
    """
    if content.startswith(_PNG) and len(content) >= 24:
        return struct.unpack(">II", content[16:24])
    if content.startswith(b"\xff\xd8"):
        at = 2
        while at + 9 <= len(content) and content[at] == 0xFF:
            marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # starts a frame
                height, width = struct.unpack(">HH", content[at + 5 : at + 9])
                return width, height
            at += 2 + max(2, length)
    raise ValueError("this is neither a PNG nor a JPEG")


def _objects_of(objects: Any, content: bytes, number: int) -> Fields | None:
    """What a head says of the masks that follow; None where they are not there, or damaged."""
    shape = objects.get("shape") if isinstance(objects, dict) else None
    if not isinstance(shape, list) or len(shape) != 3 or not all(map(_is_whole, shape)):
        return None
    if min(shape) < 1 or shape[0] != number or math.prod(shape) > _MOST_MASK:
        return None
    try:
        _inflate(content, -(-math.prod(shape) // 8))
    except ValueError:
        return None
    return {"found": objects.get("found") is True, "shape": shape}


def _inflate(content: bytes, length: int) -> None:
    """Checks that deflated bytes are as long as they say, without making more than that."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(content, length + 1)
    except zlib.error as error:
        raise ValueError("this event is damaged") from error
    if len(found) != length or not inflater.eof:
        raise ValueError("this event is cut off, or longer than it says")


def text_of(value: Any) -> str:
    """Returns a text, "" for anything else."""
    return value[:_MOST_TEXT] if isinstance(value, str) else ""


def name_of(value: Any) -> str:
    """Returns a text that is shortened where it is too long to stand beside others."""
    text = text_of(value)
    return text if len(text) <= _MOST_NAME else f"{text[: _MOST_NAME - 1]}…"


def whole_of(value: Any, default: Any) -> Any:
    """Returns a whole number that a browser can hold, and else the default."""
    return value if _is_whole(value) and abs(value) <= _MOST_STEP else default


def number_of(value: Any) -> float | None:
    """Returns a finite number, None for anything else."""
    return float(value) if _is_number(value) else None


def _share(value: Any, least: int) -> float | None:
    """A share, a probability or a loss of accuracy, None for what cannot be one."""
    return float(value) if _is_number(value) and least <= value <= 1 else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= 1.7e308  # also of whole numbers, which have no end


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(value: Any, number: int) -> list[str] | None:
    """One name for each probe, None where there is another number of them."""
    return list(map(name_of, value)) if isinstance(value, list) and len(value) == number else None


def _wholes(value: Any, number: int) -> list[int] | None:
    fits = isinstance(value, list) and len(value) == number and all(map(_is_whole, value))
    return value if fits else None
