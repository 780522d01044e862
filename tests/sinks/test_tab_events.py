"""The events that the tab reads."""

import dataclasses
import json
import zlib

import numpy as np
import pytest
from helpers.tab_logs import (
    decode_maps,
    make_alert,
    make_probes,
    make_report,
)

from keras_saliency import ProbeSet
from keras_saliency.records import Heatmaps, LabelIssue
from keras_saliency.sinks.tab_events import TabEvents, compact
from keras_saliency.tab import schema


def test_codes_are_off_by_half_a_step_at_most(rng):
    maps = (
        rng.gamma(0.3, size=(5, 7, 9)).astype(np.float32)
        * 10.0 ** np.arange(-6, 4, 2)[:, None, None]
    )
    parts = schema.encode_maps(maps, maps.mean(axis=(1, 2)), np.zeros(5, bool))
    restored = decode_maps(parts)
    largest = maps.max(axis=(1, 2), keepdims=True)
    assert (np.abs(restored - maps) <= largest * (1 / 510 + 1e-5)).all()
    np.testing.assert_allclose(restored.max(axis=(1, 2)), largest[:, 0, 0], rtol=1e-5)


def test_maps_that_are_none_are_told_apart():
    maps = np.ones((3, 2, 2), np.float32)
    maps[0, 0, 0], maps[1] = np.nan, 0
    parts = schema.encode_maps(maps, maps.mean(axis=(1, 2)), np.array([False, True, False]))
    head = json.loads(schema.unpack(parts[0])[0])
    assert head["max"] == [None, 0, 1] and head["empty"] == [1]
    assert np.isnan(decode_maps(parts)[0]).all()


