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
    FIND,
    chromium,
    drawn,
    enter_saliency_tab,
    look_at,
    read,
    tensorboard,
    wait_until,
)
from helpers.tab_logs import (
    HOSTILE,
    damage,
    make_alert,
    make_probes,
    make_report,
    write_foreign,
    write_log,
)

from keras_saliency import History
from keras_saliency.rendering import overlay
from keras_saliency.sinks import TensorBoardSink
from keras_saliency.tab import report

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
PACKAGE = Path(__file__).resolve().parents[2] / "keras_saliency"
TAGGED, CLEAN = "tagged/saliency", "clean/saliency"
MAPS_ASKED = "return performance.getEntriesByType('resource').filter(r => /data.maps/.test(r.name))"


@pytest.fixture(scope="module")
def board(shortcut_log):
    with tensorboard(shortcut_log) as (address, _):
        runs = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: TAGGED.encode() in read(runs), 120, "TensorBoard")
        yield address


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    with chromium(tmp_path_factory.mktemp("profile"), downloads=downloads) as driver:
        yield driver


@pytest.fixture(scope="module")
def history(shortcut_log):
    return History.load(shortcut_log / TAGGED)


def words(**state):
    return "".join(f"&p.saliency.{name}={value}" for name, value in state.items())


def enter(browser, board, **state):
    enter_saliency_tab(browser, board, words(**{"run": TAGGED, **state}))


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def click(browser, selector, text=""):
    [first, *_] = [e for e in find(browser, selector) if text in e.text]
    browser.execute_script("arguments[0].click()", first)


def pick(browser, label, value):
    browser.execute_script(
        "const list = document.querySelector(`select[aria-label='${arguments[0]}']`);"
        "list.value = arguments[1]; list.dispatchEvent(new Event('change'))",
        label,
        value,
    )


def press(browser, *keys):
    browser.switch_to.active_element.send_keys(*keys)


def wait_drawn(browser, run, step):
    wait_until(lambda: drawn(browser) == f"{run} {step}", 20, f"epoch {step} of {run}")


def settle(browser):
    """Two frames, after which what was asked for is drawn."""
    browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() =>"
        " setTimeout(done, 150)))"
    )


def pixels(browser, place=0, selector=".card canvas"):
    width, height, values = browser.execute_script(
        "const c = document.querySelectorAll(arguments[1])[arguments[0]];"
        "return [c.width, c.height, [...c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data]]",
        place,
        selector,
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def shown_probes(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('.card')].map((c) => Number(c.dataset.probe))"
    )


def errors(browser):
    """What the page complains of; TensorBoard's own words apart."""
    ours = [e for e in browser.get_log("browser") if "plugin/saliency" in e["message"]]
    return [e["message"] for e in ours if e["level"] == "SEVERE"]


def test_the_tab_appears_by_itself_and_shows_the_caught_shortcut(browser, board):
    enter_saliency_tab(browser, board)
    assert drawn(browser) == f"{TAGGED} 4", "the run with findings, its last epoch"
    assert "epoch 5 of 5" in find(browser, ".when")[0].text
    settle(browser)
    look_at(browser, "tab")
    card = find(browser, ".finding.alert")[0].text
    for word in ("ALERT", "cat", "adoption", "control", "30 pairs", "Epoch"):
        assert word in card
    seers = ("stationary", "border", "moving")  # of a tag at one place, whichever is first
    assert any(name in card for name in seers)
    assert not errors(browser)


def test_overlays_are_those_of_python(browser, board, history, shortcut_log):
    """The same pixels as `overlay` draws of the heatmap that history has."""
    enter(browser, board, epoch=4, size=256)
    settle(browser)
    probe = 20
    browser.execute_script(
        "document.querySelector(`[data-probe='${arguments[0]}']`).scrollIntoView()", probe
    )
    settle(browser)
    time.sleep(0.5)
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
    settle(browser)
    time.sleep(1)
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
    pick(browser, "Scale", "probe")
    settle(browser)
    time.sleep(0.5)
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
    enter(browser, board, epoch=step, view="heatmap", colormap="gray", scale="probe")
    wait_until(lambda: pixels(browser).max() > 200, 10, "the largest map")
    other = history.epochs[int(maxima.argmin())]
    enter(browser, board, epoch=other, view="heatmap", colormap="gray", scale="probe")
    time.sleep(1)
    share = maxima.min() / maxima.max()
    assert abs(pixels(browser).max() / 255 - share) < 0.12


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
    time.sleep(1)
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
    time.sleep(1)
    browser.switch_to.default_content()
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
    enter_saliency_tab(browser, f"{board}/?darkMode=true", words(run=TAGGED, only="alert"))
    settle(browser)
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"
    look_at(browser, "tab_dark")


