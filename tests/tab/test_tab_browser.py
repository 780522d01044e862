"""The Saliency tab in a real browser, on a real TensorBoard, with logs of real trainings."""

import itertools
import json
import os
import shutil
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.browser import (
    CHROMIUM,
    DRIVER,
    drawn,
    enter_saliency_tab,
    look_at,
    read,
    tensorboard,
    wait_until,
)
from helpers.tab_page import (
    click,
    errors,
    find,
    fragment,
    pick,
    pixels,
    press,
    settle,
    shown_probes,
    wait_drawn,
    wait_still,
)

from keras_saliency import History
from keras_saliency.rendering import overlay
from keras_saliency.tab import report

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
TAGGED, CLEAN = "tagged/saliency", "clean/saliency"
MAPS_ASKED = "return performance.getEntriesByType('resource').filter(r => /data.maps/.test(r.name))"


@pytest.fixture(scope="module")
def board(shortcut_log):
    with tensorboard(shortcut_log) as (address, _):
        runs = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: TAGGED.encode() in read(runs), 120, "TensorBoard")
        yield address


@pytest.fixture(scope="module")
def quickstart_board(quickstart_log):
    with tensorboard(quickstart_log) as (address, _):
        yield address


@pytest.fixture(scope="module")
def history(shortcut_log):
    return History.load(shortcut_log / TAGGED)


def enter(browser, board, **state):
    enter_saliency_tab(browser, board, fragment(**{"run": TAGGED, **state}))


def test_the_tab_appears_by_itself_and_shows_the_caught_shortcut(browser, board):
    enter_saliency_tab(browser, board)
    assert drawn(browser) == f"{TAGGED} 4", "the run with findings, its last epoch"
    assert "epoch 5 of 5" in find(browser, ".when")[0].text
    settle(browser)
    look_at(browser, "tab")
    card = find(browser, ".finding.alert")[0].text
    for word in ("ALERT", "stationary", "cat", "points of accuracy, 95 % interval", "Epoch"):
        assert word in card
    assert not errors(browser)


def test_overlays_are_those_of_python(browser, board, history, shortcut_log):
    """The same pixels as `overlay` draws of the heatmap that history has."""
    enter(browser, board, epoch=4, size=256, objects="")
    settle(browser)
    probe = 20
    browser.execute_script(
        "document.querySelector(`[data-probe='${arguments[0]}']`).scrollIntoView()", probe
    )
    wait_still(browser)
    drawn_here = pixels(browser, probe)
    content = read(f"{board}/data/plugin/saliency/data/pictures?run={TAGGED}")
    length = int.from_bytes(content[:4], "little")
    sizes = json.loads(content[4 : 4 + length])["sizes"]
    start = 4 + length + sum(sizes[:probe])
    encoded = np.frombuffer(content[start : start + sizes[probe]], np.uint8)
    picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
    assert picture.shape == (64, 64, 3)
    large = np.ascontiguousarray(picture.repeat(4, axis=0).repeat(4, axis=1))
    expected = overlay(large, history.heatmaps("grad_cam", 4)[probe])
    gap = np.abs(drawn_here.astype(int) - expected)
    assert np.percentile(gap, 99) <= 4 and gap.max() <= 12, "codes are 8 bits, colours mixed"


def test_one_slider_for_all_probes(browser, board):
    enter(browser, board)
    before = pixels(browser)
    browser.execute_script(
        "const s = document.querySelector('input.slider'); s.value = 0;"
        "s.dispatchEvent(new Event('input'))"
    )
    wait_drawn(browser, TAGGED, -1)
    settle(browser)
    assert find(browser, ".when")[0].text == "start of training"
    assert (pixels(browser) != before).any()
    look_at(browser, "tab_start")


