"""What the tab asks for, read from event files, whole and damaged ones."""

import dataclasses
import json
import struct

import numpy as np
import pytest
from helpers.tab_logs import (
    damage,
    decode_maps,
    make_alert,
    make_older_alert,
    make_probes,
    make_report,
    write_foreign,
    write_log,
)
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer

from keras_saliency import ProbeSet
from keras_saliency.records import Heatmaps
from keras_saliency.sinks import TensorBoardSink
from keras_saliency.sinks.tab_events import TabEvents, compact
from keras_saliency.tab import report, schema
from keras_saliency.tab.reader import Reader


def reader_of(log_dir):
    guidance = {schema.PLUGIN: 0, "scalars": 0}
    multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance=guidance)
    multiplexer.AddRunsFromDirectory(str(log_dir))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(log_dir))
    return Reader(provider, context.RequestContext(), "")


def ask(reader, name, **query):
    return json.loads(reader.answer(name, query)[0])


def maps_of(reader, run, method, steps):
    """The heatmaps of an answer, decoded as the browser does it."""
    query = {"run": run, "method": method, "steps": ",".join(map(str, steps))}
    head, body = schema.unpack(reader.answer("maps", query)[0])
    found = {}
    for part in json.loads(head)["maps"]:
        found[part["step"]] = decode_maps([body[: part["size"]]])
        body = body[part["size"] :]
    return found


def numbers_of(reader, run, **query):
    head, body = schema.unpack(reader.answer("numbers", {"run": run, **query})[0])
    head = json.loads(head)
    shape = len(head["names"]), len(head["steps"]), head["probes"]
    return head, dict(zip(head["names"], np.frombuffer(body, "<f4").reshape(shape), strict=True))


def test_the_tab_has_the_maps_of_the_history(trained):
    log_dir, history, _ = trained
    reader = reader_of(log_dir)
    about = ask(reader, "run", run="saliency")
    assert about["steps"] == {m: [-1, 0, 1, 2] for m in ("vanilla_gradients", "grad_cam")}
    assert list(about["steps"]) == ["vanilla_gradients", "grad_cam"], "as they were asked for"
    for method in history:
        for step, maps in maps_of(reader, "saliency", method, [-1, 2]).items():
            expected = history.heatmaps(method, step)
            # Half a code, and what float16 of the history loses.
            bound = expected.max(axis=(1, 2), keepdims=True) * (1 / 510 + 1 / 2048)
            assert (np.abs(maps - expected) <= bound).all()


def test_the_tab_has_the_numbers_of_the_history(trained):
    log_dir, history, probes = trained
    reader = reader_of(log_dir)
    head, rows = numbers_of(reader, "saliency", method="grad_cam")
    assert head["steps"] == history.epochs
    for name in history.stored_statistics("grad_cam"):
        np.testing.assert_array_equal(rows[name], history["grad_cam"][name])
    _, said = numbers_of(reader, "saliency")
    np.testing.assert_array_equal(said["predicted"], history.predictions)
    np.testing.assert_array_equal(said["confidence"], history.confidence)
    np.testing.assert_array_equal(said["correct"], history.predictions == probes.labels)
    _, one = numbers_of(reader, "saliency", method="grad_cam", names="drift_previous,entropy")
    assert sorted(one) == ["drift_previous", "entropy"]


def test_the_tab_knows_the_probes_and_kerass_own_curves(trained):
    log_dir, _, probes = trained
    about = ask(reader_of(log_dir), "run", run="saliency")
    assert about["probes"]["names"] == list(probes.names)
    assert about["probes"]["groups"] == list("ababab")
    assert about["probes"]["label_texts"] == [probes.label_text(i) for i in range(6)]
    assert about["probes"]["start"] == -1
    tags = {(run, tag) for run, tag in about["scalars"]}
    assert ("train", "epoch_loss") in tags and ("train", "epoch_accuracy") in tags
    series = json.dumps([["train", "epoch_loss"]])
    [loss] = ask(reader_of(log_dir), "scalars", run="saliency", series=series)["series"]
    assert loss["steps"] == [0, 1, 2] and all(np.isfinite(loss["values"]))


