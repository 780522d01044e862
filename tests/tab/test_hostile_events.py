"""Whatever an event says, the tab gets what it can draw, or a message; sizes stay bounded."""

import copy
import dataclasses
import json
import math
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from helpers.tab_events import DEEP, Events, events_of, head_of, with_head
from helpers.tab_logs import make_alert, make_probes, make_report
from tensorboard import context

from keras_saliency.records import LabelIssue
from keras_saliency.tab import checks, report, schema
from keras_saliency.tab.reader import Reader

RUN, MAPS, NUMBER = "logs/saliency", schema.MAPS + "grad_cam", 4
HOSTILE = (
    *(None, True, -1, 0, 1, 0.5, 2**63, 10**400, math.nan, math.inf, "", "x" * 30_000, DEEP),
    *([], [[]], {}, [None] * NUMBER, [-1] * NUMBER, [2**32, 2**32, 2], [4, 0, 4], [-4, -4, 1]),
    *([[1], [2], [3]], [4, 4], [4, 2**40, 1], ["a"] * 3, {"__proto__": 1}, "__proto__"),
)


def whole_run():
    """What a training of three epochs writes, with every tag of the schema."""
    masks = np.zeros((NUMBER, 8, 8), bool)
    masks[:, 2:5, 3:6] = True
    probes = make_probes(NUMBER, class_names=list("xyz"), groups=list("abab"), object_masks=masks)
    findings = (make_alert(1), make_alert(1, severity="suspect"))
    reports = [make_report(probes, epoch, is_baseline=epoch < 0) for epoch in (-1, 0)]
    last = make_report(probes, 1, findings)
    more = {"tested": "said", "label_issues": (LabelIssue(2, "c", 2, 0, 0.1),)}
    reports.append(dataclasses.replace(last, metrics={1: {"loss": 0.5}}, **more))
    return events_of(reports)


WHOLE = whole_run()


def reader_of(events, **others):
    return Reader(Events({RUN: events, **others}), context.RequestContext(), "")


def strictly(content):
    """JSON as a browser reads it."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(content, parse_constant=refuse)


def ask(reader, name, **query):
    """An answer, or None where there is a message."""
    try:
        content, _ = reader.answer(name, query)
    except (KeyError, ValueError) as error:
        said = str(error.args[0])
        assert said and "object" not in said and "line 1" not in said, "words of ours"
        return None
    return content


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53


def look_at_everything(reader, run=RUN):
    """Asks what the page asks, and holds each answer against what the page relies on."""
    for listed in strictly(ask(reader, "runs"))["runs"]:
        assert isinstance(listed["name"], str) and is_whole(listed["alerts"])
    content = ask(reader, "run", run=run)
    if content is None:
        return False
    about = strictly(content)
    probes, number = about["probes"], len(about["probes"]["names"])
    assert 0 < number <= schema.MOST_PROBES
    for name in ("names", "indices", "label_texts", "groups"):
        assert probes[name] is None or len(probes[name]) == number
    assert all(isinstance(n, str) for n in probes["names"] + probes["label_texts"])
    assert all(is_whole(s) and s > 0 for s in probes["image_size"])
    for finding in about["findings"]:
        assert finding["severity"] in (*checks.SEVERITIES, "unknown")
        assert isinstance(finding["detector"], str) and isinstance(finding["message"], str)
        assert all(isinstance(i, int) for i in finding["probe_indices"])
        assert finding["epoch"] is None or is_whole(finding["epoch"])
        losses = [finding.get("accuracy_loss"), *(finding.get("loss_interval") or ())]
        shares = [share for share in losses if share is not None]
        assert all(-1 <= share <= 1 for share in shares) and shares[1:] == sorted(shares[1:])
        for name in ("adoption", "control"):
            assert finding[name] is None or 0 <= finding[name] <= 1
        assert min(finding["num_pairs"], finding["num_donors"]) >= 0
        ask(reader, "evidence", run=run, number=str(finding["number"]))
    head, body = schema.unpack(ask(reader, "pictures", run=run))
    pictures = strictly(head)
    assert len(pictures["sizes"]) == number
    assert len(body) >= sum(pictures["sizes"])
    if pictures["objects"]:
        bits = zlib.decompress(body[sum(pictures["sizes"]) :])
        assert len(bits) == -(-math.prod(pictures["objects"]["shape"]) // 8)
    assert about["steps"] and all(about["steps"].values())
    for method, steps in about["steps"].items():
        look_at_maps(reader, run, method, steps, number)
        look_at_numbers(ask(reader, "numbers", run=run, method=method))
    look_at_numbers(ask(reader, "numbers", run=run))
    series = json.dumps(about["scalars"])
    assert strictly(ask(reader, "scalars", run=run, series=series))["series"] is not None
    return True


def look_at_maps(reader, run, method, steps, number):
    content = ask(reader, "maps", run=run, method=method, steps=",".join(map(str, steps)))
    if content is None:
        assert len(steps) == 1, "of several, each has a message of its own"
        return
    head, body = schema.unpack(content)
    start = 0
    for part in strictly(head)["maps"]:
        one = body[start : start + part["size"]]
        start += part["size"]
        assert bool(part.get("error")) != bool(one)
        if one:
            packed, codes = schema.unpack(one)
            maps = schema.decode_head(packed)
            n, h, w = maps["shape"]
            assert n == number and len(zlib.decompress(codes)) == n * h * w
            assert len(maps["max"]) == len(maps["mean"]) == n
    assert start == len(body)


def look_at_numbers(content):
    if content is not None:
        head, body = schema.unpack(content)
        found = strictly(head)
        size = len(found["names"]) * len(found["steps"]) * found["probes"]
        assert len(body) == 4 * size


def fields_of(head):
    """Paths to all fields of an event's JSON, and to the first element of each list."""
    for name, value in head.items():
        yield (name,)
        if isinstance(value, list) and value:
            yield name, 0
        if isinstance(value, dict):
            yield from ((name, inner) for inner in value)


