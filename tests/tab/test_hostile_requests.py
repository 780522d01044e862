"""Whatever is asked, the answer is bounded and quick, and no failure of the server."""

import json
import time
import types

import pytest
from helpers.tab_events import Events, events_of
from helpers.tab_logs import make_alert, make_probes, make_report
from werkzeug import test

from keras_saliency.tab import plugin

RUN = "saliency"
DEEP = "[" * 30_000
STEPS = "0," * 8_000 + "1"
VALUES = (
    *("", "0", "-1", "1e3", "null", "NaN", "a,b", ",", "__proto__", "constructor", "../../x"),
    *("\0", "\ud800", "x" * 16_000, STEPS, DEEP, "9" * 5_000, "{}", "[]", "[[]]", '[["a"]]'),
    *('[["\\ud800", "a"]]', '"ab"', '["ab"]', "[null]", "[[1, 2]]", "[[[], []]]", "true"),
    ",".join(map(str, range(3_000))),
    json.dumps([["train", "epoch_loss"]] * 500),
    json.dumps([[RUN, f"saliency/{i}"] for i in range(500)]),
)
QUESTIONS = {
    "runs": {},
    "run": {"run": RUN},
    "pictures": {"run": RUN},
    "maps": {"run": RUN, "method": "grad_cam", "steps": "0,1"},
    "numbers": {"run": RUN, "method": "grad_cam", "names": "drift_previous"},
    "scalars": {"run": RUN, "series": json.dumps([["train", "epoch_loss"]])},
    "evidence": {"run": RUN, "number": "0"},
}


@pytest.fixture(scope="module")
def client():
    probes = make_probes()
    reports = [make_report(probes, e, (make_alert(1),) if e == 1 else ()) for e in range(3)]
    scalars = {"train": {"epoch_loss": [(0, 0.0, 0.5), (1, 1.0, float("nan"))]}}
    provider = Events({RUN: events_of(reports)}, scalars)
    apps = plugin.SaliencyPlugin(types.SimpleNamespace(data_provider=provider)).get_plugin_apps()

    def serve(environ, start):
        return apps[environ["PATH_INFO"]](environ, start)

    return test.Client(serve)


def ask(client, name, query):
    began = time.process_time()
    # As a browser sends what is no text at all.
    encoded = {k: v.encode("utf-8", "replace").decode() for k, v in query.items()}
    answer = client.get(f"/data/{name}", query_string=encoded)
    assert answer.status_code in (200, 400, 404), (name, query)
    assert time.process_time() - began < 5
    assert len(answer.data) < 10**6
    if answer.status_code != 200:
        told = json.loads(answer.data)["error"]
        assert told and "Error" not in told and "object" not in told, "words of ours"
    return answer


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_the_page_asks_is_answered(client, name):
    assert ask(client, name, QUESTIONS[name]).status_code == 200


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_parameter_may_hold_anything(client, name):
    for parameter in QUESTIONS[name]:
        for value in VALUES:
            ask(client, name, {**QUESTIONS[name], parameter: value})


@pytest.mark.parametrize("name", QUESTIONS)
def test_parameters_may_lack_or_be_too_many(client, name):
    for parameter in QUESTIONS[name]:
        query = {k: v for k, v in QUESTIONS[name].items() if k != parameter}
        answer = ask(client, name, query)
        assert answer.status_code == (200 if parameter == "names" else 400) or name == "numbers"
    assert ask(client, name, {**QUESTIONS[name], "other": "1"}).status_code == 400


def test_an_epoch_that_is_asked_for_often_is_sent_once(client):
    often = ask(client, "maps", {**QUESTIONS["maps"], "steps": STEPS})
    assert often.data == ask(client, "maps", QUESTIONS["maps"]).data


def test_a_loader_that_has_ended_is_no_failure_of_the_server(client, monkeypatch):
    """TensorBoard's data server is another process, which may be gone."""

    def gone(*args, **options):
        raise ConnectionError("the data server has ended")

    for name in ("list_tensors", "list_blob_sequences", "read_tensors", "read_blob"):
        monkeypatch.setattr(Events, name, gone)
    for name, query in QUESTIONS.items():
        answer = ask(client, name, query)
        assert name == "scalars" or answer.status_code == 400
        assert b"has ended" not in answer.data