def test_pictures_of_probes_are_without_loss_where_they_are_small(trained):
    import cv2

    log_dir, _, probes = trained
    content, _ = reader_of(log_dir).answer("pictures", {"run": "saliency"})
    head, body = schema.unpack(content)
    sizes = json.loads(head)["sizes"]
    assert len(sizes) == 6 and sum(sizes) == len(body)
    first = cv2.imdecode(np.frombuffer(body[: sizes[0]], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(first, np.rint(probes.images[0] * 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("run", {"run": "nothing"}),
        ("run", {"run": "../../etc/passwd"}),
        ("maps", {"run": "saliency", "method": "nothing", "steps": "0"}),
        ("maps", {"run": "saliency", "method": "grad_cam", "steps": "77"}),
        ("numbers", {"run": "saliency", "method": "nothing"}),
        ("scalars", {"run": "saliency", "series": '[["train", "nothing"]]'}),
        ("evidence", {"run": "saliency", "number": "0"}),
        ("nothing", {}),
    ],
)
def test_what_is_not_there_is_a_key_error(trained, name, query):
    with pytest.raises(KeyError):
        reader_of(trained[0]).answer(name, query)


def test_signals_are_a_row_and_volumes_a_projection(rng):
    signal = rng.uniform(size=(2, 30)).astype(np.float32)
    maps, means = compact(Heatmaps("m", signal, (30,)), [0, 1])
    np.testing.assert_array_equal(maps, signal[:, None])
    volume = rng.uniform(size=(2, 4, 5, 6)).astype(np.float32)
    maps, means = compact(Heatmaps("m", volume, (4, 5, 6)), [1])
    np.testing.assert_array_equal(maps[0], volume[1].max(axis=0))
    np.testing.assert_allclose(means, volume[1].mean(), rtol=1e-6)


def test_findings_come_with_their_pictures(tmp_path):
    findings = make_alert(1, "first"), make_alert(2, "second", evidence=False)
    reader = reader_of(write_log(tmp_path, make_probes(), findings=findings))
    first, second = ask(reader, "run", run="saliency")["findings"]
    assert (first["message"], first["number"], first["has_picture"]) == ("first", 0, True)
    assert (second["message"], second["epoch"], second["has_picture"]) == ("second", 2, False)
    assert first["probe_indices"] == [0, 2] and first["adoption"] == 0.9
    assert first["accuracy_loss"] == 0.31 and first["loss_interval"] == [0.22, 0.4]
    content, kind = reader.answer("evidence", {"run": "saliency", "number": "0"})
    assert kind == "image/jpeg" and content.startswith(b"\xff\xd8")


def test_what_was_tested_is_that_of_the_last_epoch(tmp_path):
    write_log(tmp_path / "a", make_probes(), tested="Nothing was tested\nsince")
    write_log(tmp_path / "b", make_probes())
    reader = reader_of(tmp_path)
    about = [ask(reader, "run", run=f"{run}/saliency")["tested"] for run in "ab"]
    assert about == [["Nothing was tested", "since, epoch 2"], []]


def test_labels_that_may_be_wrong_are_by_their_place_among_the_shown(tmp_path):
    write_log(tmp_path / "a", make_probes(300), mislabelled=[299, 1])
    write_log(tmp_path / "b", make_probes())
    reader = reader_of(tmp_path)
    about = ask(reader, "run", run="a/saliency")
    [issue, *rest] = about["labels"]
    assert about["probes"]["indices"][issue["probe"]] == 299
    assert issue["suggested"] == 2 and issue["probability"] == 0.03
    assert len(rest) == (1 in about["probes"]["indices"])
    assert ask(reader, "run", run="b/saliency")["labels"] == []


def test_the_alerts_of_each_run_are_counted(tmp_path):
    """The tab opens the newest run that has any; suspects are none."""
    suspect = make_alert(0, severity="suspect")
    kinds = {"alerts": [make_alert(1), suspect, make_alert(2)], "suspects": [suspect], "none": []}
    for name, findings in kinds.items():
        write_log(tmp_path / name, make_probes(), findings=findings)
    runs = ask(reader_of(tmp_path), "runs")["runs"]
    counts = {run["name"].split("/")[0]: run["alerts"] for run in runs}
    assert counts == {"alerts": 2, "suspects": 0, "none": 0}


def test_runs_are_listed_by_folder_in_natural_order(tmp_path):
    for name in ("fold_10", "fold_2", "fold_2/again"):
        write_log(tmp_path / name, make_probes())
    names = [run["name"] for run in ask(reader_of(tmp_path), "runs")["runs"]]
    assert names == ["fold_2/again/saliency", "fold_2/saliency", "fold_10/saliency"]


def test_findings_of_versions_that_knew_no_loss_are_told_as_before(tmp_path):
    findings = [make_older_alert(1), make_older_alert(2, severity="hint", detector="border")]
    reader = reader_of(write_log(tmp_path, make_probes(), findings=findings))
    first, second = ask(reader, "run", run="saliency")["findings"]
    assert "accuracy_loss" not in first and first["adoption"] == 0.9
    assert second["severity"] == "hint"


def test_a_new_event_file_begins_with_the_probes(tmp_path):
    """Where a file is lost, what follows can still be shown."""
    probes = make_probes()
    sink = TensorBoardSink()
    sink.open(str(tmp_path / "saliency"), {})
    sink.write(make_report(probes, -1, is_baseline=True))
    sink.close()
    [lost] = (tmp_path / "saliency").glob("*tfevents*")
    lost.unlink()
    sink.write(make_report(probes, 0))
    sink.close()
    about = ask(reader_of(tmp_path), "run", run="saliency")
    assert about["steps"] == {"grad_cam": [0]} and len(about["probes"]["names"]) == 4


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("run", {}),
        ("runs", {"run": "saliency"}),
        ("maps", {"run": "saliency", "method": "grad_cam", "steps": "a"}),
        ("maps", {"run": "saliency", "method": "grad_cam", "steps": ""}),
        ("scalars", {"run": "saliency", "series": "nothing"}),
        ("evidence", {"run": "saliency", "number": "../x"}),
    ],
)
def test_odd_parameters_are_an_error_in_words(tmp_path, name, query):
    write_log(tmp_path, make_probes(), findings=[make_alert(1)])
    with pytest.raises(ValueError):
        reader_of(tmp_path).answer(name, query)


