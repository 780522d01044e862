"""`Run`: one model watched in one run directory, from its first observation to its last."""

import sys
import threading
import time
from functools import partial
from os.path import abspath

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.files import TROUBLE
from keras_saliency._utils.notify import notify
from keras_saliency.attribution.layer_features import FeatureViews
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.target import CONTRAST, Target, describe_target, one_hot_targets
from keras_saliency.history import RunFiles, read_identity
from keras_saliency.records import Alert, EpochReport, Moment
from keras_saliency.shortcuts.search import ShortcutSearch
from keras_saliency.sinks.tab_events import TabEvents
from keras_saliency.training.album import Album
from keras_saliency.training.background import BackgroundThread
from keras_saliency.training.publisher import Pipeline
from keras_saliency.training.run_directory import claim, claim_new, release, run_dirs
from keras_saliency.training.schedule import Budget, Cost
from keras_saliency.training.workers import describe_workers


class Run:
    """Observes a model; measures at once, and leaves all else to a worker.

    A run whose first epoch is not 0 goes on where one with the same probes, methods and
    target has ended: that of `earlier`, or else one in the log directory.

    Args:
        settings: `Settings`.
        model: the `keras.Model`.
        epoch: the first epoch, 0-based.
        guard: `Guard` that answers for the failures of parts.
        num_workers: how many processes train in step.
        fit: an object that is the same for all callbacks of one `fit`, or None.
        earlier: a finished `Run` of the same callback, or None.

    Attributes:
        model: the model.
        history: `History`; `settle()` waits until the worker is done with it.
        run_dir: the run's directory.
        fit: as given.
        thread: number of the thread that has begun it.
        is_resumed: whether it goes on with an earlier run.

    Raises:
        ValueError: if probes or methods do not fit the model. Nothing is written then.
    """

    def __init__(self, settings, model, epoch, guard, *, num_workers=1, fit=None, earlier=None):
        graph = ModelGraph(
            model,
            settings.methods,
            image_shape=settings.probes.model_inputs.shape[1:],
            chunk_size=settings.chunk_size,
            target=Target.about(settings.probes, settings.target, settings.output),
        )
        if graph.has_classes:
            settings.probes.check_num_classes(graph.num_classes)
        weights = _weights(settings, graph.num_classes)
        layers = settings.feature_layers
        features = FeatureViews(graph, layers) if layers else None
        self.model = model
        self.fit = fit
        self.thread = threading.get_ident()
        self._guard = guard
        self._worker = BackgroundThread()
        self._sinks = settings.sinks
        self._album = Album(
            settings.probes, settings.num_drawn, [m.name for m in graph.methods], graph.signed
        )
        self.watch = ShortcutSearch.begin(
            settings, graph.num_classes if graph.has_classes else None
        )
        self._identity = {
            "probes": settings.probes.fingerprint,
            "methods": [repr(method) for method in settings.methods],
            "target": describe_target(settings.target, settings.output),
            "map sizes": graph.map_sizes,
        }
        self.history = settings.new_history()
        self._earlier_findings: list[Alert] = []
        # Absolute, so that it stays where it is when the program changes its directory.
        log_dir = settings.log_dir if is_remote(settings.log_dir) else abspath(settings.log_dir)
        self.is_resumed = epoch > 0 and (
            self._take_over(earlier, epoch) or self._find(log_dir, epoch)
        )
        if self.watch is not None:
            self.watch.findings += self._earlier_findings
        if not self.is_resumed:
            self.run_dir = claim_new(log_dir, self)
            self._files = RunFiles(self.run_dir, self._identity)
        self._pipeline = Pipeline(
            graph,
            settings.probes,
            weights,
            history=self.history,
            files=self._files,
            album=self._album,
            exhibit=TabEvents(settings.probes, len(self._earlier_findings)),
            sinks=settings.sinks,
            guard=guard,
            log_keys=settings.log_keys,
            first_epoch=epoch,
            watch=self.watch,
            features=features,
        )
        words = _describe(graph, settings)
        if self.watch is not None:
            words["shortcuts"] = self.watch.words
        if num_workers > 1:
            words["workers"] = describe_workers(num_workers)
            notify(
                f"keras_saliency: this chief observes for {num_workers} workers; "
                f"{words['workers']['waiting']}. logs are {words['workers']['logs']}."
            )
        for sink in self._sinks:
            guard.run(f"opening {type(sink).__name__}", sink.open, self.run_dir, words)

    @property
    def logs(self) -> dict[str, float]:
        """The keys and values for Keras's `logs`, all finite."""
        return self._pipeline.logs

    @property
    def is_busy(self) -> bool:
        """Whether the worker is still at the last observation."""
        return self._worker.is_busy()

    def observe(self, moment: Moment, cost: Cost, budget: Budget | None = None) -> None:
        """Measures now, and has the rest done by the worker, once it is free.

        Args:
            moment: `Moment`.
            cost: `Cost` that counts what the training waits for.
            budget: `Budget` that pays for this, and for the processor's time behind it.
        """
        began = time.perf_counter()
        is_end = not moment.is_baseline and moment.batch is None
        with cost.counted():
            measured = self._pipeline.measure(moment)
            self._worker.wait()
        if budget is not None:
            budget.spend(began, cost.last)
        self._worker.submit(self._publish, measured, cost.words(is_end), budget)

    def glance(self, moment: Moment, cost: Cost) -> None:
        """Looks for shortcuts inside an epoch, and measures nothing else."""
        with cost.counted():
            self._pipeline.glance(moment)

    def pass_over(self, epoch: int) -> None:
        """Notes that an epoch was trained and not observed: what history had of it is old."""
        if self._pipeline.is_old(epoch):
            forget = self._files.remove
            part = ("history on disk", forget, self.history, epoch)
            self._worker.submit(partial(self._guard.run, *part, tries_again=TROUBLE))

    def settle(self) -> None:
        """Waits until the worker is done."""
        self._worker.settle()

    def report(self) -> EpochReport | None:
        """Waits until the worker is done, and returns the last report."""
        return self._worker.wait()

    def close(self) -> None:
        """Writes what is still to be written, and ends the worker."""
        if self._worker.is_mine():
            raise RuntimeError("a sink cannot close the run that it writes for")
        try:
            self._worker.submit(self._guard.run, "the end of the run", self._pipeline.close)
            self._worker.close()
        finally:
            release(self.run_dir, self)

    def _publish(self, measured, cost, budget):
        began = time.thread_time()
        report = self._guard.run("publishing", self._pipeline.publish, measured, cost)
        if budget is not None:
            budget.extend(time.thread_time() - began)
        return report

    def _take_over(self, earlier, epoch):
        """Goes on with a run of the same callback."""
        if earlier is None or not earlier.history or earlier._identity != self._identity:
            return False
        if not claim(earlier.run_dir, self):
            return False
        self.run_dir, self._files = earlier.run_dir, earlier._files
        self.history, self._album = earlier.history, earlier._album
        if earlier.watch is not None:
            self._earlier_findings = [f for f in earlier.watch.findings if f.epoch < epoch]
        self._album.cut(epoch)
        return True

    def _find(self, log_dir, epoch):
        """Goes on with the newest run in the log directory that has the same identity."""
        others = []
        for run_dir in run_dirs(log_dir):
            identity = read_identity(run_dir)
            if identity == self._identity and claim(run_dir, self):
                self.run_dir = run_dir
                self._files = RunFiles(run_dir, identity)
                self._files.clean()
                columns, findings, complaints = self._files.read(self.history)
                self._earlier_findings = [f for f in findings if f.epoch < epoch]
                earlier = [column for e, *column in columns if e < epoch]
                self._guard.run("earlier filmstrips", self._album.restore, earlier)
                for complaint in complaints:
                    notify(f"keras_saliency: an epoch of {run_dir} is lost: {complaint}")
                return True
            if identity is not None:
                others.append(_difference(run_dir, identity, self._identity))
        if others:
            notify(
                f"keras_saliency: training goes on at epoch {epoch + 1}, but no run in {log_dir} "
                f"can be continued: {'; '.join(others)}. A new one is begun beside."
            )
        return False


