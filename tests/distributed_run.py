"""One training in a process of its own: `python distributed_run.py '{"strategy": ...}'`.

Devices and TF_CONFIG must be there before TensorFlow starts, so no test can do this itself.
Prints "epoch N" after each epoch; at the end writes what the training has left to `out`.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
OPTIONS = {"engine": "keras", "strategy": "none", "kind": "built", "epochs": 3, "observed": True}
OPTIONS |= json.loads(sys.argv[1])

import numpy as np
import tensorflow as tf

if OPTIONS["engine"] == "keras":
    import keras as engine
else:
    import tf_keras as engine

from keras_saliency import ProbeSet, SaliencyCallback

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
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)
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


strategy = make_strategy(OPTIONS["strategy"])
rng = np.random.default_rng(0)
images, labels = rng.uniform(size=(40, *SHAPE)).astype("float32"), rng.integers(0, 4, 40)
engine.utils.set_random_seed(7)
with strategy.scope():
    model = make_model(OPTIONS["kind"])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
callback = SaliencyCallback(
    ProbeSet(images[:6], labels[:6]),
    OPTIONS.get("log_dir", "logs"),
    ["grad_cam", "vanilla_gradients"],
    on_error="raise",
)
if "slow" in OPTIONS:  # seconds that observing takes longer
    measure = SaliencyCallback.on_epoch_end

    def slow_measure(self, epoch, logs=None):
        if self._is_chief:
            time.sleep(OPTIONS["slow"])
        measure(self, epoch, logs)

    SaliencyCallback.on_epoch_end = slow_measure
told = Told()
history = model.fit(
    images,
    labels,
    epochs=OPTIONS["epochs"],
    batch_size=16,
    verbose=0,
    callbacks=[*([callback] if OPTIONS["observed"] else []), told],
)
left = {f"weight_{i}": w for i, w in enumerate(model.get_weights())}
left |= {f"draw_{i}": d for i, d in enumerate(np.random.get_state()[1:2])}
left |= {"draw": tf.random.uniform((3,)).numpy(), "loss": np.array(history.history["loss"])}
if OPTIONS["strategy"] != "workers":
    optimizer = model.optimizer.variables
    for i, v in enumerate(optimizer() if callable(optimizer) else optimizer):
        left[f"optimizer_{i}"] = np.array(tf.convert_to_tensor(v))
np.savez(
    OPTIONS["out"],
    **left,
    notes_epochs=np.array(callback.history.epochs),
    notes_logs=np.array(sorted(history.history)),
    notes_seconds=np.array(told.seconds),
    notes_maps=np.array(
        [callback.history.heatmaps("grad_cam", e) for e in callback.history.epochs[-1:]]
    ),
    notes_run_dir=np.array(callback.run_dir or ""),
)