def test_the_keyboard_moves_epochs_and_probes(browser, board):
    enter(browser, board, epoch=2)
    press(browser, Keys.ARROW_RIGHT)
    wait_drawn(browser, TAGGED, 3)
    press(browser, Keys.ARROW_LEFT)
    press(browser, Keys.ARROW_LEFT)
    wait_drawn(browser, TAGGED, 1)
    press(browser, Keys.ARROW_DOWN)
    press(browser, Keys.ARROW_DOWN)
    focused = "return document.activeElement.dataset.probe"
    assert browser.execute_script(focused) == "1"
    press(browser, Keys.ARROW_UP)
    assert browser.execute_script(focused) == "0"
    press(browser, Keys.ENTER)
    wait_until(lambda: find(browser, "dialog.page[open]"), 10, "the probe's page")
    press(browser, Keys.ARROW_DOWN)
    title = "return document.querySelector('.page h2').textContent"
    wait_until(lambda: browser.execute_script(title) == "probe 1", 10, "the next probe")
    press(browser, Keys.ARROW_RIGHT)
    wait_drawn(browser, TAGGED, 2)
    press(browser, Keys.ESCAPE)
    wait_until(lambda: not find(browser, "dialog.page[open]"), 10, "the page's end")


def test_play_shows_every_epoch(browser, board):
    enter(browser, board, speed=16)
    browser.execute_script(
        "window.seen = []; new MutationObserver(() => window.seen.push("
        "document.documentElement.dataset.drawn)).observe(document.documentElement,"
        "{attributes: true, attributeFilter: ['data-drawn']})"
    )
    press(browser, " ")
    assert find(browser, ".play")[0].get_attribute("aria-label") == "Pause"

    def seen():
        """Each epoch once, from the first on."""
        found = browser.execute_script("return window.seen")
        start = f"{TAGGED} -1"
        return list(dict.fromkeys(found[found.index(start) :])) if start in found else []

    wait_until(lambda: f"{TAGGED} 4" in seen(), 20, "the end")
    assert seen() == [f"{TAGGED} {step}" for step in range(-1, 5)]
    play = "return document.querySelector('.play').ariaLabel"
    wait_until(lambda: browser.execute_script(play) == "Play", 5, "a pause at the end")


def test_maps_are_recoloured_without_asking_again(browser, board, history):
    maxima = [history.heatmaps("grad_cam", e)[0].max() for e in history.epochs]
    weakest = history.epochs[int(np.argmin(maxima))]  # at the strongest, "map" is "probe"
    enter(browser, board, epoch=weakest)
    wait_still(browser)
    asked = len(browser.execute_script(MAPS_ASKED))
    pictures = {"overlay": pixels(browser)}
    for view in ("heatmap", "image"):
        click(browser, f"[data-value={view}]")
        settle(browser)
        pictures[view] = pixels(browser)
    click(browser, "[data-value=heatmap]")
    for colormap in ("gray", "turbo"):
        pick(browser, "Colours", colormap)
        settle(browser)
        pictures[colormap] = pixels(browser)
    pick(browser, "Scale", "map")
    settle(browser)
    pictures["map"] = pixels(browser)
    pick(browser, "Scale", "probe")  # needs the maxima of all epochs
    wait_until(lambda: (pixels(browser) != pictures["map"]).any(), 20, "another scale")
    pictures["probe"] = pixels(browser)
    names = list(pictures)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert (pictures[a] != pictures[b]).any(), f"{a} and {b} look the same"
    grey = pictures["gray"]
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 0] == grey[..., 2]).all()
    assert len(browser.execute_script(MAPS_ASKED)) == asked
    click(browser, "[data-value=overlay]")
    browser.execute_script(
        "const o = document.querySelector('.controls input'); o.value = 0;"
        "o.dispatchEvent(new Event('input'))"
    )
    settle(browser)
    np.testing.assert_array_equal(pixels(browser), pictures["image"])
    click(browser, "[data-value=side]")
    settle(browser)
    assert len(find(browser, ".card:first-child canvas")) == 2


def test_scale_of_a_probe_holds_for_all_its_epochs(browser, board, history):
    """The largest of all epochs is the end of the colours, whichever epoch is shown."""
    maxima = np.stack([history.heatmaps("grad_cam", e)[0].max() for e in history.epochs])
    step = history.epochs[int(maxima.argmax())]
    shown = {"view": "heatmap", "colormap": "gray", "scale": "probe", "objects": ""}
    enter(browser, board, epoch=step, **shown)
    wait_until(lambda: pixels(browser).max() > 200, 10, "the largest map")
    other = history.epochs[int(maxima.argmin())]
    enter(browser, board, epoch=other, **shown)
    share = maxima.min() / maxima.max()  # once the maps of all epochs are there
    wait_until(lambda: abs(pixels(browser).max() / 255 - share) < 0.12, 10, "the same scale")


