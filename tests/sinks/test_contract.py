"""Every sink keeps the contract of `Sink`; see helpers/sink_contract.py for a sink of your own."""

import importlib
import os

import pytest
from helpers.sink_contract import check_sink

from keras_saliency.sinks import SINKS, Sink


@pytest.fixture
def services(tmp_path, monkeypatch):
    """Begins a run of each service that is installed."""
    monkeypatch.chdir(tmp_path)
    ends = []

    def begin(name):
        client = pytest.importorskip(name)
        if name == "wandb":
            monkeypatch.setenv("WANDB_MODE", "offline")
            monkeypatch.setenv("WANDB_SILENT", "true")
            client.init(project="test", dir=tmp_path)
            ends.append(client.finish)
        if name == "mlflow":
            client.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
            client.start_run()
            ends.append(client.end_run)

    yield begin
    for end in ends:
        end()


@pytest.mark.parametrize("name", SINKS)
def test_every_sink_keeps_the_contract(name, tmp_path, services):
    if name in ("wandb", "mlflow"):
        services(name)
    check_sink(SINKS[name], tmp_path / "logs")


@pytest.mark.skipif("KERAS_SALIENCY_SINK" not in os.environ, reason="no sink of your own is named")
def test_a_sink_of_your_own_keeps_the_contract(tmp_path):
    module, _, name = os.environ["KERAS_SALIENCY_SINK"].partition(":")
    check_sink(getattr(importlib.import_module(module), name), tmp_path / "logs")


class Forgets(Sink):
    """Holds a file in `vars`, which cannot be copied."""

    def open(self, run_dir, settings):
        self.file = open(f"{run_dir}/x", "w")  # noqa: SIM115

    def write(self, report):
        print(report.epoch, file=self.file)

    def close(self):
        self.file.close()


class Changes(Sink):
    def open(self, run_dir, settings):
        pass

    def write(self, report):
        report.scalars.clear()


@pytest.mark.parametrize("broken", [Forgets, Changes])
def test_a_sink_that_breaks_it_is_found(broken, tmp_path):
    with pytest.raises((TypeError, AssertionError)):
        check_sink(broken, tmp_path / "logs")