def changed(head, path, value):
    head = copy.deepcopy(head)
    place = head
    for name in path[:-1]:
        place = place[name]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return head


def cases():
    for tag, events in WHOLE.items():
        if tag != schema.EVIDENCE:
            head, _ = head_of(tag, events[max(events)])
            yield from ((tag, path) for path in fields_of(head))


@pytest.mark.parametrize(("tag", "path"), cases(), ids=lambda p: str(p).rpartition("/")[2])
def test_a_field_may_hold_anything(tag, path):
    """Of the last epoch, which the tab opens with; all fields of the schema."""
    step = max(WHOLE[tag])
    head, rest = head_of(tag, WHOLE[tag][step])
    for value in (*HOSTILE, KeyError):
        made = with_head(tag, changed(head, path, value), rest)
        events = {**WHOLE, tag: {**WHOLE[tag], step: made}}
        is_shown = look_at_everything(reader_of(events))
        # Probes are described once, and maps and pictures have to be of these.
        assert is_shown or tag == schema.PROBES, value


def test_a_finding_says_nothing_that_cannot_be():
    """Infinity points of accuracy, minus four donors, an interval from 900 to -900."""
    tag = schema.FINDINGS
    head, rest = head_of(tag, WHOLE[tag][0])
    odd = {"accuracy_loss": 1e308, "loss_interval": [0.9, -0.9], "adoption": -0.1, "control": 5}
    made = with_head(tag, {**head, **odd, "num_pairs": -1, "num_donors": -4}, rest)
    told = strictly(ask(reader_of({**WHOLE, tag: {0: made}}), "run", run=RUN))["findings"][0]
    assert [told[name] for name in odd] == [None] * 4
    assert told["num_pairs"] == told["num_donors"] == 0
    assert told["message"] == head["message"] and told["detector"] == head["detector"]


