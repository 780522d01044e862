"""Where a notice points, and that it begins on a line of its own."""

import concurrent.futures
import functools
import io
import sys
import threading
import warnings

import pytest

from keras_saliency._utils import notify as module
from keras_saliency._utils.notify import note_bar, notify, pointing_at, users_line, warn

OURS = module.__file__.replace("_utils/notify.py", "training/run.py")
KERAS = "/x/site-packages/keras/src/trainer.py"
OTHERS = "/x/lib/python3.11/site-packages/tuner/search.py"


def code_in(file, name="made"):
    """A function (callable) -> its result, as if it stood in that file."""
    space = {"__name__": name}
    exec(compile("def through(function):\n    return function()\n", file, "exec"), space)
    return space["through"]


def nested(*places):
    """Calls `users_line` through functions that stand in these (file, module), outermost first."""
    call = users_line
    for file, name in reversed(places):
        call = functools.partial(code_in(file, name), call)
    return call()


USER = ("/home/user/train.py", "__main__")
LIBRARIES = {
    "keras": (KERAS, "keras.src.trainer"),
    "keras in a checkout": ("/home/user/keras/keras/src/trainer.py", "keras.src.trainer"),
    "a tuner": (OTHERS, "tuner.search"),
    "python": (threading.__file__, "threading"),
    "what dataclasses make": ("<string>", "keras_saliency.training.settings"),
    "import": ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
    "ours": (OURS, "keras_saliency.training.run"),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_notice_points_at_the_users_line_behind_a_library(library):
    assert nested(USER, LIBRARIES[library])[:3] == ("/home/user/train.py", 2, "__main__")
    assert nested(USER, *LIBRARIES.values())[:3] == ("/home/user/train.py", 2, "__main__")


@pytest.mark.parametrize(
    "file", ["<stdin>", "/tmp/ipykernel_7/123.py", "<ipython-input-3>", "<string>"]
)
def test_cells_and_what_is_typed_are_the_users(file):
    assert nested((file, "__main__"), LIBRARIES["ours"]).file == file


def test_a_module_called_like_one_of_pythons_is_the_users():
    mine = ("/home/user/code.py", "code")
    assert nested(mine, LIBRARIES["keras"]).file == mine[0]


def alone(*places):
    """The same in a thread, in which nothing of this file is on the stack."""
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        call = users_line
        for file, name in reversed(places):
            call = functools.partial(code_in(file, name), call)
        return executor.submit(call).result()


def test_where_all_is_installed_it_is_the_innermost_that_is_not_ours_or_of_keras():
    inner = ("/x/site-packages/app/fit.py", "app.fit")
    assert alone((OTHERS, "tuner"), inner, LIBRARIES["keras"], LIBRARIES["ours"]).file == inner[0]


def test_a_thread_points_at_the_line_that_it_was_told():
    line = users_line()
    assert line.file == __file__
    told = []

    def work():
        with pointing_at(line):
            told.append(users_line())
        told.append(users_line())

    work.__code__ = work.__code__.replace(co_filename=OURS)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told[0] == line and told[1].file == threading.__file__, "its outermost line"


def test_looking_for_the_line_keeps_no_frame_alive():
    import gc
    import weakref

    class Large:
        pass

    def fit():
        large = Large()
        users_line()
        return weakref.ref(large)

    gc.disable()
    try:
        assert fit()() is None
    finally:
        gc.enable()


def test_a_notice_is_told_once_per_line_as_python_does():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            notify("keras_saliency: the same")
    assert len(caught) == 1 and caught[0].filename == __file__


def test_where_warnings_are_errors_a_notice_is_logged_and_a_warning_raised(caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        notify("keras_saliency: said")
        assert "said" in caplog.text
        with pytest.raises(UserWarning, match="told"):
            warn("told")


@pytest.mark.parametrize("is_drawn", [True, False])
def test_a_notice_begins_a_line_where_the_bar_is(capsys, is_drawn):
    note_bar(is_drawn)
    with pytest.warns(UserWarning):
        notify("one")
        notify("two")
    assert capsys.readouterr().out == ("\n" if is_drawn else ""), "once until it is drawn again"
    note_bar(False)


def test_a_stdout_that_is_closed_hinders_no_notice(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stdout in (closed, None):
        monkeypatch.setattr(sys, "stdout", stdout)
        note_bar(True)
        with pytest.warns(UserWarning, match="said"):
            notify("said")
