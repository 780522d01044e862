"""`in_venv.py` mends only what is broken."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def script(monkeypatch):
    """The script, with `installed` in place of pip."""
    spec = importlib.util.spec_from_file_location("in_venv", ROOT / "in_venv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.installed = []
    monkeypatch.setattr(module, "pip", lambda *arguments: module.installed.append(arguments))
    return module


@pytest.mark.parametrize(
    ("tensorboard", "complaint", "expected"),
    [
        ("2.20.0", "ModuleNotFoundError: No module named 'pkg_resources'", [("setuptools<82",)]),
        ("2.20.0", None, []),
        ("2.21.0", "ModuleNotFoundError: No module named 'pkg_resources'", []),
        ("3.0.0a1", "ModuleNotFoundError: No module named 'pkg_resources'", []),
    ],
)
def test_an_older_setuptools_is_installed_only_where_tensorboard_needs_it(
    script, monkeypatch, tensorboard, complaint, expected
):
    monkeypatch.setattr(script, "version_of", lambda package: tensorboard)
    monkeypatch.setattr(script, "import_error", lambda module: complaint)
    script.mend_tensorboard()
    assert script.installed == expected


def test_the_headless_opencv_is_laid_over_one_that_does_not_import(script, monkeypatch):
    complaints = iter(["ImportError: libGL.so.1: cannot open shared object file", None])
    monkeypatch.setattr(script, "version_of", lambda package: "4.10.0.84")
    monkeypatch.setattr(script, "import_error", lambda module: next(complaints))
    script.mend_opencv()
    assert script.installed == [
        ("--force-reinstall", "--no-deps", "opencv-python-headless==4.10.0.84")
    ]
