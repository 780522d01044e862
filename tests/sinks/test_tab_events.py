"""The events that the tab reads."""

import json

import numpy as np
import pytest
from helpers.tab_logs import (
    decode_maps,
    make_alert,
    make_probes,
    make_report,
)

from keras_saliency.records import Heatmaps
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


def test_of_many_probes_256_are_shown():
    probes = make_probes(700)
    events = TabEvents(probes).events(make_report(probes, 0))
    head = schema.decode_head(events[schema.PROBES, 0][0])
    assert len(head["names"]) == 256 and head["total"] == 700
    assert head["indices"][0] == 0 and head["indices"][-1] == 699
    assert decode_maps(events[schema.MAPS + "grad_cam", 0]).shape == (256, 4, 4)
