"""Reads the run file that W&B writes offline: a LevelDB log of protobuf records."""

import json
import struct

HEADER, BLOCK = 7, 2**15
FULL, FIRST, LAST = 1, 2, 4


def contents_of(path):
    """The records' bytes: chunks of (crc, length, kind), in blocks of 32 KiB."""
    data, place, parts = path.read_bytes(), HEADER, []
    while place + 7 <= len(data):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        parts = parts if kind not in (FULL, FIRST) else []
        parts.append(data[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (FULL, LAST):
            yield b"".join(parts)


def records_of(folder, kind):
    """The records of a kind, such as "history", of the one run below a folder."""
    from wandb.proto import wandb_internal_pb2

    [path] = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    for content in contents_of(path):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(content)
        if record.WhichOneof("record_type") == kind:
            yield getattr(record, kind)


def items_of(record_items):
    """The values of a record, nested as they were logged."""
    found = {}
    for item in record_items:
        *above, last = list(item.nested_key) or [item.key]
        place = found
        for name in above:
            place = place.setdefault(name, {})
        place[last] = json.loads(item.value_json)
    return found
