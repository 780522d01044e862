"""Logs of the Saliency tab that no training has written: whole, damaged and foreign ones."""

import dataclasses
import zlib

import numpy as np

from keras_saliency import Alert, ProbeSet
from keras_saliency.records import EpochReport, Heatmaps, LabelIssue, Moment, Predictions
from keras_saliency.sinks import TensorBoardSink
from keras_saliency.tab import schema

HOSTILE = "<img src=x onerror=alert(1)></script>"


def make_report(
    probes, epoch, findings=(), earlier=0, *, scalars=None, methods=("grad_cam",), **when
):
    number = len(probes)
    logits = np.zeros((number, 3), np.float32)
    logits[:, epoch % 3] = 1
    report = EpochReport(
        Moment(epoch, **when),
        probes,
        Predictions(logits, np.full((number, 3), 1 / 3, np.float32)),
        {m: Heatmaps(m, np.full((number, 4, 4), 1 + epoch, np.float32), (8, 8)) for m in methods},
        {m: {"drift_previous": np.full(number, epoch / 10, np.float32)} for m in methods},
        scalars=scalars or {},
        findings=findings,
        num_earlier_findings=earlier,
    )
    return report


def make_alert(epoch, message="said", evidence=True, **others):
    alert = Alert(
        severity="alert",
        detector="stationary",
        epoch=epoch,
        since_epoch=epoch,
        class_index=1,
        accuracy_loss=0.31,
        loss_interval=(0.22, 0.4),
        adoption=0.9,
        control=0.1,
        num_pairs=30,
        num_donors=12,
        region=None,
        probe_indices=(0, 2),
        message=message,
        evidence=np.full((8, 8, 3), 200, np.uint8) if evidence else None,
    )
    return dataclasses.replace(alert, **others)


class OlderAlert(Alert):
    """A finding as versions wrote it that knew no accuracy loss."""

    def to_dict(self):
        entries = super().to_dict()
        return {k: v for k, v in entries.items() if k not in ("accuracy_loss", "loss_interval")}


def make_older_alert(epoch, **others):
    return OlderAlert(**{**vars(make_alert(epoch)), **others})


def make_probes(number=4, **options):
    images = np.random.default_rng(0).uniform(size=(number, 8, 8, 3)).astype(np.float32)
    return ProbeSet(images, np.arange(number) % 3, **options)


def write_log(log_dir, probes, epochs=range(-1, 3), findings=(), tested="", mislabelled=()):
    """`mislabelled` are indices of probes whose label may be wrong."""
    issues = tuple(
        LabelIssue(i, probes.names[i], int(probes.labels[i]), 2, 0.03) for i in mislabelled
    )
    sink = TensorBoardSink()
    sink.open(str(log_dir / "saliency"), {})
    for epoch in epochs:
        mine = tuple(f for f in findings if f.epoch == epoch)
        earlier = sum(f.epoch < epoch for f in findings)
        report = make_report(probes, epoch, mine, earlier, is_baseline=epoch < 0)
        told = tested and f"{tested}, epoch {epoch}"
        sink.write(dataclasses.replace(report, tested=told, label_issues=issues))
    sink.close()
    return log_dir


def damage(log_dir, how):
    [path] = (log_dir / "saliency").glob("*tfevents*")
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: 2 * len(content) // 3])
    elif how == "flipped":
        path.write_bytes(content[:-200] + b"\xff" * 100 + content[-100:])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.write_bytes(b"no events at all" * 100)


def write_foreign(log_dir, name="foreign"):
    """Another's data under the name of our plugin, and under our tags."""
    import tensorflow as tf
    from tensorboard.compat.proto import summary_pb2

    writer = tf.summary.create_file_writer(str(log_dir / name))
    contents = {
        schema.PROBES: [b"no json"],
        schema.PICTURES: [b"\x00"],
        schema.MAPS + "grad_cam": [b"\xff\xff\xff\xff{}"],
        schema.NUMBERS + "grad_cam": [b'{"version": 1}'],
        schema.FINDINGS: [b'{"version": 99}'],
        schema.TESTED: [b'{"version": 1, "lines": "abc"}'],
        "of/another": [b"x", b"y"],
    }
    with writer.as_default(), tf.summary.record_if(True):
        for step in range(2):
            for tag, parts in contents.items():
                metadata = summary_pb2.SummaryMetadata(data_class=schema.data_class(tag))
                metadata.plugin_data.plugin_name = schema.PLUGIN
                tf.summary.write(tag, tf.constant(parts), step, metadata)
            metadata = summary_pb2.SummaryMetadata(data_class=schema.TENSOR)
            metadata.plugin_data.plugin_name = schema.PLUGIN
            tf.summary.write(schema.PREDICTIONS, tf.constant(3.0), step, metadata)
    writer.close()


def decode_maps(parts):
    """The heatmaps of `encode_maps`, as the browser reads them; NaN where not finite."""
    packed, content = schema.unpack(parts[0])
    head = schema.decode_head(packed)
    codes = np.frombuffer(zlib.decompress(content), np.uint8).reshape(head["shape"])
    maxima = np.array([np.nan if m is None else m for m in head["max"]])
    return (codes / 255 * maxima[:, None, None]).astype(np.float32)
