"""The Saliency tab on logs that are long, foreign, damaged or hostile: TensorBoard always starts.

With TensorBoard alone, too, so nothing here trains: KERAS_SALIENCY_TENSORBOARD may name a Python
without TensorFlow.
"""

import json
import shutil
import urllib.parse
from pathlib import Path

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
from helpers.tab_logs import (
    HOSTILE,
    damage,
    make_alert,
    make_probes,
    make_report,
    write_foreign,
    write_log,
)
from helpers.tab_page import find, fragment, press, settle, wait_drawn

from keras_saliency.sinks import TensorBoardSink
from keras_saliency.tab import schema

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys

pytestmark = [
    pytest.mark.slow,
    pytest.mark.versions,
    pytest.mark.loaders,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
PACKAGE = Path(__file__).resolve().parents[2] / "keras_saliency"
LONG_NAMES = [f"class-with-a-name-of-forty-characters-{i:02d}" for i in range(3)]
DAMAGES = ("truncated", "flipped", "empty", "no_events")
QUOTED = 'a "quoted" \\name'
FAST, SLOW = (), ("--load_fast=false", "--path_prefix=/a/b")


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Runs that no training has written, side by side."""
    folder = tmp_path_factory.mktemp("logs")
    write_log(folder / "long", make_probes(), range(-1, 29))
    write_log(folder / QUOTED, make_probes())
    files = [f"a file in a folder/{i:020d}.png" for i in range(12)]
    alert = make_alert(1, f"Class {LONG_NAMES[0]} is {LONG_NAMES[1]}. " * 5)
    write_log(
        folder / "named", make_probes(12, class_names=LONG_NAMES, names=files), findings=[alert]
    )
    hostile = make_probes(
        class_names=[HOSTILE, "b", "c"],
        names=[f"{HOSTILE}{i}" for i in range(4)],
        groups=[HOSTILE, "x", "y", "z"],
    )
    write_log(folder / "hostile", hostile, findings=[make_alert(1, HOSTILE)])
    for how in DAMAGES:
        damage(write_log(folder / how, make_probes()), how)
    write_foreign(folder)
    return folder


@pytest.fixture(
    scope="module", params=[FAST, SLOW], ids=["loaded_fast", "loaded_slowly_behind_a_prefix"]
)
def board(request, logs):
    with tensorboard(logs, *request.param) as (address, _):
        address += "/a/b" if request.param == SLOW else ""
        runs = f"{address}/data/plugin/saliency/data/runs"
        whole = (b'"last": 28', b"named/saliency", b"hostile/saliency", b"foreign")
        wait_until(lambda: all(run in read(runs) for run in whole), 90, "the runs")
        yield address


on_one_board = pytest.mark.parametrize("board", [FAST], ids=["loaded_fast"], indirect=True)


def test_all_epochs_are_served_by_both_loaders_and_behind_a_prefix(browser, board):
    about = json.loads(read(f"{board}/data/plugin/saliency/data/run?run=long/saliency"))
    assert about["steps"]["grad_cam"] == list(range(-1, 29))
    enter_saliency_tab(browser, board, fragment(run="long/saliency", epoch=5))
    wait_drawn(browser, "long/saliency", 5)


def test_names_that_the_fast_loader_cannot_look_up_are_served(board):
    run = urllib.parse.quote(f"{QUOTED}/saliency")
    data = f"{board}/data/plugin/saliency/data"
    head, _ = schema.unpack(read(f"{data}/maps?run={run}&method=grad_cam&steps=0,1"))
    assert [part.get("error") for part in json.loads(head)["maps"]] == [None, None]
    head, pictures = schema.unpack(read(f"{data}/pictures?run={run}"))
    assert sum(json.loads(head)["sizes"]) == len(pictures) > 0


def test_tensorboard_survives_damaged_and_foreign_logs(board):
    plugins = json.loads(read(f"{board}/data/plugins_listing"))
    assert plugins["saliency"]["enabled"] and "scalars" in plugins
    answer = read(f"{board}/data/plugin/saliency/data/run?run=foreign")
    assert b"error" in answer or answer == b""


def test_a_foreign_run_does_not_hide_the_others(browser, board):
    enter_saliency_tab(browser, board, fragment(run="foreign"))
    assert drawn(browser) in ("named/saliency 2", "hostile/saliency 2"), "those with findings"
    assert "foreign cannot be read" in find(browser, ".message")[0].text


@on_one_board
@pytest.mark.parametrize("width", [1280, 2560])
def test_nothing_is_cut_off_with_long_names(browser, board, width):
    browser.set_window_size(width, 900)
    enter_saliency_tab(browser, board, fragment(run="named/saliency", size=96))
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
    assert abs(browser.execute_script("return window.top.innerWidth") - width) < 20
    shown = find(browser, ".card")[0].text
    assert LONG_NAMES[0] in shown.replace("\n", "")


@on_one_board
def test_markup_in_names_is_text(browser, board):
    enter_saliency_tab(
        browser, board, fragment(run="hostile/saliency", probe=0, only="", sort="name")
    )
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


@pytest.mark.parametrize("broken", ["plugin.py", "static"])
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
