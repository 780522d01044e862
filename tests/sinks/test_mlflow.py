"""`MlflowSink` with the real client and a local store."""

import socket

import pytest
from helpers.networks import small_cnn
from helpers.sink_contract import in_background, make_reports
from helpers.training import compiled, fit

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import MlflowSink, clients

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield mlflow.MlflowClient()
    while mlflow.active_run() is not None:
        mlflow.end_run()


def files_of(client, run_id, folder=None):
    found = set()
    for entry in client.list_artifacts(run_id, folder):
        found |= files_of(client, run_id, entry.path) if entry.is_dir else {entry.path}
    return found


def test_without_a_run_it_is_an_error_before_the_first_step(tmp_path, data, probes, store):
    callback = SaliencyCallback(probes, tmp_path / "logs", sinks="mlflow")
    model = compiled(small_cnn())
    with pytest.raises(ValueError, match=r"with mlflow.start_run\(\)"):
        fit(callback, data, model)
    assert int(model.optimizer.iterations) == 0 and not (tmp_path / "logs").exists()


@pytest.mark.slow
def test_a_training_is_in_the_store(data, probes, store):
    callback = SaliencyCallback(
        probes, "logs", detectors=None, sinks=["tensorboard", "mlflow"], on_error="raise"
    )
    with mlflow.start_run() as run:
        fit(callback, data, epochs=2)
    run_id = run.info.run_id
    series = store.get_metric_history(run_id, "saliency/grad_cam/entropy")
    assert {metric.step for metric in series} == {-1, 0, 1}
    means = callback.history["grad_cam"]["entropy"].mean(axis=1)
    assert [m.value for m in sorted(series, key=lambda m: m.step)] == pytest.approx(list(means))
    found = store.get_run(run_id).data
    assert found.params["saliency/probes/fingerprint"] == probes.fingerprint
    assert found.tags["saliency.alerts"] == "0"
    files = files_of(store, run_id)
    names = {"start", "epoch_00000", "epoch_00001"}
    assert {f"saliency/grad_cam/overlays/{name}.png" for name in names} <= files
    assert {"saliency/grad_cam/filmstrip.png", "saliency/report.html"} <= files
    page = mlflow.artifacts.load_text(f"runs:/{run_id}/saliency/report.html")
    assert "<title>Saliency report" in page and r"[\"run\",[\"run\",\"saliency\"]]" in page


@pytest.mark.slow
def test_findings_are_text_with_their_pictures(tmp_path, store):
    with mlflow.start_run() as run:
        sink = MlflowSink()
        sink.open(str(tmp_path / "logs" / "saliency"), {})
        for report in make_reports():
            in_background(sink.write, report)
        in_background(sink.close)
    run_id = run.info.run_id
    page = mlflow.artifacts.load_text(f"runs:/{run_id}/saliency/findings/findings.md")
    assert page.count("\n* ") == 1 and page.startswith("* alert, stationary. Epoch 2")
    assert "saliency/findings/000_stationary.png" in files_of(store, run_id)
    assert store.get_run(run_id).data.tags["saliency.alerts"] == "1"
    [batch] = store.get_metric_history(run_id, "saliency/grad_cam/batch_entropy")
    assert batch.step == 7


@pytest.mark.slow
def test_a_failing_service_never_touches_the_training(data, probes, store, monkeypatch):
    def fail(*_, **__):
        raise mlflow.exceptions.MlflowException("the server is down")

    for name in ("log_batch", "log_image", "log_text"):
        monkeypatch.setattr(mlflow.MlflowClient, name, fail)
    callback = SaliencyCallback(probes, "logs", detectors=None, sinks=["tensorboard", "mlflow"])
    with mlflow.start_run(), pytest.warns(UserWarning, match="the server is down"):
        fit(callback, data, epochs=2)
    assert callback.history.epochs == [-1, 0, 1]


@pytest.fixture
def silent_server():
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
def test_a_server_that_never_answers_does_not_hold_up_the_training(
    data, probes, store, silent_server, monkeypatch
):
    # Without a bound of our own, the client would say that it has timed out.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(clients, "PATIENCE", 0.2)
    callback = SaliencyCallback(probes, "logs", detectors=None, sinks=["tensorboard", "mlflow"])
    with mlflow.start_run():
        there = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(silent_server)
        with pytest.warns(UserWarning) as warned:
            fit(callback, data, epochs=3)
        mlflow.set_tracking_uri(there)
    said = " ".join(str(warning.message) for warning in warned)
    assert "MLflow's server has not answered for 0.2 s" in said
    assert "MlflowSink failed 3 times in a row and is switched off" in said
    assert callback.history.epochs == [-1, 0, 1, 2]


@pytest.mark.slow
def test_the_runs_of_folds_have_keys_of_their_own(data, probes, store):
    with mlflow.start_run() as run:
        for name in ("fold_1/saliency", "fold_2/saliency", "fold_2/saliency"):
            callback = SaliencyCallback(
                probes,
                "logs",
                detectors=None,
                sinks=["tensorboard", "mlflow"],
                run_name=name,
                on_error="raise",
            )
            fit(callback, data, epochs=1)
    run_id, names = run.info.run_id, ("fold_1/saliency", "fold_2/saliency", "fold_2/saliency_2")
    found, files = store.get_run(run_id).data, files_of(store, run_id)
    for name in names:
        series = store.get_metric_history(run_id, f"{name}/grad_cam/entropy")
        assert sorted(metric.step for metric in series) == [-1, 0]
        assert f"{name}/report.html" in files and f"{name}/grad_cam/overlays/start.png" in files
        assert found.params[f"{name}/run/name"] == name and found.tags[f"{name}.alerts"] == "0"
    assert not [key for key in found.metrics if not key.startswith(names)]
