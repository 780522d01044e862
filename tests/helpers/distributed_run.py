"""Trainings in a process of their own: `python distributed_run.py '{"strategy": ...}'`.

Devices and TF_CONFIG must be there before TensorFlow starts, so no test can do this itself.
Prints "epoch N" after each epoch; at the end of each training writes what it has left to `out`, in
which "%s" stands for its name: "observed", or "alone" without the callback.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
OPTIONS = {"engine": "keras", "strategy": "none", "kind": "built", "epochs": 3}
OPTIONS |= {"trainings": ["observed"]}
OPTIONS |= json.loads(sys.argv[1])

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

if OPTIONS["engine"] == "keras":
    import keras as engine
else:
    import tf_keras as engine

from keras_saliency import ProbeSet, SaliencyCallback  # noqa: E402
from keras_saliency.attribution.model_graph import ModelGraph  # noqa: E402

SHAPE = (18, 14, 3)
layers = engine.layers


class AlwaysDropout(layers.Dropout):
    def call(self, x, training=None):
        return super().call(x, training=True)


def make_model(kind):
    start = [layers.InputLayer(SHAPE)] if kind != "unbuilt" else []
    dropout = AlwaysDropout if kind == "drawing" else layers.Dropout
    return engine.Sequential(
        [
            *start,
            layers.Conv2D(5, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, activation="relu"),
            layers.Flatten(),
            dropout(0.3),
            layers.Dense(4, activation="softmax"),
        ]
    )


class Told(engine.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())
        print("epoch", epoch, flush=True)


def make_strategy(name):
    if name == "workers":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        (cpu,) = tf.config.list_physical_devices("CPU")
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    return tf.distribute.get_strategy()


def slow_down(seconds):
    """Makes observing take so many seconds longer."""
    attribute = ModelGraph.attribute

    def slow_attribute(self, *args, **kwargs):
        time.sleep(seconds)
        return attribute(self, *args, **kwargs)

    ModelGraph.attribute = slow_attribute


def train(callbacks):
    """Returns the model and its history."""
    engine.backend.clear_session()
    engine.utils.set_random_seed(7)
    with strategy.scope():
        model = make_model(OPTIONS["kind"])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"epochs": OPTIONS["epochs"], "batch_size": 16, "verbose": 0}
    return model, model.fit(images, labels, callbacks=callbacks, **options).history


def what_is_left(model, history):
    left = {f"weight_{i}": w for i, w in enumerate(model.get_weights())}
    left |= {"loss": np.array(history["loss"]), "draw": tf.random.uniform((3,)).numpy()}
    left |= {"numpy": np.random.get_state()[1]}
    if OPTIONS["strategy"] != "workers":  # there, reading some of them is a collective operation
        optimizer = model.optimizer.variables
        for i, v in enumerate(optimizer() if callable(optimizer) else optimizer):
            left[f"optimizer_{i}"] = np.array(tf.convert_to_tensor(v))
    return left


def notes_on(callback, model):
    """What the callback has seen, beside what a model on one device sees."""
    notes = {"epochs": callback.history.epochs, "run_dir": callback.run_dir or ""}
    if not callback.history.epochs:
        return notes
    # A model of its own on one device, with the weights of the first replica.
    twin = make_model("built")
    copies = [getattr(w, "value", w) if OPTIONS["engine"] == "keras" else w for w in model.weights]
    first = [strategy.experimental_local_results(c)[0].numpy() for c in copies]
    twin.set_weights([w for w in first if w.dtype.kind == "f"])
    graph = ModelGraph(twin, list(callback.methods), image_shape=SHAPE, chunk_size=6)
    _, maps = graph.attribute(images[:6], labels[:6])
    ops = callback._run.observer.graph._function.concrete.graph.get_operations()
    notes["collectives"] = [op.type for op in ops if "Collective" in op.type]
    for method in ("grad_cam", "vanilla_gradients"):
        notes[f"maps_{method}"] = callback.history.heatmaps(method, OPTIONS["epochs"] - 1)
        notes[f"twin_{method}"] = maps[method].native.astype("float16")
    return notes


strategy = make_strategy(OPTIONS["strategy"])
rng = np.random.default_rng(0)
images, labels = rng.uniform(size=(40, *SHAPE)).astype("float32"), rng.integers(0, 4, 40)
slow_down(OPTIONS.get("slow", 0))
for name in OPTIONS["trainings"]:
    callback = SaliencyCallback(
        ProbeSet(images[:6], labels[:6]),
        OPTIONS.get("log_dir", "logs"),
        ["grad_cam", "vanilla_gradients"],
        on_error="raise",
    )
    told = Told()
    model, history = train([callback, told] if name == "observed" else [told])
    left = what_is_left(model, history)
    notes = {"logs": sorted(history), "seconds": np.diff(told.ends)}
    if name == "observed":
        notes |= notes_on(callback, model)
    left |= {f"note_{k}": np.array(v) for k, v in notes.items()}
    np.savez(OPTIONS["out"] % name, **left)
