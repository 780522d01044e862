"""Hostile names in tags, pages and folders."""

import glob
import re

import numpy as np
import pytest
from helpers.events import events_of
from helpers.hostile_names import HOSTILE
from helpers.networks import small_cnn
from helpers.training import compiled, fit

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.records import EpochReport, Moment, Predictions
from keras_saliency.sinks import FolderSink, TensorBoardSink

SHAPE = (18, 14, 3)
PREDICTIONS = Predictions(np.zeros((6, 4), np.float32), np.full((6, 4), 0.25, np.float32))
TABLE_TAGS = {f"<{tag}>" for tag in ("table", "thead", "tbody", "tr", "th", "td")}


def files_below(path):
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())


def observe(log_dir, names):
    """Runs a small fit; returns its tags by plugin, its files and its settings page."""
    rng, num = np.random.default_rng(0), len(names)
    images, labels = rng.uniform(size=(32, *SHAPE)).astype(np.float32), np.arange(32) % 4
    probes = ProbeSet(
        images[:num], labels[:num], names=names, class_names=names, groups=names[: num // 2] * 2
    )
    sinks = ["tensorboard", FolderSink(str(log_dir / "pictures"))]
    callback = SaliencyCallback(probes, log_dir, num_drawn=num, sinks=sinks, on_error="raise")
    fit(callback, (images, labels), compiled(small_cnn()), epochs=1)
    assert callback.history.names == names
    events = events_of(glob.escape(str(log_dir / "saliency")))
    page = events["saliency/settings"][0][2].item().decode()
    files = [f for f in files_below(log_dir) if "events.out" not in f]
    return {(tag, entries[0][1]) for tag, entries in events.items()}, files, page


@pytest.mark.parametrize("log_name", ["a\nb <b>|", "\u202e\U0001f469 %s{0}*?[a]", "x" * 250])
def test_hostile_names_change_neither_tags_nor_pages_nor_files(tmp_path, log_name):
    odd = observe(tmp_path / "odd" / log_name, HOSTILE[:16])
    plain = observe(tmp_path / "plain", [f"p{i}" for i in range(16)])
    assert odd[:2] == plain[:2]
    different = [
        p for p in zip(odd[2].split("\n"), plain[2].split("\n"), strict=True) if p[0] != p[1]
    ]
    # The fingerprint is of the groups too, and untested classes are named.
    assert all("fingerprint" in row or "not tested" in row for row, _ in different)
    assert [p.name for p in (tmp_path / "odd").iterdir()] == [log_name]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["odd", "plain"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_settings_page_keeps_each_row_in_its_line(tmp_path, probes, text):
    markdown = pytest.importorskip("markdown")  # TensorBoard's own
    sink = TensorBoardSink()
    sink.open(str(tmp_path), {text: {text: text}, "m": {"rule": text}})
    sink.write(EpochReport(Moment(0), probes, PREDICTIONS))
    sink.close()
    page = events_of(tmp_path)["saliency/settings"][0][2].item().decode()
    assert page.count("\n") == 3 and all(c.isprintable() or c == "\n" for c in page)
    html = markdown.markdown(page, extensions=["markdown.extensions.tables"])
    assert html.count("<tr>") == 3 and html.count("<td>") == 6
    assert set(re.findall(r"<[^>]*>?", html.replace("/", ""))) == TABLE_TAGS