@pytest.mark.parametrize("width", [1280, 2560])
def test_nothing_is_cut_off_with_long_names(tmp_path, tmp_path_factory, width):
    long = [f"class-with-a-name-of-forty-characters-{i:02d}" for i in range(3)]
    probes = make_probes(
        12, class_names=long, names=[f"a file in a folder/{i:020d}.png" for i in range(12)]
    )
    write_log(tmp_path, probes, findings=[make_alert(1, f"Class {long[0]} is {long[1]}. " * 5)])
    profile = tmp_path_factory.mktemp("profile")
    with tensorboard(tmp_path) as (address, _), chromium(profile, width, 900) as browser:
        enter_saliency_tab(browser, address, words(size=96))
        settle(browser)
        look_at(browser, f"tab_{width}")
        cut = browser.execute_script(
            "return [...document.querySelectorAll("
            "'.card, .card *, .finding, .finding *, h3, .legend')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth)"
            ".map((e) => e.className + ': ' + e.textContent)"
        )
        assert not cut
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        shown = find(browser, ".card")[0].text
        assert long[0] in shown.replace("\n", "")


def test_markup_in_names_is_text(browser, tmp_path):
    probes = make_probes(
        class_names=[HOSTILE, "b", "c"],
        names=[f"{HOSTILE}{i}" for i in range(4)],
        groups=[HOSTILE, "x", "y", "z"],
    )
    write_log(tmp_path, probes, findings=[make_alert(1, HOSTILE)])
    with tensorboard(tmp_path) as (address, _):
        wait_until(lambda: read(f"{address}/data/plugin/saliency/data/runs"), 60, "TensorBoard")
        enter_saliency_tab(browser, address, words(probe=0, only="", sort="name"))
        settle(browser)
        assert HOSTILE in find(browser, ".page h2")[0].text
        press(browser, Keys.ESCAPE)
        settle(browser)
        assert HOSTILE in find(browser, ".card")[0].text
        assert HOSTILE in find(browser, ".finding")[0].text
        assert not find(browser, "img[src=x]")
        look_at(browser, "tab_hostile")
        browser.switch_to.default_content()
        assert "onerror" not in browser.execute_script(
            "return [...document.querySelectorAll('img')].map((i) => i.outerHTML).join()"
        )


def test_a_running_training_is_followed(browser, tmp_path):
    probes = make_probes()
    sink = TensorBoardSink()
    sink.open(str(tmp_path / "saliency"), {})

    def write(epoch, *findings):
        sink.write(make_report(probes, epoch, findings, is_baseline=epoch < 0))

    with tensorboard(tmp_path, "--reload_interval", "1") as (address, _):
        wait_until(lambda: read(f"{address}/data/environment"), 60, "TensorBoard")
        write(-1)
        write(0)
        enter_saliency_tab(browser, address)
        wait_drawn(browser, "saliency", 0)
        write(1, make_alert(1, "a new alert"))
        wait_until(lambda: drawn(browser) == "saliency 1", 40, "the new epoch")
        settle(browser)
        assert "a new alert" in find(browser, ".finding.alert")[0].text
        assert "in an alert" in find(browser, ".card[data-probe='2']")[0].text
        look_at(browser, "tab_live")
    sink.close()


def test_a_log_without_maps_says_what_is_missing(browser, tmp_path):
    write_foreign(tmp_path)
    with tensorboard(tmp_path) as (address, _):
        wait_until(lambda: b"true" in read(f"{address}/data/plugins_listing"), 60, "TensorBoard")
        browser.get("about:blank")
        browser.get(f"{address}/#saliency")

        def said():
            browser.switch_to.default_content()
            frames = browser.execute_script(FIND + "return found", "iframe")
            if not frames:
                return ""
            browser.switch_to.frame(frames[0])
            messages = find(browser, ".message")
            return messages[0].text if messages else ""

        text = wait_until(said, 60, "a sentence")
        assert "cannot be read" in text or "No run" in text or "another version" in text


# With TensorBoard alone: it must start, and all other tabs work, whatever happens.


