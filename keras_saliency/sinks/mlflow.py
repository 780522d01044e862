"""Metrics, pictures, findings and the report in a run of MLflow."""

import re
import time
from typing import Any

from keras_saliency.records import Alert, EpochReport
from keras_saliency.sinks.clients import (
    DEFAULT_NAME,
    PatientCalls,
    choose_prefix,
    import_client,
    run_report,
)
from keras_saliency.sinks.sink import Settings, Sink

_MOST_LETTERS = 500  # of a parameter, as the oldest servers take them
_MOST_PARAMS = 100  # of a request


class MlflowSink(Sink):
    """Writes to the active run of MLflow.

    Metrics have the names of TensorBoard's tags, with epochs as steps, inside epochs batches.
    Pictures, findings and, at the end, the report are artifacts in the folder `saliency`.
    Settings are parameters; the tag `saliency.alerts` counts the alerts, so that runs can be
    searched for them. With `run_name="fold_1/saliency"` all these begin with that name.

    A server that does not answer is waited for at most 30 s at a time.

    Raises:
        ImportError: if `mlflow` is not installed.
    """

    of_a_run = ("_client", "_run_id", "_run_dir", "_prefix", "_findings", "_calls")

    def __init__(self) -> None:
        import_client("mlflow", "mlflow")

    def check(self) -> None:
        if import_client("mlflow", "mlflow").active_run() is None:
            raise ValueError(
                'sinks=["mlflow"] writes to the active run, and there is none. Start one around '
                "fit: with mlflow.start_run(): ..."
            )

    def open(self, run_dir: str, settings: Settings) -> None:
        self.check()
        mlflow = import_client("mlflow", "mlflow")
        # By its number: in the background thread no run is active.
        self._run_id = mlflow.active_run().info.run_id
        self._client: Any = mlflow.MlflowClient()
        self._run_dir = run_dir
        self._prefix = DEFAULT_NAME
        self._findings: list[Alert] = []
        self._calls = PatientCalls("MLflow's server")
        self._calls.run(self._begin, settings)

    def _begin(self, settings: Settings) -> None:
        known = self._client.get_run(self._run_id).data.params  # a parameter is set once
        self._prefix = choose_prefix(settings, lambda prefix: known.get(_key(f"{prefix}/run/name")))
        entries = {
            _key(f"{self._prefix}/{topic}/{name}"): text[:_MOST_LETTERS]
            for topic, of_topic in settings.items()
            for name, text in of_topic.items()
        }
        param = import_client("mlflow.entities", "mlflow").Param
        new = [param(key, text) for key, text in entries.items() if key not in known]
        for start in range(0, len(new), _MOST_PARAMS):
            self._client.log_batch(self._run_id, params=new[start : start + _MOST_PARAMS])
        self._count_alerts()

    def write(self, report: EpochReport) -> None:
        self._calls.run(self._write, report)

    def _write(self, report: EpochReport) -> None:
        metric = import_client("mlflow.entities", "mlflow").Metric
        now = int(time.time() * 1000)
        scalars = report.scalars.items()
        metrics = [metric(self._key(tag), v, now, report.step) for tag, v in scalars]
        if metrics:
            self._client.log_batch(self._run_id, metrics=metrics)
        for tag, picture in report.pictures.items():
            kind = self._key(tag)
            place = f"{kind}.png" if report.is_filmstrip(tag) else f"{kind}/{_moment(report)}.png"
            self._client.log_image(self._run_id, picture, place)
        for number, finding in enumerate(report.findings, len(self._findings)):
            if finding.evidence is not None:
                place = self._key(f"findings/{number:03d}_{finding.detector}")
                self._client.log_image(self._run_id, finding.evidence, f"{place}.png")
        if report.findings:
            self._findings += report.findings
            page = "\n".join(f"* {f.severity}, {f.detector}. {f.message}" for f in self._findings)
            place = f"{self._key('findings')}/findings.md"
            self._client.log_text(self._run_id, page + "\n", place)
            self._count_alerts()

    def close(self) -> None:
        client: Any = getattr(self, "_client", None)
        self._client = None
        page = None if client is None else run_report(self._run_dir)
        if page is not None:
            self._calls.run(client.log_text, self._run_id, page, f"{self._key('report')}.html")

    def _count_alerts(self) -> None:
        number = sum(finding.severity == "alert" for finding in self._findings)
        self._client.set_tag(self._run_id, f"{_key(self._prefix)}.alerts", str(number))

    def _key(self, tag: str) -> str:
        """The name of what TensorBoard has under a tag, in MLflow."""
        return _key(f"{self._prefix}/{tag.removeprefix('saliency/')}")


def _key(name: str) -> str:
    """A name that MLflow takes: few kinds of letters, and a path without empty parts and dots."""
    parts = re.sub(r"[^\w\-. /]", "_", name, flags=re.ASCII)[:250].split("/")
    return "/".join(part if part.strip(".") else "_" for part in parts)


def _moment(report: EpochReport) -> str:
    if report.is_baseline:
        return "start"
    return f"epoch_{report.epoch:05d}" if report.batch is None else f"batch_{report.step:07d}"
