"""An OpenCV that does not load says what to install."""

import builtins
import sys

import numpy as np
import pytest

from keras_saliency._utils.opencv import in_fours


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


@pytest.mark.parametrize("channels, parts", [(1, [1]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])])
def test_channels_are_taken_at_most_four_at_once(rng, channels, parts):
    image = rng.random((5, 7, channels))
    found = in_fours(image)
    assert [part.shape for part in found] == [(5, 7, part) for part in parts]
    np.testing.assert_array_equal(np.concatenate(found, axis=-1), image)
