"""What a method may be called."""

import pytest
from helpers.hostile_names import HOSTILE

from keras_saliency.methods import GradCAM, get_methods


@pytest.mark.parametrize("name", [*HOSTILE, ".", "..", ".hidden", "a b", "ä", "x" * 101, "a/b",
                                  "probes", "a\n", None, 3, b"grad_cam"])  # fmt: skip
def test_a_method_of_a_hostile_name_is_refused(name):
    method = GradCAM()
    method.name = name
    with pytest.raises(ValueError, match="A method's name must be .* Received: ") as caught:
        get_methods(method)
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()
    if isinstance(name, str):
        with pytest.raises(ValueError, match="unknown method .* Pass one of"):
            get_methods(name)


@pytest.mark.parametrize("name", ["grad_cam.2", "My-Method", "x" * 100, "0"])
def test_a_method_of_a_sane_name_is_taken(name):
    method = GradCAM()
    method.name = name
    assert get_methods(method) == [method]
