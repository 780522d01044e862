"""Scalars, pictures, findings and the report in a run of Weights & Biases."""

import re
from typing import Any

from keras_saliency._utils.notify import notify
from keras_saliency.records import EpochReport
from keras_saliency.sinks.clients import choose_prefix, import_client, run_report
from keras_saliency.sinks.sink import Settings, Sink


class WandbSink(Sink):
    """Writes to the active run of Weights & Biases.

    Keys are TensorBoard's tags; their axis is `saliency/epoch`, inside epochs `saliency/batch`.
    So the run's own step counter is not asked for, and other code may log as it likes, without
    `step=`. `saliency/findings` is a table of all findings, with their pictures. Each alert is
    also a `run.alert`. The settings go to the config, and the report is an artifact at the end.
    With `run_name="fold_1/saliency"` all keys begin with that name in place of `saliency`.

    Where the run has `sync_tensorboard=True`, W&B copies what `TensorBoardSink` writes. Then
    scalars and other pictures are left to it, so that nothing is logged twice.

    Raises:
        ImportError: if `wandb` is not installed.
    """

    of_a_run = ("_run", "_run_dir", "_prefix", "_is_synced", "_rows", "_known")

    def __init__(self) -> None:
        import_client("wandb", "wandb")

    def check(self) -> None:
        if import_client("wandb", "wandb").run is None:
            raise ValueError(
                'sinks=["wandb"] writes to the active run, and there is none. Start one before '
                'fit: wandb.init(project="my-project").'
            )

    def open(self, run_dir: str, settings: Settings) -> None:
        self.check()
        run: Any = import_client("wandb", "wandb").run
        self._run: Any = run
        self._run_dir = run_dir
        self._rows: list[list[Any]] = []
        self._known: set[str] = set()
        has_events = "TensorBoardSink" in settings.get("sinks", {}).get("names", "")
        self._is_synced = has_events and bool(getattr(run.settings, "sync_tensorboard", False))
        if self._is_synced:
            notify(
                "keras_saliency: this W&B run copies what TensorBoard gets "
                "(sync_tensorboard=True), so WandbSink leaves scalars and pictures to that. It "
                "adds findings, alerts, settings and the report."
            )
        self._prefix = choose_prefix(settings, lambda prefix: _name_in(run.config.get(prefix)))
        run.config.update({self._prefix: settings}, allow_val_change=True)

    def write(self, report: EpochReport) -> None:
        wandb = import_client("wandb", "wandb")
        values: dict[str, Any] = {}
        if not self._is_synced:
            values |= {self._key(tag): value for tag, value in report.scalars.items()}
            pictures = report.pictures.items()
            values |= {self._key(t): wandb.Image(p, caption=report.when) for t, p in pictures}
        for finding in report.findings:
            picture = None if finding.evidence is None else wandb.Image(finding.evidence)
            row = [finding.epoch, finding.severity, finding.detector, finding.message, picture]
            self._rows.append(row)
        if report.findings:
            columns = ["epoch", "severity", "detector", "message", "evidence"]
            values[self._key("findings")] = wandb.Table(columns=columns, data=self._rows)
        if values:
            axis = self._key("epoch" if report.batch is None else "batch")
            self._define(axis, values)
            self._run.log({axis: report.step, **values})
        for finding in report.findings:
            if finding.severity == "alert":
                title = f"Shortcut: {finding.detector}"
                self._run.alert(title, finding.message, level=wandb.AlertLevel.WARN)

    def close(self) -> None:
        run: Any = getattr(self, "_run", None)
        self._run = None
        page = None if run is None else run_report(self._run_dir)
        if page is not None:
            name = re.sub(r"[^\w.-]+", "-", f"{run.id}-{self._prefix}-report")
            artifact = import_client("wandb", "wandb").Artifact(name, type="report")
            with artifact.new_file("report.html", mode="w", encoding="utf-8") as file:
                file.write(page)
            run.log_artifact(artifact)

    def _key(self, tag: str) -> str:
        """The key of what TensorBoard has under a tag."""
        return f"{self._prefix}/{tag.removeprefix('saliency/')}"

    def _define(self, axis: str, values: dict[str, Any]) -> None:
        """Tells W&B the axis of what it has not seen yet."""
        if axis not in self._known:
            self._run.define_metric(axis, hidden=True)
        for tag in values.keys() - self._known:
            self._run.define_metric(_escaped(tag), step_metric=axis)
        self._known |= {axis, *values}


def _name_in(config: Any) -> str | None:
    """The name of the run whose settings a config holds."""
    try:
        return config["run"]["name"]
    except (KeyError, TypeError):
        return None


def _escaped(tag: str) -> str:
    """A tag as `define_metric` takes it: a dot would mean a nested key."""
    return tag.replace("\\", "\\\\").replace(".", "\\.")