def test_two_runs_side_by_side_with_their_difference(browser, board):
    enter(browser, board, label="cat")
    pick(browser, "Compare", "run")
    wait_until(lambda: len(find(browser, ".card:first-child canvas")) == 3, 20, "three tiles")
    settle(browser)
    captions = [e.text for e in find(browser, ".card:first-child figcaption")]
    assert captions == ["grad cam, this run", "grad cam, other run", "difference"]
    look_at(browser, "tab_compare_runs")
    assert "not the same pixels" in find(browser, ".message")[0].text, "one has tags, one has not"


def test_an_epoch_against_itself_differs_nowhere(browser, board):
    enter(browser, board, epoch=3, compare="epoch", before=3)
    settle(browser)
    assert (pixels(browser, 2) == 242).all(), "zero is the middle of the diverging map"
    press(browser, Keys.ARROW_LEFT)
    wait_drawn(browser, TAGGED, 2)
    settle(browser)
    assert (pixels(browser, 2) != 242).any()
    look_at(browser, "tab_compare_epochs")


def test_an_alert_leads_to_its_epoch_probes_and_picture(browser, board, history):
    enter(browser, board, epoch=4)
    click(browser, ".finding.alert header .link")
    wait_until(lambda: drawn(browser) != f"{TAGGED} 4", 20, "the alert's epoch")
    wait_until(
        lambda: browser.execute_script(
            "return document.querySelector('.finding.alert img').naturalWidth > 100"
        ),
        20,
        "the evidence",
    )
    click(browser, ".picture")
    wait_until(lambda: find(browser, "dialog.large-picture[open]"), 10, "the picture, enlarged")
    settle(browser)
    look_at(browser, "tab_evidence")
    click(browser, ".large-picture .action")
    click(browser, ".finding.alert .action")
    wait_until(lambda: len(shown_probes(browser)) < 75, 10, "its probes alone")
    assert all(history.labels[p] == 1 for p in shown_probes(browser)), "cats"
    settle(browser)
    look_at(browser, "tab_alert")


