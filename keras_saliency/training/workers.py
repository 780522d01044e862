"""Several processes that train in step: which of them observes."""

from typing import Any

import tensorflow as tf


def describe_strategy(model: Any) -> tuple[bool, int]:
    """Returns who observes a model.

    Returns:
        Whether this process is the chief, which computes and writes, and how many processes
        train in step (1 without `MultiWorkerMirroredStrategy`).
    """
    strategy = model.distribute_strategy
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True, 1
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict()
    chiefs, workers = len(cluster.get("chief", ())), len(cluster.get("worker", ()))
    if chiefs + workers <= 1:
        return True, 1
    is_chief = resolver.task_type == "chief" or (not chiefs and resolver.task_id == 0)
    return is_chief, chiefs + workers


def describe_workers(num_workers: int) -> dict[str, str]:
    """Returns who waits for whom, as text by keyword, for the settings page."""
    others = "1 other worker waits"
    if num_workers > 2:
        others = f"{num_workers - 1} other workers wait"
    return {
        "number": str(num_workers),
        "chief": "computes and writes; the others do nothing",
        "waiting": f"{others} for the chief in the next step, for as long as its observing "
        "blocks the training (saliency/cost/blocking_seconds)",
        "weights": "of the chief's first replica; BatchNorm's moving statistics, which a saved "
        "model averages, are that replica's own",
        "logs": "left alone: the other workers have no such keys, and a callback that acts on "
        "one would part them from the chief",
    }