@pytest.mark.parametrize(
    "flags", [[], ["--load_fast=false"], ["--path_prefix=/a/b"]], ids=["fast", "slow", "prefix"]
)
def test_all_epochs_are_served_by_both_loaders_and_behind_a_prefix(tmp_path, browser, flags):
    write_log(tmp_path, make_probes(), range(-1, 29))
    with tensorboard(tmp_path, *flags) as (address, _):
        address += "/a/b" if "prefix" in str(flags) else ""
        runs = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: b'"last": 28' in read(runs), 90, "the log")
        about = json.loads(read(f"{address}/data/plugin/saliency/data/run?run=saliency"))
        assert about["steps"]["grad_cam"] == list(range(-1, 29))
        enter_saliency_tab(browser, address, words(epoch=5))
        wait_drawn(browser, "saliency", 5)


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty", "foreign"])
@pytest.mark.parametrize("flags", [[], ["--load_fast=false"]], ids=["fast", "slow"])
def test_tensorboard_survives_damaged_logs(tmp_path, how, flags):
    damage(write_log(tmp_path / "damaged", make_probes()), how)
    write_foreign(tmp_path)
    write_log(tmp_path / "whole", make_probes())
    with tensorboard(tmp_path, *flags) as (address, _):
        runs = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: b"whole/saliency" in read(runs), 90, "the whole run")
        plugins = json.loads(read(f"{address}/data/plugins_listing"))
        assert plugins["saliency"]["enabled"]
        answer = read(f"{address}/data/plugin/saliency/data/run?run=foreign")
        assert b"error" in answer or answer == b""


@pytest.mark.parametrize("broken", ["plugin.py", "reader.py", "schema.py", "static"])
def test_a_broken_package_costs_no_other_tab(tmp_path, broken):
    copy = tmp_path / "copy" / "keras_saliency"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / "tab" / broken
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.write_text("def broken(:\n")
    write_log(tmp_path / "logs", make_probes())
    environment = {"PYTHONPATH": str(tmp_path / "copy")}
    with tensorboard(tmp_path / "logs", environment=environment) as (address, _):
        listing = f"{address}/data/plugins_listing"
        wait_until(lambda: b"scalars" in read(listing), 60, "TensorBoard")
        plugins = json.loads(read(listing))
        assert "scalars" in plugins and "saliency" not in plugins
        assert json.loads(read(f"{address}/data/runs")) is not None


# The report.


def test_the_report_opens_without_tensorboard(browser, shortcut_log, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(report.build_report(str(shortcut_log)))
    browser.switch_to.default_content()
    browser.get(f"file://{page}#{words(run=TAGGED, epoch=2)[1:]}")
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
    time.sleep(1)
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('button, select, input, [role=button], [role=img],"
        " dialog, img')].filter((e) => !(e.ariaLabel || e.alt || e.title || e.textContent.trim()))"
        ".map((e) => e.outerHTML)"
    )
    assert not nameless


def test_methods_stand_side_by_side(browser, quickstart_log):
    with tensorboard(quickstart_log) as (address, _):
        enter_saliency_tab(browser, address, words(epoch=1))
        settle(browser)
        captions = [e.text for e in find(browser, ".card:first-child figcaption")]
        assert captions == ["grad cam", "vanilla gradients", "deconvnet"]
        look_at(browser, "tab_methods")
        click(browser, "[data-value=grad_cam]")
        settle(browser)
        captions = [e.text for e in find(browser, ".card:first-child figcaption")]
        assert captions == ["vanilla gradients", "deconvnet"]


def test_a_foreign_run_does_not_hide_the_others(browser, tmp_path):
    write_log(tmp_path, make_probes())
    write_foreign(tmp_path)
    with tensorboard(tmp_path) as (address, _):
        runs = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: b'"saliency"' in read(runs) and b'"foreign"' in read(runs), 60, "both")
        enter_saliency_tab(browser, address)
        assert drawn(browser) == "saliency 2"
        assert "foreign cannot be read" in find(browser, ".message")[0].text


def test_what_is_chosen_while_maps_are_fetched_is_drawn(browser, quickstart_log):
    """No tile is left as if it had no map, whatever is asked for in between."""
    with tensorboard(quickstart_log) as (address, _):
        enter_saliency_tab(browser, address, words(epoch=2, methods="grad_cam"))
        browser.execute_script(
            "const s = document.querySelector('input.slider');"
            "s.value = 0; s.dispatchEvent(new Event('input'));"
            "requestAnimationFrame(() => document.querySelector('[data-value=deconvnet]').click())"
        )
        wait_drawn(browser, "saliency", -1)
        settle(browser)
        time.sleep(1)
        shown = pixels(browser, 1)
        click(browser, "[data-value=heatmap]")
        settle(browser)
        click(browser, "[data-value=overlay]")
        settle(browser)
        np.testing.assert_array_equal(shown, pixels(browser, 1))
