"""`Run`: one model observed in one run directory, from its first observation to its last."""

import dataclasses
import sys
import threading
from os.path import abspath
from typing import Any

import numpy as np

from keras_saliency._utils.arguments import is_remote
from keras_saliency._utils.notify import notify
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.preprocessor import prepared
from keras_saliency.attribution.target import Target, describe_target
from keras_saliency.history import History
from keras_saliency.records import EpochReport
from keras_saliency.shortcuts.search import ShortcutSearch
from keras_saliency.sinks import name_sinks
from keras_saliency.training.album import Album
from keras_saliency.training.background import BackgroundThread
from keras_saliency.training.budget import Budget
from keras_saliency.training.guard import Guard
from keras_saliency.training.observer import Measured, Observer
from keras_saliency.training.overlay_grids import OverlayGrids
from keras_saliency.training.publisher import Publisher
from keras_saliency.training.run_directory import (
    ANY_RUN,
    Earlier,
    Place,
    RunState,
    begin_run,
    end_run,
    find_run,
    take_over,
)
from keras_saliency.training.schedule import Schedule
from keras_saliency.training.settings import Settings
from keras_saliency.training.workers import describe_workers


class Run:
    """Holds the `Observer` of a model, and hands what it measures to the background thread.

    A run whose first epoch is not 0 goes on where one with the same probes, methods and
    target has ended: that of `earlier`, or else one in the log directory.

    Args:
        settings: `Settings`.
        model: the `keras.Model`.
        epoch: the first epoch, 0-based.
        guard: `Guard` that answers for the failures of parts.
        schedule: `Schedule`, which says how checks for shortcuts are paced.
        num_workers: how many processes train in step.
        fit: an object that is the same for all callbacks of one `fit`, or None.
        earlier: `Earlier`, what it may go on with. Defaults to any run on disk.

    Attributes:
        model: the model.
        observer: `Observer`, what the training waits for.
        search: `ShortcutSearch`.
        fit: as given.
        thread: number of the thread that has begun it.

    Raises:
        ValueError: if probes or methods do not fit the model. Nothing is written then.
    """

    def __init__(
        self,
        settings: Settings,
        model: Any,
        epoch: int,
        guard: Guard,
        schedule: Schedule,
        *,
        num_workers: int = 1,
        fit: Any = None,
        earlier: Earlier = ANY_RUN,
    ):
        probes = prepared(model, settings.probes)
        if probes is not settings.probes:
            settings = dataclasses.replace(settings, probes=probes)
        self.model = model
        self.fit = fit
        self._schedule = schedule
        self.thread = threading.get_ident()
        self._background = BackgroundThread()
        graph = _make_graph(settings, model)
        self.observer = Observer(graph, settings, guard)  # refuses what does not fit
        self.search = ShortcutSearch.begin(
            settings, graph.num_classes if graph.has_classes else None
        )
        identity = {
            "probes": settings.probes.fingerprint,
            "methods": [repr(method) for method in settings.methods],
            "target": describe_target(settings.target, settings.output),
            "map sizes": graph.map_sizes,
        }
        names = [method.name for method in graph.methods]
        fresh = (
            settings.new_history(),
            Album(settings.probes, settings.drawn, names, graph.signed),
        )
        # Absolute, so that it stays where it is when the program changes its directory.
        log_dir = settings.log_dir if is_remote(settings.log_dir) else abspath(settings.log_dir)
        place = self._place = Place(log_dir, settings.run_name, earlier.only)
        state: RunState | None = None
        if epoch > 0 and earlier.run is not None:
            state = take_over(
                earlier.run._state, earlier.run.search.findings, self, identity, epoch
            )
        if epoch > 0 and state is None:
            state = find_run(place, self, identity, epoch, *fresh, guard)
        state = state or begin_run(place, self, identity, *fresh)
        self._state: RunState = state
        self.search.findings += state.findings
        self.observer.begin(self.search, schedule.check_pace, state.history, epoch)
        self._publisher = Publisher(
            settings,
            self.search,
            self.summary,
            guard,
            state.history,
            state.files,
            state.album,
            len(state.findings),
        )
        described = _describe(graph, settings, self.search, num_workers)
        described["run"] = {"name": self.name, "run_name": settings.run_name}
        for name, sink in name_sinks(settings.sinks).items():
            guard.run(f"opening {name}", sink.open, self.run_dir, described)
        for advice in graph.advice.values():
            notify(f"keras_saliency: {advice}.")

    @property
    def history(self) -> History:
        """The run's history; `settle()` waits until the background thread is done with it."""
        return self._state.history

    @property
    def grids(self) -> OverlayGrids:
        """What draws the overlays of the run's probes."""
        return self._state.album.grids

    @property
    def run_dir(self) -> str:
        """The run's directory."""
        return self._state.run_dir

    @property
    def name(self) -> str:
        """The run's name: its directory, relative to the log directory."""
        return self.run_dir[len(self._place.log_dir) :].strip("/")

    @property
    def is_resumed(self) -> bool:
        """Whether it goes on with an earlier run."""
        return self._state.is_resumed

    @property
    def is_busy(self) -> bool:
        """Whether the background thread is still at the last observation."""
        return self._background.is_busy()

    def publish(
        self, measured: Measured, cost: dict[str, float], budget: Budget | None = None
    ) -> None:
        """Has the background thread complete an observation and hand it to the sinks.

        Args:
            measured: what `Observer.measure` returned.
            cost: what the training has waited, see `Publisher.publish`.
            budget: `Budget` that pays for the CPU time of this, too.
        """
        spent = None if budget is None else budget.extend
        self._background.submit(self._publisher.publish, measured, cost, spent=spent)

    def compare_accuracy(self, logs: dict[str, Any]) -> None:
        """Compares the accuracy on the probes with that on the validation data, in `logs`."""
        # With averaged weights, the two accuracies may be those of different weights.
        if not getattr(getattr(self.model, "optimizer", None), "use_ema", False):
            self.observer.compare_accuracy(logs)

    def add_metrics(self, epoch: int, logs: dict[str, Any]) -> None:
        """Keeps the numbers that Keras has logged of an epoch, such as its loss."""
        numbers = {name: np.asarray(value) for name, value in logs.items()}
        metrics = {
            n: float(v) for n, v in numbers.items() if v.ndim == 0 and v.dtype.kind in "biuf"
        }
        self._publisher.add_metrics(epoch, metrics)

    def pass_over(self, epoch: int) -> None:
        """Notes that an epoch was trained and not observed: what history had of it is old."""
        if self.observer.is_old(epoch):
            self._background.submit(self._publisher.forget, epoch)

    def summary(self) -> str:
        """Says what was tested and found, what is known about labels, and what observing cost."""
        pace, cost = self._schedule.check_pace, self._schedule.cost
        is_asked = self.history.labels is not None and bool(self.history.epochs)
        labels = self.history.label_verdict().sentence() if is_asked else ""
        parts = self.search.summary(), labels, pace.described(), cost.described()
        return "\n".join(filter(None, parts))

    def settle(self) -> None:
        """Waits until the background thread is done."""
        self._background.settle()

    def wait(self) -> EpochReport | None:
        """Waits until the background thread is done, and returns the last report."""
        return self._background.wait()

    def close(self) -> None:
        """Writes what is still to be written, and ends the background thread."""
        if self._background.is_mine():
            raise RuntimeError("a sink cannot close the run that it writes for")
        try:
            self._background.submit(self._publisher.close)
            self._background.close()
        finally:
            end_run(self.run_dir, self, self._place.log_dir)


