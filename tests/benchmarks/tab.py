"""The Saliency tab on a long log: first paint, slider steps, the server's memory. Markdown tables.

    python tests/benchmarks/tab.py

Needs chromium and chromedriver, and `pip install selenium psutil`. The log has 500 epochs of 64
probes and 3 methods (Grad-CAM 7×7, two gradient maps 96×96), written by the package's own sink.
Maps are made up: each probe's hot place wanders, with noise as gradients have it, which compresses
badly. First paint is from the moment at which the tab is opened, TensorBoard being loaded, to the
first grid drawn; a slider step from the input event to the frame in which the grid is drawn. Memory
is the resident set of the server's processes, less that of the same server on an empty directory.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil
from helpers.browser import FIND, chromium, drawn, enter_saliency_tab, read, tensorboard, wait_until

from keras_saliency import ProbeSet
from keras_saliency.records import EpochReport, Heatmaps, Moment, Predictions
from keras_saliency.sinks import TensorBoardSink

SIDE = 96
METHODS = {"grad_cam": 7, "vanilla_gradients": SIDE, "deconvnet": SIDE}
STATISTICS = 40  # that a method has, about
STEP = """
const [at, done] = [arguments[0], arguments[arguments.length - 1]];
const slider = document.querySelector("input.slider"), root = document.documentElement;
const began = performance.now(), before = root.dataset.drawn;
slider.value = String(at);
slider.dispatchEvent(new Event("input"));
(function wait() {
  requestAnimationFrame(() => root.dataset.drawn === before ? wait()
    : setTimeout(() => done(performance.now() - began)));
})();
"""


def write_log(log_dir, num_epochs, num_probes):
    """Writes what a run of this length would."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(num_probes, 6, 6, 3)).repeat(16, 1).repeat(16, 2).astype(np.float32)
    labels = np.arange(num_probes) % 8
    probes = ProbeSet(images, labels, class_names=[f"class {i}" for i in range(8)])
    sink = TensorBoardSink()
    sink.open(str(log_dir / "saliency"), {})
    place = rng.uniform(0.2, 0.8, (num_probes, 2))
    for epoch in range(-1, num_epochs):
        place = np.clip(place + rng.normal(0, 0.02, place.shape), 0.1, 0.9)
        heatmaps = {}
        for method, side in METHODS.items():
            at = (np.arange(side) + 0.5) / side
            gap = (at[None, :, None] - place[:, :1, None]) ** 2
            gap = gap + (at[None, None] - place[:, 1:, None]) ** 2
            maps = np.exp(-gap / 0.03)
            if side == SIDE:
                maps = np.abs(rng.standard_normal(maps.shape)) * (0.1 + maps)
            heatmaps[method] = Heatmaps(method, maps.astype(np.float32), (SIDE, SIDE))
        numbers = {f"statistic_{i}": rng.uniform(size=num_probes) for i in range(STATISTICS - 1)}
        numbers["drift_previous"] = rng.uniform(size=num_probes)
        logits = rng.normal(size=(num_probes, 8)).astype(np.float32)
        report = EpochReport(
            Moment(epoch, is_baseline=epoch < 0),
            probes,
            Predictions(logits, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)),
            heatmaps,
            {method: numbers for method in METHODS},
            scalars={
                f"saliency/{m}/{name}": float(values.mean())
                for m in METHODS
                for name, values in numbers.items()
            },
        )
        sink.write(report)
    sink.close()


def resident(process):
    """MB of a server's processes."""
    first = psutil.Process(process.pid)
    return sum(p.memory_info().rss for p in [first, *first.children(recursive=True)]) / 1e6


def first_paint(browser, address):
    """Seconds from the tab being opened to its first grid."""
    browser.switch_to.default_content()
    browser.get("about:blank")
    browser.get(f"{address}/#scalars")
    wait_until(
        lambda: browser.execute_script(FIND + "return found.length", "tf-scalar-dashboard"),
        60,
        "TensorBoard",
    )
    time.sleep(3)
    began = browser.execute_script(
        "location.hash = '#saliency'; return performance.timeOrigin + performance.now()"
    )

    def in_frame():
        browser.switch_to.default_content()
        frames = browser.execute_script(FIND + "return found", "iframe")
        frames = [f for f in frames if "name=saliency" in (f.get_attribute("src") or "")]
        if frames:
            browser.switch_to.frame(frames[0])
        return bool(frames) and drawn(browser)

    wait_until(in_frame, 60, "the tab")
    painted = browser.execute_script(
        "const [first] = performance.getEntriesByName('saliency drawn');"
        "return performance.timeOrigin + first.startTime"
    )
    return (painted - began) / 1000


def steps(browser, places):
    """Milliseconds of each slider step."""
    return [browser.execute_async_script(STEP, int(place)) for place in places]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--probes", type=int, default=64)
    parser.add_argument("--log-dir", type=Path, help="a log of an earlier run of this, to be kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        log_dir = options.log_dir or scratch / "logs"
        if not (log_dir / "saliency").exists():
            write_log(log_dir, options.epochs, options.probes)
        size = sum(f.stat().st_size for f in log_dir.rglob("*") if f.is_file()) / 1e6
        print(f"Log: {options.epochs} epochs, {options.probes} probes, {size:.0f} MB on disk")
        (scratch / "empty").mkdir()
        with tensorboard(scratch / "empty") as (address, process):
            wait_until(lambda: read(f"{address}/data/environment"), 60, "TensorBoard")
            time.sleep(5)
            bare = resident(process)
        rng = np.random.default_rng(1)
        with tensorboard(log_dir) as (address, process), chromium(scratch / "profile") as browser:
            last = str(options.epochs - 1).encode()
            runs = f"{address}/data/plugin/saliency/data/runs"
            wait_until(lambda: b'"last": ' + last in read(runs), 120, "the whole log")
            paints = [first_paint(browser, address) for _ in range(5)]
            enter_saliency_tab(browser, address)
            time.sleep(2)
            near = np.arange(100, 160)
            fetched = steps(browser, rng.permutation(options.epochs)[:60])
            steps(browser, near)
            kept = steps(browser, rng.permutation(near))
            playing = resident(process)
        print("\n| what | median | 95th percentile |\n|---|---|---|")
        worst = f"{max(paints):.2f} (largest of 5)"
        print(f"| first paint, s | {statistics.median(paints):.2f} | {worst} |")
        for name, found in (
            ("slider step, maps loaded, ms", kept),
            ("slider step anywhere, maps to be fetched, ms", fetched),
        ):
            print(f"| {name} | {np.median(found):.0f} | {np.percentile(found, 95):.0f} |")
        print(f"\nServer, MB: {playing:.0f}; without a log {bare:.0f}; more {playing - bare:.0f}")


if __name__ == "__main__":
    main()
