"""Events of the Saliency tab in memory, whole and hostile ones, behind a data provider."""

import json
import types

import numpy as np
from tensorboard import errors
from tensorboard.data import provider

from keras_saliency.sinks.tab_events import TabEvents
from keras_saliency.tab import schema

DEEP = "<deep>"  # stands for a hundred thousand nested lists


def events_of(reports):
    """{tag: {step: parts}} of reports on the same probes."""
    writer, found = TabEvents(reports[0].probes), {}
    for report in reports:
        for (tag, step), parts in writer.events(report).items():
            found.setdefault(tag, {})[step] = list(parts)
    return found


def head_of(tag, parts):
    """An event's JSON, and what follows it."""
    if schema.data_class(tag) == schema.TENSOR:
        return json.loads(parts[0]), parts[1:]
    head, body = schema.unpack(parts[0])
    return json.loads(head), [body]


def with_head(tag, head, rest):
    """An event of any JSON, NaN and infinity among it."""
    text = json.dumps(head).replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000).encode()
    is_tensor = schema.data_class(tag) == schema.TENSOR
    return [text, *rest] if is_tensor else [schema.pack(text, *rest)]


def write_events(run_dir, events, scalars=()):
    """Writes events into a file, as the sink does, and some scalars, the same at all steps."""
    import tensorflow as tf

    from keras_saliency.sinks import tensorboard

    writer = tf.summary.create_file_writer(str(run_dir))
    with writer.as_default(), tf.summary.record_if(True):
        for tag, steps in events.items():
            tensorboard._write_events({(tag, step): parts for step, parts in steps.items()})
            for name in scalars if tag == schema.PREDICTIONS else ():
                for step in steps:
                    tf.summary.scalar(name, 0.5, step)
    writer.close()


class Events:
    """Answers from {run: {tag: {step: parts}}}.

    Args:
        runs: the events.
        scalars: {run: {tag: [(step, time, value)]}}.
        began: {run: when step 0 was written}, 0 where it is not said; a step takes a second.
    """

    def __init__(self, runs, scalars=None, began=None):
        self.runs, self.series, self.began = runs, scalars or {}, began or {}

    def experiment_metadata(self, ctx=None, *, experiment_id=None):
        return provider.ExperimentMetadata(data_location="")

    def list_plugins(self, ctx=None, *, experiment_id=None):
        return [schema.PLUGIN]

    def list_runs(self, ctx=None, *, experiment_id=None):
        return []

    def list_scalars(self, ctx=None, *, experiment_id=None, plugin_name, run_tag_filter=None):
        return {run: dict.fromkeys(tags) for run, tags in self.series.items()}

    def read_scalars(self, ctx=None, *, run_tag_filter, **_):
        return {
            run: {
                tag: [provider.ScalarDatum(step=s, wall_time=t, value=v) for s, t, v in data]
                for tag, data in tags.items()
                if tag in run_tag_filter.tags
            }
            for run, tags in self.series.items()
            if run in run_tag_filter.runs
        }

    def _found(self, only, data_class):
        for run, tags in self.runs.items():
            if only is None or only.runs is None or run in only.runs:
                wanted = only.tags if only is not None else None
                yield (
                    run,
                    {
                        tag: events
                        for tag, events in tags.items()
                        if schema.data_class(tag) == data_class and (not wanted or tag in wanted)
                    },
                )

    def _list(self, only, data_class):
        found = {}
        for run, tags in self._found(only, data_class):
            times = {tag: max(map(float, events)) for tag, events in tags.items() if events}
            found[run] = {
                tag: types.SimpleNamespace(max_step=max(tags[tag]), max_wall_time=time)
                for tag, time in times.items()
            }
        return found

    def list_tensors(self, ctx=None, *, run_tag_filter=None, **_):
        return self._list(run_tag_filter, schema.TENSOR)

    def read_tensors(self, ctx=None, *, run_tag_filter=None, **_):
        return {
            run: {
                tag: [
                    provider.TensorDatum(
                        step=s,
                        wall_time=float(s + self.began.get(run, 0)),
                        numpy=np.array(parts, object),
                    )
                    for s, parts in events.items()
                ]
                for tag, events in tags.items()
            }
            for run, tags in self._found(run_tag_filter, schema.TENSOR)
        }

    def list_blob_sequences(self, ctx=None, *, run_tag_filter=None, **_):
        return self._list(run_tag_filter, schema.BLOB_SEQUENCE)

    def read_blob_sequences(self, ctx=None, *, run_tag_filter=None, **_):
        def references(run, tag, step, parts):
            keys = [(run, tag, step, i) for i in range(len(parts))]
            return tuple(types.SimpleNamespace(blob_key=key) for key in keys)

        return {
            run: {
                tag: [
                    provider.BlobSequenceDatum(
                        step=s, wall_time=float(s), values=references(run, tag, s, parts)
                    )
                    for s, parts in events.items()
                ]
                for tag, events in tags.items()
            }
            for run, tags in self._found(run_tag_filter, schema.BLOB_SEQUENCE)
        }

    def read_blob(self, ctx=None, *, blob_key):
        run, tag, step, part = blob_key
        try:
            return self.runs[run][tag][step][part]
        except (KeyError, IndexError):
            raise errors.NotFoundError("no such blob") from None
