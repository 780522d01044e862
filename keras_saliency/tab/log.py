"""`Log`: what TensorBoard has read from event files, as the tab asks for it."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tensorboard import errors
from tensorboard.data import provider

from keras_saliency.tab import schema

_MOST = 10_000  # samples of a series: all that TensorBoard has kept
# TensorBoard's fast loader makes keys of blobs that it cannot read itself where JSON escapes a
# letter of the run or the tag.
_ESCAPED = {'"', "\\", *map(chr, range(32))}


class Log:
    """Asks a TensorBoard data provider.

    Args:
        data_provider: TensorBoard's `DataProvider`.
        context: its `RequestContext`.
        experiment: the experiment's id.
        files: `EventFiles`, kept between questions. Defaults to None, new ones.

    All methods raise KeyError for what is not there, and ValueError for what cannot be read.
    """

    def __init__(
        self,
        data_provider: provider.DataProvider,
        context: Any,
        experiment: str,
        files: "EventFiles | None" = None,
    ) -> None:
        self._provider = data_provider
        self._place = {"ctx": context, "experiment_id": experiment}
        self._files = files or EventFiles()

    def tensor_tags(self) -> dict[str, dict[str, Any]]:
        """Returns {run: {tag: time series}} of our tensors."""
        listed = self._provider.list_tensors
        return self._ask(listed, plugin_name=schema.PLUGIN, **self._place)

    def blob_tags(self, run: str | None = None) -> dict[str, dict[str, Any]]:
        """Returns {run: {tag: time series}} of our blobs, of one run or of all."""
        only = None if run is None else provider.RunTagFilter(runs=[run])
        listed = self._provider.list_blob_sequences
        return self._ask(listed, plugin_name=schema.PLUGIN, run_tag_filter=only, **self._place)

    def tensors(self, run: str, tag: str) -> Sequence[Any]:
        """Returns the data of a tag, none where there is no such tag."""
        only = provider.RunTagFilter(runs=[run], tags=[tag])
        found = self._read_all(self._provider.read_tensors, schema.PLUGIN, only)
        return found.get(run, {}).get(tag, [])

    def blobs(self, run: str, tags: Sequence[str]) -> dict[str, dict[int, Any]]:
        """Returns {tag: {step: reference that `read` takes}}."""
        only = provider.RunTagFilter(runs=[run], tags=list(tags))
        found = self._read_all(self._provider.read_blob_sequences, schema.PLUGIN, only)
        return {
            tag: {d.step: (run, tag, d.step, d.values[0]) for d in data if d.values}
            for tag, data in found.get(run, {}).items()
        }

    def read(self, reference: Any) -> bytes:
        """Returns a blob that `blobs` has named."""
        run, tag, step, blob = reference
        key = {"ctx": self._place["ctx"], "blob_key": blob.blob_key}
        try:
            content = self._ask(self._provider.read_blob, **key)
        except ValueError:
            if not _ESCAPED.intersection(run + tag):
                raise
            log_dir = self._ask(self._provider.experiment_metadata, **self._place).data_location
            content = self._ask(self._files.blob, log_dir, run, tag, step)
        if not isinstance(content, bytes):
            raise ValueError("this event holds something else than bytes")
        return content

    def scalar_tags(self) -> dict[str, dict[str, Any]]:
        """Returns {run: {tag: time series}} of all scalars."""
        return self._ask(self._provider.list_scalars, plugin_name="scalars", **self._place)

    def scalars(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Sequence[Any]]:
        """Returns the data of some (run, tag)."""
        if not wanted:
            return {}
        runs, tags = (sorted(set(names)) for names in zip(*wanted, strict=True))
        only = provider.RunTagFilter(runs=runs, tags=tags)
        found = self._read_all(self._provider.read_scalars, "scalars", only)
        return {(run, tag): found.get(run, {}).get(tag, []) for run, tag in wanted}

    def _read_all(self, ask: Callable[..., Any], plugin: str, only: Any) -> dict[str, Any]:
        return self._ask(
            ask, plugin_name=plugin, run_tag_filter=only, downsample=_MOST, **self._place
        )

    def _ask(self, ask: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Asks the loader; absent data and unreadable data raise different errors."""
        try:
            return ask(*args, **options)
        except (errors.NotFoundError, KeyError) as error:
            raise KeyError("it is not, or no longer, in this log") from error
        except Exception as error:  # a damaged tensor, a loader that has ended, a full memory
            raise ValueError("TensorBoard cannot read this part of the log") from error


class EventFiles:
    """Reads blobs from event files itself, for names that the fast loader cannot look up."""

    def __init__(self) -> None:
        self._runs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def blob(self, log_dir: str, run: str, tag: str, step: int) -> bytes:
        """Returns the first part of an event.

        Args:
            log_dir: the directory that TensorBoard reads.
            run: the run's name, as TensorBoard has listed it.
            tag: of the event.
            step: of the event.

        Raises:
            KeyError: if there is none.
        """
        from tensorboard.backend.event_processing import plugin_event_multiplexer
        from tensorboard.util import tensor_util

        path = os.path.join(log_dir, run)
        with self._lock:
            if path not in self._runs:
                guidance = {schema.PLUGIN: schema.MOST_STEPS}
                self._runs[path] = plugin_event_multiplexer.EventMultiplexer(
                    tensor_size_guidance=guidance
                ).AddRun(path, run)
            found = self._runs[path]
            found.Reload()
            events = found.Tensors(run, tag)
        [event, *_] = [e for e in events if e.step == step] or [None]
        if event is None:
            raise KeyError(step)
        return tensor_util.make_ndarray(event.tensor_proto)[0]
