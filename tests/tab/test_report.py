"""The report: one file that needs nothing from outside."""

import json
import os
import shutil

import pytest
from helpers.tab_events import events_of, write_events
from helpers.tab_logs import (
    HOSTILE,
    make_alert,
    make_probes,
    make_report,
    write_foreign,
    write_log,
)
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from keras_saliency.tab import report, schema


def test_a_report_holds_all_answers(trained):
    page = report.build_report(str(trained[0]))
    data = page.split('<script type="application/json" id="report">')[1].split("</script>")[0]
    found = json.loads(data)
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
    answers = json.loads(page.split('id="report">')[1].split("</script>")[0])["answers"]
    steps = {dict(q[1:])["steps"] for q in map(json.loads, answers) if q[0] == "maps"}
    assert {"-1", "5", "29"} < steps and len(steps) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_epochs": 1}, "2 epochs"),
        ({"runs": ["nothing"]}, 'no run "nothing"'),
    ],
)
def test_a_report_that_cannot_be_made_is_an_error_in_words(trained, options, said):
    with pytest.raises(ValueError, match=said):
        report.build_report(str(trained[0]), **options)


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


def test_a_report_leaves_out_a_run_that_cannot_be_read_and_says_so(tmp_path):
    write_log(tmp_path, make_probes())
    write_foreign(tmp_path)
    page = report.build_report(str(tmp_path))
    found = json.loads(page.split('id="report">')[1].split("</script>")[0])
    assert '"foreign" cannot be read: this run\'s probes' in found["note"]
    assert not [q for q in found["answers"] if "foreign" in q]
    with pytest.raises(ValueError, match="another version"):
        report.build_report(str(tmp_path), runs=["foreign"])


def runs_in(page):
    found = json.loads(page.split('id="report">')[1].split("</script>")[0])
    asked = [json.loads(question) for question in found["answers"]]
    return sorted(q[1][1] for q in asked if q[0] == "run"), found


def test_a_name_that_is_no_utf_8_costs_only_its_own_run(tmp_path):
    write_log(tmp_path / "good", make_probes())
    shutil.copytree(tmp_path / "good", os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\xfe"))
    runs, found = runs_in(report.build_report(str(tmp_path)))
    assert runs == ["good/saliency"]
    assert found["note"] == r'"bad\xff\xfe" is left out: its name is not UTF-8.'


def test_links_in_circles_and_odd_files_add_no_runs(tmp_path):
    write_log(tmp_path / "a", make_probes())
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "saliency")
    (tmp_path / "a" / "saliency" / "events.out.tfevents.9.gone").symlink_to("/nowhere/at/all")
    (tmp_path / "a" / "saliency" / "events.out.tfevents.8.folder").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "events.out.tfevents.1.h").touch()
    runs, found = runs_in(report.build_report(str(tmp_path)))
    assert runs == ["a/saliency", "link"] and found["note"] == "" and not found["errors"]


@pytest.mark.parametrize("tag", [schema.MAPS + "grad_cam", schema.PREDICTIONS])
def test_a_tensor_that_says_to_be_huge_costs_only_itself(tmp_path, tag):
    """TensorBoard would make a reference for each of 2**40 elements."""
    events = events_of([make_report(make_probes(), epoch) for epoch in range(3)])
    lie = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=events[tag].pop(2))
    lie.tensor_shape.dim.add(size=2**40)
    write_events(tmp_path / "saliency", events)
    metadata = summary_pb2.SummaryMetadata(data_class=schema.data_class(tag))
    metadata.plugin_data.plugin_name = schema.PLUGIN
    value = summary_pb2.Summary.Value(tag=tag, tensor=lie, metadata=metadata)
    event = event_pb2.Event(step=2, wall_time=1e10, summary=summary_pb2.Summary(value=[value]))
    with (tmp_path / "saliency" / "events.out.tfevents.9999999999.h").open("wb") as file:
        RecordWriter(file).write(event.SerializeToString())
    runs, found = runs_in(report.build_report(str(tmp_path)))
    assert runs == ["saliency"] and not found["errors"]
    steps = {dict(q[1:])["steps"] for q in map(json.loads, found["answers"]) if q[0] == "maps"}
    assert steps == ({"0", "1"} if tag != schema.PREDICTIONS else {"0", "1", "2"})
