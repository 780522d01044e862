"""What event files hold."""

import glob
from pathlib import Path

import tensorflow as tf


def events_of(run_dir):
    """{tag: [(step, plugin, value)]} of a run directory, read from its event files."""
    found = {}
    for path in sorted(glob.glob(f"{run_dir}/events*")):
        for event in tf.compat.v1.train.summary_iterator(path):
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                tensor = tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, []).append((event.step, plugin, tensor))
    return found


def epochs_of(run_dir, tag="saliency/grad_cam/drift_previous"):
    """Steps of a tag over all event files, read up to where a file is torn."""
    steps = []
    for path in sorted(Path(run_dir).glob("events*")):
        try:
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                steps += [event.step for value in event.summary.value if value.tag == tag]
        except tf.errors.DataLossError:
            continue
    return sorted(set(steps))
