"""Several devices and several processes: the chief observes, and the training stays the same."""

import contextlib
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.events import events_of

from keras_saliency.training.workers import describe_workers

SCRIPT = Path(__file__).parents[1] / "helpers" / "distributed_run.py"
BOTH = ("alone", "observed")  # one after the other in the same processes
METHODS = ("grad_cam", "vanilla_gradients")
pytestmark = [pytest.mark.slow, pytest.mark.versions]


@contextlib.contextmanager
def started(out, *, cluster=None, **options):
    """Processes of one training, ended at the latest on leaving."""
    processes = []
    tasks = [(job, i) for job in cluster or {} for i in range(len(cluster[job]))]
    try:
        for number, (job, index) in enumerate(tasks or [("none", 0)]):
            environment = dict(os.environ)
            if cluster:
                task = {"type": job, "index": index}
                environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
            files = {"out": f"{out}_%s_{number}.npz", "log_dir": f"{out}_logs_{number}"}
            with open(f"{out}_{number}.txt", "w") as text:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, str(SCRIPT), json.dumps(options | files)],
                        env=environment,
                        stdout=text,
                        stderr=subprocess.STDOUT,
                    )
                )
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(out, seconds=180, trainings=("observed",), **options):
    """Runs trainings to their end; returns for each in turn what each process has left."""
    deadline = time.monotonic() + seconds
    with started(out, trainings=trainings, **options) as processes:
        for i, process in enumerate(processes):
            code = process.wait(max(1, deadline - time.monotonic()))
            assert code == 0, Path(f"{out}_{i}.txt").read_text()[-2000:]
    return [
        [dict(np.load(f"{out}_{name}_{i}.npz")) for i in range(len(processes))]
        for name in trainings
    ]


def two_workers(jobs=("worker", "worker")):
    sockets = [socket.socket() for _ in jobs]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    cluster = {}
    for job, s in zip(jobs, sockets, strict=True):
        cluster.setdefault(job, []).append(f"127.0.0.1:{s.getsockname()[1]}")
        s.close()
    return cluster


def assert_same_training(one, other):
    names = [n for n in one if not n.startswith("note_")]
    assert len(names) > 10 and set(names) <= set(other)
    for name in names:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def assert_maps_of_first_replica(left):
    for method in METHODS:
        maps, twin = left[f"note_maps_{method}"], left[f"note_twin_{method}"]
        assert twin.max() > 0
        np.testing.assert_allclose(maps, twin, rtol=2e-3, atol=1e-3 * twin.max())


@pytest.mark.parametrize("kind", ["built", "drawing"])
def test_mirrored_strategy_with_keras_3(tmp_path, kind):
    options = {"strategy": "mirrored", "kind": kind}
    [alone], [observed] = run(tmp_path / "out", trainings=BOTH, **options)
    assert_same_training(alone, observed)
    assert observed["note_epochs"].tolist() == [-1, 0, 1, 2]
    if kind != "drawing":  # else no two calls are alike
        assert_maps_of_first_replica(observed)
    assert "grad_cam_drift" in observed["note_logs"]


def test_mirrored_strategy_with_tf_keras(tmp_path):
    pytest.importorskip("tf_keras")
    options = {"strategy": "mirrored", "engine": "tf_keras"}
    [alone], [observed] = run(tmp_path / "out", trainings=BOTH, **options)
    assert_same_training(alone, observed)
    assert_maps_of_first_replica(observed)
    assert observed["note_collectives"].size == 0


@pytest.mark.parametrize(
    ("jobs", "kind"), [(("worker", "worker"), "built"), (("chief", "worker"), "unbuilt")]
)
def test_of_two_workers_only_the_chief_observes(tmp_path, jobs, kind):
    pytest.importorskip("tf_keras")
    options = {"strategy": "workers", "engine": "tf_keras", "kind": kind}
    cluster = two_workers(jobs)
    (alone, _), (chief, worker) = run(tmp_path / "out", trainings=BOTH, cluster=cluster, **options)
    assert_same_training(chief, worker)
    assert_same_training(chief, alone)
    assert chief["note_epochs"].tolist() == [-1, 0, 1, 2] and worker["note_epochs"].size == 0
    assert worker["note_run_dir"] == "" and not (tmp_path / "out_logs_1").exists()
    events = events_of(chief["note_run_dir"])
    assert [s for s, _, _ in events["saliency/grad_cam/overlays"]] == [-1, 0, 1, 2]
    assert "1 other worker waits for the chief" in (
        events["saliency/settings"][0][2].item().decode()
    )
    assert_maps_of_first_replica(chief)
    assert chief["note_collectives"].size == 0
    # A key that only the chief has could stop its training, and the others would wait for ever.
    assert chief["note_logs"].tolist() == worker["note_logs"].tolist() == ["accuracy", "loss"]


def test_the_others_wait_for_as_long_as_the_chief_observes(tmp_path):
    pytest.importorskip("tf_keras")
    options = {"strategy": "workers", "engine": "tf_keras", "slow": 1.5}
    [(chief, worker)] = run(tmp_path / "slow", cluster=two_workers(), **options)
    assert (chief["note_seconds"] > 1.5).all() and (worker["note_seconds"] > 1.4).all()
    np.testing.assert_allclose(worker["note_seconds"], chief["note_seconds"], atol=1.2)


def test_a_killed_worker_costs_no_recorded_epoch(tmp_path):
    pytest.importorskip("tf_keras")
    out = tmp_path / "killed"
    options = {"strategy": "workers", "engine": "tf_keras", "epochs": 10_000}
    with started(out, cluster=two_workers(), **options) as (chief, worker):
        deadline = time.monotonic() + 120
        while "epoch 4" not in Path(f"{out}_0.txt").read_text():
            assert chief.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        with contextlib.suppress(subprocess.TimeoutExpired):
            chief.wait(20)  # it fails or hangs in the collective operation
        told = Path(f"{out}_0.txt").read_text().count("epoch ")
    (run_dir,) = glob.glob(f"{out}_logs_0/*")
    events = events_of(run_dir)
    for tag in ("saliency/grad_cam/overlays", "saliency/grad_cam/gini"):
        steps = [s for s, _, _ in events[tag]]
        assert steps == list(range(-1, len(steps) - 1)) and len(steps) - 1 >= told >= 5


def test_words_on_workers():
    assert describe_workers(2)["waiting"].startswith("1 other worker waits")
    assert describe_workers(5)["waiting"].startswith("4 other workers wait")
