"""`SaliencyCallback`: the Keras lifecycle around a run."""

import time
from collections.abc import Callable
from typing import Any

import keras

from keras_saliency._utils.arguments import check_int
from keras_saliency._utils.notify import note_bar, notify
from keras_saliency.attribution.checks import Refusal
from keras_saliency.records import Alert, EpochReport, Moment
from keras_saliency.tracing.forward_pass import ensure_built
from keras_saliency.training.budget import Budget
from keras_saliency.training.guard import Guard
from keras_saliency.training.results import Results
from keras_saliency.training.run import Run
from keras_saliency.training.run_directory import Earlier, check_writable
from keras_saliency.training.schedule import Schedule
from keras_saliency.training.settings import Settings, SettingsByName
from keras_saliency.training.tf_keras_hooks import TfKerasHooks
from keras_saliency.training.workers import describe_strategy


class SaliencyCallback(SettingsByName, Results, TfKerasHooks, keras.callbacks.Callback):
    """Watches where an image model looks while it is trained.

    At the end of epochs it computes heatmaps for a fixed set of probes and writes overlays and
    statistics, such as the drift of attention, to `LOG_DIR/saliency`, where TensorBoard shows
    them beside Keras's own runs. It only observes: the training is the same with it and without
    it. The training waits for the maps, for the numbers in `logs` and for the swap tests that
    check for shortcuts; everything else runs in a background thread.

    A run that goes on (`initial_epoch`, `keras.callbacks.BackupAndRestore`) with the same
    probes, methods and target continues in its run directory, with its history.

    It also works in the `fit` of a `tf_keras` model. Under `MirroredStrategy` it uses the
    weights of the first replica. Under `MultiWorkerMirroredStrategy` (with `tf_keras`) the chief
    alone computes and writes while the other workers wait for it, and `logs` are left alone.

    List `EarlyStopping`, `CSVLogger`, `ReduceLROnPlateau`, `ModelCheckpoint` and other callbacks
    that use its keys in `logs` after it: Keras hands `logs` from one callback to the next in the
    order of the list.

    Example:
        probes = ProbeSet.from_dataset(val_ds, per_class=10)
        model.fit(train_ds, validation_data=val_ds, epochs=30,
                  callbacks=[SaliencyCallback(probes, log_dir="logs"),
                             keras.callbacks.TensorBoard("logs")])

    Args:
        probes: a `ProbeSet`, or `(images, labels)`; best from validation data, class-balanced.
        log_dir: the log directory; the run goes to `LOG_DIR/<run_name>`, or to `saliency_2` and
            so on where there is one already. Defaults to "logs".
        methods: a name such as "grad_cam", see `keras_saliency.methods`, a method object such
            as `GradCAM(layer="conv_3")`, or a list of these. Defaults to "grad_cam".
        target: what is explained. "label": the class of each probe's label; "predicted": the
            predicted class; an int: that class for all probes; "contrast": the predicted class
            minus the runner-up; or a function that takes the model's outputs and a `ProbeBatch`
            (labels, masks and images of the probes, as tensors) and returns one differentiable
            score for each probe, as for regression and segmentation. Without labels,
            "predicted" is used. Defaults to "label".
        output: name or number of the output to explain, for a model with several outputs.
        epoch_freq: observe every so many epochs. Defaults to 1.
        batch_freq: also observe every so many batches inside epochs. These observations go to
            tags that begin with `batch_`, whose steps are batches, and into the filmstrips.
            Keras then waits for each batch, which slows tiny steps. Defaults to None, never.
        max_overhead: the largest share of wall time that observing may take, such as 0.05: the
            time that the training waits, and the CPU time in the background. Where an
            observation costs more, the next ones are skipped until the share is kept. The
            baseline is not counted, and the first epoch is always observed. 1 is no limit.
            Defaults to None: every epoch is observed, and checks for shortcuts take at most
            10 % of the first epoch and 5 % of what follows. Whatever they cost, there is a check
            once the model is accurate enough, one after a check that has proven something, and
            one at the end of the training.
        history_maps: which heatmaps `history` keeps, in memory and on disk. "reduced": at native
            size up to 64 pixels on the longer side, larger ones averaged by area to 64; "native":
            all at native size; None: statistics only. Statistics are computed before maps are
            reduced; drifts that `history` computes on access, such as "iou_previous", are of the
            maps that it keeps, and NaN without. Defaults to "reduced".
        log_keys: statistics whose mean over the probes goes into `logs` as
            `<method>_<statistic>`; "drift" is short for "drift_previous". The keys are there in
            every epoch and finite: where a value is undefined or an epoch is not observed, the
            last one is repeated. Drifts other than "drift_*" are in TensorBoard only if they are
            named here. Defaults to ("drift",).
        num_drawn: how many probes are drawn, spread over the set; statistics use all probes.
            Defaults to 8.
        chunk_size: how many probes go through the model at once. Defaults to 32.
        sinks: where reports go: "tensorboard", "folder", "notebook", "wandb", "mlflow", a `Sink`
            such as `FolderSink("pictures")`, or a list of these. "notebook" is one output below the
            cell, updated in place, and silent with `verbose=0`. Defaults to None, TensorBoard, and
            in a notebook the output, too.
        on_error: "warn" reports a failure of this callback once and lets the training go on;
            "raise" is for tests. Wrong arguments are errors before the first step in either
            case. Defaults to "warn".
        detectors: what checks for shortcuts: "default" for all that the probes allow, a list of
            names such as ["border", "colour"], a `Battery`, or None. The largest accuracy loss
            that is proven goes into `logs` as `shortcut_loss`. Defaults to "default".
        detect_freq: check for shortcuts at the end of every so many epochs, and of the last.
            Where `max_overhead` is None or 1, the first two epochs are also checked after a
            quarter, a half and three quarters of their batches. Defaults to 1.
        legitimate: what the model may rely on: names of detectors such as "border" or "colour",
            "texture" for noise, sharpness and pattern together, and boxes (y0, x0, y1, x1) in
            pixels. Defaults to (), nothing.
        feature_layers: names of layers with a spatial output. For each, the probes that excite
            its strongest channels most are drawn at each epoch beside their DeconvNet
            projections, as one picture. Defaults to (), none.
        on_alert: what an alert does besides a warning: "warn" nothing, "stop" ends the training
            after the batch or epoch, a function is called with the `Alert`. Defaults to "warn".
        run_name: name of the run, a relative path below `log_dir`. Nested names such as
            "fold_3/saliency" group many runs: the tab and the report list the runs of one folder
            together. Where there is a run of that name, `_2` and so on is added. Defaults to
            "saliency".

    Attributes:
        settings: `Settings`, the arguments, checked. Most can also be read from the callback by
            their names; what is assigned to one is checked, and counts from the next `fit` on.
        findings: list of `Alert` of all severities. Reading it waits for the background thread.
        alerts: those of severity "alert": more accuracy depends on it than the bound, at two
            checks in a row, and it is not part of the object.
        history: `History` of the run. Reading it waits for the background thread.
        run_dir: where the run is written, such as "logs/saliency"; None before `fit`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if an argument is out of range; in `fit`, before the first step, if probes,
            methods or log_dir do not fit the model and the machine.
    """

    _clock = staticmethod(time.perf_counter)

    def __init__(
        self,
        probes: Any,
        log_dir: Any = "logs",
        methods: Any = "grad_cam",
        *,
        target: Any = "label",
        output: str | int | None = None,
        epoch_freq: int = 1,
        batch_freq: int | None = None,
        max_overhead: float | None = None,
        history_maps: str | None = "reduced",
        log_keys: Any = ("drift",),
        num_drawn: int = 8,
        chunk_size: int = 32,
        sinks: Any = None,
        on_error: str = "warn",
        detectors: Any = "default",
        detect_freq: int = 1,
        legitimate: Any = (),
        on_alert: str | Callable[[Alert], Any] = "warn",
        feature_layers: Any = (),
        run_name: str = "saliency",
    ):
        super().__init__()
        self.settings = Settings(
            probes=probes,
            log_dir=log_dir,
            methods=methods,
            target=target,
            output=output,
            epoch_freq=epoch_freq,
            batch_freq=batch_freq,
            max_overhead=max_overhead,
            history_maps=history_maps,
            log_keys=log_keys,
            num_drawn=num_drawn,
            chunk_size=chunk_size,
            sinks=sinks,
            on_error=on_error,
            battery=detectors,
            detect_freq=detect_freq,
            legitimate=legitimate,
            on_alert=on_alert,
            feature_layers=feature_layers,
            run_name=run_name,
        )
        self._begin_anew()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__.update(state)
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Sets what belongs to a fit, of a new callback and of a copy."""
        self._guard = Guard(self.settings.on_error)
        self._run: Any = None  # a `Run` from the first epoch on
        self._schedule: Any = None  # a `Schedule`, likewise
        self._is_running = False
        self._last_epoch: int | None = None  # of this fit, 0-based
        self._is_chief, self._num_workers = True, 1
        if self.settings.batch_freq is not None:
            # Bound only then: a batch hook ends Keras's asynchronous dispatch.
            self.on_train_batch_end = self._on_batch_end

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Checks what can be checked before the weights to start from are there."""
        self.close()  # of a fit that has ended in an error
        note_bar(False)
        self._is_chief, self._num_workers = describe_strategy(self.model)
        if self._is_chief:
            self._check_places()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Takes the baseline before the first epoch, when restored weights are in place."""
        probes = self.settings.probes
        if self._num_workers > 1:
            # Making weights is a step that all workers take together.
            ensure_built(self.model, probes.model_inputs.shape[1:], probes.other_inputs)
        if not self._is_chief:
            return
        if not self._is_running:
            self._begin(self.model, epoch)
            is_resumed = self._run.is_resumed
            if not is_resumed or self._is_missing(epoch - 1):
                moment = Moment(epoch - 1, is_baseline=not is_resumed)
                # What is refused before the first step is the user's to mend; ends no training.
                try:
                    self._observe(moment, passing=(Refusal,))
                except Refusal:
                    self.close()
                    raise
                self._schedule.check_pace.expect(self._schedule.cost.last)
        self._schedule.begin_epoch(epoch)
        note_bar(False)  # that of the epoch before has ended with its line

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Checks for shortcuts early in the first epochs; keeps dispatch asynchronous."""
        if batch > 0:
            self._note_bar()
        if not self._is_running or not self._run.search.is_on:
            return
        moment = self._schedule.at_batch_begin(batch, self._run.search.is_pending)
        if moment is not None:
            with self._guard("checking for shortcuts") as is_on:
                if is_on:
                    with self._schedule.cost:
                        self._run.observer.check(moment)
            self._report_alerts()

    # For `tf_keras`, which would wait for each step if there were a hook; where another callback
    # has one, such as its progress bar, it calls this one too.
    on_train_batch_begin._is_default = True  # type: ignore[attr-defined]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Observes an epoch and adds its keys to `logs`."""
        self._note_bar()
        if not self._is_running:
            return
        self._guard.run("Keras's numbers", self._run.add_metrics, epoch, logs or {})
        params: Any = self.params or {}
        is_last = epoch + 1 == params.get("epochs") or bool(
            getattr(self.model, "stop_training", False)
        )
        is_owed = is_last or self._run.search.is_pending
        moment = self._schedule.at_epoch_end(epoch, self._run.is_busy, is_owed)
        self._last_epoch = epoch
        if moment is not None:
            self._observe(moment, self._schedule.epoch_budget, is_last=is_last)
            self._run.compare_accuracy(logs or {})
            self._report_alerts()
        else:
            self._run.pass_over(epoch)
            if self._schedule.is_of_epochs(epoch) and self._run.search.is_due(Moment(epoch)):
                self._schedule.check_pace.note_due(epoch, is_made=False)
        self._schedule.end_epoch()
        if logs is not None and self._num_workers == 1:
            logs.update(self._run.observer.logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Checks the trained model, waits for the background thread, closes the files."""
        note_bar(False)
        if not self._is_running:
            return
        run = self._run
        params: Any = self.params or {}
        with self._guard("checking for shortcuts") as is_on:
            if is_on and self._last_epoch is not None:
                with self._schedule.cost:
                    run.observer.check_at_end(Moment(self._last_epoch))
        self._report_alerts()
        with self._schedule.cost:
            self.close()
        if run.search.is_wanted and params.get("verbose"):
            print(run.summary())

    def observe(self, model: Any, epoch: int) -> EpochReport | None:
        """Observes a model in a training loop of your own, and waits until all is written.

        Args:
            model: the `keras.Model`.
            epoch: int, 0-based, -1 for the untrained model; larger than in the call before.

        Returns:
            The epoch's `EpochReport`; None where the observation failed, and in a worker process
            that is not the chief, which does nothing.

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
            self._check_places()
            self.params = None  # those of a fit that is over
            self._begin(model, epoch)
        self._observe(Moment(epoch, is_baseline=epoch < 0), passing=(Refusal,))
        self._report_alerts()
        report = self._run.wait()
        self._schedule.cost.begin_epoch()
        return report

    def close(self) -> None:
        """Finishes the run. `fit` does this by itself; a loop of your own calls it at its end."""
        if self._is_running:
            self._is_running = False
            self._guard.run("the end of the run", self._run.close)

    def _check_places(self) -> None:
        """Refuses what could not be written to, before the first step."""
        check_writable(self.settings.log_dir)
        for sink in self.settings.sinks:
            sink.check()

    def _begin(self, model: Any, epoch: int) -> None:
        """Begins a run, which refuses what does not fit before it writes anything."""
        settings, earlier = self.settings, self._schedule
        params: Any = self.params or {}
        if not params.get("verbose", True):
            settings = settings.without_displays()
        self._guard = Guard(settings.on_error)
        self._schedule = Schedule(
            settings.epoch_freq,
            settings.batch_freq,
            settings.max_overhead,
            epoch,
            steps=params.get("steps"),
            clock=self._clock,
            **({} if settings.batch_freq is None else _count_batches(model, epoch, earlier)),
        )
        with self._schedule.cost:
            self._run = Run(
                settings,
                model,
                epoch,
                self._guard,
                self._schedule,
                num_workers=self._num_workers,
                fit=self.params,  # one object for all callbacks of a fit
                earlier=Earlier(self._run, self._may_go_on_with(epoch)),
            )
        self._is_running, self._last_epoch = True, None
        if settings.on_alert == "stop" and self._num_workers > 1:
            notify(
                'keras_saliency: on_alert="stop" does nothing under several workers, because the '
                "chief alone would stop. Alerts are warnings."
            )

    def _observe(
        self,
        moment: Moment,
        budget: Budget | None = None,
        passing: tuple[type[Exception], ...] = (),
        is_last: bool = False,
    ) -> None:
        """Measures now, and has the rest done by the background thread, once it is free."""
        run, cost = self._run, self._schedule.cost
        with self._guard("observing", passing=passing) as is_on:
            if is_on:
                with cost:
                    measured = run.observer.measure(moment, is_last)
                    run.wait()
                if budget is not None:
                    budget.spend(cost.began, cost.last)
                run.publish(measured, cost.seconds(moment.is_end), budget)

    def _report_alerts(self) -> None:
        """Hands new alerts to the user, those of one moment in one warning."""
        alerts = [] if self._run is None else self._run.search.take_new_alerts()
        if not alerts:
            return
        worst = max(alerts, key=lambda alert: alert.accuracy_loss or 0)
        more = f" {len(alerts) - 1} more such alerts: see callback.alerts." if alerts[1:] else ""
        notify(f"keras_saliency: {worst.message}{more}")
        on_alert = self.settings.on_alert
        if callable(on_alert):
            for alert in alerts:
                self._guard.run("on_alert", on_alert, alert)
        elif on_alert == "stop" and self._num_workers == 1:
            self._run.model.stop_training = True  # in a loop of your own, for you to read

    def _is_missing(self, epoch: int) -> bool:
        """Whether an epoch was lost with its process; the restored weights are those of its end."""
        return self._schedule.is_of_epochs(epoch) and epoch not in self._run.history.epochs

    def _note_bar(self) -> None:
        """Notes that Keras has drawn its bar, which ends with its line after `on_epoch_end`."""
        params: Any = self.params or {}
        is_shown = params.get("verbose") in (1, "auto")
        note_bar(is_shown and keras.config.is_interactive_logging_enabled())

    def _on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._is_running:
            moment = self._schedule.at_batch_end(batch, self._run.is_busy)
            if moment is not None:
                self._observe(moment, self._schedule.batch_budget)


def _count_batches(model: Any, epoch: int, earlier: Schedule | None) -> dict[str, int]:
    """Returns what `Schedule` asks about a model's batches."""
    trained = None if earlier is None else earlier.num_trained
    if trained is None:  # as the optimizer has counted, where there is one
        trained = _number(getattr(getattr(model, "optimizer", None), "iterations", 0))
    at_once = _number(getattr(model, "steps_per_execution", None) or 1)
    return {"num_trained": trained if epoch > 0 else 0, "at_once": at_once}


def _number(variable: Any) -> int:
    """Reads a whole number; `int` refuses the variables of a `MirroredStrategy`."""
    return int(variable.numpy() if hasattr(variable, "numpy") else variable)