@pytest.mark.parametrize("field", ["names", "label_texts", "groups", "class_names"])
def test_names_are_shortened_and_messages_are_not(field):
    head, _ = head_of(schema.PROBES, WHOLE[schema.PROBES][-1])
    made = with_head(schema.PROBES, {**head, field: ["c" * 5000] * NUMBER}, [])
    finding, _ = head_of(schema.FINDINGS, WHOLE[schema.FINDINGS][0])
    long = with_head(schema.FINDINGS, {**finding, "detector": "d" * 5000, "message": "m" * 999}, [])
    reader = reader_of({**WHOLE, schema.PROBES: {-1: made}, schema.FINDINGS: {0: long}})
    told = strictly(ask(reader, "run", run=RUN))
    assert told["probes"][field] == ["c" * 199 + "…"] * NUMBER
    assert told["findings"][0]["detector"] == "d" * 199 + "…"
    assert told["findings"][0]["message"] == "m" * 999


def test_random_damage_is_survived(rng):
    for trial in range(400):
        tags = sorted(WHOLE)
        tag = tags[trial % len(tags)]
        step = list(WHOLE[tag])[int(rng.integers(len(WHOLE[tag])))]
        parts = list(WHOLE[tag][step])
        place = int(rng.integers(len(parts)))
        content = bytearray(parts[place])
        for _ in range(int(rng.integers(1, 4))):
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
        content = content[: int(rng.integers(len(content) + 1))] if trial % 3 == 0 else content
        parts[place] = bytes(content)
        look_at_everything(reader_of({**WHOLE, tag: {**WHOLE[tag], step: parts}}))


@pytest.mark.parametrize("tag", sorted(WHOLE))
@pytest.mark.parametrize("parts", [[], [b""], [b"\xff\xff\xff\xff{}"], [b"{}", b""], [3.0], ["x"]])
def test_an_event_may_be_anything(tag, parts):
    is_shown = look_at_everything(reader_of({**WHOLE, tag: {**WHOLE[tag], 1: parts}}))
    assert is_shown
    look_at_everything(reader_of({**WHOLE, tag: {1: parts}}))


@pytest.mark.parametrize("tag", sorted(WHOLE))
def test_a_tag_may_be_missing(tag):
    is_shown = look_at_everything(reader_of({t: e for t, e in WHOLE.items() if t != tag}))
    assert is_shown == (tag not in (schema.PROBES, MAPS))


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def jpeg(width, height):
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9) + frame


@pytest.mark.parametrize("make", [png, jpeg])
def test_the_size_of_a_picture_is_read_without_decoding_it(make):
    assert checks.picture_size(make(300, 200)) == (300, 200)
    assert checks.picture_size(make(20_000, 20_001)) == (20_000, 20_001)


def test_pictures_are_those_that_opencv_writes(rng):
    import cv2

    picture = rng.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    for suffix in (".png", ".jpg"):
        assert checks.picture_size(cv2.imencode(suffix, picture)[1].tobytes()) == (40, 30)


@pytest.mark.parametrize("large", [png(20_000, 20_000), jpeg(20_000, 20_000), b"GIF89a" + bytes(9)])
def test_a_picture_that_cannot_be_shown_leaves_its_place_empty(large):
    head, [body] = head_of(schema.PICTURES, WHOLE[schema.PICTURES][-1])
    sizes = [len(large), *head["sizes"][1:]]
    made = with_head(schema.PICTURES, {**head, "sizes": sizes}, [large + body[head["sizes"][0] :]])
    reader = reader_of({**WHOLE, schema.PICTURES: {-1: made}, schema.EVIDENCE: {0: [large]}})
    told, rest = schema.unpack(ask(reader, "pictures", run=RUN))
    told = json.loads(told)
    assert told["sizes"] == [0, *head["sizes"][1:]] and told["objects"]["shape"] == [4, 8, 8]
    assert rest == body[head["sizes"][0] :]
    assert ask(reader, "evidence", run=RUN, number="0") is None


def test_fewer_pictures_than_names_leave_places_empty():
    head, [body] = head_of(schema.PICTURES, WHOLE[schema.PICTURES][-1])
    made = with_head(schema.PICTURES, {**head, "sizes": head["sizes"][:2]}, [body])
    content = ask(reader_of({**WHOLE, schema.PICTURES: {-1: made}}), "pictures", run=RUN)
    told = json.loads(schema.unpack(content)[0])
    assert told["sizes"] == [*head["sizes"][:2], 0, 0] and told["objects"] is None


