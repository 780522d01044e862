"""SIGKILL at random moments: what was recorded before is there, and the run goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.history import History
from keras_saliency.statistics.drift import drift

NUM_KILLS = 24
METHODS = ["grad_cam", "vanilla_gradients"]


def whole_events(run_dir):
    """Steps of the first method's overlays in files that are whole but for a torn last record."""
    steps = []
    for path in sorted(run_dir.glob("events*")):
        try:
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                tags = [value.tag for value in event.summary.value]
                steps += [event.step for tag in tags if tag == "saliency/grad_cam/overlays"]
        except tf.errors.DataLossError:
            continue
    return steps


def whole_history(run_dir):
    """{epoch: `History` of that epoch alone}; every file must be readable."""
    files = sorted((run_dir / "history").glob("*.npz"))
    return {history.epochs[0]: history for history in map(History.load, files)}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trainings are forks")
def test_a_killed_training_loses_at_most_the_epoch_at_hand(tmp_path):
    training = Path(__file__).parents[1] / "helpers" / "killed_training.py"
    done = subprocess.run(
        [sys.executable, training, tmp_path, str(NUM_KILLS), "3"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == NUM_KILLS + 1, done.stderr[-2000:]
    assert lines.pop() == {"code": 0}, done.stderr[-2000:]
    lost = 0
    for kill, line in enumerate(lines):
        run_dir = tmp_path / f"after_{kill}" / "saliency"
        must = set(range(-1, max(line["ended"])))  # the last was in the worker's hands
        history = whole_history(run_dir)
        lost += len(must - set(history)) + len(must - set(whole_events(run_dir)))
        assert all(h.methods == METHODS for h in history.values())
    assert lost == 0
    assert [p.name for p in (tmp_path / "logs").iterdir()] == ["saliency"], "one run, continued"
    check_what_is_left(tmp_path / "logs" / "saliency")


def check_what_is_left(run_dir):
    history = whole_history(run_dir)
    last = max(history)
    assert sorted(history) == list(range(-1, last + 1)), "no gap, no doubled epoch"
    assert set(whole_events(run_dir)) == set(history)
    for epoch in range(1, last + 1):  # references went on from process to process
        maps = [
            tf.image.resize(history[e].heatmaps("grad_cam", e)[..., None], (12, 10))[..., 0].numpy()
            for e in (epoch, epoch - 1, 0)
        ]
        for name, reference in (("drift_previous", maps[1]), ("drift_first", maps[2])):
            values = history[epoch]["grad_cam"][name][0]
            np.testing.assert_allclose(values, drift(maps[0], reference), atol=1e-5)
    assert not list((run_dir / "history").glob("*.unfinished"))
