"""Where a run's files go."""

import uuid

import tensorflow as tf


def choose_run_dir(log_dir: str) -> str:
    """Returns the first of LOG_DIR/saliency, saliency_2, ... that holds nothing yet.

    Nothing is written: the directory is made by what first writes there.
    """
    number = 1
    while True:
        name = "saliency" if number == 1 else f"saliency_{number}"
        run_dir = tf.io.gfile.join(log_dir, name)
        if not tf.io.gfile.exists(run_dir) or (
            tf.io.gfile.isdir(run_dir) and not tf.io.gfile.listdir(run_dir)
        ):
            return run_dir
        number += 1


def check_writable(log_dir: str) -> None:
    """Refuses a log directory that cannot be written to, and leaves nothing behind.

    Raises:
        ValueError: if a file stands in its place or above it, or a probe file cannot be written.
    """
    existing = log_dir
    missing = []
    while existing and not tf.io.gfile.exists(existing):
        parent = existing.rstrip("/").rpartition("/")[0]
        missing.append(existing)
        if not parent or parent.endswith((":", "/")):
            break
        existing = parent
    if tf.io.gfile.exists(existing) and not tf.io.gfile.isdir(existing):
        raise ValueError(
            f'log_dir must be a directory. Received: log_dir="{log_dir}", but "{existing}" is a '
            "file. Pass another directory or move the file."
        )
    try:
        tf.io.gfile.makedirs(log_dir)
        trial = tf.io.gfile.join(log_dir, f".keras_saliency_{uuid.uuid4().hex}")
        with tf.io.gfile.GFile(trial, "w") as file:
            file.write("x")
        tf.io.gfile.remove(trial)
    except (tf.errors.OpError, OSError) as error:
        raise ValueError(
            f'log_dir cannot be written to. Received: log_dir="{log_dir}" '
            f"({type(error).__name__}: {error}). Pass a directory that this process may write to."
        ) from error
    finally:
        for directory in missing:  # the deepest first
            _remove_if_empty(directory)


def _remove_if_empty(directory):
    try:
        if tf.io.gfile.isdir(directory) and not tf.io.gfile.listdir(directory):
            tf.io.gfile.rmtree(directory)
    except (tf.errors.OpError, OSError):
        pass
