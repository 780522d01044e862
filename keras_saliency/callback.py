"""`SaliencyCallback`: the Keras lifecycle around the pipeline."""

import os
import sys
import warnings

import keras
import numpy as np

from keras_saliency.arguments import Refusal, check_positive_int
from keras_saliency.capture import ensure_built
from keras_saliency.distribution import describe_strategy, describe_workers
from keras_saliency.graph import ModelGraph
from keras_saliency.guard import Guard, notify
from keras_saliency.history import History
from keras_saliency.methods import get_methods
from keras_saliency.pipeline import Pipeline, check_log_keys
from keras_saliency.probes import ProbeSet
from keras_saliency.records import EpochReport
from keras_saliency.sinks import get_sinks
from keras_saliency.storage import check_writable, choose_run_dir
from keras_saliency.targets import one_hot_targets
from keras_saliency.tf_keras_hooks import TfKerasHooks


class SaliencyCallback(TfKerasHooks, keras.callbacks.Callback):
    """Watches where an image model looks while it is trained.

    At the end of epochs it computes heatmaps for a fixed set of probes, and
    writes overlays and statistics, the drift of attention among them, to
    `LOG_DIR/saliency`, where TensorBoard shows them beside Keras's own runs.
    It only observes: with it or without it, the training is the same.

    List `EarlyStopping`, `CSVLogger`, `ReduceLROnPlateau`, `ModelCheckpoint`
    and others that are to see its keys in `logs` after it: Keras hands `logs` from one
    callback to the next in the order of the list.

    It may be passed to the `fit` of a `tf_keras` model, too. Under
    `MirroredStrategy` the first replica's weights are looked at. Under
    `MultiWorkerMirroredStrategy` (with `tf_keras`) the chief alone computes and
    writes, while the other workers wait for it, and `logs` are left alone.

    Example:
        probes = ProbeSet.from_dataset(val_ds, per_class=10)
        model.fit(train_ds, validation_data=val_ds, epochs=30,
                  callbacks=[SaliencyCallback(probes, log_dir="logs"),
                             keras.callbacks.TensorBoard("logs")])

    Args:
        probes: a `ProbeSet`, or `(images, labels)`; best from validation data, class-balanced.
        log_dir: the log directory; the run goes to `LOG_DIR/saliency`, or
            `saliency_2` and so on where there is one already. Defaults to "logs".
        methods: "grad_cam", "vanilla_gradients", "deconvnet", a method object such
            as `GradCAM(layer="conv_3")`, or a list of these. Defaults to "grad_cam".
        target: the class that is explained: "label" for each probe's label,
            "predicted", or an int for all probes. Without labels "predicted" is
            taken. Defaults to "label".
        epoch_freq: observe every so many epochs. Defaults to 1.
        log_keys: statistics whose mean over the probes goes into `logs` as
            `<method>_<statistic>`; "drift" is short for "drift_previous". The
            keys are there in every epoch and finite: where a value is undefined or an
            epoch is not observed, the last one is repeated. Defaults to ("drift",).
        num_drawn: how many probes are drawn, spread over the set; the
            statistics are of all. Defaults to 8.
        chunk_size: how many probes go through the model at once. Defaults to 32.
        sinks: where reports go: "tensorboard", "folder", a `Sink` such as
            `FolderSink("pictures")`, or a list of these. Defaults to None, TensorBoard.
        on_error: "warn" reports a failure of this callback once and lets the training go
            on; "raise" is for tests. Wrong arguments are errors before the
            first step in either case. Defaults to "warn".

    Attributes:
        history: `History` of the run.
        run_dir: where the run is written, such as "logs/saliency"; None before `fit`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if an argument is out of range; in `fit`, before the first
            step, if probes, methods or log_dir do not fit the model and the machine.
    """

    def __init__(
        self,
        probes,
        log_dir="logs",
        methods="grad_cam",
        *,
        target="label",
        epoch_freq=1,
        log_keys=("drift",),
        num_drawn=8,
        chunk_size=32,
        sinks=None,
        on_error="warn",
    ):
        super().__init__()
        self.probes = ProbeSet.of(probes)
        self.log_dir = _checked_log_dir(log_dir)
        self.methods = get_methods(methods)
        for argument, value in (
            ("epoch_freq", epoch_freq),
            ("num_drawn", num_drawn),
            ("chunk_size", chunk_size),
        ):
            check_positive_int(argument, value)
        self.target = _checked_target(target, self.probes)
        self.epoch_freq = int(epoch_freq)
        self.log_keys = check_log_keys(log_keys, self.probes, len(self.methods))
        self.num_drawn = int(num_drawn)
        self.chunk_size = min(int(chunk_size), len(self.probes))
        self.sinks = get_sinks(sinks)
        self.on_error = on_error
        self.history = self._new_history()
        self.run_dir: str | None = None
        self._guard = Guard(on_error)
        self._pipeline: Pipeline
        self._is_running = False
        self._is_chief, self._num_workers = True, 1

    def on_train_begin(self, logs=None):
        """Checks what can be checked before the weights to start from are there."""
        self._is_chief, self._num_workers = describe_strategy(self.model)
        if not self._is_chief:
            return
        check_writable(self.log_dir)
        self._guard = Guard(self.on_error)
        self._is_running = False

    def on_epoch_begin(self, epoch, logs=None):
        """Takes the baseline before the first epoch, when restored weights are in place."""
        if self._num_workers > 1:
            # Making weights is a step that all workers take together.
            ensure_built(self.model, self.probes.model_inputs.shape[1:])
        if self._is_running or not self._is_chief:
            return
        self._begin_run(self.model, epoch)
        if not self.history:  # else the run goes on, and has its baseline
            observe = self._pipeline.observe
            # What is refused before the first step is the user's to mend, and ends no training.
            self._guard.run("the baseline", observe, epoch - 1, True, passing=Refusal)

    def on_epoch_end(self, epoch, logs=None):
        """Observes an epoch and adds its keys to `logs`."""
        if not self._is_chief:
            return
        if epoch % self.epoch_freq == 0:
            self._guard.run("observing an epoch", self._pipeline.observe, epoch)
        if logs is not None and self._num_workers == 1:
            logs.update(self._pipeline.logs)

    def on_train_end(self, logs=None):
        """Draws what has not been drawn, and closes the files."""
        self.close()

    def observe(self, model, epoch) -> EpochReport | None:
        """Observes a model in a training loop of your own.

        Args:
            model: the `keras.Model`.
            epoch: int, 0-based, -1 for the untrained model; larger than in the call before.

        Returns:
            The epoch's `EpochReport`; None in a worker that is not the chief, which does nothing.
        """
        self._is_chief, self._num_workers = describe_strategy(model)
        if not self._is_chief:
            return None
        if not self._is_running:
            check_writable(self.log_dir)
            self._begin_run(model, epoch)
        return self._pipeline.observe(epoch, is_baseline=epoch < 0)

    def close(self):
        """Finishes the run. `fit` does this by itself; a loop of your own calls it at its end."""
        if self._is_running:
            self._is_running = False
            self._guard.run("the end of the run", self._pipeline.close)

    def _begin_run(self, model, epoch):
        """Makes the graph, which refuses what does not fit, and only then opens files."""
        graph = ModelGraph(
            model,
            self.methods,
            image_shape=self.probes.model_inputs.shape[1:],
            chunk_size=self.chunk_size,
        )
        self.probes.check_num_classes(graph.num_classes)
        weights = self._weights(graph.num_classes)
        continues = bool(self.history) and epoch > self.history.epochs[-1]
        if not continues or self.run_dir is None:
            self.history = self._new_history()
            self.run_dir = choose_run_dir(self.log_dir)
        pipeline = Pipeline(
            graph,
            self.probes,
            weights,
            history=self.history,
            sinks=self.sinks,
            guard=self._guard,
            log_keys=self.log_keys,
            num_drawn=self.num_drawn,
        )
        if continues:
            pipeline.continue_after(self._pipeline)
        settings = _describe_run(graph, self.probes, self.target)
        if self._num_workers > 1:
            settings["workers"] = describe_workers(self._num_workers)
            notify(
                f"keras_saliency: this chief observes for {self._num_workers} workers; "
                f"{settings['workers']['waiting']}. logs are {settings['workers']['logs']}."
            )
        for sink in self.sinks:
            sink.open(self.run_dir, settings)
        self._pipeline = pipeline
        self._is_running = True

    def _new_history(self):
        probes = self.probes
        return History(labels=probes.labels, names=probes.names, class_names=probes.class_names)

    def _weights(self, num_classes):
        """What is explained of each probe, as weights of its logits."""
        probes = self.probes
        if self.target == "label" and probes.multi_hot is not None:
            return probes.multi_hot  # the sum of a probe's labels; none: the predicted class
        classes = {"label": probes.labels, "predicted": None}.get(self.target, self.target)
        return one_hot_targets(classes, len(probes), num_classes, "target")


