"""The Saliency tab without a browser: its events, its answers, and what it survives."""

import dataclasses
import json
import struct
import subprocess
import sys
import types
import zlib

import keras
import numpy as np
import pytest
from helpers.networks import SHAPE, small_cnn
from helpers.tab_logs import (
    HOSTILE,
    damage,
    make_alert,
    make_probes,
    make_report,
    write_foreign,
    write_log,
)
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer

import keras_saliency.tab
from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.records import Heatmaps
from keras_saliency.sinks import TensorBoardSink
from keras_saliency.sinks.tab_events import TabEvents, compact
from keras_saliency.tab import loader, report, schema
from keras_saliency.tab.reader import Reader


def reader_of(log_dir):
    guidance = {schema.PLUGIN: 0, "scalars": 0}
    multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance=guidance)
    multiplexer.AddRunsFromDirectory(str(log_dir))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(log_dir))
    return Reader(provider, context.RequestContext(), "")


def ask(reader, name, **words):
    return json.loads(reader.answer(name, words)[0])


def decode_maps(parts):
    """The heatmaps of `encode_maps`, as the browser reads them; NaN where not finite."""
    packed, content = schema.unpack(parts[0])
    head = schema.decode_head(packed)
    codes = np.frombuffer(zlib.decompress(content), np.uint8).reshape(head["shape"])
    maxima = np.array([np.nan if m is None else m for m in head["max"]])
    return (codes / 255 * maxima[:, None, None]).astype(np.float32)


def maps_of(reader, run, method, steps):
    """The heatmaps of an answer, decoded as the browser does it."""
    words = {"run": run, "method": method, "steps": ",".join(map(str, steps))}
    head, body = schema.unpack(reader.answer("maps", words)[0])
    found = {}
    for part in json.loads(head)["maps"]:
        found[part["step"]] = decode_maps([body[: part["size"]]])
        body = body[part["size"] :]
    return found