def _weights(settings, num_classes):
    """What is explained of each probe, as weights of its logits."""
    probes, target = settings.probes, settings.target
    if target == "label" and probes.multi_hot is not None:
        return probes.multi_hot  # the sum of a probe's labels; none: the predicted class
    if callable(target) or target in ("predicted", CONTRAST):
        return one_hot_targets(None, len(probes), num_classes, "target")
    classes = probes.labels if target == "label" else target
    return one_hot_targets(classes, len(probes), num_classes, "target")


def _describe(graph, settings):
    """Words by topic and keyword, for the settings page."""
    # Asked of the modules: tensorflow-cpu and a plain checkout have no metadata by these names.
    modules = ("keras_saliency", "tensorflow", "keras", "tf_keras", "numpy", "cv2", "tensorboard")
    versions = {name: sys.modules[name].__version__ for name in modules if name in sys.modules}
    probe_words = {
        "number": str(len(settings.probes)),
        "shape": str(settings.probes.image_shape),
        "fingerprint": settings.probes.fingerprint,
        "target": describe_target(settings.target, settings.output),
    }
    return {**graph.resolved, "probes": probe_words, "versions": versions}


def _difference(run_dir, theirs, ours):
    keys = [key for key in ours if theirs.get(key) != ours[key]]
    return f"{run_dir} has other {' and '.join(keys) or 'writers at this moment'}"
