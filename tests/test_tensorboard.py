"""A real TensorBoard, looked at in a real browser, on the log that the example wrote."""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver")

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]

# Everything TensorBoard draws sits in nested shadow roots.
FIND = """
const selector = arguments[0], found = [];
(function walk(node) {
  for (const child of node.querySelectorAll('*')) {
    if (child.matches(selector)) found.push(child);
    if (child.shadowRoot) walk(child.shadowRoot);
  }
})(document);
"""


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """What `examples/quickstart.py` writes."""
    pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("logs")
    example = ROOT / "examples" / "quickstart.py"
    subprocess.run(
        [sys.executable, example, "--log-dir", path, "--epochs", "3"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return path


@pytest.fixture(scope="module")
def board(log_dir):
    """Address of a TensorBoard on the loopback address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", log_dir]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: b"saliency" in read(f"{address}/data/runs"), 120, "TensorBoard")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def read(address):
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as response:
        return response.read()
    return b""


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.5)
    raise AssertionError(f"{what} did not appear within {seconds} s")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for switch in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
        "disable-background-networking", "disable-component-update", "disable-sync",
        "disable-dev-shm-usage", "window-size=1600,1400", f"user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(f"--{switch}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def look_at(browser, name):
    """Keeps a screenshot where KERAS_SALIENCY_SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("KERAS_SALIENCY_SCREENSHOTS")
    if folder:
        time.sleep(2)
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


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

    wait_until(curves, 90, "a curve")
    look_at(browser, "scalars")
    assert any("drift_previous" in text for text in titles())


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