def test_large_maps_are_averaged_by_area_over_whole_pixels():
    native = np.arange(2 * 112 * 84, dtype=np.float32).reshape(2, 112, 84)
    maps, means = compact(Heatmaps("m", native, (112, 84)), [1])
    by_hand = native[1].reshape(56, 2, 42, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(maps[0], by_hand, rtol=1e-6)
    np.testing.assert_allclose(means, native[1].mean(), rtol=1e-6)


@pytest.mark.parametrize("side", [56, 57, 96, 112, 113, 224, 299])
def test_no_map_is_larger_than_56_pixels(side):
    maps, _ = compact(
        Heatmaps("m", np.ones((1, side, side // 2), np.float32), (side, side // 2)), [0]
    )
    assert 28 <= max(maps.shape[1:]) <= 56
    np.testing.assert_allclose(maps, 1, rtol=1e-6)


def test_advice_on_a_method_comes_with_the_probes():
    report = make_report(make_probes(), 0)
    advised = {m: dataclasses.replace(h, advice="Try it") for m, h in report.heatmaps.items()}
    for heatmaps, expected in ((report.heatmaps, []), (advised, ["grad_cam: Try it."])):
        events = TabEvents(make_probes()).events(dataclasses.replace(report, heatmaps=heatmaps))
        head = json.loads(events[schema.PROBES, 0][0])
        assert head["advice"] == expected


def test_probes_are_told_once_and_findings_are_numbered():
    tab = TabEvents(make_probes())
    first = tab.events(make_report(make_probes(), -1, is_baseline=True))
    assert {tag for tag, _ in first} >= {schema.PROBES, schema.PICTURES, schema.PREDICTIONS}
    findings = make_alert(0), make_alert(0, evidence=False)
    second = tab.events(make_report(make_probes(), 0, findings, earlier=5))
    assert schema.PROBES not in {tag for tag, _ in second}
    assert [step for tag, step in second if tag == schema.FINDINGS] == [5, 6]
    assert [step for tag, step in second if tag == schema.EVIDENCE] == [5]


def test_inside_an_epoch_only_findings_are_told():
    tab = TabEvents(make_probes())
    tab.events(make_report(make_probes(), -1, is_baseline=True))
    inside = make_report(make_probes(), 0, (make_alert(0),), batch=7, batches_trained=7)
    assert {tag for tag, _ in tab.events(inside)} == {schema.FINDINGS, schema.EVIDENCE}


def test_what_was_tested_is_told_at_each_epoch():
    tab = TabEvents(make_probes())
    report = dataclasses.replace(make_report(make_probes(), 3), tested="two\nlines")
    [head] = tab.events(report)[schema.TESTED, 3]
    assert schema.decode_head(head)["lines"] == ["two", "lines"]
    assert (schema.TESTED, 4) not in tab.events(make_report(make_probes(), 4))


def labels_at(events, epoch):
    found = [schema.decode_head(head) for head in events.get((schema.LABELS, epoch), [])]
    return [issue["probe_index"] for head in found for issue in head["issues"]]


def test_labels_that_may_be_wrong_are_told_until_there_are_none():
    probes = make_probes()
    tab, issues = TabEvents(probes), (LabelIssue(2, "2", 2, 0, 0.1), LabelIssue(0, "0", 0, 1, 0.2))
    reports = [make_report(probes, epoch) for epoch in range(4)]
    reports[1] = dataclasses.replace(reports[1], label_issues=issues)
    events = [tab.events(report) for report in reports]
    assert [(schema.LABELS, e) in told for e, told in enumerate(events)] == [0, 1, 1, 0]
    assert labels_at(events[1], 1) == [2, 0] and labels_at(events[2], 2) == []


def objects_of(probes):
    """What the tab is told of objects: the head's entry, and masks as the browser reads them."""
    events = TabEvents(probes).events(make_report(probes, 0))
    packed, content = schema.unpack(events[schema.PICTURES, 0][0])
    head = schema.decode_head(packed)
    if head["objects"] is None:
        assert len(content) == sum(head["sizes"])
        return None, None
    number = int(np.prod(head["objects"]["shape"]))
    bits = np.unpackbits(np.frombuffer(zlib.decompress(content[sum(head["sizes"]) :]), np.uint8))
    return head["objects"], bits[:number].astype(bool).reshape(head["objects"]["shape"])


def squares(number, side=16):
    """Bright squares on black, and their masks with the rim that is found with them."""
    images, masks = (
        np.zeros((number, side, side, 3), np.uint8),
        np.zeros((number, side, side), bool),
    )
    for i in range(number):
        top, left = 4 + i % 3, 5 + i % 2
        images[i, top : top + 5, left : left + 6] = 255
        masks[i, top - 1 : top + 6, left - 1 : left + 7] = True
    return images, masks


def test_given_masks_are_told_with_the_pictures(rng):
    masks = rng.random((5, 9, 7)) < 0.5
    probes = ProbeSet(rng.uniform(size=(5, 9, 7, 3)), [0, 1, 0, 1, 2], object_masks=masks)
    about, told = objects_of(probes)
    assert about == {"found": False, "shape": [5, 9, 7]}
    np.testing.assert_array_equal(told, masks)


def test_found_objects_are_told_as_found():
    images, masks = squares(12)
    about, told = objects_of(ProbeSet(images, np.arange(12) % 2))
    assert about["found"]
    np.testing.assert_array_equal(told, masks)


def test_an_object_that_is_not_sure_is_not_told(rng):
    images, masks = squares(12)
    images[3] = rng.integers(0, 256, images[3].shape)
    masks[3] = False
    _, told = objects_of(ProbeSet(images, np.arange(12) % 2))
    np.testing.assert_array_equal(told, masks)


def test_objects_that_no_swap_relies_on_are_not_told(rng):
    noise = rng.integers(0, 256, (12, 16, 16, 3))
    assert objects_of(ProbeSet(noise, np.arange(12) % 2)) == (None, None)
    images, _ = squares(12)
    assert objects_of(ProbeSet(images, np.arange(12) % 2, object_masks=None)) == (None, None)


def test_masks_of_signals_are_a_row_and_of_volumes_a_projection(rng):
    labels = [0, 1]
    mask = np.zeros((2, 40), bool)
    mask[:, 4:9] = True
    probes = ProbeSet(rng.uniform(size=(2, 40, 1)), labels, object_masks=mask)
    np.testing.assert_array_equal(objects_of(probes)[1], mask[:, None])
    mask = rng.random((2, 4, 5, 6)) < 0.3
    probes = ProbeSet(rng.uniform(size=(2, 4, 5, 6, 1)), labels, object_masks=mask)
    np.testing.assert_array_equal(objects_of(probes)[1], mask.any(axis=1))


def test_no_mask_is_larger_than_128_pixels():
    mask = np.zeros((1, 256, 128), bool)
    mask[:, 64:128, 32:64] = True
    probes = ProbeSet(np.zeros((1, 256, 128, 1)), [0], object_masks=mask)
    np.testing.assert_array_equal(objects_of(probes)[1], mask[:, ::2, ::2])


def test_of_many_probes_256_are_shown():
    probes = make_probes(700)
    events = TabEvents(probes).events(make_report(probes, 0))
    head = schema.decode_head(events[schema.PROBES, 0][0])
    assert len(head["names"]) == 256 and head["total"] == 700
    assert head["indices"][0] == 0 and head["indices"][-1] == 699
    assert decode_maps(events[schema.MAPS + "grad_cam", 0]).shape == (256, 4, 4)
