"""Clients of services: asked for by name, imported on demand."""

import subprocess
import sys

import pytest

from keras_saliency import SaliencyCallback


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
