"""The output in a notebook: in place, silent when asked, and an observer."""

import pickle
import sys
import threading
from pathlib import Path

import pytest
from helpers.networks import small_cnn
from helpers.training import compiled

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import NotebookSink, TensorBoardSink, notebook

TESTS = Path(__file__).resolve().parents[1]
PREPARE = f"""
import sys
sys.path[:0] = [{str(TESTS.parent)!r}, {str(TESTS)!r}]
import keras, numpy as np
from IPython import get_ipython
from helpers.networks import draw_data, small_cnn
from helpers.training import compiled
from keras_saliency import ProbeSet, SaliencyCallback, sinks
x, y = draw_data(np.random.default_rng(7))
probes = ProbeSet(x[:6], y[:6], class_names=["<b>ant</b>", "bee", "cat", "dog"])
METHODS = ['hires_cam', 'vanilla_gradients']
def same(a, b):
    return all(np.array_equal(*w) for w in zip(a.get_weights(), b.get_weights()))
def train(verbose, model=None, **options):
    keras.utils.set_random_seed(1)
    model = model or compiled(small_cnn())
    callback = SaliencyCallback(probes, "logs", METHODS, detectors=None, **options)
    model.fit(x, y, epochs=3, verbose=verbose, callbacks=[callback])
    return callback, model
sent = []
Publisher = type(get_ipython().display_pub)
whole = Publisher.publish
def publish(*args, **kwargs):
    sent.append("update" if kwargs.get("update") else "new")
    return whole(*args, **kwargs)
Publisher.publish = publish
"""
CELLS = {
    "prepare": PREPARE,
    "shown": "callback, model = train(2)\nprint([type(s).__name__ for s in callback.sinks])",
    "updates": "print(sent); sent.clear()",
    "silent": "silent, twin = train(0)",
    "silent though asked for": "train(0, sinks='notebook');",
    "nothing sent": "print(sent)",
    "same weights": "print(same(model, twin))",
    "failing": """
def fail(*args, **kwargs):
    raise RuntimeError("no display today")
Publisher.publish = fail
try:
    failing, third = train(2)
finally:
    Publisher.publish = whole
print(failing.history.epochs, same(model, third))
""",
    "copies": """
import copy, pickle
again = pickle.loads(pickle.dumps(callback)); copied = copy.deepcopy(callback)
model.fit(x, y, verbose=2, callbacks=[again]);
""",
    "refused": """
other = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(4)])
other.compile("sgd", "mse")
flat = SaliencyCallback(probes, "logs")
try:
    other.fit(np.zeros((4, 5)), np.zeros((4, 4)), verbose=2, callbacks=[flat])
except ValueError as error:
    print("refused")
""",
    "own loop": "saliency = SaliencyCallback(probes, 'own', detectors=None)\n"
    "report = saliency.observe(model, 0); saliency.close()\nreport",
    "alerts": "callback.alerts",
    "show": "callback.show(0, 'hires_cam')",
    "plot": "ax = callback.history.plot('drift_previous')",
    "report": "callback.save_report('logs/report.html')",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The outputs of the cells, by name, as a real kernel has sent them."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    sources = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()]
    book = nbformat.v4.new_notebook(cells=sources)
    folder = tmp_path_factory.mktemp("notebook")
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=resources).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, book.cells, strict=True)}


def text(outputs):
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")


def shown(outputs):
    return [o.data for o in outputs if o.output_type in ("display_data", "execute_result")]


@pytest.mark.slow
def test_fit_shows_one_output_which_is_updated_in_place(cells):
    [data] = shown(cells["shown"])
    assert "Attention, epoch 3" in data["text/html"] and "epoch 1" in data["text/html"]
    assert data["text/html"].count("data:image/jpeg") == 2  # a picture of each method
    assert data["text/plain"].startswith('EpochView(when="epoch 3"')
    expected = ["new", *["update"] * 4]  # before the baseline; the baseline and three epochs
    assert text(cells["updates"]).strip() == str(expected)
    # Beside Keras's own two lines an epoch, nothing but what the cell prints.
    lines = text(cells["shown"]).splitlines()
    assert lines[-1] == "['TensorBoardSink', 'NotebookSink']"
    ours = [line for line in lines[:-1] if "Epoch" not in line and "step" not in line]
    assert not [line for line in ours if line and not line.startswith("Nothing was tested")]


@pytest.mark.slow
def test_with_verbose_0_it_is_silent(cells):
    assert cells["silent"] == cells["silent though asked for"] == []
    assert text(cells["nothing sent"]).strip() == "[]"


@pytest.mark.slow
def test_it_changes_nothing_in_the_training_not_even_when_it_fails(cells):
    assert text(cells["same weights"]).strip() == "True"
    assert text(cells["failing"]).splitlines()[-1] == "[-1, 0, 1, 2] True"
    assert shown(cells["failing"]) == []
    [told] = [o.text for o in cells["failing"] if "UserWarning" in o.get("text", "")]
    assert "opening NotebookSink failed" in told and "no display today" in told


@pytest.mark.slow
def test_copies_refusals_and_loops_of_ones_own(cells):
    [data] = shown(cells["copies"])
    assert "Attention, epoch 1" in data["text/html"]
    assert text(cells["refused"]).strip() == "refused"
    assert [d["text/html"] for d in shown(cells["refused"])] in ([], [""])
    live, report = shown(cells["own loop"])
    assert "Attention, epoch 1" in live["text/html"] and "6 probes" in report["text/html"]
    assert report["text/plain"].startswith("EpochReport(")


@pytest.mark.slow
def test_what_is_returned_shows_itself(cells):
    assert "Nothing was tested" in shown(cells["alerts"])[0]["text/html"]
    assert "Attention, epoch 1" in shown(cells["show"])[0]["text/html"]
    assert "image/png" in shown(cells["plot"])[0]
    [report] = shown(cells["report"])
    assert "<iframe" in report["text/html"] and " MB." in report["text/html"]
    assert len(report["text/plain"]) < 200


def test_outside_of_a_notebook_nothing_changes(data, probes, tmp_path, capsys):
    assert [type(s) for s in SaliencyCallback(probes).sinks] == [TensorBoardSink]
    callback = SaliencyCallback(probes, tmp_path, detectors=None, sinks=["notebook"])
    compiled(small_cnn()).fit(*data, epochs=1, verbose=1, callbacks=[callback])
    assert "EpochView" not in capsys.readouterr().out


def test_a_terminal_of_ipython_is_no_notebook(monkeypatch):
    class Terminal:
        pass

    class Module:
        get_ipython = staticmethod(Terminal)

    monkeypatch.setitem(sys.modules, "IPython", Module)
    assert not notebook.is_in_notebook()
    Terminal.kernel = object()
    assert notebook.is_in_notebook()


def test_without_ipython_it_says_what_to_install(monkeypatch, probes):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install ipython"):
        SaliencyCallback(probes, sinks=["tensorboard", "notebook"])


def test_a_sink_that_was_opened_can_be_pickled():
    sink = NotebookSink()
    sink._handle = threading.Lock()  # which cannot be pickled
    assert pickle.loads(pickle.dumps(sink))._handle is None