def numbers_of(reader, run, **words):
    head, body = schema.unpack(reader.answer("numbers", {"run": run, **words})[0])
    head = json.loads(head)
    shape = len(head["names"]), len(head["steps"]), head["probes"]
    return head, dict(zip(head["names"], np.frombuffer(body, "<f4").reshape(shape), strict=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A real training: its log directory and its history."""
    log_dir = tmp_path_factory.mktemp("logs")
    rng = np.random.default_rng(3)
    images = rng.uniform(size=(24, *SHAPE)).astype(np.float32)
    labels = rng.integers(0, 4, 24)
    probes = ProbeSet(images[:6], labels[:6], groups=list("ababab"), class_names=list("wxyz"))
    model = small_cnn()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = SaliencyCallback(probes, log_dir, methods=["vanilla_gradients", "grad_cam"])
    board = keras.callbacks.TensorBoard(log_dir)
    model.fit(images, labels, epochs=3, verbose=0, callbacks=[callback, board])
    callback.close()
    return log_dir, callback.history, probes


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
    for name in history["grad_cam"]:
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
    ("name", "words"),
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
def test_what_is_not_there_is_a_key_error(trained, name, words):
    with pytest.raises(KeyError):
        reader_of(trained[0]).answer(name, words)


# Events by themselves.


def test_codes_are_off_by_half_a_step_at_most(rng):
    maps = (
        rng.gamma(0.3, size=(5, 7, 9)).astype(np.float32)
        * 10.0 ** np.arange(-6, 4, 2)[:, None, None]
    )
    parts = schema.encode_maps(maps, maps.mean(axis=(1, 2)), np.zeros(5, bool))
    restored = decode_maps(parts)
    largest = maps.max(axis=(1, 2), keepdims=True)
    assert (np.abs(restored - maps) <= largest * (1 / 510 + 1e-5)).all()
    np.testing.assert_allclose(restored.max(axis=(1, 2)), largest[:, 0, 0], rtol=1e-5)


def test_maps_that_are_none_are_told_apart():
    maps = np.ones((3, 2, 2), np.float32)
    maps[0, 0, 0], maps[1] = np.nan, 0
    parts = schema.encode_maps(maps, maps.mean(axis=(1, 2)), np.array([False, True, False]))
    head = json.loads(schema.unpack(parts[0])[0])
    assert head["max"] == [None, 0, 1] and head["empty"] == [1]
    assert np.isnan(decode_maps(parts)[0]).all()


def test_large_maps_are_averaged_by_area_over_whole_pixels():
    native = np.arange(2 * 112 * 84, dtype=np.float32).reshape(2, 112, 84)
    maps, means = compact(Heatmaps("m", native, (112, 84)), [1])
    by_hand = native[1].reshape(56, 2, 42, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(maps[0], by_hand, rtol=1e-6)
    np.testing.assert_allclose(means, native[1].mean(), rtol=1e-6)


@pytest.mark.parametrize("side", [56, 57, 96, 112, 113, 224, 299])
def test_no_map_is_larger_than_56_pixels(side):
    maps, _ = compact(
        Heatmaps("m", np.ones((1, side, side // 2), np.float32), (side, side // 2)), [0]
    )
    assert 28 <= max(maps.shape[1:]) <= 56
    np.testing.assert_allclose(maps, 1, rtol=1e-6)


def test_signals_are_a_row_and_volumes_a_projection(rng):
    signal = rng.uniform(size=(2, 30)).astype(np.float32)
    maps, means = compact(Heatmaps("m", signal, (30,)), [0, 1])
    np.testing.assert_array_equal(maps, signal[:, None])
    volume = rng.uniform(size=(2, 4, 5, 6)).astype(np.float32)
    maps, means = compact(Heatmaps("m", volume, (4, 5, 6)), [1])
    np.testing.assert_array_equal(maps[0], volume[1].max(axis=0))
    np.testing.assert_allclose(means, volume[1].mean(), rtol=1e-6)


def test_probes_are_told_once_and_findings_are_numbered():
    tab = TabEvents(make_probes())
    first = tab.events(make_report(make_probes(), -1, is_baseline=True))
    assert {tag for tag, _ in first} >= {schema.PROBES, schema.PICTURES, schema.PREDICTIONS}
    findings = make_alert(0), make_alert(0, evidence=False)
    second = tab.events(make_report(make_probes(), 0, findings, earlier=5))
    assert schema.PROBES not in {tag for tag, _ in second}
    assert [step for tag, step in second if tag == schema.FINDINGS] == [5, 6]
    assert [step for tag, step in second if tag == schema.EVIDENCE] == [5]


def test_inside_an_epoch_only_findings_are_told():
    tab = TabEvents(make_probes())
    tab.events(make_report(make_probes(), -1, is_baseline=True))
    inside = make_report(make_probes(), 0, (make_alert(0),), batch=7, batches_trained=7)
    assert {tag for tag, _ in tab.events(inside)} == {schema.FINDINGS, schema.EVIDENCE}


def test_of_many_probes_256_are_shown():
    probes = make_probes(700)
    events = TabEvents(probes).events(make_report(probes, 0))
    head = schema.decode_head(events[schema.PROBES, 0][0])
    assert len(head["names"]) == 256 and head["total"] == 700
    assert head["indices"][0] == 0 and head["indices"][-1] == 699
    assert decode_maps(events[schema.MAPS + "grad_cam", 0]).shape == (256, 4, 4)


# A log written by the sink alone.


def test_findings_come_with_their_pictures(tmp_path):
    findings = make_alert(1, "first"), make_alert(2, "second", evidence=False)
    reader = reader_of(write_log(tmp_path, make_probes(), findings=findings))
    first, second = ask(reader, "run", run="saliency")["findings"]
    assert (first["message"], first["number"], first["has_picture"]) == ("first", 0, True)
    assert (second["message"], second["epoch"], second["has_picture"]) == ("second", 2, False)
    assert first["probe_indices"] == [0, 2] and first["adoption"] == 0.9
    content, kind = reader.answer("evidence", {"run": "saliency", "number": "0"})
    assert kind == "image/jpeg" and content.startswith(b"\xff\xd8")


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
    ("name", "words"),
    [
        ("run", {}),
        ("runs", {"run": "saliency"}),
        ("maps", {"run": "saliency", "method": "grad_cam", "steps": "a"}),
        ("maps", {"run": "saliency", "method": "grad_cam", "steps": ""}),
        ("scalars", {"run": "saliency", "series": "nothing"}),
        ("evidence", {"run": "saliency", "number": "../x"}),
    ],
)
def test_odd_parameters_are_an_error_in_words(tmp_path, name, words):
    write_log(tmp_path, make_probes(), findings=[make_alert(1)])
    with pytest.raises(ValueError):
        reader_of(tmp_path).answer(name, words)


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
    for name, words in {
        "run": {},
        "numbers": {"method": "grad_cam"},
        "maps": {"method": "grad_cam", "steps": "0"},
    }.items():
        with pytest.raises((ValueError, KeyError)):
            reader.answer(name, {"run": "foreign", **words})
    assert ask(reader, "run", run="saliency")["steps"]["grad_cam"] == [-1, 0, 1, 2]


# What TensorBoard imports.


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "cv2", "keras_saliency.tab.plugin"])
def test_the_loader_is_light(heavy):
    code = "import sys, keras_saliency.tab.loader; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy not in run.stdout.split()


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "cv2"])
def test_the_plugin_and_its_reader_are_light_too(heavy):
    code = (
        "import sys, keras_saliency.tab.plugin, keras_saliency.tab.report; print(*sys.modules)"
        if heavy != "tensorflow"
        else "import sys, keras_saliency.tab.plugin; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy not in run.stdout.split()


def test_the_loader_knows_the_name_and_the_number_of_the_schema():
    assert (loader._NAME, loader._MOST_STEPS) == (schema.PLUGIN, schema.MOST_STEPS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, schema.MOST_STEPS),
        (None, schema.MOST_STEPS),
        ({"saliency": 7}, 7),
        ({"images": 3}, schema.MOST_STEPS),
    ],
)
def test_all_epochs_are_kept_unless_the_user_says_otherwise(given, kept):
    flags = types.SimpleNamespace(samples_per_plugin=given)
    loader.SaliencyLoader().fix_flags(flags)
    assert flags.samples_per_plugin["saliency"] == kept


def test_flags_that_cannot_be_read_are_survived():
    loader.SaliencyLoader().fix_flags(types.SimpleNamespace())
    loader.SaliencyLoader().fix_flags(types.SimpleNamespace(samples_per_plugin="nonsense"))


@pytest.mark.parametrize("name", ["plugin", "reader", "schema"])
def test_a_broken_room_leaves_the_tab_out(monkeypatch, name):
    for room in ("plugin", "reader", "schema"):
        monkeypatch.delitem(sys.modules, f"keras_saliency.tab.{room}", raising=False)
        monkeypatch.delattr(keras_saliency.tab, room, raising=False)
    monkeypatch.setitem(sys.modules, f"keras_saliency.tab.{name}", None)  # its import fails
    assert loader.SaliencyLoader().load(types.SimpleNamespace(data_provider=None)) is None


def test_the_entry_point_names_the_loader():
    from importlib import metadata

    points = metadata.entry_points(group="tensorboard_plugins")
    [ours] = [point for point in points if point.name == "saliency"]
    assert ours.load() is loader.SaliencyLoader


# The report.


def test_a_report_holds_all_answers(trained):
    page = report.build_report(str(trained[0]))
    words = page.split('<script type="application/json" id="report">')[1].split("</script>")[0]
    found = json.loads(words)
    asked = [json.loads(question) for question in found["answers"]]
    assert ["runs"] in asked and ["run", ["run", "saliency"]] in asked
    maps = [q for q in asked if q[0] == "maps"]
    assert len(maps) == 8 and found["note"] == ""


def test_a_report_needs_nothing_from_outside(trained):
    page = report.build_report(str(trained[0]))
    assert "src=" not in page.split("<script")[0] and "import " not in report.bundle()
    assert "http" not in report.bundle().replace("http://www.w3.org/2000/svg", "").replace(
        "https://www.w3.org/TR/png-3/", ""
    )


def test_markup_cannot_end_the_reports_data(tmp_path):
    folder = tmp_path / "a<" / "script><img src=x onerror=alert(1)>"  # a run's name has slashes
    write_log(folder, make_probes())
    probes = make_probes(
        class_names=[HOSTILE, "b", "c"], names=[HOSTILE + str(i) for i in range(4)]
    )
    page = report.build_report(str(write_log(tmp_path, probes)))
    assert HOSTILE not in page and page.count("</script>") == 2


def test_a_report_keeps_first_last_and_alerts(tmp_path):
    alert = make_alert(5)
    write_log(tmp_path, make_probes(), range(-1, 30), [alert])
    page = report.build_report(str(tmp_path), max_epochs=4)
    assert "maps of 4 of 31 epochs" in page
    words = json.loads(page.split('id="report">')[1].split("</script>")[0])["answers"]
    steps = {dict(q[1:])["steps"] for q in map(json.loads, words) if q[0] == "maps"}
    assert {"-1", "5", "29"} < steps and len(steps) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"max_epochs": 1}, "2 epochs"),
        ({"runs": ["nothing"]}, 'no run "nothing"'),
    ],
)
def test_a_report_that_cannot_be_made_is_an_error_in_words(trained, words, said):
    with pytest.raises(ValueError, match=said):
        report.build_report(str(trained[0]), **words)


def test_a_log_without_maps_is_said(tmp_path):
    with pytest.raises(ValueError, match="no run with attention maps"):
        report.build_report(str(tmp_path))
    with pytest.raises(ValueError, match="no log directory"):
        report.build_report(str(tmp_path / "nothing"))


def test_the_command_line_writes_a_report(trained, tmp_path, capsys):
    from keras_saliency.__main__ import main

    output = tmp_path / "report.html"
    assert main(["report", str(trained[0]), "-o", str(output)]) == 0
    assert output.read_text().startswith("<!DOCTYPE html>")
    assert main(["report", str(tmp_path), "-o", str(output)]) == 2
    assert main(["report", str(trained[0]), "-o", str(tmp_path / "report.png")]) == 2
    assert "HTML file" in capsys.readouterr().err


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


def test_a_report_leaves_out_a_run_that_cannot_be_read_and_says_so(tmp_path):
    write_log(tmp_path, make_probes())
    write_foreign(tmp_path)
    page = report.build_report(str(tmp_path))
    found = json.loads(page.split('id="report">')[1].split("</script>")[0])
    assert "foreign cannot be read" in found["note"]
    assert not [q for q in found["answers"] if "foreign" in q]
    with pytest.raises(ValueError, match="another version"):
        report.build_report(str(tmp_path), runs=["foreign"])
