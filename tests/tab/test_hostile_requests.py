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
    *('{"ab": 1}', '[["a", "b", "c"]]', '[["a", "b"], 5]', "\ufeff[]", '[["a", "b"]]]', "[{}]"),
    *("\u0661", "\uff11", "1_0", "+1", "0x1", "--1", "0;1", "\u2212", "0" * 5_000, "1" * 4_300),
    *("./saliency", "saliency/", "Saliency", "saliency\0", "saliency\r\nX: y", "%2e%2e%2f", "%ff"),
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


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_log_can_only_be_read(client, name):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "ODD"):
        answer = client.open(f"/data/{name}", method=method, query_string=QUESTIONS[name])
        assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"
        assert "only be read" in json.loads(answer.data)["error"]
    answer = client.head(f"/data/{name}", query_string=QUESTIONS[name])
    assert answer.status_code == 200 and not answer.data


HEADERS = (
    *({"Range": "bytes=0-3"}, {"Range": "bytes=9-1"}, {"If-None-Match": "*"}, {"Host": ""}),
    *({"Content-Length": "-5"}, {"Content-Length": "abc"}, {"Transfer-Encoding": "chunked"}),
    *({"Accept": "text/nothing"}, {"Accept-Encoding": "\0"}, {"Accept-Encoding": "gzip;q=nan"}),
    *({"Content-Type": "multipart/form-data; boundary="}, {"Accept-Language": "*" * 5_000}),
)


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_headers_change_nothing(client, headers):
    answer = client.get("/data/maps", query_string=QUESTIONS["maps"], headers=headers)
    assert answer.status_code == 200
    assert answer.data == ask(client, "maps", QUESTIONS["maps"]).data


def test_a_parameter_that_is_given_twice_counts_once(client):
    first = client.get("/data/run?run=saliency&run=other")
    assert first.data == ask(client, "run", QUESTIONS["run"]).data
    assert client.get("/data/run?run=other&run=saliency").status_code == 404


def test_a_message_repeats_little_of_what_was_asked(client):
    for name, parameter in {"run": "run", "numbers": "method", "maps": "method"}.items():
        answer = ask(client, name, {**QUESTIONS[name], parameter: "%" * 16_000})
        assert answer.status_code == 404 and len(answer.data) < 400


def test_series_are_pairs_of_texts(client):
    for series in ('{"ab": 1}', '["ab"]', '[["train", "epoch_loss", "x"]]'):
        assert ask(client, "scalars", {"run": RUN, "series": series}).status_code == 400
