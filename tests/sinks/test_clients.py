"""Clients of services: asked for by name, imported on demand."""

import subprocess
import sys
import threading

import pytest

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import clients


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_client_is_an_error_with_the_line_that_installs_it(
    name, tmp_path, probes, monkeypatch
):
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(ImportError, match=rf'pip install "keras-saliency\[{name}\]"'):
        SaliencyCallback(probes, tmp_path, sinks=["tensorboard", name])


def test_no_client_is_imported_that_was_not_asked_for():
    code = (
        "import sys, keras_saliency.sinks; print('wandb' in sys.modules, 'mlflow' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.split() == ["False", "False"], printed.stderr


def test_a_call_that_hangs_is_waited_for_once_and_then_fails_at_once(monkeypatch):
    monkeypatch.setattr(clients, "PATIENCE", 0.2)
    calls, gate, seen = clients.PatientCalls("it"), threading.Event(), []
    with pytest.raises(TimeoutError, match="it has not answered for 0.2 s"):
        calls.run(gate.wait, 60)
    monkeypatch.setattr(clients, "PATIENCE", 60)
    with pytest.raises(TimeoutError, match="it still does not answer"):
        calls.run(seen.append, 1)
    gate.set()
    calls._thread.join(60)
    calls.run(seen.append, 2)
    assert seen == [2]


def test_what_a_call_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        clients.PatientCalls("it").run(lambda: 1 / 0)


def of(name, run_name="saliency"):
    return {"run": {"name": name, "run_name": run_name}}


@pytest.mark.parametrize(
    ("settings", "known", "prefix"),
    [
        ({}, None, "saliency"),
        (of("saliency"), None, "saliency"),
        (of("saliency_7"), None, "saliency"),  # comparable with other runs of the service
        (of("saliency_2"), "saliency", "saliency_2"),
        (of("saliency_2"), "saliency_2", "saliency"),  # it goes on
        (of("fold_2/saliency", "fold_2/saliency"), None, "fold_2/saliency"),
    ],
)
def test_keys_begin_with_the_name_that_was_asked_for(settings, known, prefix):
    assert clients.choose_prefix(settings, lambda _: known) == prefix