def _make_graph(settings: Settings, model: Any) -> ModelGraph:
    graph = ModelGraph(
        model,
        settings.methods,
        image_shape=settings.probes.model_inputs.shape[1:],
        chunk_size=settings.chunk_size,
        target=Target.about(settings.probes, settings.target, settings.output),
    )
    if graph.has_classes:
        settings.probes.check_num_classes(graph.num_classes)
    return graph


def _describe(
    graph: ModelGraph, settings: Settings, search: ShortcutSearch, num_workers: int
) -> dict[str, dict[str, str]]:
    """What was resolved, as text by topic and keyword, for the settings page."""
    # Asked of the modules: tensorflow-cpu and a plain checkout have no metadata by these names.
    modules = ("keras_saliency", "tensorflow", "keras", "tf_keras", "numpy", "cv2", "tensorboard")
    described = {
        **graph.resolved,
        "probes": {
            "number": str(len(settings.probes)),
            "shape": str(settings.probes.image_shape),
            "fingerprint": settings.probes.fingerprint,
            "target": describe_target(settings.target, settings.output),
        },
        "versions": {m: sys.modules[m].__version__ for m in modules if m in sys.modules},
    }
    described["shortcuts"] = search.described
    described["sinks"] = {"names": ", ".join(name_sinks(settings.sinks))}
    preprocess = settings.probes.preprocess
    if preprocess is not None:
        described["probes"]["preprocess"] = getattr(preprocess, "__name__", repr(preprocess))
    if num_workers > 1:
        workers = described["workers"] = describe_workers(num_workers)
        notify(
            f"keras_saliency: this chief observes for {num_workers} workers; "
            f"{workers['waiting']}. logs are {workers['logs']}."
        )
    return described
