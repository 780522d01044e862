"""A real TensorBoard, looked at in a real browser, on the log that the example wrote."""

import base64
import json
import urllib.parse

import pytest
from helpers.browser import CHROMIUM, DRIVER, FIND, chromium, look_at, read, tensorboard, wait_until

pytest.importorskip("selenium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


@pytest.fixture(scope="module")
def board(quickstart_log):
    """Address of a TensorBoard on the loopback address."""
    with tensorboard(quickstart_log) as (address, _):
        wait_until(lambda: b"saliency" in read(f"{address}/data/runs"), 120, "TensorBoard")
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile"), height=1400) as driver:
        yield driver


def open_tab(browser, address, fragment):
    browser.get("about:blank")
    browser.get(f"{address}/#{fragment}")


def test_overlays_and_filmstrips_are_drawn(browser, board):
    open_tab(browser, board, "images&tagFilter=grad_cam")

    def drawn():
        return browser.execute_script(
            FIND + "return found.filter(i => i.naturalWidth > 300).map(i => i.src)", "img"
        )

    wait_until(lambda: len(drawn()) >= 2, 90, "the pictures")
    look_at(browser, "images")
    shown = [blob_named_by(source) for source in drawn()]
    for kind in ("overlays", "filmstrip"):
        assert any(run == "saliency" and tag.endswith(f"grad_cam/{kind}") for run, tag in shown)


def blob_named_by(source):
    """(run, tag) of a picture's address, in which TensorBoard hides them in base64."""
    key = urllib.parse.parse_qs(urllib.parse.urlparse(source).query)["blob_key"][0]
    _, run, tag, *_ = json.loads(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
    return run, tag


def test_drift_curves_are_drawn(browser, board):
    open_tab(browser, board, "scalars&tagFilter=grad_cam/(drift_previous|object_mass)$")

    def curves():
        script = (
            FIND + "return found.map(p => p.getAttribute('d') || '').filter(d => d.length > 10)"
        )
        return browser.execute_script(script, "path")

    def titles():
        return browser.execute_script(FIND + "return found.map(e => e.textContent)", "*")

    # Icons are paths, too, and are there before the charts.
    wait_until(lambda: any("drift_previous" in text for text in titles()), 90, "the chart")
    wait_until(curves, 90, "a curve")
    look_at(browser, "scalars")


def test_drift_and_loss_share_a_chart(browser, board):
    open_tab(browser, board, "custom_scalars")

    def text():
        return " ".join(browser.execute_script(FIND + "return found.map(e => e.textContent)", "*"))

    wait_until(lambda: "grad_cam: drift and loss" in text(), 90, "the chart")
    look_at(browser, "custom_scalars")


def test_the_settings_page_is_drawn_as_a_table(browser, board):
    open_tab(browser, board, "text")

    def cells():
        return browser.execute_script(FIND + "return found.map(e => e.textContent.trim())", "td")

    wait_until(lambda: "fingerprint" in cells(), 90, "the settings page")
    look_at(browser, "text")
    for word in ("grad_cam", "layer", "rule", "tensorflow", "logits"):
        assert word in cells()
