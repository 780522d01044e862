"""Damaged and odd runs in a real browser: the tab stays usable, and says what is wrong.

What the reader refuses is tested in test_hostile_events.py; here are the worst of it, and what
happens in the browser alone.
"""

import dataclasses
import json

import cv2
import numpy as np
import pytest
from helpers.browser import (
    CHROMIUM,
    DRIVER,
    FIND,
    drawn,
    enter_saliency_tab,
    look_at,
    read,
    tensorboard,
    wait_until,
)
from helpers.tab_events import events_of, head_of, with_head, write_events
from helpers.tab_logs import make_alert, make_probes, make_report
from helpers.tab_page import click, errors, find, fragment, pick, settle, shown_probes, wait_drawn

from keras_saliency.records import Heatmaps
from keras_saliency.tab import schema

pytest.importorskip("selenium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
THREE = ("grad_cam", "vanilla_gradients", "deconvnet")
MAPS = schema.MAPS + "grad_cam"
DRIFTS = [f"saliency/{method}/drift_previous" for method in THREE]
# Requests of the page wait, fail, or are answered as if the log directory were empty.
FETCH = """
const real = window.realFetch || (window.realFetch = window.fetch);
const how = arguments[0];
window.fetch = (...asked) => {
  if (how === 'gone') return Promise.reject(new TypeError('Failed to fetch'));
  if (how === 'empty' && /data.runs/.test(asked[0]))
    return Promise.resolve(new Response('{"runs": []}'));
  if (how === 'waits' && /data.maps/.test(asked[0]))
    return new Promise((done) => (window.held ||= []).push(done)).then(() => real(...asked));
  return real(...asked);
};
document.dispatchEvent(new Event('visibilitychange'));
"""


def picture():
    """A whole picture, 8 by 8."""
    return cv2.imencode(".png", np.full((8, 8, 3), 90, np.uint8))[1].tobytes()


def runs():
    """{name: events}"""
    probes = make_probes(12, class_names=list("xyz"))
    findings = (
        make_alert(1, "the first", probe_indices=(0, 3)),
        make_alert(1, "the second", probe_indices=(1, 4, 7)),
    )
    reports = [make_report(probes, e, methods=THREE, is_baseline=e < 0) for e in (-1, 0, 1, 2)]
    reports[2] = dataclasses.replace(reports[2], findings=findings)
    three = events_of(reports)
    yield "three", three
    lacking = dataclasses.replace(
        reports[2], heatmaps={m: reports[2].heatmaps[m] for m in THREE[:2]}
    )
    yield "lacking", events_of([*reports[:2], lacking, reports[3]])
    head, [codes] = head_of(MAPS, three[MAPS][2])
    damaged = {**three[MAPS], 2: with_head(MAPS, {**head, "max": None}, [codes])}
    yield "damaged", {**three, MAPS: damaged}
    small = picture()
    sizes = [len(small), 4, len(small)]
    pictures = with_head(
        schema.PICTURES, {"version": 1, "sizes": sizes}, [small + b"\x89PNG" + small]
    )
    yield "unseen", {**three, schema.PICTURES: {-1: pictures}}
    told = [json.loads(parts[0]) for parts in three[schema.FINDINGS].values()]
    odd = [
        {k: v for k, v in told[0].items() if k not in ("probe_indices", "detector", "epoch")},
        {**told[1], "severity": "constructor", "class_index": float("nan")},
        {"version": 1, "severity": "alert", "has_picture": True},
    ]
    yield (
        "findings",
        {
            **three,
            schema.FINDINGS: {i: with_head(schema.FINDINGS, f, []) for i, f in enumerate(odd)},
            schema.EVIDENCE: {2: [small[:-30]]},
            schema.PREDICTIONS: {2: [b"{}"]},
        },
    )
    metrics = {s: {"loss": (-1) ** s * 1.7e308, "accuracy": -1e38} for s in (0, 1, 2)}
    far = [dataclasses.replace(reports[3], metrics=metrics)]
    yield "far", {**three, schema.METRICS: events_of(far)[schema.METRICS]}
    many = make_probes(256)
    large = Heatmaps("m", np.ones((256, 2, 2), np.float32), (8, 8))
    report = make_report(many, 0, methods=THREE)
    heatmaps = {m: dataclasses.replace(large, method=m) for m in THREE}
    both = [dataclasses.replace(report, heatmaps=heatmaps)]
    yield "many", events_of(both)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    names = []
    for name, events in runs():
        write_events(folder / name, events, DRIFTS)
        names.append(name)
    with tensorboard(folder) as (address, _):
        known = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: all(f'"{n}"'.encode() in read(known) for n in names), 120, "the runs")
        yield address


