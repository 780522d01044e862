"""Trains networks on real data, watches them with default settings, and keeps what was found.

All checks are made (`max_overhead=1.0`), so that the results don't depend on the machine's speed.

    cd tests/benchmarks/shortcuts
    python -m real.sources
    python -m real.benchmark --split tune --output tuned.jsonl
    python -m real.report tuned.jsonl

Each training is watched by a callback without masks, whose probes are chosen from the validation
data, and by another with masks where the data set has them; those of the large network by one of
the two. One line of JSON for each run; runs whose lines are there already are left out, so a
benchmark that was stopped goes on where it was.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import multiprocessing
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import benchmark as of_composites
from real.data import LOADERS
from real.runs import list_runs
from real.sources import VARIABLE

FIELDS = (
    *("severity", "detector", "epoch", "since_epoch", "class_index", "accuracy_loss"),
    *("loss_interval", "adoption", "control", "num_pairs", "num_donors", "region"),
    "probe_indices",
)


def make_probe_sets(images, labels, masks, run):
    """Returns the probe sets of the views in which a run is watched."""
    found = of_composites.make_probe_sets(images, labels, masks)
    if run.network == "mobilenet" and masks is not None:  # too slow to be watched twice
        del found["masks" if run.seed % 2 else "no masks"]
    return found


def watched(run):
    """Trains one run; returns its row."""
    import keras
    from real import training

    from keras_saliency import SaliencyCallback

    callbacks, recorders = {}, {}

    class Attach(keras.callbacks.Callback):
        """Attaches the recorders once the callbacks' searches exist."""

        def on_epoch_begin(self, epoch, logs=None):
            for name, recorder in recorders.items():
                examiner = callbacks[name]._run.search._examiner
                if not recorder.checks and "check" not in vars(examiner):
                    recorder.attach(examiner)

    def make_callbacks(images, labels, masks, run):
        folder = tempfile.mkdtemp()
        for name, probes in make_probe_sets(images, labels, masks, run).items():
            callbacks[name] = SaliencyCallback(
                probes,
                folder,
                sinks=[],
                legitimate=run.legitimate,
                max_overhead=1.0,
                on_error="raise",
            )
            recorders[name] = of_composites.Recorder()
        return [*callbacks.values(), Attach()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = training.train(run, make_callbacks)
    for name, callback in callbacks.items():
        row[name] = {
            "findings": [
                {field: getattr(finding, field, None) for field in FIELDS}
                for finding in callback.findings
            ],
            "summary": callback.summary() if hasattr(callback, "summary") else None,
            "checks": recorders[name].checks,
            "seconds": recorders[name].seconds,
        }
    return row


def work(run):
    try:
        return watched(run)
    except Exception as error:
        where = traceback.format_exc().splitlines()[-6:]
        return {"name": run.name, "error": f"{type(error).__name__}: {error}", "where": where}


def start():
    from training import use_one_core

    use_one_core()


def as_json(value):
    return value.tolist() if hasattr(value, "tolist") else str(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=tuple(LOADERS), default="score")
    parser.add_argument("--runs", nargs="*", help="names of the runs; default: all")
    parser.add_argument("--kinds", nargs="*", help='kinds of cue, or "clean"; default: all')
    parser.add_argument("--names", action="store_true", help="print the runs' names, train none")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, each on one core")
    parser.add_argument("--data", help=f"folder of the packages; default: {VARIABLE}, or a cache")
    parser.add_argument("--output", type=Path, default=Path("real.jsonl"))
    options = parser.parse_args()
    if options.data:
        os.environ[VARIABLE] = options.data  # for the processes, too
    runs = list_runs(options.split)
    if options.runs:
        runs = [run for run in runs if run.name in options.runs]
    if options.kinds:
        runs = [run for run in runs if run.kind in options.kinds]
    if options.names:
        print("\n".join(run.name for run in runs))
        return
    done = of_composites.finished(options.output)
    runs = [run for run in runs if run.name not in done]
    # Spread over kinds and data sets, so that a part of the runs says something of all of them;
    # the slow network comes last.
    runs.sort(key=lambda run: (run.network == "mobilenet", (run.seed * 7919) % 1009))
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, start) as pool, options.output.open("a") as file:
        for number, row in enumerate(pool.imap_unordered(work, runs), 1):
            file.write(json.dumps(row, default=as_json) + "\n")
            file.flush()
            minutes = (time.perf_counter() - began) / 60
            error = row.get("error", "")
            print(f"{number}/{len(runs)} {minutes:.1f} min {row['name']} {error}", flush=True)


if __name__ == "__main__":
    main()