def bombs():
    """Events that say little, and would be large."""
    head, _ = head_of(MAPS, WHOLE[MAPS][1])
    zeros = zlib.compress(bytes(2**26), 9)
    for shape in ([2**32, 2**32, 2], [4, 2**16, 2**14], [4, 4, 4]):
        yield MAPS, with_head(MAPS, {**head, "shape": shape}, [zeros])
    pictures, [rest] = head_of(schema.PICTURES, WHOLE[schema.PICTURES][-1])
    objects = {"found": True, "shape": [4, 2**15, 2**14]}
    whole = sum(pictures["sizes"])
    made = {**pictures, "objects": objects}
    yield schema.PICTURES, with_head(schema.PICTURES, made, [rest[:whole] + zeros])
    rows, _ = head_of(schema.PREDICTIONS, WHOLE[schema.PREDICTIONS][1])
    names = {**rows, "names": [str(i) for i in range(10**5)]}
    yield schema.PREDICTIONS, with_head(schema.PREDICTIONS, names, [bytes(16)])


@pytest.mark.parametrize(("tag", "parts"), bombs())
def test_nothing_large_is_made_of_what_an_event_says(tag, parts):
    reader = reader_of({**WHOLE, tag: {**WHOLE[tag], 1: parts}})
    tracemalloc.start()
    look_at_everything(reader)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40 * 2**20


def test_too_many_numbers_are_refused_before_there_is_room_for_them(monkeypatch):
    from keras_saliency.tab import reader as module

    monkeypatch.setattr(module, "_MOST_NUMBERS", 4 * NUMBER * 3 * 3 - 1)  # three rows, three epochs
    reader = reader_of(WHOLE)
    with pytest.raises(ValueError, match="too many numbers"):
        reader.answer("numbers", {"run": RUN})
    assert ask(reader, "numbers", run=RUN, names="confidence")


def test_maps_of_other_probes_are_not_shown_as_these():
    """Two programs write into one run: each event says of which probes it is."""
    others = make_probes(NUMBER, names=[f"other {i}" for i in range(NUMBER)])
    theirs = events_of([make_report(others, epoch) for epoch in (0, 2)])
    both = {tag: {**events, **theirs.get(tag, {})} for tag, events in WHOLE.items()}
    reader = reader_of(both)
    about = json.loads(ask(reader, "run", run=RUN))
    assert about["probes"]["names"] == [f"other {i}" for i in range(NUMBER)]
    content = ask(reader, "maps", run=RUN, method="grad_cam", steps="-1,0,1,2")
    told = {
        part["step"]: part.get("error") for part in json.loads(schema.unpack(content)[0])["maps"]
    }
    assert "other probes" in told[-1] and "other probes" in told[1]
    assert told[0] is None and told[2] is None
    head, _ = schema.unpack(ask(reader, "numbers", run=RUN))
    assert json.loads(head)["steps"] == [0, 2]
    assert ask(reader, "pictures", run=RUN) != ask(reader_of(WHOLE), "pictures", run=RUN)


def test_one_damaged_run_does_not_end_the_report_of_the_others(monkeypatch):
    broken = {"probes": schema.PROBES, "maps": MAPS, "numbers": schema.NUMBERS + "grad_cam"}
    runs = {"whole": WHOLE}
    for name, tag in broken.items():
        runs[name] = {**WHOLE, tag: {step: [b"\x00"] for step in WHOLE[tag]}}
    runs["no epochs"] = {tag: events for tag, events in WHOLE.items() if tag != MAPS}
    made = Reader(Events(runs), context.RequestContext(), "")
    monkeypatch.setattr(report, "_read", lambda *_: made)
    page = report.build_report(".")
    found = json.loads(page.split('id="report">')[1].split("</script>")[0])
    assert '"probes" cannot be read' in found["note"]
    asked = {tuple(json.loads(q)[0:1]) for q in found["answers"]}
    assert ("maps",) in asked
    assert any(json.loads(q)[0] == "maps" for q in found["errors"]), "a message in its place"
