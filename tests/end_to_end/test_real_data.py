"""A part of the benchmark on real data: trainings watched with default settings, no masks.

Of the split "tune". The images ship inside packages of the extras "test" and "examples";
where one is missing, the run fails and names it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks/shortcuts"
sys.path.insert(0, str(FOLDER))
try:
    from real.data import LOADERS
    from real.report import RIGHT, gaps
finally:
    sys.path.remove(str(FOLDER))
CLEAN = ("clean-digits-flatten-5-11", "clean-mnist-flatten-5-5", "clean-textures-flatten-4-35")
CUED = (
    *("noise-digits-resnet-5-80", "brightness-mnist-flatten-5-62"),
    "frame-textures-flatten-4-56",
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    output = folder / "rows.jsonl"
    command = [sys.executable, "-m", "real.benchmark", "--split", "tune", "--data", str(folder)]
    command += ["--output", str(output), "--runs", *CLEAN, *CUED]
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    subprocess.run(command, check=True, timeout=900, cwd=FOLDER, env=environment)
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert not [row for row in found if "error" in row], found
    return {row["name"]: row for row in found}


def findings(row, severity):
    return [f for f in row["no masks"]["findings"] if f["severity"] == severity]


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_training_on_real_data_raises_no_alert(rows, name):
    assert rows[name]["biased"][-1] > 0.7
    assert findings(rows[name], "alert") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CUED)
def test_a_cue_in_real_data_is_named(rows, name):
    row = rows[name]
    assert max(gaps(row)) >= 0.1, "the network ignored the cue"
    first = findings(row, "alert")[0]
    assert first["detector"] in RIGHT[row["kind"]]
    low, high = first["loss_interval"]
    assert 0.04 < low <= first["accuracy_loss"] <= high
    assert low <= max(gaps(row)) + 0.05, "more is said to depend on the cue than does"


@pytest.mark.slow
def test_no_data_set_is_both_tuned_and_scored_on():
    assert not set(LOADERS["tune"]) & set(LOADERS["score"])
