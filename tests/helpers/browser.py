"""A real TensorBoard on the loopback address, and a real browser in which it is looked at."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")

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
_SWITCHES = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
    "disable-dev-shm-usage",
)  # fmt: skip


@contextlib.contextmanager
def tensorboard(log_dir, *flags, environment=None):
    """Starts TensorBoard; gives its address, without a prefix, and its process.

    Of this environment, or of the one whose Python KERAS_SALIENCY_TENSORBOARD names.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = os.environ.get("KERAS_SALIENCY_TENSORBOARD") or sys.executable
    command = [python, "-m", "tensorboard.main", "--logdir", str(log_dir)]
    command += ["--host", "127.0.0.1", "--port", str(port), *flags]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=log_dir,  # or else modules of the present one would come first
        env={**os.environ, **(environment or {})},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: read(f"{address}/"), 90, "TensorBoard")
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # on a busy machine
            process.kill()
            process.wait()


def read(address):
    """Returns what is served, b"" where nothing is."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        return error.read()
    except OSError:
        return b""


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.25)
    raise AssertionError(f"{what} did not appear within {seconds} s")


@contextlib.contextmanager
def chromium(profile, width=1600, height=1100, downloads=None):
    """Starts a browser of its own profile."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in (*_SWITCHES, f"window-size={width},{height}", f"user-data-dir={profile}"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if downloads is not None:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(300)
    try:
        yield driver
    finally:
        driver.quit()


def look_at(browser, name):
    """Keeps a screenshot where KERAS_SALIENCY_SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("KERAS_SALIENCY_SCREENSHOTS")
    if folder:
        time.sleep(2)
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def enter_saliency_tab(browser, address, fragment="", seconds=90):
    """Opens the Saliency tab, and goes into its frame once maps are drawn."""
    browser.get("about:blank")
    browser.get(f"{address}/#saliency{fragment}")

    def is_drawn():
        browser.switch_to.default_content()
        frames = browser.execute_script(FIND + "return found", "iframe")
        frames = [f for f in frames if "name=saliency" in (f.get_attribute("src") or "")]
        if not frames:
            return False
        browser.switch_to.frame(frames[0])
        return drawn(browser)

    return wait_until(is_drawn, seconds, "the Saliency tab")


def drawn(browser):
    """What the tab shows: "RUN STEP", None before anything is drawn."""
    return browser.execute_script("return document.documentElement.dataset.drawn || null")
