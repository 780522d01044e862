"""`WandbSink` with the real client, offline: its run file is read back."""

import keras
import pytest
from helpers.networks import small_cnn
from helpers.sink_contract import in_background, make_reports
from helpers.training import compiled, fit
from helpers.wandb_files import items_of, records_of

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import WandbSink

wandb = pytest.importorskip("wandb")


@pytest.fixture
def begin(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    yield lambda **settings: wandb.init(project="test", dir=tmp_path, **settings)
    wandb.finish()


def end():
    """Ends the run, and the process that writes its file."""
    wandb.finish()
    wandb.teardown()


def rows_of(folder):
    return [items_of(history.item) for history in records_of(folder, "history")]


def axes_of(folder):
    return {metric.name: metric.step_metric for metric in records_of(folder, "metric")}


def test_without_a_run_it_is_an_error_before_the_first_step(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, sinks=["tensorboard", "wandb"])
    model = compiled(small_cnn())
    with pytest.raises(ValueError, match=r"wandb.init\(project="):
        fit(callback, data, model)
    assert int(model.optimizer.iterations) == 0 and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_training_is_in_the_run_file(tmp_path, data, probes, begin):
    begin()
    sinks = ["tensorboard", "wandb"]
    callback = SaliencyCallback(probes, "logs", detectors=None, sinks=sinks, on_error="raise")
    fit([callback, keras.callbacks.TensorBoard("logs")], data, epochs=2)
    end()
    rows = rows_of(tmp_path)
    by_epoch = {row["saliency/epoch"]: row for row in rows if "saliency/grad_cam/entropy" in row}
    assert sorted(by_epoch) == [-1, 0, 1]
    for epoch, entropies in zip(
        callback.history.epochs, callback.history["grad_cam"]["entropy"], strict=True
    ):
        logged = by_epoch[epoch]["saliency/grad_cam/entropy"]
        assert logged == pytest.approx(float(entropies.mean()), rel=1e-5)
        assert by_epoch[epoch]["saliency/grad_cam/overlays"]["_type"] == "image-file"
    assert any("saliency/grad_cam/filmstrip" in row for row in rows)
    assert axes_of(tmp_path)["saliency/grad_cam/entropy"] == "saliency/epoch"
    configs = [items_of(config.update) for config in records_of(tmp_path, "config")]
    told = [config["saliency"] for config in configs if "saliency" in config]
    assert told and told[-1]["probes"]["fingerprint"] == probes.fingerprint
    [artifact] = [a for a in records_of(tmp_path, "artifact") if a.type == "report"]
    assert [entry.path for entry in artifact.manifest.contents] == ["report.html"]


@pytest.mark.slow
def test_findings_are_a_table_with_pictures_and_alerts_are_alerts(tmp_path, begin):
    begin()
    sink = WandbSink()
    sink.open(str(tmp_path / "logs" / "saliency"), {})
    for report in make_reports():
        in_background(sink.write, report)
    in_background(sink.close)
    end()
    [table] = [r["saliency/findings"] for r in rows_of(tmp_path) if "saliency/findings" in r]
    assert table["_type"] == "table-file" and table["nrows"] == 2
    [alert] = records_of(tmp_path, "alert")
    assert alert.title == "Shortcut: stationary" and "Epoch 2: to recognise" in alert.text
    assert axes_of(tmp_path)["saliency/grad_cam/batch_entropy"] == "saliency/batch"
    assert [r["saliency/batch"] for r in rows_of(tmp_path) if "saliency/batch" in r] == [7]


@pytest.mark.slow
def test_nothing_is_logged_twice_where_tensorboard_is_synced(tmp_path, data, probes, begin):
    begin(sync_tensorboard=True)
    sinks = ["tensorboard", "wandb"]
    callback = SaliencyCallback(probes, "logs", detectors=None, sinks=sinks, on_error="raise")
    with pytest.warns(UserWarning, match="sync_tensorboard=True"):
        fit(callback, data, epochs=1)
    end()
    assert not [row for row in rows_of(tmp_path) if "saliency/epoch" in row]
    assert [a.type for a in records_of(tmp_path, "artifact") if a.type == "report"] == ["report"]


@pytest.mark.slow
def test_the_runs_of_folds_have_keys_of_their_own(tmp_path, data, probes, begin):
    begin()
    names = ["fold_1/saliency", "fold_2/saliency"]
    for name in [*names, names[1]]:
        callback = SaliencyCallback(
            probes, "logs", detectors=None, sinks="wandb", run_name=name, on_error="raise"
        )
        fit(callback, data, epochs=1)
    end()
    rows, axes = rows_of(tmp_path), axes_of(tmp_path)
    for name in [*names, "fold_2/saliency_2"]:
        key = f"{name}/grad_cam/entropy"
        assert [row[f"{name}/epoch"] for row in rows if key in row] == [-1, 0]
        assert axes[key] == f"{name}/epoch"
    assert not [key for row in rows for key in row if key.startswith("saliency/")]


@pytest.mark.slow
def test_a_failing_service_never_touches_the_training(tmp_path, data, probes, begin, monkeypatch):
    run = begin()

    def fail(*_, **__):
        raise wandb.errors.CommError("the service is down")

    for name in ("log", "log_artifact"):
        monkeypatch.setattr(type(run), name, fail)
    callback = SaliencyCallback(probes, "logs", detectors=None, sinks=["tensorboard", "wandb"])
    with pytest.warns(UserWarning, match="the service is down"):
        losses = fit(callback, data, epochs=2)
    assert callback.history.epochs == [-1, 0, 1] and losses is not None