def enter(browser, board, run, **state):
    enter_saliency_tab(browser, board, fragment(run=run, **state))
    settle(browser)


def captions(browser, card=0):
    return browser.execute_script(
        "return [...document.querySelectorAll('.card')[arguments[0]]"
        ".querySelectorAll('figcaption:not([hidden])')].map((c) => c.textContent)",
        card,
    )


def failures(browser):
    """Errors of the page itself; answers that there is nothing are none."""
    return [e for e in errors(browser) if "Failed to load resource" not in e]


def message(browser):
    return find(browser, ".message")[0].text


@pytest.mark.parametrize("width", [1280, 1600])
def test_nothing_lies_under_the_findings(browser, board, width):
    browser.set_window_size(width, 1100)
    for state in ({}, {"compare": "epoch", "before": 0}, {"compare": "epoch", "size": 256}):
        enter(browser, board, "three", **state, view="side")
        wait_until(lambda: find(browser, ".chart"), 20, "the curves")
        under = browser.execute_script(
            "const left = document.querySelector('.findings').getBoundingClientRect().left;"
            "return [...document.querySelectorAll('.card, canvas, .chart, .plot, .below')]"
            ".filter((e) => e.offsetParent !== null || e.getClientRects().length)"
            ".filter((e) => e.getBoundingClientRect().right > left)"
            ".map((e) => e.outerHTML.slice(0, 80))"
        )
        assert not under
    look_at(browser, f"tab_three_compared_{width}")
    assert len(find(browser, ".card:first-child .tiles")) == 3, "a row for each method"


def test_a_finding_shows_its_own_probes(browser, board):
    enter(browser, board, "three", label="x")
    shown = {}
    for card in find(browser, ".finding.alert"):
        text = card.text
        [button] = [b for b in card.find_elements("css selector", ".action") if "grid" in b.text]
        browser.execute_script("arguments[0].click()", button)
        settle(browser)
        shown["first" if "the first" in text else "second"] = shown_probes(browser)
    assert shown == {"first": [0, 3], "second": [1, 4, 7]}
    only = find(browser, "select[aria-label=Only]")[0]
    assert only.get_property("value") == "finding"
    pick(browser, "Only", "")
    settle(browser)
    assert len(shown_probes(browser)) == 12


def test_a_method_without_a_map_at_an_epoch_says_so(browser, board):
    enter(browser, board, "lacking", epoch=1)
    assert captions(browser) == ["grad cam", "vanilla gradients", "deconvnet: no map at epoch 2"]
    look_at(browser, "tab_lacking")
    enter(browser, board, "lacking", epoch=1, methods="deconvnet")
    assert captions(browser) == ["deconvnet: no map at epoch 2"], "a single tile, too"


def test_maps_that_are_still_loading_say_so(browser, board):
    enter(browser, board, "three", epoch=2)
    browser.execute_script(FETCH, "waits")
    browser.execute_script(
        "const s = document.querySelector('input.slider'); s.value = 0;"
        "s.dispatchEvent(new Event('input'))"
    )
    loading = [f"{m.replace('_', ' ')}: loading start …" for m in THREE]
    wait_until(lambda: captions(browser) == loading, 10, "a word")
    assert drawn(browser) == "three 2", "nothing is said to be drawn that is not"
    browser.execute_script(FETCH, "")
    browser.execute_script("window.held.forEach((done) => done())")
    wait_drawn(browser, "three", -1)


def test_damaged_maps_of_the_last_epoch_leave_the_rest(browser, board):
    enter(browser, board, "damaged")
    assert drawn(browser) == "damaged 2"
    assert captions(browser)[:2] == ["grad cam: map of epoch 3 cannot be read", "vanilla gradients"]
    assert "grad cam at epoch 3 cannot be read" in message(browser)
    assert find(browser, ".finding.alert") and find(browser, ".chart")
    look_at(browser, "tab_damaged")
    assert not failures(browser)