def _describe_run(graph, probes, target):
    """Words by topic and keyword, for the settings page."""
    # Asked of the modules: tensorflow-cpu and a plain checkout have no metadata by these names.
    modules = ("keras_saliency", "tensorflow", "keras", "tf_keras", "numpy", "cv2", "tensorboard")
    versions = {name: sys.modules[name].__version__ for name in modules if name in sys.modules}
    probe_words = {
        "number": str(len(probes)),
        "shape": str(probes.image_shape),
        "fingerprint": probes.fingerprint,
        "target": str(target),
    }
    return {**graph.resolved, "probes": probe_words, "versions": versions}


def _checked_log_dir(log_dir):
    if not isinstance(log_dir, str | os.PathLike) or os.fspath(log_dir) in ("", b""):
        raise TypeError(
            f"log_dir must be a path. Received: {log_dir!r}. Pass a directory such as 'logs'."
        )
    path = os.fspath(log_dir)
    if "\0" in path or len(path) > 4096:
        raise ValueError(
            f"log_dir is no path that a file system takes. Received: {path[:60]!r} ..."
        )
    return path


def _checked_target(target, probes):
    if isinstance(target, int | np.integer) and not isinstance(target, bool) and target >= 0:
        return int(target)
    if not isinstance(target, str) or target not in ("label", "predicted"):
        raise ValueError(
            f'target must be "label", "predicted" or a class index. Received: {target!r}.'
        )
    if target == "label" and probes.labels is None and probes.multi_hot is None:
        warnings.warn(
            "The probes have no labels, so the predicted class is explained, which may change "
            'from epoch to epoch. Pass labels, or target="predicted" to say that you mean it.',
            stacklevel=3,
        )
        return "predicted"
    return target
