"""An OpenCV that does not load says what to install."""

import builtins
import sys

import pytest


@pytest.mark.parametrize(
    "original, advice",
    [
        ("libGL.so.1: cannot open shared object file", "--no-deps opencv-python-headless"),
        ("No module named 'cv2'", "OpenCV is not installed"),
        ("numpy.core.multiarray failed to import", "opencv-python>=4.10"),
    ],
)
def test_an_opencv_that_does_not_load_says_what_to_install(monkeypatch, original, advice):
    usual_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "cv2":
            raise ImportError(original)
        return usual_import(name, *args, **kwargs)

    for name in [
        name
        for name in sys.modules
        if name.startswith(("keras_saliency.rendering", "keras_saliency._utils.opencv"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError) as caught:
        __import__("keras_saliency.rendering")
    assert original in str(caught.value) and advice in str(caught.value)