def test_pictures_that_cannot_be_shown_leave_their_place(browser, board):
    enter(browser, board, "unseen", view="side")
    assert len(shown_probes(browser)) == 12 and not failures(browser)
    enter(browser, board, "unseen", probe=5)
    wait_until(lambda: find(browser, ".page .frame"), 20, "the page of a probe without a picture")
    assert not failures(browser)


def test_odd_findings_are_shown(browser, board):
    enter(browser, board, "findings", scale="probe")
    text = find(browser, ".findings")[0].text
    assert "2 alerts" in text and "unnamed detector" in text and "unknown epoch" in text
    assert "1 other finding" in text
    wait_until(lambda: "cannot be read" in find(browser, ".findings")[0].text, 20, "its picture")
    assert not failures(browser)


def test_curves_of_any_size_are_drawn(browser, board):
    """A flat curve at -1e38, and one whose range no number can hold."""
    enter(browser, board, "far")
    paths = wait_until(lambda: find(browser, ".chart path.line"), 20, "the curves")
    places = [p.get_attribute("d") for p in paths if p.get_attribute("d")]
    assert len(places) >= 3 and not any("N" in place or "I" in place for place in places)
    assert not failures(browser)


def test_odd_addresses_are_left_out(browser, board):
    for name in ("__proto__", "constructor", "toString"):
        odd = dict.fromkeys(
            ("scale", "colormap", "view", "compare", "only", "sort", "methods", "curves", "label"),
            name,
        )
        enter(browser, board, "three", **odd, **{name: 1}, finding=name, probe=0.5, size=99.9)
        assert drawn(browser) == "three 2" and len(shown_probes(browser)) == 12
        assert captions(browser) == [m.replace("_", " ") for m in THREE]
        assert not failures(browser)
    enter(browser, board, "constructor")
    assert "no run constructor" in message(browser) and find(browser, ".card")


def test_a_link_that_is_pasted_into_the_open_page_is_followed(browser, board):
    enter(browser, board, "three", epoch=2)
    browser.switch_to.default_content()
    link = fragment(run="lacking", epoch=0, view="heatmap")
    browser.execute_script(f"window.stays = true; location.hash = 'saliency{link}'")
    frames = browser.execute_script(FIND + "return found", "iframe")
    [frame] = [f for f in frames if "saliency" in (f.get_attribute("src") or "")]
    browser.switch_to.frame(frame)
    wait_drawn(browser, "lacking", 0)
    assert find(browser, "[data-value=heatmap][aria-pressed=true]")
    assert browser.execute_script("return window.parent.stays"), "without a reload"


def test_tensorboard_may_go_and_come_back(browser, board):
    enter(browser, board, "three")
    for how, said in {"gone": "does not answer", "empty": "no run three any more"}.items():
        browser.execute_script(FETCH, how)
        wait_until(lambda said=said: said in message(browser), 30, "a message")
        assert "Failed to fetch" not in message(browser)
        assert len(shown_probes(browser)) == 12, "what was read is still shown"
        browser.execute_script(FETCH, "")
        wait_until(lambda: not message(browser), 30, "the end of the message")
    click(browser, ".finding.alert header .link")
    wait_drawn(browser, "three", 1)


def test_an_export_is_the_view(browser, board, downloads):
    enter_saliency_tab(
        browser, f"{board}/?darkMode=true", fragment(run="three", compare="epoch", before=0)
    )
    settle(browser)
    across = browser.execute_script(
        "const c = [...document.querySelectorAll('.card')];"
        "return c.filter((e) => e.offsetTop === c[0].offsetTop).length"
    )
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    click(browser, ".controls .action", "Export")
    [path] = wait_until(
        lambda: [f for f in downloads.glob("three*.png") if f.stat().st_size], 60, "the download"
    )
    made = cv2.imread(str(path))[..., ::-1]
    assert f"rgb({', '.join(map(str, made[0, 0]))})" == paper, "the colours of the theme"
    cards = 12 / across
    assert made.shape[1] > across * 3 * 128 and made.shape[0] > cards * 3 * (128 + 17)


def test_an_export_that_is_too_large_says_so(browser, board):
    enter(browser, board, "many", compare="epoch", size=512)
    click(browser, ".controls .action", "Export")
    wait_until(lambda: "too large" in message(browser), 30, "a message")
