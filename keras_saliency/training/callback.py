"""`SaliencyCallback`: the Keras lifecycle around a run."""

import os
import time
from typing import Any

import keras

from keras_saliency._utils.arguments import check_int, check_names, is_remote
from keras_saliency._utils.notify import notify
from keras_saliency.attribution.checks import Refusal
from keras_saliency.attribution.target import check_target
from keras_saliency.history import History
from keras_saliency.methods import get_methods
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert, EpochReport, Moment
from keras_saliency.shortcuts import Battery, Legitimate
from keras_saliency.sinks import get_sinks
from keras_saliency.tracing.forward_pass import ensure_built
from keras_saliency.training.guard import Guard
from keras_saliency.training.log_keys import check_log_keys
from keras_saliency.training.run import Run
from keras_saliency.training.run_directory import check_writable
from keras_saliency.training.schedule import BatchCounter, Budget, Cost, EarlyLooks
from keras_saliency.training.settings import Settings, check_log_dir, check_on_alert, check_share
from keras_saliency.training.tf_keras_hooks import TfKerasHooks
from keras_saliency.training.workers import describe_strategy


class SaliencyCallback(TfKerasHooks, keras.callbacks.Callback):
    """Watches where an image model looks while it is trained.

    At the end of epochs it computes heatmaps for a fixed set of probes, and
    writes overlays and statistics, the drift of attention among them, to
    `LOG_DIR/saliency`, where TensorBoard shows them beside Keras's own runs.
    It only observes: with it or without it, the training is the same. The training waits for the
    maps, for what `logs` needs and for the swap tests that look for shortcuts; all else is done
    in a background thread.

    A run that goes on (`initial_epoch`, `keras.callbacks.BackupAndRestore`) with the same
    probes, methods and target goes on in the same run directory, with its history.

    It may be passed to the `fit` of a `tf_keras` model, too. Under
    `MirroredStrategy` the first replica's weights are looked at. Under
    `MultiWorkerMirroredStrategy` (with `tf_keras`) the chief alone computes and
    writes, while the other workers wait for it, and `logs` are left alone.

    List `EarlyStopping`, `CSVLogger`, `ReduceLROnPlateau`, `ModelCheckpoint`
    and others that are to see its keys in `logs` after it: Keras hands `logs` from one
    callback to the next in the order of the list.

    Example:
        probes = ProbeSet.from_dataset(val_ds, per_class=10)
        model.fit(train_ds, validation_data=val_ds, epochs=30,
                  callbacks=[SaliencyCallback(probes, log_dir="logs"),
                             keras.callbacks.TensorBoard("logs")])

    Args:
        probes: a `ProbeSet`, or `(images, labels)`; best from validation data, class-balanced.
        log_dir: the log directory; the run goes to `LOG_DIR/saliency`, or
            `saliency_2` and so on where there is one already. Defaults to "logs".
        methods: a name such as "grad_cam", see `keras_saliency.methods`, a method object such
            as `GradCAM(layer="conv_3")`, or a list of these. Defaults to "grad_cam".
        target: what is explained: the class "label" for each probe's label, "predicted", or an
            int for all probes; "contrast" for the predicted class less the runner-up; or a
            function that takes the model's outputs and a `ProbeBatch` (labels, masks and images
            of the probes, as tensors) and returns one score for each, differentiable, as for
            regression and segmentation. Without labels "predicted" is taken. Defaults to "label".
        output: name or number of the output that is explained, of a model that has several.
        epoch_freq: observe every so many epochs. Defaults to 1.
        batch_freq: observe every so many batches inside of epochs too. What is seen there
            goes to tags that begin with `batch_`, whose steps are batches, and into the
            filmstrips. Keras then waits for each batch, which slows tiny steps. Defaults to
            None, never.
        max_overhead: the share of wall time that observing may take, such as 0.05: what
            the training waits for, and the processor's time behind it. Where an
            observation costs more, the next ones are left out until its share is that small.
            The baseline is not counted, and the first epoch is always observed. Defaults to
            None, no limit.
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
        detectors: what looks for shortcuts: "default" for all that the probes allow, a list of
            names such as ["border", "colour"], a `Battery`, or None. Defaults to "default".
        detect_freq: look for shortcuts at the end of every so many epochs. The first two
            epochs are also looked at after a quarter, a half and three quarters of their
            batches, where there is no `max_overhead`. Defaults to 1.
        legitimate: what the model may decide by: "border", "colour", "texture",
            "background" and other kinds of cue, and boxes (y0, x0, y1, x1) in pixels.
            Defaults to (), nothing.
        feature_layers: names of layers with a spatial output. At each epoch the probes that excite
            their strongest channels most are drawn beside what DeconvNet makes of them, one
            picture a layer. Defaults to (), none.
        on_alert: what an alert does besides: "warn" nothing, "stop" ends the training after
            the batch or epoch, a function is called with the `Alert`. Defaults to "warn".

    Attributes:
        findings: list of `Alert` of all severities. Asking for it waits for the background thread.
        alerts: those of severity "alert", which a swap has proven twice in a row.
        history: `History` of the run. Asking for it waits for the background thread.
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
        output=None,
        epoch_freq=1,
        batch_freq=None,
        max_overhead=None,
        log_keys=("drift",),
        num_drawn=8,
        chunk_size=32,
        sinks=None,
        on_error="warn",
        detectors="default",
        detect_freq=1,
        legitimate=(),
        on_alert="warn",
        feature_layers=(),
    ):
        super().__init__()
        self.probes = ProbeSet.of(probes)
        self.methods = get_methods(methods)
        for argument, value in (
            ("epoch_freq", epoch_freq),
            ("batch_freq", 1 if batch_freq is None else batch_freq),
            ("num_drawn", num_drawn),
            ("detect_freq", detect_freq),
            ("chunk_size", chunk_size),
        ):
            check_int(argument, value)
        self.epoch_freq = int(epoch_freq)
        self.batch_freq = None if batch_freq is None else int(batch_freq)
        self.max_overhead = check_share("max_overhead", max_overhead)
        self.on_error = on_error
        self.log_dir = check_log_dir(log_dir)
        self.target = check_target(target, self.probes)
        self.log_keys = check_log_keys(log_keys, self.probes, len(self.methods))
        self.num_drawn = int(num_drawn)
        self.chunk_size = min(int(chunk_size), len(self.probes))
        self.sinks = get_sinks(sinks)
        self.battery = Battery.of(detectors)
        self.legitimate = Legitimate.of(legitimate, self.probes.image_shape[:-1])
        self.on_alert = check_on_alert(on_alert)
        self._settings = Settings(
            self.probes,
            self.log_dir,
            self.methods,
            self.target,
            self.log_keys,
            self.num_drawn,
            self.chunk_size,
            self.sinks,
            self.battery,
            int(detect_freq),
            self.legitimate,
            output,
            check_names("feature_layers", feature_layers),
        )
        if feature_layers:
            self.probes.require_images("SaliencyCallback(feature_layers=...)")
        self._guard = Guard(on_error)
        self._run: Any = None  # a `Run` from the first epoch on
        self._counter: Any = None  # a `BatchCounter` where batches are observed
        self._is_running = False
        self._is_chief, self._num_workers = True, 1
        if self.batch_freq is not None:
            # Bound only then: a batch hook ends Keras's asynchronous dispatch.
            self.on_train_batch_end = self._on_batch_end

    @property
    def history(self) -> History:
        if self._run is None:
            return self._settings.new_history()
        self._run.settle()
        return self._run.history

    @property
    def findings(self) -> list[Alert]:
        watch = None if self._run is None else self._run.watch
        if watch is None:
            return []
        self._run.settle()
        return list(watch.findings)

    @property
    def alerts(self) -> list[Alert]:
        return [finding for finding in self.findings if finding.severity == "alert"]

    @property
    def run_dir(self) -> str | None:
        if self._run is None:
            return None
        return self._run.run_dir if is_remote(self.log_dir) else self._shown_run_dir()

    def on_train_begin(self, logs=None):
        """Checks what can be checked before the weights to start from are there."""
        self.close()  # of a fit that has ended in an error
        self._is_chief, self._num_workers = describe_strategy(self.model)
        if self._is_chief:
            check_writable(self.log_dir)

    def on_epoch_begin(self, epoch, logs=None):
        """Takes the baseline before the first epoch, when restored weights are in place."""
        if self._num_workers > 1:
            # Making weights is a step that all workers take together.
            shape = self.probes.model_inputs.shape[1:]
            ensure_built(self.model, shape, self.probes.other_inputs)
        if not self._is_chief:
            return
        if not self._is_running:
            self._begin(self.model, epoch)
            is_resumed = self._run.is_resumed
            if not is_resumed or self._is_missing(epoch - 1):
                moment = Moment(epoch - 1, is_baseline=not is_resumed)
                # What is refused before the first step is the user's to mend; ends no training.
                try:
                    self._observe(moment, passing=Refusal)
                except Refusal:
                    self.close()
                    raise
        self._epoch = epoch
        self._early.begin_epoch(epoch)
        self._cost.begin_epoch()

    def on_train_batch_begin(self, batch, logs=None):
        """Looks for shortcuts early in the first epochs; does not end asynchronous dispatch."""
        if not self._is_running or self._run.watch is None or not self._early.is_due(batch):
            return
        if self.max_overhead is None:  # else the budget is for the ends of epochs
            position = self._epoch - 1 + self._early.share(batch)
            moment = Moment(self._epoch, False, batch, batch, position)
            self._guard.run("looking for shortcuts", self._run.glance, moment, self._cost)
            self._tell_alerts()

    # For `tf_keras`, which would wait for each step if there were a hook; where another callback
    # has one, such as its progress bar, it calls this one too.
    on_train_batch_begin._is_default = True  # type: ignore[attr-defined]

    def on_epoch_end(self, epoch, logs=None):
        """Observes an epoch and adds its keys to `logs`."""
        if not self._is_running:
            return
        if epoch % self.epoch_freq == 0 and self._allows(self._epoch_budget, "epochs"):
            self._observe(Moment(epoch), self._epoch_budget)
            self._tell_alerts()
        else:
            self._run.pass_over(epoch)
        if self._counter is not None:
            self._counter.end_epoch()
        if logs is not None and self._num_workers == 1:
            logs.update(self._run.logs)

    def on_train_end(self, logs=None):
        """Draws what has not been drawn, waits for the background thread, closes the files."""
        watch = self._run.watch if self._is_running else None
        self.close()
        params: Any = self.params or {}
        if watch is not None and params.get("verbose"):
            print(watch.summary())

    def observe(self, model, epoch) -> EpochReport | None:
        """Observes a model in a training loop of your own, and waits until all is written.

        Args:
            model: the `keras.Model`.
            epoch: int, 0-based, -1 for the untrained model; larger than in the call before.

        Returns:
            The epoch's `EpochReport`; None where the observation failed, and in a worker that
            is not the chief, which does nothing.

        Raises:
            ValueError: if `epoch` is no int of at least -1, or probes or methods do not fit
                the model.
        """
        epoch = check_int("epoch", epoch, lowest=-1)
        self._is_chief, self._num_workers = describe_strategy(model)
        if not self._is_chief:
            return None
        if self._is_running and self._run.model is not model:
            self.close()
        if not self._is_running:
            check_writable(self.log_dir)
            self.params = None  # those of a fit that is over
            self._begin(model, epoch)
        self._observe(Moment(epoch, is_baseline=epoch < 0), passing=Refusal)
        self._tell_alerts()
        report = self._run.report()
        self._cost.begin_epoch()
        return report

    def close(self):
        """Finishes the run. `fit` does this by itself; a loop of your own calls it at its end."""
        if self._is_running:
            self._is_running = False
            self._guard.run("the end of the run", self._run.close)

    def _begin(self, model, epoch):
        """Begins a run, which refuses what does not fit before it writes anything."""
        self._guard = Guard(self.on_error)
        self._cost = Cost()
        # Batches have half of the budget, so that they never use up that of the epochs' ends.
        share = self.max_overhead
        if share is not None and self.batch_freq is not None:
            share = share / 2
        self._epoch_budget, self._batch_budget = Budget(share), Budget(share)
        self._thinned: set[str] = set()
        if self.batch_freq is not None:
            self._counter = self._count_batches(model, max(0, epoch))
        self._early = EarlyLooks((self.params or {}).get("steps"))
        self._run = Run(
            self._settings,
            model,
            epoch,
            self._guard,
            num_workers=self._num_workers,
            fit=self.params,  # one object for all callbacks of a fit
            earlier=self._run,
        )
        self._is_running = True
        if self.on_alert == "stop" and self._num_workers > 1:
            notify(
                'keras_saliency: on_alert="stop" does nothing under several workers, because the '
                "chief alone would stop. Alerts are warnings."
            )

    def _tell_alerts(self):
        """Hands new alerts to the user, those of one moment in one warning."""
        watch = None if self._run is None else self._run.watch
        alerts = [] if watch is None else watch.take_untold()
        if not alerts:
            return
        worst = max(alerts, key=lambda alert: alert.adoption - (alert.control or 0))
        more = f" {len(alerts) - 1} more such alerts: see callback.alerts." if alerts[1:] else ""
        notify(f"keras_saliency: {worst.message}{more}")
        if self.on_alert == "stop" and self._num_workers == 1:
            self._run.model.stop_training = True  # in a loop of your own, for you to read
        elif callable(self.on_alert):
            for alert in alerts:
                self._guard.run("on_alert", self.on_alert, alert)

    def _count_batches(self, model, epoch):
        params: Any = self.params or {}
        steps = params.get("steps")
        before = epoch * (steps or 0)
        if epoch and not steps:  # of unknown length: as counted by us, else by the optimizer
            iterations = getattr(model.optimizer, "iterations", 0)
            before = self._counter.step if self._counter else int(iterations)
        at_once = int(getattr(model, "steps_per_execution", 1) or 1)
        return BatchCounter(self.batch_freq or 1, steps, before, at_once)

    def _is_missing(self, epoch):
        """Whether an epoch was lost with the worker; the restored weights are those of its end."""
        return epoch % self.epoch_freq == 0 and epoch not in self._run.history.epochs

    def _observe(self, moment, budget=None, **options):
        self._guard.run("observing", self._run.observe, moment, self._cost, budget, **options)

    def _shown_run_dir(self):
        """The run's directory as it follows from `log_dir`, relative where that is."""
        return os.path.join(self.log_dir, os.path.basename(self._run.run_dir))

    def _on_batch_end(self, batch, logs=None):
        if not self._is_running or not self._counter.is_due(batch):
            return
        if self._allows(self._batch_budget, "batches"):
            counter, epoch = self._counter, self._epoch
            place = (counter.in_epoch, counter.step, counter.position(epoch))
            self._observe(Moment(epoch, False, *place), self._batch_budget)

    def _allows(self, budget, what):
        """Whether the budget has room; says so once where it has not.

        Where there is a budget, nothing waits for the worker, the first time apart.
        """
        is_first = budget.cost is None
        waits = budget.share is not None and not is_first and self._run.is_busy
        if not waits and budget.allows(time.perf_counter()):
            return True
        if what not in self._thinned:
            self._thinned.add(what)
            notify(
                f"keras_saliency: an observation takes {budget.cost:.2g} s and the work behind "
                f"it, more than max_overhead={self.max_overhead:g} allows: not all {what} are "
                "observed from now on, so that the share of time is kept."
            )
        return False
