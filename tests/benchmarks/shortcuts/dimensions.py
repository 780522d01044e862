"""Trains the networks of examples/ecg.py and examples/ct.py, and keeps what was found.

    python tests/benchmarks/shortcuts/dimensions.py --seeds 8 --output dimensions.jsonl

Each seed makes its own data and weights. The electrocardiograms are always clean; the volumes
are made without and with the table under the patients who bleed. Each training is watched twice:
with default settings, and with all detectors that signals and volumes can have, named; at all
checks (`max_overhead=1.0`), so that the results don't depend on the machine's speed. One line
of JSON for each run; runs whose lines are there already are left out. At the end, the rows are
counted.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples"))

import ct
import ecg
import keras

from keras_saliency import ProbeSet, SaliencyCallback

NAMED = ["stationary", "border", "moving", "colour", "pattern", "background"]
VIEWS = {"default": "default", "named": NAMED}
KINDS = {  # the data of a seed, and the module whose network learns them
    "ecg": (ecg, lambda seed: ecg.make_dataset(seed)),
    "ct": (ct, lambda seed: ct.make_dataset(False, seed)),
    "ct_table": (ct, lambda seed: ct.make_dataset(True, seed)),
}
EPOCHS = 6
FIELDS = ("severity", "detector", "epoch", "class_index", "accuracy_loss", "loss_interval")


def watched(kind, seed):
    """Trains one network; returns its row."""
    example, make_dataset = KINDS[kind]
    keras.utils.set_random_seed(seed)
    images, labels, masks = make_dataset(seed)
    start = example.NUM_TRAINING
    held = slice(start, start + example.NUM_PROBES)
    probes = ProbeSet(images[held], labels[held], object_masks=masks[held])
    callbacks = {
        view: SaliencyCallback(
            probes,
            tempfile.mkdtemp(),
            sinks=[],
            detectors=detectors,
            max_overhead=1.0,
            on_error="raise",
        )
        for view, detectors in VIEWS.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = example.make_model().fit(
            images[:start],
            labels[:start],
            validation_data=(images[start:], labels[start:]),
            epochs=EPOCHS,
            verbose=0,
            callbacks=list(callbacks.values()),
        )
    row = {"name": f"{kind}_{seed}", "accuracy": history.history["val_accuracy"][-1]}
    for view, callback in callbacks.items():
        row[view] = [{f: getattr(alert, f) for f in FIELDS} for alert in callback.findings]
    return row


def count(rows):
    """Prints how many runs of each kind have an alert, and how many a suspect."""
    for kind in KINDS:
        mine = [row for row in rows if row["name"].rpartition("_")[0] == kind]
        for view in VIEWS:
            with_one = {
                severity: sum(any(f["severity"] == severity for f in row[view]) for row in mine)
                for severity in ("alert", "suspect")
            }
            print(f"{kind:9} {view:8} of {len(mine)} runs: {with_one}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--output", default="dimensions.jsonl", type=Path)
    options = parser.parse_args()
    lines = options.output.read_text().splitlines() if options.output.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {row["name"] for row in rows}
    with options.output.open("a") as file:
        for seed in range(options.seeds):
            for kind in options.kinds:
                if f"{kind}_{seed}" not in done:
                    rows.append(watched(kind, seed))
                    print(json.dumps(rows[-1], default=float), file=file, flush=True)
                    print(rows[-1]["name"], flush=True)
    count(rows)


if __name__ == "__main__":
    main()
