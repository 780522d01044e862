"""A part of the shortcut benchmark: real trainings, watched with default settings.

Of the split "tune": the pictures of the other are in packages that the tests do not need.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks/shortcuts/benchmark.py"
SHORTCUTS = ("class_tag-1-gap-6-12", "frame-0.95-flatten-6-49")
CLEAN = ("centred-0-flatten-6-109", "transfer-0-flatten-2-161")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    pytest.importorskip("sklearn")
    output = tmp_path_factory.mktemp("shortcuts") / "rows.jsonl"
    command = [sys.executable, str(BENCHMARK), "--split", "tune", "--output", str(output)]
    subprocess.run([*command, "--runs", *SHORTCUTS, *CLEAN], check=True, timeout=900)
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert not [row for row in found if "error" in row], found
    return {row["name"]: row for row in found}


def alerts(row, view):
    return [f for f in row[view]["findings"] if f["severity"] == "alert"]


@pytest.mark.slow
@pytest.mark.parametrize("view", ["masks", "no masks"])
@pytest.mark.parametrize("name", SHORTCUTS)
def test_a_planted_shortcut_is_caught_in_the_first_third_of_the_training(rows, name, view):
    assert rows[name]["max_gap"] >= 0.1, "the network ignored the cue"
    assert min(alert["epoch"] for alert in alerts(rows[name], view)) < 3


@pytest.mark.slow
@pytest.mark.parametrize("view", ["masks", "no masks"])
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_training_raises_no_alert(rows, name, view):
    assert alerts(rows[name], view) == []
    assert rows[name]["biased"][-1] > 0.7


@pytest.mark.slow
def test_the_place_of_a_tag_is_named(rows):
    row = rows[SHORTCUTS[0]]
    y0, x0, y1, x1 = row["cue_box"]
    told = [alert for alert in alerts(row, "no masks") if alert["detector"] != "moving"]
    named = [alert["region"] for alert in told if alert["region"] is not None]
    assert named and len(named) >= len(told) / 2, "moving patches have no place"
    for top, left, bottom, right in named:
        assert min(bottom, y1) > max(top, y0) and min(right, x1) > max(left, x0)


@pytest.mark.slow
def test_training_and_scoring_use_no_common_seed_or_photograph():
    sys.path.insert(0, str(BENCHMARK.parent))
    try:
        from runs import list_runs
        from scenes import PHOTOGRAPHS
    finally:
        sys.path.pop(0)
    seeds = [{run.seed for run in list_runs(split)} for split in ("tune", "score")]
    assert not seeds[0] & seeds[1]
    assert not set(PHOTOGRAPHS["tune"]) & set(PHOTOGRAPHS["score"])