def test_a_click_on_a_curve_or_a_marker_goes_to_the_epoch(browser, board):
    enter(browser, board, epoch=4)
    wait_until(lambda: find(browser, ".plot .line"), 20, "the curves")
    browser.execute_script(
        "const p = document.querySelector('.plot'), b = p.getBoundingClientRect();"
        "p.dispatchEvent(new MouseEvent('click',"
        " {bubbles: true, clientX: b.x + 40, clientY: b.y + 40}))"
    )
    wait_drawn(browser, TAGGED, -1)
    assert find(browser, ".plot .marker")
    browser.execute_script(
        "document.querySelector('.plot .marker')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    wait_until(lambda: drawn(browser) != f"{TAGGED} -1", 20, "the alert's epoch")
    titles = [e.text for e in find(browser, ".chart h3")]
    assert any("drift previous" in t for t in titles) and any("border" in t for t in titles)
    behind = find(browser, ".below .legend")[0].text
    assert "train loss" in behind and "validation accuracy" in behind


@pytest.mark.parametrize("epoch", [0, 2])
def test_filters_show_what_history_says(browser, board, history, epoch):
    at = history.epochs.index(epoch)
    said, before = history.predictions[at], history.predictions[at - 1]
    expected = {
        "flipped": np.flatnonzero(said != before),
        "wrong": np.flatnonzero(said != history.labels),
    }
    enter(browser, board, epoch=epoch)
    for only, probes in expected.items():
        pick(browser, "Only", only)
        settle(browser)
        assert shown_probes(browser) == probes.tolist(), only
    pick(browser, "Only", "")
    pick(browser, "Class", "horse")
    settle(browser)
    assert shown_probes(browser) == np.flatnonzero(history.labels == 4).tolist()


def test_probes_are_sorted_by_drift_and_confidence(browser, board, history):
    enter(browser, board, epoch=3)
    at = history.epochs.index(3)
    drift = history["grad_cam"]["drift_previous"][at]
    for sort, values in {"drift": drift, "confidence": history.confidence[at]}.items():
        pick(browser, "Sort", sort)
        expected = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable").tolist()
        wait_until(lambda e=expected: shown_probes(browser) == e, 10, f"the order by {sort}")


def test_a_probes_page_has_its_filmstrip_curves_and_values(browser, board, history):
    enter(browser, board, epoch=2, probe=17)
    wait_until(lambda: len(find(browser, ".page .frame")) == 6, 20, "the filmstrip")
    wait_until(lambda: len(find(browser, ".page .chart")) >= 2, 20, "its curves")
    wait_still(browser)
    frames = [pixels(browser, i, ".page .frame canvas") for i in range(6)]
    assert all((a != b).any() for a, b in itertools.pairwise(frames))
    browser.execute_script(
        "const c = document.querySelectorAll('canvas.large')[1], b = c.getBoundingClientRect();"
        "c.dispatchEvent(new MouseEvent('mousemove',"
        " {bubbles: true, clientX: b.x + b.width / 2, clientY: b.y + b.height / 2}))"
    )
    text = find(browser, ".pointed")[0].text
    assert "row 3" in text and "mean" in text
    native = history.heatmaps("grad_cam", 2)[17]
    told = float(text.split("× the map")[0].split()[-1])
    height, width = native.shape
    inside = native[height // 2 - 1 : height // 2 + 1, width // 2 - 1 : width // 2 + 1]
    share = inside / native.mean()
    assert share.min() - 0.1 <= told <= share.max() + 0.1
    look_at(browser, "tab_probe")


def newest(folder, began, suffix=".png"):
    def found():
        files = [f for f in folder.glob(f"*{suffix}") if f.stat().st_mtime >= began - 1]
        return max(files, key=lambda f: f.stat().st_mtime) if files else None

    path = wait_until(found, 60, "the download")
    wait_until(lambda: path.stat().st_size > 0 and not list(folder.glob("*.crdownload")), 30, path)
    return path


def keep(path, name):
    folder = os.environ.get("KERAS_SALIENCY_SCREENSHOTS")
    if folder:
        shutil.copy(path, Path(folder) / f"{name}{path.suffix}")


def test_the_view_is_exported_as_png(browser, board, downloads):
    enter(browser, board, label="cat", compare="epoch")
    began = time.time()
    click(browser, ".controls .action", "Export")
    path = newest(downloads, began)
    picture = cv2.imread(str(path))
    assert picture is not None and picture.shape[1] > 600 and picture.std() > 20
    keep(path, "export_view")


def chunks(content):
    at = 8
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        crc = int.from_bytes(content[at + 8 + length : at + 12 + length], "big")
        assert crc == zlib.crc32(kind + body), kind
        yield kind.decode(), body
        at += 12 + length


def test_a_probes_evolution_is_exported_as_animated_png(browser, board, downloads):
    enter(browser, board, probe=20)
    wait_until(lambda: find(browser, ".page .export"), 20, "the button")
    began = time.time()
    click(browser, ".page .export")
    path = newest(downloads, began)
    content = path.read_bytes()
    found = list(chunks(content))
    kinds = [kind for kind, _ in found]
    [control] = [body for kind, body in found if kind == "acTL"]
    assert int.from_bytes(control[:4], "big") == 6 == kinds.count("fcTL")
    assert kinds[:2] == ["IHDR", "acTL"] and kinds[-1] == "IEND" and "IDAT" in kinds
    order = [int.from_bytes(b[:4], "big") for kind, b in found if kind in ("fcTL", "fdAT")]
    assert order == list(range(len(order)))
    first = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert first.std() > 20
    keep(path, "export_evolution")


def test_what_is_chosen_stands_in_the_address(browser, board):
    enter(browser, board, epoch=3)
    click(browser, "[data-value=heatmap]")
    pick(browser, "Class", "cat")
    pick(browser, "Colours", "inferno")
    browser.switch_to.default_content()
    wait_until(lambda: "inferno" in browser.current_url, 20, "the last choice, in the address")
    address = browser.current_url
    assert "#saliency&" in address
    browser.get("about:blank")
    enter_saliency_tab(browser, address.split("/#")[0], address.split("#saliency")[1])
    wait_drawn(browser, TAGGED, 3)
    settle(browser)
    assert find(browser, "[data-value=heatmap][aria-pressed=true]")
    assert len(shown_probes(browser)) == 15
    assert find(browser, "select[aria-label=Colours]")[0].get_property("value") == "inferno"


def test_nonsense_in_the_address_is_left_out(browser, board):
    odd = {"epoch": "x", "methods": "nothing", "probe": "999", "compare": "run", "other": "../x"}
    enter(browser, board, **odd, label="nothing", colormap="<b>", opacity="9", view="odd")
    assert drawn(browser) == f"{TAGGED} 4"
    assert len(shown_probes(browser)) == 75, "a class that no probe has filters nothing"
    assert not errors(browser)


def test_dark_theme(browser, board):
    enter_saliency_tab(browser, f"{board}/?darkMode=true", fragment(run=TAGGED, only="alert"))
    settle(browser)
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"
    look_at(browser, "tab_dark")


def test_the_report_opens_without_tensorboard(browser, shortcut_log, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(report.build_report(str(shortcut_log)))
    browser.switch_to.default_content()
    browser.get(f"file://{page}#{fragment(run=TAGGED, epoch=2)[1:]}")
    wait_drawn(browser, TAGGED, 2)
    settle(browser)
    assert find(browser, ".finding.alert") and find(browser, ".plot .line")
    look_at(browser, "report")
    press(browser, Keys.ARROW_RIGHT)
    wait_drawn(browser, TAGGED, 3)
    pick(browser, "Run", CLEAN)
    wait_until(lambda: (drawn(browser) or "").startswith(CLEAN), 10, "the other run")
    pick(browser, "Sort", "drift")
    pick(browser, "Scale", "probe")
    click(browser, ".card")
    wait_until(lambda: len(find(browser, ".page .chart")) >= 2, 20, "a probe's curves")
    severe = [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert not [m for m in severe if "report.html" in m]


def test_every_control_has_a_name(browser, board):
    enter(browser, board, probe=3)
    wait_still(browser)
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('button, select, input, [role=button], [role=img],"
        " dialog, img')].filter((e) => !(e.ariaLabel || e.alt || e.title || e.textContent.trim()))"
        ".map((e) => e.outerHTML)"
    )
    assert not nameless


def test_methods_stand_side_by_side(browser, quickstart_board):
    enter_saliency_tab(browser, quickstart_board, fragment(epoch=1))
    settle(browser)
    captions = [e.text for e in find(browser, ".card:first-child figcaption")]
    assert captions == ["grad cam", "vanilla gradients", "deconvnet"]
    look_at(browser, "tab_methods")
    click(browser, "[data-value=grad_cam]")
    settle(browser)
    captions = [e.text for e in find(browser, ".card:first-child figcaption")]
    assert captions == ["vanilla gradients", "deconvnet"]


def test_what_is_chosen_while_maps_are_fetched_is_drawn(browser, quickstart_board):
    """No tile is left as if it had no map, whatever is asked for in between."""
    enter_saliency_tab(browser, quickstart_board, fragment(epoch=2, methods="grad_cam"))
    browser.execute_script(
        "const s = document.querySelector('input.slider');"
        "s.value = 0; s.dispatchEvent(new Event('input'));"
        "requestAnimationFrame(() => document.querySelector('[data-value=deconvnet]').click())"
    )
    wait_drawn(browser, "saliency", -1)
    wait_still(browser)
    shown = pixels(browser, 1)
    click(browser, "[data-value=heatmap]")
    settle(browser)
    click(browser, "[data-value=overlay]")
    settle(browser)
    np.testing.assert_array_equal(shown, pixels(browser, 1))
