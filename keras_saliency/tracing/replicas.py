"""Training on several devices or in several processes: with which weights a model is run.

Nothing here starts a collective operation: one that only we take part in would wait forever.
"""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

_SYNCHRONOUS = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)


@contextlib.contextmanager
def first_replica(model: keras.Model) -> Iterator[None]:
    """Context in which a model reads the weights of this process's first replica.

    Outside of it, reading what replicas hold apart (BatchNorm's moving mean) is a sum over all
    replicas, for which all workers would have to call us.
    """
    strategy = model.distribute_strategy
    if not isinstance(strategy, _SYNCHRONOUS):
        yield
        return
    first = strategy.extended._get_replica_id_in_sync_group(0)
    with tf.distribute.ReplicaContext(strategy, first):
        yield