def test_runs_may_have_any_name(tmp_path):
    folder = tmp_path / "a & b #1 %41 ü"
    write_log(folder, make_probes())
    [run] = ask(reader_of(tmp_path), "runs")["runs"]
    assert ask(reader_of(tmp_path), "run", run=run["name"])["steps"]["grad_cam"]
    page = report.build_report(str(tmp_path))
    questions = json.loads(page.split('id="report">')[1].split("</script>")[0])["answers"]
    asked = ["run", ["run", run["name"]]]
    assert json.dumps(asked, ensure_ascii=False, separators=(",", ":")) in questions


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (1, 1), (7, 500)])
def test_extreme_images_are_shown(shape, rng):
    probes = ProbeSet(rng.uniform(size=(1, *shape, 3)).astype(np.float32), [0])
    maps = rng.uniform(size=(1, *shape)).astype(np.float32)
    made = dataclasses.replace(
        make_report(probes, 0), heatmaps={"grad_cam": Heatmaps("grad_cam", maps, shape)}
    )
    events = TabEvents(probes).events(made)
    decoded = decode_maps(events[schema.MAPS + "grad_cam", 0])
    assert max(decoded.shape[1:]) <= 56 and np.isfinite(decoded).all()


@pytest.mark.parametrize("magnitude", [1e-30, 1e30])
def test_tiny_and_huge_maps_keep_their_values(magnitude, rng):
    maps = (rng.uniform(size=(2, 5, 5)) * magnitude).astype(np.float32)
    parts = schema.encode_maps(maps, maps.mean(axis=(1, 2)), np.zeros(2, bool))
    np.testing.assert_allclose(decode_maps(parts), maps, atol=magnitude / 500)


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty", "foreign"])
def test_damaged_event_files_leave_what_is_before_the_damage(tmp_path, how):
    damage(write_log(tmp_path, make_probes()), how)
    runs = ask(reader_of(tmp_path), "runs")["runs"]
    if how in ("empty", "foreign"):
        assert runs == []
    else:
        about = ask(reader_of(tmp_path), "run", run="saliency")
        assert 1 <= len(about["steps"]["grad_cam"]) < 5


def test_foreign_data_under_our_names_is_an_error_in_words(tmp_path):
    write_log(tmp_path, make_probes())
    write_foreign(tmp_path)
    reader = reader_of(tmp_path)
    assert {run["name"] for run in ask(reader, "runs")["runs"]} >= {"saliency"}
    for name, query in {
        "run": {},
        "numbers": {"method": "grad_cam"},
        "maps": {"method": "grad_cam", "steps": "0"},
    }.items():
        with pytest.raises((ValueError, KeyError)):
            reader.answer(name, {"run": "foreign", **query})
    assert ask(reader, "run", run="saliency")["steps"]["grad_cam"] == [-1, 0, 1, 2]


def test_what_is_cut_off_is_no_event():
    for content in (b"", b"\x01", struct.pack("<I", 3) + b"{}", struct.pack("<I", 99) + b"{}"):
        with pytest.raises(ValueError, match="cut off"):
            schema.unpack(content)


def test_findings_of_a_report_that_was_lost_come_with_the_next(tmp_path, monkeypatch):
    from keras_saliency.sinks import tensorboard

    probes = make_probes()
    sink = TensorBoardSink()
    sink.open(str(tmp_path / "saliency"), {})

    def write(epoch, *findings):
        sink.write(make_report(probes, epoch, findings))

    write(0)
    whole = tensorboard._write_events

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(tensorboard, "_write_events", full)
    with pytest.raises(OSError, match="no space"):
        write(1, make_alert(1, "lost at first"))
    monkeypatch.setattr(tensorboard, "_write_events", whole)
    write(2)
    sink.close()
    [finding] = ask(reader_of(tmp_path), "run", run="saliency")["findings"]
    assert finding["message"] == "lost at first"
